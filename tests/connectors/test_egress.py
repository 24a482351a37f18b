"""The guard: which addresses are refused, that the checked address is the one called, that credentials stay at home."""

# ruff: noqa: E501, S104  (tables are read by the line)
from __future__ import annotations

import socket
from typing import Any

import pytest

from syncapp.connectors.egress import forbidden
from syncapp.connectors.errors import EgressDenied, Malformed, Misconfigured
from tests.connectors.server import Provider, Reply
from tests.connectors.shapes import LIST, client

REFUSED = [
    ("127.0.0.1", "loopback"), ("127.9.9.9", "loopback"), ("::1", "loopback"), ("10.1.2.3", "private"),
    ("172.16.0.1", "private"), ("192.168.1.1", "private"), ("169.254.169.254", "link-local"), ("fe80::1", "link-local"),
    ("fe80::1%eth0", "link-local"), ("fc00::1", "private"), ("0.0.0.0", "unspecified"), ("::", "unspecified"),
    ("224.0.0.1", "multicast"), ("ff02::1", "multicast"), ("::ffff:127.0.0.1", "loopback"), ("::ffff:10.0.0.1", "private"),
    ("64:ff9b::7f00:1", "loopback"), ("2002:7f00:1::", "loopback"), ("100.64.0.1", "reserved"), ("240.0.0.1", "private"),
    ("255.255.255.255", "private"),
]  # fmt: skip


@pytest.mark.parametrize(("address", "kind"), REFUSED)
def test_refused(address: str, kind: str) -> None:
    assert forbidden(address, allow_private=False) == kind


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:220:1:248:1893:25c8:1946", "::ffff:8.8.8.8"])
def test_public_addresses_pass(address: str) -> None:
    assert forbidden(address, allow_private=False) is None


@pytest.mark.parametrize(
    ("address", "passes"), [("127.0.0.1", True), ("10.0.0.1", True), ("224.0.0.1", False), ("0.0.0.0", False)]
)
def test_an_account_inside_the_network(address: str, passes: bool) -> None:
    assert (forbidden(address, allow_private=True) is None) is passes


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "2130706433", "0x7f.1"])
def test_the_way_home_is_refused_however_it_is_spelled(provider: Provider, host: str) -> None:
    port = provider.url.rpartition(":")[2]
    with pytest.raises(EgressDenied, match="loopback"):
        client(f"http://{host}:{port}", allow_private=False).read("people", "7")
    assert provider.asked == []


def test_a_name_that_resolves_differently_the_second_time_gains_nothing(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The resolver is the hostile outside here: it says one thing when asked first and another when asked again.
    port = int(provider.url.rpartition(":")[2])
    asked: list[str] = []

    def rebinding(host: str, port: int, *args: Any, **options: Any) -> list[Any]:
        asked.append(host)
        address = "127.0.0.1" if host == "rebind.example" and asked.count(host) == 1 else "127.0.0.2"
        found = host if host[0].isdigit() else address
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (found, port))]

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    provider.on("GET", "/people/7", Reply({"id": 7}))
    client(f"http://rebind.example:{port}").read("people", "7")
    assert asked.count("rebind.example") == 1
    assert provider.asked[0].headers["host"] == f"rebind.example:{port}"


def test_one_bad_address_among_good_ones_refuses_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    both = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, 80)) for ip in ("93.184.215.14", "10.0.0.5")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **options: both)
    with pytest.raises(EgressDenied, match=r"private address 10\.0\.0\.5"):
        client("http://mixed.example", allow_private=False).read("people", "7")


def test_a_redirect_within_the_host_keeps_the_credentials(provider: Provider) -> None:
    provider.on("GET", "/people/7", Reply(status=302, headers={"Location": "/moved/7"}))
    provider.on("GET", "/moved/7", Reply({"id": 7}))
    assert client(provider.url).read("people", "7").id == "7"
    assert provider.asked[1].headers["authorization"] == "Bearer tok-secret"


def test_credentials_never_follow_to_another_host(provider: Provider, elsewhere: Provider) -> None:
    provider.on("GET", "/people/7", Reply(status=307, headers={"Location": f"{elsewhere.url}/people/7"}))
    elsewhere.on("GET", "/people/7", Reply({"id": 7}))
    changes = {"headers": {"X-Site": "{config.server}"}}
    client(provider.url, changes).read("people", "7")
    (asked,) = elsewhere.asked
    assert "authorization" not in asked.headers and "x-site" not in asked.headers


def test_credentials_do_not_come_back_after_a_detour(provider: Provider, elsewhere: Provider) -> None:
    provider.on("GET", "/people/7", Reply(status=302, headers={"Location": f"{elsewhere.url}/there"}))
    elsewhere.on("GET", "/there", Reply(status=302, headers={"Location": f"{provider.url}/back"}))
    provider.on("GET", "/back", Reply({"id": 7}))
    client(provider.url).read("people", "7")
    assert "authorization" not in provider.asked[-1].headers


def test_every_hop_passes_the_guard(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    provider.on("GET", "/people/7", Reply(status=302, headers={"Location": "http://224.0.0.1/x"}))
    with pytest.raises(EgressDenied, match="multicast"):
        client(provider.url).read("people", "7")


@pytest.mark.parametrize("target", ["file:///etc/passwd", "gopher://127.0.0.1/x", "ftp://x/y"])
def test_only_http(provider: Provider, target: str) -> None:
    provider.on("GET", "/people/7", Reply(status=302, headers={"Location": target}))
    with pytest.raises(Misconfigured, match="http:// or https://"):
        client(provider.url).read("people", "7")


def test_a_write_is_never_sent_on(provider: Provider, elsewhere: Provider) -> None:
    provider.on("PATCH", "/people/7", Reply(status=308, headers={"Location": f"{elsewhere.url}/people/7?token=x"}))
    with pytest.raises(Misconfigured, match="redirects a write") as caught:
        client(provider.url).update("people", "7", {}, version=None, key="k")
    assert elsewhere.asked == [] and "token=x" not in str(caught.value)


def test_a_body_never_follows_to_another_host(provider: Provider, elsewhere: Provider) -> None:
    """What is asked for a subscription holds its secret; a search holds what people typed."""
    provider.on("POST", "/search", Reply(status=307, headers={"Location": f"{elsewhere.url}/search?token=x"}))
    elsewhere.on("POST", "/search", Reply({"data": []}))
    changes = {f"{LIST}.method": "POST", f"{LIST}.path": "/search", f"{LIST}.body": {"word": "secret"}}
    with pytest.raises(EgressDenied, match="redirects to another host") as caught:
        list(client(provider.url, changes).pages("people"))
    assert elsewhere.asked == [] and "token=x" not in str(caught.value)


def test_redirects_end(provider: Provider) -> None:
    provider.on("GET", "/people/7", Reply(status=302, headers={"Location": "/people/7"}))
    with pytest.raises(Malformed, match="more than 5 redirects"):
        client(provider.url).read("people", "7")


def test_the_environment_cannot_send_us_through_a_proxy(
    provider: Provider, elsewhere: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", elsewhere.url)
    provider.on("GET", "/people/7", Reply({"id": 7}))
    client(provider.url).read("people", "7")
    assert elsewhere.asked == []


def test_cookies_are_not_kept(provider: Provider) -> None:
    provider.on("GET", "/people/7", Reply({"id": 7}, headers={"Set-Cookie": "a=b"}))
    asking = client(provider.url)
    asking.read("people", "7")
    asking.read("people", "7")
    assert "cookie" not in provider.asked[1].headers

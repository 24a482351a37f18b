"""The guard at the door: which addresses may be called, and calling exactly the address that was checked.

A host name is resolved once, every answer is checked, and the connection goes to one of the checked addresses. So a
name that resolves differently a moment later (DNS rebinding) gains nothing.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.poolmanager import PoolManager
from urllib3.util.connection import create_connection

from syncapp.connectors.errors import EgressDenied, Misconfigured

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
NAT64 = ipaddress.ip_network("64:ff9b::/96")
ALLOW = "allow private addresses for this account if it really lives inside your network"


def embedded(address: IPAddress) -> list[IPAddress]:
    """The address and every IPv4 address it carries inside (mapped, 6to4, Teredo, NAT64)."""
    if isinstance(address, ipaddress.IPv4Address):
        return [address]
    inner: list[IPAddress] = [address]
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    if address.sixtofour is not None:
        inner.append(address.sixtofour)
    if address.teredo is not None:
        inner.extend(address.teredo)
    if address in NAT64:
        inner.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return inner


def forbidden(text: str, allow_private: bool) -> str | None:
    """Why this address may not be called, in one word; None if it may."""
    for address in embedded(ipaddress.ip_address(text.split("%")[0])):
        if address.is_multicast:
            return "multicast"
        if address.is_unspecified:
            return "unspecified"
        if not allow_private and not address.is_global:
            return _kind(address)
    return None


def _kind(address: IPAddress) -> str:
    if address.is_loopback:
        return "loopback"
    if address.is_link_local:
        return "link-local"
    return "private" if address.is_private else "reserved"


def resolve(host: str, port: int, allow_private: bool) -> list[str]:
    """Addresses of a host, every one of them checked. Raises EgressDenied, or OSError if there are none."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    for address in addresses:
        reason = forbidden(address, allow_private)
        if reason is not None:
            raise EgressDenied(f"{host} leads to the {reason} address {address}, which may not be called", host, ALLOW)
    return addresses


def check_url(url: str, where: str = "") -> None:
    """Refuse what is no http(s) address with a host, or what carries a password in the open."""
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        valid = False
    if not valid:
        raise Misconfigured(
            f"{shown(url)!r} is not an address that can be called", where, "http:// or https:// with a host name"
        )
    if parts.username is not None or parts.password is not None:
        raise Misconfigured(
            "the address carries a user name or password", where, "put credentials in the account's secrets"
        )


def shown(url: str) -> str:
    """An address fit for a message: no query, no credentials."""
    bare = url.split("?")[0].split("#")[0]
    scheme, separator, rest = bare.partition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2]}" if separator else bare.rpartition("@")[2]


def origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port: credentials stay within one of these."""
    parts = urlsplit(url)
    return parts.scheme.lower(), (parts.hostname or "").lower(), parts.port or (443 if parts.scheme == "https" else 80)


class _Pinned(HTTPConnection):
    """Connects to an address that passed the guard; the host name stays for TLS and the Host header."""

    allow_private = False

    def _new_conn(self) -> socket.socket:
        return pinned_socket(self, self._dns_host, self.port, self.allow_private)


class _PinnedTLS(HTTPSConnection):
    allow_private = False

    def _new_conn(self) -> socket.socket:
        return pinned_socket(self, self._dns_host, self.port, self.allow_private)


def pinned_socket(conn: HTTPConnection, host: str, port: int, allow_private: bool) -> socket.socket:
    """Resolve, check, connect to the first checked address that answers."""
    try:
        addresses = resolve(host, port, allow_private)
    except socket.gaierror as error:
        raise NameResolutionError(host, conn, error) from error
    last: Exception | None = None
    for address in addresses:
        try:
            return create_connection((address, port), conn.timeout, socket_options=conn.socket_options)
        except TimeoutError as error:
            last = ConnectTimeoutError(conn, f"{host} did not answer in {conn.timeout} s")
            last.__cause__ = error
        except OSError as error:
            last = NewConnectionError(conn, f"{host} could not be reached: {error.strerror or error}")
    raise last or NewConnectionError(conn, f"{host} has no address")


def _pools(allow_private: bool) -> Mapping[str, type[HTTPConnectionPool]]:
    plain = type("PlainConnection", (_Pinned,), {"allow_private": allow_private})
    tls = type("TLSConnection", (_PinnedTLS,), {"allow_private": allow_private})
    return {
        "http": type("PlainPool", (HTTPConnectionPool,), {"ConnectionCls": plain}),
        "https": type("TLSPool", (HTTPSConnectionPool,), {"ConnectionCls": tls}),
    }


class GuardedAdapter(HTTPAdapter):
    """A requests adapter whose every new connection passes the guard."""

    def __init__(self, allow_private: bool) -> None:
        self.allow_private = allow_private
        super().__init__(max_retries=0)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **options: Any) -> None:
        self.poolmanager = PoolManager(num_pools=connections, maxsize=maxsize, block=block, **options)
        self.poolmanager.pool_classes_by_scheme = dict(_pools(self.allow_private))

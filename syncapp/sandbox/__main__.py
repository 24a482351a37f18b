"""The command line: python -m syncapp.sandbox --dialect crm --port 8101 --data crm.sqlite --title "Acme CRM"."""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import sqlite3
import sys
import threading
from pathlib import Path

from syncapp.sandbox.book import DELETES
from syncapp.sandbox.dialects import DIALECTS
from syncapp.sandbox.faults import Faults
from syncapp.sandbox.outbox import Address
from syncapp.sandbox.portals import read_portals
from syncapp.sandbox.refusals import BadValue
from syncapp.sandbox.server import SandboxServer
from syncapp.sandbox.settings import CLIENT_SECRET, REFRESH_TOKEN, TOKEN, Settings


def arguments(given: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m syncapp.sandbox", description="A simulated SaaS.")
    parser.add_argument("--dialect", required=True, choices=sorted(DIALECTS))
    parser.add_argument("--data", required=True, type=Path, metavar="FILE.sqlite", help="made if missing")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0: the system chooses")
    parser.add_argument("--title", default="Sandbox")
    parser.add_argument("--webhook", metavar="URL", help="where changes are announced; needs --secret")
    parser.add_argument("--webhook-batch", type=int, default=1, metavar="N", help="up to N events in one delivery")
    parser.add_argument("--secret", default=os.environ.get("SANDBOX_WEBHOOK_SECRET"), help="whsec_…")
    parser.add_argument("--token", default=os.environ.get("SANDBOX_TOKEN", TOKEN), help="the API's token")
    parser.add_argument("--client", default="integration", help="who changed it, when the token was used")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="fill an empty file with N people")
    parser.add_argument("--companies", type=int, default=0, metavar="N", help="and with N companies that they work for")
    parser.add_argument("--token-ttl", type=float, default=0, metavar="SECONDS", help="access tokens expire")
    parser.add_argument("--client-secret", default=os.environ.get("SANDBOX_CLIENT_SECRET", CLIENT_SECRET))
    parser.add_argument("--refresh-token", default=os.environ.get("SANDBOX_REFRESH_TOKEN", REFRESH_TOKEN))
    parser.add_argument("--daily-quota", type=int, metavar="N", help="so many API calls until midnight UTC")
    parser.add_argument("--portals", default="", metavar="a,b", help="several sandboxes, each below /p/NAME")
    parser.add_argument("--deletes", choices=DELETES, help="where deletions are reported; default delta")
    parser.add_argument("--faults", metavar="JSON", help='for example {"webhook_lose": 0.1}')
    return parser.parse_args(given)


def settings(options: argparse.Namespace) -> Settings:
    webhook = Address.read({"url": options.webhook, "secret": options.secret}) if options.webhook else None
    faults = Faults.read(_json(options.faults)) if options.faults else None
    return Settings(
        options.dialect, options.data, options.title, webhook, faults,
        webhook_batch=options.webhook_batch, seed=options.seed, companies=options.companies, deletes=options.deletes,
        token=options.token, client=options.client,
        token_ttl=options.token_ttl, client_secret=options.client_secret, refresh_token=options.refresh_token,
        daily_quota=options.daily_quota, portals=read_portals(options.portals),
    )  # fmt: skip


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError as error:
        raise BadValue(f"--faults is not JSON: {error}.") from None


def main(given: list[str]) -> int:
    logging.basicConfig(level=logging.WARNING, format="%(name)s: %(message)s")
    options = arguments(given)
    try:
        server = SandboxServer(settings(options), options.host, options.port)
    except BadValue as error:
        return _fail(error.message)
    except (ValueError, OSError, sqlite3.Error) as error:
        return _fail(f"The sandbox cannot start with {options.data} on port {options.port}: {error}.")
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    with server:
        sys.stdout.write(f"{options.title} ({options.dialect}): {server.url}/\n")
        sys.stdout.flush()
        ended.wait()
    return 0


def _fail(sentence: str) -> int:
    sys.stderr.write(sentence + "\n")
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

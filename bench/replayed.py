"""A web server that answers each address with the bytes it got for it once: as fast as a remote system can be.

The sandbox is far slower than a real system's front; measured against it, any reader would look cheap. Runs as a
process of its own, `python -m bench.replayed ORIGIN`, and prints its port.
"""

from __future__ import annotations

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests

PATHS = "/_paths"
FORGET = "/_forget"


class Replay(BaseHTTPRequestHandler):
    """Addresses that were asked for, in order, under PATHS; FORGET begins that list anew."""

    protocol_version = "HTTP/1.1"
    # Head and body in one packet, at once: a server that waits for the reader's acknowledgement costs 40 ms a page.
    wbufsize = 1 << 20
    disable_nagle_algorithm = True
    origin = ""
    known: dict[str, bytes] = {}
    asked: list[str] = []

    def do_GET(self) -> None:
        if self.path == PATHS:
            self._answer(json.dumps(self.asked).encode())
        elif self.path == FORGET:
            self.asked.clear()
            self._answer(b"[]")
        else:
            if self.path not in self.known:
                self.known[self.path] = self._fetch()
            self.asked.append(self.path)
            self._answer(self.known[self.path])

    def _fetch(self) -> bytes:
        headers = {"Authorization": self.headers["Authorization"]}
        answer = requests.get(self.origin + self.path, headers=headers, timeout=60)
        answer.raise_for_status()
        return answer.content

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:
        """Silent: a line for each page would be measured too."""


if __name__ == "__main__":
    Replay.origin = sys.argv[1]
    server = ThreadingHTTPServer(("127.0.0.1", 0), Replay)
    sys.stdout.write(f"{server.server_address[1]}\n")
    sys.stdout.flush()
    server.serve_forever()

"""Serve a WSGI app from a thread of this process: the simulated remote systems, in tests and from a command line."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any

from waitress.server import create_server

THREADS = 16
WSGI = Callable[..., Iterable[bytes]]


class Serving:
    """One app at one address. The socket is open once this is made; it answers from `start` to `stop`."""

    def __init__(self, app: WSGI, host: str, port: int, largest_body: int, name: str) -> None:
        self._sockets: dict[int, Any] = {}
        self._stopping = threading.Event()
        self._server = create_server(
            app, host=host, port=port, threads=THREADS, map=self._sockets,
            max_request_body_size=largest_body, clear_untrusted_proxy_headers=True,
        )  # fmt: skip
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self.url = f"http://{host}:{self._server.effective_port}"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ends calls in flight; what hangs has to be let go before."""
        self._stopping.set()
        self._server.pull_trigger()
        self._thread.join(10)
        # Only now: a worker that ends wakes the loop through a pipe, which must still be there.
        self._server.task_dispatcher.shutdown()
        for socket in list(self._sockets.values()):
            socket.close()

    def _run(self) -> None:
        # Not the server's own run(): that one can be ended only by a signal in the main thread.
        pause = self._server.adj.asyncore_loop_timeout
        while not self._stopping.is_set():
            self._server.asyncore.loop(timeout=pause, map=self._sockets, use_poll=True, count=1)

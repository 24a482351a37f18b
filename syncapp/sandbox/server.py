"""Serve a sandbox, or several portals, from a thread: for tests, and for the command line."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Any

from waitress.server import create_server

from syncapp.sandbox.app import LARGEST_BODY
from syncapp.sandbox.portals import serve
from syncapp.sandbox.settings import Settings

THREADS = 16


class SandboxServer:
    """`with SandboxServer(settings) as server:` serves at `server.url` until the block ends."""

    def __init__(self, settings: Settings, host: str = "127.0.0.1", port: int = 0) -> None:
        app, self.sandboxes = serve(settings)
        self.settings = settings
        self.sandbox = self.sandboxes[0]
        self._sockets: dict[int, Any] = {}
        try:
            self._server = create_server(
                app, host=host, port=port, threads=THREADS, map=self._sockets,
                max_request_body_size=LARGEST_BODY, clear_untrusted_proxy_headers=True,
            )  # fmt: skip
        except OSError:
            self._close()
            raise
        self._thread = threading.Thread(target=self._run, name="sandbox server", daemon=True)
        self.url = f"http://{host}:{self._server.effective_port}"

    def start(self) -> SandboxServer:
        for sandbox in self.sandboxes:
            sandbox.start()
        self._thread.start()
        return self

    def stop(self) -> None:
        """Ends calls in flight and what runs behind; stopping twice is fine."""
        if self.sandbox.stopping.is_set():
            return
        for sandbox in self.sandboxes:
            sandbox.stop()
        self._server.pull_trigger()
        self._thread.join(10)
        # Only now: a worker that ends wakes the loop through a pipe, which must still be there.
        self._server.task_dispatcher.shutdown()
        for socket in list(self._sockets.values()):
            socket.close()
        self._close()

    def url_of(self, portal: str) -> str:
        return f"{self.url}/p/{portal}"

    def _close(self) -> None:
        for sandbox in self.sandboxes:
            sandbox.store.close()

    def _run(self) -> None:
        # Not the server's own run(): that one can be ended only by a signal in the main thread.
        pause = self._server.adj.asyncore_loop_timeout
        while not self.sandbox.stopping.is_set():
            self._server.asyncore.loop(timeout=pause, map=self._sockets, use_poll=True, count=1)

    def __enter__(self) -> SandboxServer:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

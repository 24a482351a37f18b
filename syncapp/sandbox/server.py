"""Serve one sandbox from a thread: for tests, and for the command line."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Any

from waitress.server import create_server

from syncapp.sandbox.app import LARGEST_BODY, Sandbox, create_app
from syncapp.sandbox.settings import Settings

THREADS = 16


class SandboxServer:
    """`with SandboxServer(settings) as server:` serves at `server.url` until the block ends."""

    def __init__(self, settings: Settings, host: str = "127.0.0.1", port: int = 0) -> None:
        app = create_app(settings)
        self.settings = settings
        self.sandbox: Sandbox = app.extensions["sandbox"]
        self._sockets: dict[int, Any] = {}
        try:
            self._server = create_server(
                app, host=host, port=port, threads=THREADS, map=self._sockets,
                max_request_body_size=LARGEST_BODY, clear_untrusted_proxy_headers=True,
            )  # fmt: skip
        except OSError:
            self.sandbox.book.store.close()
            raise
        self._thread = threading.Thread(target=self._server.run, name="sandbox server", daemon=True)
        self.url = f"http://{host}:{self._server.effective_port}"

    def start(self) -> SandboxServer:
        self.sandbox.start()
        self._thread.start()
        return self

    def stop(self) -> None:
        """Ends calls in flight and what runs behind; stopping twice is fine."""
        if self.sandbox.stopping.is_set():
            return
        self.sandbox.stop()
        # The server's loop ends when it has no socket left; its own thread must close them.
        self._server.trigger.pull_trigger(self._close_sockets)
        self._thread.join(10)
        self._server.task_dispatcher.shutdown()
        self.sandbox.book.store.close()

    def _close_sockets(self) -> None:
        for socket in list(self._sockets.values()):
            socket.close()

    def __enter__(self) -> SandboxServer:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

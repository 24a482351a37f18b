"""Serve a sandbox, or several portals, from a thread: for tests, and for the command line."""

from __future__ import annotations

from types import TracebackType

from syncapp.sandbox.app import LARGEST_BODY
from syncapp.sandbox.portals import serve
from syncapp.sandbox.settings import Settings
from syncapp.serving import Serving


class SandboxServer:
    """`with SandboxServer(settings) as server:` serves at `server.url` until the block ends."""

    def __init__(self, settings: Settings, host: str = "127.0.0.1", port: int = 0) -> None:
        app, self.sandboxes = serve(settings)
        self.settings = settings
        self.sandbox = self.sandboxes[0]
        try:
            self._serving = Serving(app, host, port, LARGEST_BODY, "sandbox server")
        except OSError:
            self._close()
            raise
        self.url = self._serving.url

    def start(self) -> SandboxServer:
        for sandbox in self.sandboxes:
            sandbox.start()
        self._serving.start()
        return self

    def stop(self) -> None:
        """Ends calls in flight and what runs behind; stopping twice is fine."""
        if self.sandbox.stopping.is_set():
            return
        for sandbox in self.sandboxes:
            sandbox.stop()
        self._serving.stop()
        self._close()

    def url_of(self, portal: str) -> str:
        return f"{self.url}/p/{portal}"

    def _close(self) -> None:
        for sandbox in self.sandboxes:
            sandbox.store.close()

    def __enter__(self) -> SandboxServer:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

"""Runs live in a browser: the page once, then an event for each change of their files. Only this machine can connect."""

import contextlib
import json
import os
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from fastgd._validation import ArgumentValueError
from fastgd.report._page import as_dict, page
from fastgd.report._runs import Run, read_run

POLL = 0.25  # seconds between looks at the files


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port: int, paths: tuple[Any, ...]):
        super().__init__(("127.0.0.1", port), _Handler)
        self.paths = paths
        self.ended = threading.Event()

    def runs(self) -> list[Run]:
        """Return the runs as far as they are; one whose file is not there yet is empty."""
        found = []
        for path in self.paths:
            try:
                found.append(read_run(path))
            except FileNotFoundError:
                found.append(Run({"name": f"{os.path.basename(path)} (waiting)"}))
            except (ArgumentValueError, OSError, UnicodeDecodeError) as error:  # replaced meanwhile by something else
                found.append(Run({"name": f"{os.path.basename(path)} (unreadable: {error})"}))
        return found

    def stamp(self) -> list[tuple[int, int] | None]:
        """Return what changes when a file does."""
        found: list[tuple[int, int] | None] = []
        for path in self.paths:
            try:
                status = os.stat(path)
                found.append((status.st_size, status.st_mtime_ns))
            except FileNotFoundError:
                found.append(None)
        return found


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        # A page elsewhere could let its name point here (DNS rebinding) and read the runs: only this machine's own names are answered.
        if self.headers.get("Host", "").rpartition(":")[0] not in ("127.0.0.1", "localhost"):
            self.send_error(403)
        elif self.path == "/":
            self._send("text/html; charset=utf-8", page(self.server.runs(), live=True).encode())
        elif self.path == "/events":
            self._events()
        else:
            self.send_error(404)

    def _send(self, kind: str, content: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(content)

    def _events(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        seen = None
        try:
            while not self.server.ended.is_set():
                stamp = self.server.stamp()
                if stamp != seen:
                    seen = stamp
                    runs = json.dumps([as_dict(run) for run in self.server.runs()], allow_nan=False)
                    self.wfile.write(f"data: {runs}\n\n".encode())
                else:
                    self.wfile.write(b": still here\n\n")  # tells us when the browser has gone
                self.wfile.flush()
                self.server.ended.wait(POLL)
        except (BrokenPipeError, ConnectionResetError):
            return

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing for each request."""


def serve(paths: Any, *, port: int = 8765, announce: Callable[[str], None] = print) -> None:
    """Show runs on this machine's own address until Ctrl-C, and follow their files as they grow.

    Parameters
    ----------
    paths : list of str or path
        Files of `RunLog`; one may appear later.
    port : int, default=8765
        0 for any free one.
    announce : callable, default=print
        Called with the address once it can be opened.

    Raises
    ------
    ArgumentValueError
        If a file is there and is no run.
    OSError
        If a file cannot be read, or the port is taken.
    """
    for path in paths:
        with contextlib.suppress(FileNotFoundError):
            read_run(path)  # what is no run is refused here, not in the browser
    try:
        opened = _Server(port, tuple(paths))
    except OSError as error:
        taken = f"port {port} cannot be opened ({error.strerror}); choose another one, or 0 for any free one"
        raise OSError(error.errno, taken) from None
    with opened as server:
        announce(f"http://127.0.0.1:{server.server_address[1]}/")
        try:
            server.serve_forever(poll_interval=0.1)
        except KeyboardInterrupt:
            pass
        finally:
            server.ended.set()

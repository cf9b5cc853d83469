"""A server on loopback that behaves as badly as it is told to."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Served:
    """A file. cuts: after how many bytes of an answer the connection ends, one for each of the first answers; pause: s before each
    `step` bytes; says: headers that replace the usual ones, "" leaving one out."""

    data: bytes
    etag: str = '"1"'
    status: int = 200
    ranges: bool = True
    heeds_if_range: bool = True
    cuts: list[int] = field(default_factory=list)
    pause: float = 0.0
    step: int = 1 << 16
    says: dict[str, str] = field(default_factory=dict)


@dataclass
class Server:
    """files by path; asked: (path, Range header) of every request, in order."""

    url: str
    files: dict[str, Served] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)


@contextmanager
def serving() -> Iterator[Server]:
    """The server, on a free port."""
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    httpd.state = Server(f"http://127.0.0.1:{httpd.server_address[1]}")  # type: ignore[attr-defined]
    thread = threading.Thread(target=lambda: httpd.serve_forever(poll_interval=0.01), daemon=True)
    thread.start()
    try:
        yield httpd.state  # type: ignore[attr-defined]
    finally:
        httpd.shutdown()
        httpd.server_close()
        thread.join()


class Handler(BaseHTTPRequestHandler):
    """One answer a connection."""

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        state: Server = self.server.state  # type: ignore[attr-defined]
        state.asked.append((self.path, self.headers.get("Range", "")))
        # a proxy is asked for whole addresses
        file = state.files.get("/" + self.path.split("/", 3)[3] if self.path.startswith("http") else self.path)
        if file is None or file.status >= 300:
            self.send_response(404 if file is None else file.status)
            for name, value in ({} if file is None else file.says).items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        first = self._first(file)
        if first >= len(file.data):
            self._head(416, file, {"Content-Range": f"bytes */{len(file.data)}", "Content-Length": "0"})
            return
        body = file.data[first:]
        usual = {"Content-Length": str(len(body)), "ETag": file.etag}
        if first:
            usual["Content-Range"] = f"bytes {first}-{len(file.data) - 1}/{len(file.data)}"
        self._head(206 if first else 200, file, usual)
        cut = file.cuts.pop(0) if file.cuts else len(body)
        with contextlib.suppress(ConnectionError):  # who asked has gone
            for start in range(0, cut, file.step):
                time.sleep(file.pause)
                self.wfile.write(body[start : min(start + file.step, cut)])
                self.wfile.flush()

    def _first(self, file: Served) -> int:
        """Which byte the answer begins with."""
        asked = self.headers.get("Range", "")
        same = self.headers.get("If-Range", file.etag) == file.etag or not file.heeds_if_range
        return int(asked.removeprefix("bytes=").rstrip("-")) if asked and file.ranges and same else 0

    def _head(self, status: int, file: Served, usual: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**usual, **file.says}.items():
            if value:
                self.send_header(name, value)
        self.end_headers()

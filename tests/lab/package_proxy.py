"""An HTTP proxy for `apt` inside the lab, whose servers have no way out of their network."""

from __future__ import annotations

import shutil
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

_HOSTS = ("deb.debian.org", "security.debian.org", "archive.debian.org")
_SECONDS = 120
_KEPT = ("content-type", "content-length", "last-modified", "etag")


class _Proxy(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if urlsplit(self.path).hostname not in _HOSTS or not self.path.startswith("http://"):
            self.send_error(403)
            return
        asked = {name: self.headers[name] for name in ("If-Modified-Since", "Range") if self.headers[name]}
        request = urllib.request.Request(self.path, headers=asked)  # noqa: S310 — http only, see above
        try:
            with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    if name.lower() in _KEPT:
                        self.send_header(name, value)
                if answer.headers["Content-Length"] is None:
                    self.send_header("Connection", "close")
                    self.close_connection = True
                self.end_headers()
                shutil.copyfileobj(answer, self.wfile)
        except urllib.error.HTTPError as problem:
            self.send_response(problem.code)
            self.send_header("Content-Length", "0")
            self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing."""


@contextmanager
def proxy_for_packages(host: str) -> Iterator[str]:
    """Its address, on a port of its own at ``host``."""
    server = ThreadingHTTPServer((host, 0), _Proxy)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://{host}:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()

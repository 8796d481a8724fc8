"""A proxy before a Vault server that writes down what is asked and can answer wrongly."""

from __future__ import annotations

import http.client
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import unquote, urlsplit

from msgspec import Struct, field


class Fault(Struct, frozen=True, kw_only=True):
    """What to answer instead. ``hangs``: nothing at all, until the proxy stops."""

    status: int = 500
    body: bytes = b'{"errors":["internal error"]}'
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})
    hangs: bool = False


DENIED = Fault(status=403, body=b'{"errors":["1 error occurred:\\n\\t* permission denied\\n\\n"]}')
SEALED = Fault(status=503, body=b'{"errors":["Vault is sealed"]}')
BROKEN = Fault(status=500)
HTML = Fault(status=200, body=b"<html><body>Please log in</body></html>", headers={"Content-Type": "text/html"})
FORBIDDEN_HTML = Fault(status=403, body=b"<html>blocked</html>", headers={"Content-Type": "text/html"})
NO_SUCH_PATH = Fault(status=404, body=b'{"errors":["1 error occurred:\\n\\t* unsupported path\\n\\n"]}')
HANGS = Fault(hangs=True)


class VaultProxy:
    """``faults``: what to answer, by pattern on ``"METHOD path"``; ``asked``: those lines, in order."""

    def __init__(self, upstream: str) -> None:
        self.faults: dict[str, Fault] = {}
        self.asked: list[str] = []
        self._stopping = threading.Event()
        proxy, target = self, urlsplit(upstream).netloc

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # headers and body in one packet, or each answer waits for an acknowledgement

            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                line = f"{self.command} {unquote(self.path).removeprefix('/v1/')}"
                proxy.asked.append(line)
                fault = next((fault for pattern, fault in proxy.faults.items() if re.search(pattern, line)), None)
                if fault is None:
                    fault = self.forward(body)
                if fault.hangs:
                    proxy._stopping.wait()
                    self.close_connection = True
                    return
                self.send_response(fault.status)
                for name, value in fault.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(fault.body)))
                self.end_headers()
                self.wfile.write(fault.body)

            do_GET = do_LIST = do_POST = do_PUT = do_SCAN = handle_any  # noqa: N815 - names that the base class looks for

            def forward(self, body: bytes) -> Fault:
                upstream = http.client.HTTPConnection(target, timeout=30)
                try:
                    headers = {name: value for name, value in self.headers.items() if name.startswith("X-Vault")}
                    upstream.request(self.command, self.path, body or None, headers)
                    response = upstream.getresponse()
                    content_type = response.headers.get("Content-Type", "application/json")
                    return Fault(status=response.status, body=response.read(), headers={"Content-Type": content_type})
                finally:
                    upstream.close()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def url(self) -> str:
        """Where to ask."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

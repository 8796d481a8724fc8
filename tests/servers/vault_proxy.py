"""A proxy before a Vault server that writes down what is asked and can answer wrongly."""

from __future__ import annotations

import re
import threading
from types import TracebackType
from urllib.parse import unquote

from msgspec import Struct, field

from tests.servers.proxy import Answer, Proxy, Request


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


class VaultProxy(Proxy):
    """``faults``: what to answer, by pattern on ``"METHOD path"``; ``asked``: those lines, in order."""

    def __init__(self, upstream: str) -> None:
        super().__init__(upstream)
        self.faults: dict[str, Fault] = {}
        self.asked: list[str] = []
        self._stopping = threading.Event()

    def answer(self, request: Request) -> Answer | None:
        """The fault of the first pattern that matches, else the server's answer."""
        line = f"{request.method} {unquote(request.path).removeprefix('/v1/')}"
        self.asked.append(line)
        fault = next((fault for pattern, fault in self.faults.items() if re.search(pattern, line)), None)
        if fault is None:
            return self.forward(request)
        if fault.hangs:
            self._stopping.wait()
            return None
        return Answer(fault.status, fault.headers, fault.body)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        super().__exit__(kind, error, trace)

"""A proxy that learns what a server answers, and then gives other answers."""

from __future__ import annotations

import json
from typing import Any

from tests.servers.proxy import Answer, Proxy, Request


class HostileProxy(Proxy):
    """``learnt``: the JSON of every good answer by its request, until there is something in ``instead`` of one."""

    def __init__(self, upstream: str) -> None:
        super().__init__(upstream)
        self.learnt: dict[str, Any] = {}
        self.instead: dict[str, Any] = {}

    def answer(self, request: Request) -> Answer | None:
        """The server's answer, unless another one stands in its place."""
        asked = f"{request.method} {request.path} {request.body.decode()}"
        if asked in self.instead:
            return Answer(200, {"Content-Type": "application/json"}, json.dumps(self.instead[asked]).encode())
        answer = self.forward(request)
        if answer.status == 200 and not self.instead:
            self.learnt[asked] = json.loads(answer.body)
        return answer

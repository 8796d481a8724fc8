"""A server that answers every request of every provider in one wrong way."""

from __future__ import annotations

import gzip
import itertools
from typing import Literal, get_args

from connectors.testing import Asked, Reply, Server, drip

Manner = Literal["page", "error", "empty", "headers drip", "body drips", "endless", "bomb", "endless pages"]

PAGE = b"<html><body>Please log in</body></html>"
BOMB = 64 * 1024 * 1024
"""Bytes that a short answer unpacks to."""
_REPLIES = {
    "page": Reply(body=PAGE, headers={"Content-Type": "text/html"}),
    "error": Reply(body=PAGE, status=500, headers={"Content-Type": "text/html"}),
    "empty": Reply(body={}),
    "headers drip": Reply(raw=True, pieces=lambda: drip(b"X-Padding: ")),
    "body drips": Reply(pieces=lambda: drip(b"{")),
    "endless": Reply(pieces=lambda: itertools.repeat(b" " * 65536)),
}


class HostileServer(Server):
    """Listens on loopback; a context manager. It answers however often it is asked."""

    def __init__(self, manner: Manner) -> None:
        assert manner in get_args(Manner)
        bomb = Reply(body=gzip.compress(bytes(BOMB), 1), headers={"Content-Encoding": "gzip"})
        self._reply = bomb if manner == "bomb" else _REPLIES.get(manner)
        super().__init__(self._answered, most=None)

    def _answered(self, asked: Asked) -> Reply:
        if self._reply is not None:
            return self._reply
        number = str(len(self.asked))
        link = f"{{url}}{asked.path}?$skiptoken={number}"
        return Reply(body={"value": [], "@odata.nextLink": link, "nextLink": link, "nextPageToken": number})

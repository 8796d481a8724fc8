"""A TCP proxy that cuts connections: when reported to, after so many bytes, or as soon as something passes."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

_AT_ONCE = 65536
_RESET = struct.pack("ii", 1, 0)

Cut = Callable[[bytes], bool]


class TcpProxy:
    """Passes everything on to ``port`` on loopback, from ``self.port``. A context manager.

    ``cut_upward`` and ``cut_downward`` look at what goes to the server and what comes back; where one says so, the
    connection is reset instead of passing it on, once.
    """

    def __init__(self, port: int) -> None:
        self._upstream = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.cut_upward: Cut | None = None
        self.cut_downward: Cut | None = None
        self.cuts = 0
        self.refuses = False

    def __enter__(self) -> Self:
        threading.Thread(target=self._listen, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.close()

    def _listen(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if self.refuses:
                    client.close()
                    continue
                server = socket.create_connection(("127.0.0.1", self._upstream))
                for source, target, upward in ((client, server, True), (server, client, False)):
                    threading.Thread(target=self._pass, args=(source, target, upward), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket, upward: bool) -> None:
        with contextlib.suppress(OSError), source, target:
            while data := source.recv(_AT_ONCE):
                if self._cuts(data, upward=upward):
                    for end in (source, target):
                        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                        end.shutdown(socket.SHUT_RDWR)
                    return
                target.sendall(data)

    def _cuts(self, data: bytes, *, upward: bool) -> bool:
        name = "cut_upward" if upward else "cut_downward"
        cut: Cut | None = getattr(self, name)
        if cut is None or not cut(data):
            return False
        setattr(self, name, None)
        self.cuts += 1
        return True

"""A server that speaks LDAP as a script says: what each message is answered with, byte by byte if need be."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self

from connectors.ldap.client import ber, messages

Answering = Callable[[int, int, bytes], Iterable[bytes]]
"""Takes the number of a message, the tag of its operation, and the whole message; returns what is sent."""


def ended(number: int, tag: int, code: int = 0, text: str = "", controls: bytes = b"") -> bytes:
    """The end of an operation."""
    body = ber.tlv(tag, ber.integer(code, ber.ENUMERATED), ber.octets(""), ber.octets(text))
    return ber.tlv(ber.SEQUENCE, ber.integer(number), body, controls)


def found(number: int, dn: str, **values: str | bytes | Sequence[str | bytes]) -> bytes:
    """An entry."""
    attributes = []
    for name, value in values.items():
        several = [value] if isinstance(value, (str, bytes)) else list(value)
        held = ber.tlv(ber.SET, *map(ber.octets, several))
        attributes.append(ber.tlv(ber.SEQUENCE, ber.octets(name), held))
    body = ber.tlv(messages.ENTRY, ber.octets(dn), ber.tlv(ber.SEQUENCE, *attributes))
    return ber.tlv(ber.SEQUENCE, ber.integer(number), body)


def page(cookie: bytes) -> bytes:
    """The control of a page's end."""
    value = ber.tlv(ber.SEQUENCE, ber.integer(0), ber.octets(cookie))
    return ber.tlv(0xA0, ber.tlv(ber.SEQUENCE, ber.octets(messages.PAGED), ber.octets(value)))


ROOT = {"namingContexts": "dc=example,dc=org", "objectClass": "top"}


def healthy(number: int, tag: int, message: bytes) -> Iterable[bytes]:
    """A directory without entries besides its base."""
    if tag == messages.BIND:
        yield ended(number, messages.BOUND)
    elif tag == messages.SEARCH:
        if b"namingContexts" in message:
            yield found(number, "", **ROOT)
        elif b"\x0a\x01\x00\x0a\x01\x00" in message[:80]:
            yield found(number, "dc=example,dc=org", objectClass="domain")
        yield ended(number, messages.DONE)


class LdapServer:
    """Listens on loopback; a context manager. ``asked``: all messages."""

    def __init__(self, answering: Answering = healthy) -> None:
        self._answering = answering
        self.asked: list[bytes] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"ldap://127.0.0.1:{self._listening.getsockname()[1]}"
        self._open: list[socket.socket] = []

    def __enter__(self) -> Self:
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def _serve(self) -> None:
        while True:
            try:
                caller, _ = self._listening.accept()
            except OSError:
                return
            self._open.append(caller)
            threading.Thread(target=self._talk, args=(caller,), daemon=True).start()

    def _talk(self, caller: socket.socket) -> None:
        read = bytearray()
        with suppress(OSError), caller:
            while True:
                while (head := ber.header(read, 0)) is None or len(read) < head[2]:
                    piece = caller.recv(65536)
                    if not piece:
                        return
                    read += piece
                message = bytes(read[: head[2]])
                del read[: head[2]]
                self.asked.append(message)
                number, tag, _, _ = messages.response(message)
                for sent in self._answering(number, tag, message):
                    caller.sendall(sent)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listening.close()
        for one in self._open:
            one.close()

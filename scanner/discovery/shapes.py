"""Makes types known to msgspec before threads decode them.

msgspec works out how to decode a type when it is first used, and crashes the process (a segmentation fault, as of
0.22) where two threads come to that at the same moment, as they do when the scopes of a source are begun all at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from threading import Lock

import msgspec
from msgspec import Struct

_learning = Lock()
_begun: set[type] = set()
"""Kinds of connectors: their modules, and so their types, are loaded by the time that their work begins."""


def learn_before(kind: type) -> None:
    """Make every record and payload type known that was defined by now, before work of this kind is begun.

    Whoever comes meanwhile waits; after the first time it costs nothing.
    """
    with _learning:
        if kind not in _begun:
            _begun.add(kind)
            _learn_all()


def _learn_all() -> None:
    for one in _every(Struct):
        # What cannot be decoded is not decoded by anybody.
        with suppress(TypeError, NameError):
            msgspec.json.Decoder(one)


def _every(kind: type[Struct]) -> Iterator[type[Struct]]:
    for one in kind.__subclasses__():
        yield one
        yield from _every(one)

"""Who is nobody: machines and shared accounts, which a text that should name a person may name instead."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.resources import files

import msgspec
from msgspec import Struct

from scanner.matching.globs import GlobIndex
from scanner.matching.keys import fold


class _Denied(Struct, frozen=True, forbid_unknown_fields=True):
    words: frozenset[str]
    prefixes: tuple[str, ...]
    suffixes: tuple[str, ...]


_DENIED = msgspec.toml.decode(files("scanner.registry.roster").joinpath("machines.toml").read_bytes(), type=_Denied)


def is_machine(text: str) -> bool:
    """Whether a text that should name a person stands on the deny-list, itself or as the name in an e-mail."""
    name = fold(text.strip())
    return (
        not _DENIED.words.isdisjoint({name, name.partition("@")[0]})
        or name.startswith(_DENIED.prefixes)
        or name.endswith(_DENIED.suffixes)
    )


class Machines:
    """The deny-list, what this organisation adds to it, and the non-human identities that were discovered.

    ``patterns``: globs, without regard to case. ``discovered``: whether a text names a discovered machine.
    """

    def __init__(self, patterns: Sequence[str], discovered: Callable[[str], bool]) -> None:
        self._patterns = GlobIndex(((pattern, pattern) for pattern in patterns), ignore_case=True)
        self.discovered = discovered

    def configured(self, text: str) -> bool:
        """Whether the organisation itself says that this is nobody, whatever the roster says."""
        return bool(self._patterns.hits(text.strip()))

    def denied(self, text: str) -> bool:
        """Whether it is on the deny-list, the built-in one or the organisation's."""
        return is_machine(text) or self.configured(text)

    def __contains__(self, text: str) -> bool:
        return self.denied(text) or self.discovered(text)

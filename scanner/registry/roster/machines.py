"""Names of machines and shared accounts, which a text may have in place of an owner."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct

from scanner.catalog import read_table
from scanner.matching.globs import GlobIndex
from scanner.matching.keys import fold


class _Denied(Struct, frozen=True, forbid_unknown_fields=True):
    words: frozenset[str]
    prefixes: tuple[str, ...]
    suffixes: tuple[str, ...]


_DENIED = read_table("scanner.registry.roster", "machines.toml", _Denied)


def is_machine(text: str) -> bool:
    """Return whether a text, or the local part of its e-mail, is on the built-in deny-list."""
    name = fold(text.strip())
    return (
        not _DENIED.words.isdisjoint({name, name.partition("@")[0]})
        or name.startswith(_DENIED.prefixes)
        or name.endswith(_DENIED.suffixes)
    )


class Machines:
    """The deny-list, the organisation's additions, and the discovered non-human identities.

    ``patterns``: globs, ignoring case. ``discovered``: returns whether a text names a discovered machine.
    """

    def __init__(self, patterns: Sequence[str], discovered: Callable[[str], bool]) -> None:
        self._patterns = GlobIndex(((pattern, pattern) for pattern in patterns), ignore_case=True)
        self.discovered = discovered

    def configured(self, text: str) -> bool:
        """Return whether the organisation's own patterns match, which takes precedence over the roster."""
        return bool(self._patterns.hits(text.strip()))

    def denied(self, text: str) -> bool:
        """Return whether the deny-list or the organisation's patterns match."""
        return is_machine(text) or self.configured(text)

    def __contains__(self, text: str) -> bool:
        return self.denied(text) or self.discovered(text)

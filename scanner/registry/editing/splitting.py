"""Gives one identity of an entry that stands for several an entry of its own; pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date

from msgspec.structs import replace

from scanner.matching.globs import is_pattern
from scanner.matching.ladder import match
from scanner.model import Entry, Identity
from scanner.registry.columns import REGISTRY
from scanner.registry.editing.values import Value, literal_identity

_ITS_OWN = frozenset({"id", "name", "identities", "provider", "scope", "owner", "team", "credentials"})
"""Columns that the new entry does not take over as they are."""
_STANDS_FOR = frozenset({"registered", "ambiguous"})


def taken_over(entry: Entry, identity: Identity, others: Sequence[Identity]) -> dict[str, Value]:
    """What the entry of its own takes over: all but who owns it and what it is called.

    Credentials of the ``others`` stay with them: they would match them again.
    """
    cells = {name: getattr(entry, name, None) for name in REGISTRY.names if name not in _ITS_OWN}
    theirs = {text for other in others for one in other.credentials for text in (one.id, one.key) if text}
    theirs -= {text for one in identity.credentials for text in (one.id, one.key) if text}
    cells["credentials"] = tuple(text for text in entry.credentials if text not in theirs)
    return {name: value for name, value in cells.items() if value not in (None, (), "")}


def without(
    entry: Entry, gone: Sequence[Identity], staying: Sequence[Identity], *, tag_keys: Sequence[str], today: date
) -> tuple[str, ...]:
    """The identities that the entry names afterwards: not those ``gone``, and all that are ``staying``.

    Patterns, and names that those who stay bear as well, remain: the key in the entry of its own counts before them.
    """
    everybody = [*gone, *staying]

    def covered(entry: Entry, identities: Sequence[Identity]) -> frozenset[str]:
        verdicts = match(identities, [entry], tag_keys=tag_keys, today=today).verdicts
        return frozenset(
            key for key, verdict in verdicts.items() if verdict.state in _STANDS_FOR or verdict.proposed is not None
        )

    leaving = frozenset(one.key for one in gone)
    bare = replace(entry, credentials=())

    def remains(text: str) -> bool:
        if is_pattern(text):
            return True
        named = covered(replace(bare, identities=(text,)), everybody)
        return not named or not named <= leaving

    kept = tuple(text for text in entry.identities if remains(text))
    after = replace(entry, identities=kept) if kept else None
    still = covered(after, staying) if after else frozenset()
    missing = [literal_identity(one.key) for one in staying if one.key not in still]
    return (*kept, *missing)


def one_by_one(
    covered: Mapping[str, Collection[str]], wanted: Mapping[str, tuple[str, str]], by_pattern: Collection[str]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each identity that gets an entry of its own, and those that stay with the old one.

    ``covered``: by entry, the keys that it stands for. ``wanted``: by key of an identity, its entry and the new owner.
    ``by_pattern``: those that a pattern of their entry matches, which may match others tomorrow. The last of the others
    that is left in an entry keeps it; so do all, where all get the same owner.
    """
    for entry, keys in covered.items():
        here = [key for key in sorted(keys) if wanted.get(key, ("", ""))[0] == entry]
        owners = {wanted[key][1] for key in here}
        if len(here) == len(keys) and len(owners) == 1 and not any(key in by_pattern for key in here):
            continue
        left = set(keys)
        for key in here:
            if len(left) == 1 and key not in by_pattern:
                break
            left.discard(key)
            yield key, tuple(sorted(left))

"""What became of an identity's credentials: added, removed, rotated, switched on or off. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import zip_longest

from scanner.diff.records import Difference
from scanner.model import Credential


def credential_differences(before: Sequence[Credential], after: Sequence[Credential]) -> Iterator[Difference]:
    """Each credential that is not as it was; an old one and a new one of the same kind are one that was rotated."""
    old, new = {one.key: one for one in before}, {one.key: one for one in after}
    gone, come = _by_kind(old, new), _by_kind(new, old)
    for kind in sorted({*gone, *come}):
        for removed, added in zip_longest(gone[kind], come[kind]):
            yield _difference(_named(removed), _named(added), "rotated" if removed and added else "")
    for key in sorted(old.keys() & new.keys()):
        yield from _changes(old[key], new[key])


def _by_kind(some: dict[str, Credential], others: dict[str, Credential]) -> defaultdict[str, list[Credential]]:
    """Those that the others lack, by kind."""
    lacking: defaultdict[str, list[Credential]] = defaultdict(list)
    for key in sorted(some.keys() - others.keys()):
        lacking[some[key].kind].append(some[key])
    return lacking


def _changes(old: Credential, new: Credential) -> Iterator[Difference]:
    """What is another of the same credential."""
    name = _named(new)
    if old.created_at and new.created_at and old.created_at != new.created_at:
        yield _difference(f"{name} of {_day(old.created_at)}", f"{name} of {_day(new.created_at)}", "rotated")
    if old.enabled is not None and new.enabled is not None and old.enabled != new.enabled:
        yield _difference(f"{name} {_switched(old)}", f"{name} {_switched(new)}")
    if (old.expires_at, old.never_expires) != (new.expires_at, new.never_expires):
        yield _difference(f"{name} {_expiry(old)}", f"{name} {_expiry(new)}")


def _difference(before: str | None, after: str | None, what: str = "") -> Difference:
    return Difference(aspect="credentials", before=before, after=f"{after} ({what})" if after and what else after)


def _named(credential: Credential | None) -> str | None:
    return None if credential is None else f"{credential.kind} {credential.id}"


def _switched(credential: Credential) -> str:
    return "on" if credential.enabled else "off"


def _expiry(credential: Credential) -> str:
    if credential.never_expires:
        return "never expires"
    return f"expires {_day(credential.expires_at)}" if credential.expires_at else "with no known end"


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}"

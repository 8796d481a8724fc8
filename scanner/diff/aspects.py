"""What became of an identity's credentials: added, removed, rotated, switched on or off. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import pairwise, zip_longest
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from scanner.diff.records import Difference, Era
from scanner.model import Aspect, Assessment, Credential, Fact, Grant, Link, PrivilegeLevel, Trust


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


# --- What is another of an identity: aspect by aspect, and never what only a gap makes look so. Pure ---
#
# When it was last used is no change, nor are a description or a tag by themselves.

NAMED = 10
"""So many grants, links or trusts are named; the rest is counted."""
NOT_READ_BEFORE = "could not be read in the scan before, so it may be older"

_LEVELS: Mapping[PrivilegeLevel, int] = {"normal": 0, "high": 1, "escalation": 2, "admin": 3}
_UNTOLD = frozenset({"normal", "unknown"})
"""From one of these to the other is what a place that cannot be read, or can be again, does to everybody at once."""
_WORDS = {True: "yes", False: "no", None: "unknown"}


class _State(Struct, frozen=True):
    """An aspect that is one state, how it is told, and whether two of them can be compared at all."""

    aspect: Aspect
    told: Callable[[Assessment], str | None]
    is_told: Callable[[Assessment], bool] = lambda _: True


def _is_matched(one: Assessment) -> bool:
    """Whether no gap hides what its entry, and so its owner, would be; without a registry there is none to compare."""
    return not one.registry.provisional and one.registry.state != "unchecked"


def _has_owner_checked(one: Assessment) -> bool:
    return _is_matched(one) and one.ownership.state != "unchecked"


def _registry(one: Assessment) -> str:
    return f"{one.registry.state}, entry {one.registry.entry}" if one.registry.entry else one.registry.state


def _ownership(one: Assessment) -> str:
    reason = one.ownership.reason
    return f"{one.ownership.state} ({reason.replace('_', ' ')})" if reason else one.ownership.state


_STATES: tuple[_State, ...] = (
    _State("agent", lambda one: _WORDS[one.agent.is_agent]),
    _State("nature", lambda one: one.nature.verdict.replace("_", "-")),
    _State("registry", _registry, _is_matched),
    _State("ownership", _ownership, _has_owner_checked),
    _State("owner", lambda one: one.ownership.owner, _is_matched),
    _State("environment", lambda one: one.identity.environment, lambda one: "tags" not in one.identity.unread),
    _State("enabled", lambda one: _WORDS[one.identity.enabled]),
    _State("usage", lambda one: one.usage.state.replace("_", " "), lambda one: "use" not in one.identity.unread),
)


def differences(before: Assessment, after: Assessment, unread: Collection[Fact] = ()) -> tuple[Difference, ...]:
    """All that is another, what matters most first; empty where only dates of use, words or tags are.

    ``unread``: facts that may have come to light since, as a place that adds them to others' could not be read before.
    """
    old, new = before.identity, after.identity
    unread = (*old.unread, *unread)
    return (
        *_replaced(before, after),
        *_doubted(_permissions(before, after), "permissions", unread),
        *_doubted(_sets("links", map(_link, old.links), map(_link, new.links), grows=True), "permissions", unread),
        *_doubted(_sets("trust", map(_trust, old.trusts), map(_trust, new.trusts)), "trusts", unread),
        *_doubted(credential_differences(old.credentials, new.credentials), "credentials", unread),
        *_states(before, after),
    )


def _replaced(before: Assessment, after: Assessment) -> Iterator[Difference]:
    """Deleted and made anew: what was approved is another identity."""
    old, new = before.identity.unique_id, after.identity.unique_id
    if old is not None and new is not None and old != new:
        yield Difference(aspect="unique_id", before=old, after=new)


def _states(before: Assessment, after: Assessment) -> Iterator[Difference]:
    for state in _STATES:
        old, new = state.told(before), state.told(after)
        if old != new and state.is_told(before) and state.is_told(after):
            yield Difference(aspect=state.aspect, before=old, after=new)


def _permissions(before: Assessment, after: Assessment) -> Iterator[Difference]:
    old, new = before.privilege.level, after.privilege.level
    grew = old in _LEVELS and new in _LEVELS and _LEVELS[new] > _LEVELS[old]
    if old != new:
        if {old, new} != _UNTOLD:
            yield Difference(aspect="privilege", before=old, after=new, reach_grew=grew)
    elif "permissions" not in (*before.identity.unread, *after.identity.unread):
        # The same word for it, and yet a further way there.
        yield from _sets("permissions", _evidence(before), _evidence(after), grows=True)
    yield from _sets("permissions", map(_grant, before.identity.grants), map(_grant, after.identity.grants), grows=True)


def _evidence(one: Assessment) -> Iterator[str]:
    if one.privilege.level not in ("normal", "unknown"):
        yield from one.privilege.evidence


def _sets(aspect: Aspect, before: Iterable[str], after: Iterable[str], *, grows: bool = False) -> Iterator[Difference]:
    """What went and what came, as one difference. ``grows``: what comes is further reach."""
    old, new = frozenset(before), frozenset(after)
    if old != new:
        come = new - old
        yield Difference(aspect=aspect, before=_listed(old - new), after=_listed(come), reach_grew=grows and bool(come))


def _doubted(found: Iterable[Difference], fact: Fact, unread: Collection[Fact]) -> Iterator[Difference]:
    """What seems to have come may only have come to light, where the scan before could not read such facts."""
    for one in found:
        yield replace(one, caveat=NOT_READ_BEFORE, reach_grew=False) if fact in unread and one.after else one


def _listed(texts: frozenset[str]) -> str | None:
    first = sorted(texts)[:NAMED]
    more = [f"and {len(texts) - NAMED} more"] if len(texts) > NAMED else []
    return "; ".join((*first, *more)) if texts else None


def _grant(grant: Grant) -> str:
    on = f" on {grant.resource}" if grant.resource else ""
    return f"{grant.name} via {grant.via}{on}{' [admin]' if grant.admin else ''}"


def _link(link: Link) -> str:
    return f"{link.relation} {link.target}"


def _trust(trust: Trust) -> str:
    limits = "" if trust.restriction == "exact" else f", {trust.restriction} restriction"
    return f"{trust.kind} {trust.principal}{' (external)' if trust.external else ''}{limits}"


# --- The history of one identity: what was different from one version to the next. Pure ---

Version: TypeAlias = tuple[datetime, datetime | None, Assessment]
"""Since when, until when (None: still so), and what it was."""


def eras(versions: Sequence[Version]) -> tuple[Era, ...]:
    """Each version with what it differs in from the one before. ``versions``: oldest first."""
    return tuple(_eras(versions))


def _eras(versions: Sequence[Version]) -> Iterator[Era]:
    for since, until, first in versions[:1]:
        yield Era(since=since, until=until, states=_timeline_states(first))
    for (_, ended, before), (since, until, after) in pairwise(versions):
        found = differences(before, after)
        yield Era(since=since, until=until, differences=found, was_gone=ended != since)


def _timeline_states(one: Assessment) -> tuple[str, ...]:
    return one.registry.state, one.ownership.state, one.usage.state, one.privilege.level


# --- Whom to ask about a change and what to do next, in a sentence. Pure ---

_JOINED: Mapping[str, str] = {
    "unregistered": "Declare it with an owner, or switch it off.",
    "ambiguous": "Decide which entry stands for it.",
}
_GREW = "Confirm that it needs this, or take it back."
_MOVED: Mapping[Aspect, str] = {
    "unique_id": "It was deleted and made anew: confirm that its entry still stands for it.",
    "trust": "Confirm who may become it.",
    "nature": "Check what it is now: people and machines should not share an account.",
}
"""By aspect, where what came is what asks for something."""
_BECAME: Mapping[tuple[Aspect, str], str] = {
    ("agent", "yes"): "Declare what this agent may do, and who answers for it.",
    ("registry", "unregistered"): "Declare it again, or switch it off.",
    ("registry", "ambiguous"): "Decide which entry stands for it.",
    ("ownership", "orphaned"): "Name a new owner.",
    ("enabled", "yes"): "Confirm that it is meant to be in use.",
    ("usage", "dormant"): "Ask whether it is still needed.",
    ("usage", "never used"): "Ask whether it is still needed.",
}
"""By aspect and the first words of what it became."""
AFTER_RENAMING = "It is the same identity: write its new key into entry {entry}."
RETURNED = "Find out who brought it back, and why."
NOT_RECHECKED = "Close the gap: the coverage view says what is missing."


def after_joining(one: Assessment) -> str | None:
    """What a newcomer needs; none where it is declared or needs no declaration."""
    return _JOINED.get(one.registry.state)


def after_leaving(one: Assessment) -> str | None:
    """What somebody who left leaves to do."""
    return f"Retire its entry {one.registry.entry}, if it is gone for good." if one.registry.entry else None


def after_moving(one: Difference) -> str | None:
    """What a difference asks for, if anything."""
    if one.reach_grew:
        return _GREW
    if one.after is None:
        return None
    if one.aspect == "credentials":
        return None if one.before else "Confirm that the new credential is expected."
    became = next((step for (aspect, word), step in _BECAME.items() if _is(one, aspect, word)), None)
    return became or _MOVED.get(one.aspect)


def _is(one: Difference, aspect: Aspect, word: str) -> bool:
    return one.aspect == aspect and (one.after or "").startswith(word)

"""The differences between two versions of an identity, and the next step for each. Pure."""

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
from scanner.text import few


def credential_differences(before: Sequence[Credential], after: Sequence[Credential]) -> Iterator[Difference]:
    """Changed credentials. A removed and an added one of the same kind count as rotated."""
    old, new = {one.key: one for one in before}, {one.key: one for one in after}
    gone, come = _by_kind(old, new), _by_kind(new, old)
    for kind in sorted({*gone, *come}):
        for removed, added in zip_longest(gone[kind], come[kind]):
            yield _difference(_named(removed), _named(added), "rotated" if removed and added else "")
    for key in sorted(old.keys() & new.keys()):
        yield from _changes(old[key], new[key])


def _by_kind(some: dict[str, Credential], others: dict[str, Credential]) -> defaultdict[str, list[Credential]]:
    """Credentials that ``others`` lacks, by kind."""
    lacking: defaultdict[str, list[Credential]] = defaultdict(list)
    for key in sorted(some.keys() - others.keys()):
        lacking[some[key].kind].append(some[key])
    return lacking


def _changes(old: Credential, new: Credential) -> Iterator[Difference]:
    """Differences between two versions of a credential."""
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
    return "enabled" if credential.enabled else "disabled"


def _expiry(credential: Credential) -> str:
    if credential.never_expires:
        return "never expires"
    return f"expires {_day(credential.expires_at)}" if credential.expires_at else "without a known expiry"


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}"


# --- Differences by aspect, without those that only a gap causes ---
#
# The date of last use, descriptions and tags are no changes.

NAMED = 10
"""Maximum number of grants, links or trusts that are named; the rest are counted."""
NOT_READ_BEFORE = "could not be read in the scan before, so it may be older"

_LEVELS: Mapping[PrivilegeLevel, int] = {"normal": 0, "high": 1, "escalation": 2, "admin": 3}
_GAP_LEVELS = frozenset({"normal", "unknown"})
"""Changes between these come from a place that became unreadable or readable, not from the identity."""
_WORDS = {True: "yes", False: "no", None: "unknown"}


class _State(Struct, frozen=True):
    """An aspect with a single state. ``text``: the state; ``is_known``: whether it can be compared."""

    aspect: Aspect
    text: Callable[[Assessment], str | None]
    is_known: Callable[[Assessment], bool] = lambda _: True


def _is_matched(assessment: Assessment) -> bool:
    """Whether the entry, and so the owner, is known: not without a registry, nor under a gap."""
    return not assessment.registry.provisional and assessment.registry.state != "unchecked"


def _has_owner_checked(assessment: Assessment) -> bool:
    return _is_matched(assessment) and assessment.ownership.state != "unchecked"


def _registry(assessment: Assessment) -> str:
    return (
        f"{assessment.registry.state}, entry {assessment.registry.entry}"
        if assessment.registry.entry
        else assessment.registry.state
    )


def _ownership(assessment: Assessment) -> str:
    reason = assessment.ownership.reason
    return f"{assessment.ownership.state} ({reason.replace('_', ' ')})" if reason else assessment.ownership.state


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
    """All differences, the most important first.

    ``unread``: facts of a place that could not be read before, so that they may be older.
    """
    old, new = before.identity, after.identity
    unread = (*old.unread, *unread)
    return (
        *_replaced(before, after),
        *_held(_permissions(before, after), "permissions", unread),
        *_held(_sets("links", map(_link, old.links), map(_link, new.links), grows=True), "permissions", unread),
        *_held(_sets("trust", map(_trust, old.trusts), map(_trust, new.trusts)), "trusts", unread),
        *_held(credential_differences(old.credentials, new.credentials), "credentials", unread),
        *_states(before, after),
    )


def _replaced(before: Assessment, after: Assessment) -> Iterator[Difference]:
    """Deleted and recreated: the approval was for another identity."""
    old, new = before.identity.unique_id, after.identity.unique_id
    if old is not None and new is not None and old != new:
        yield Difference(aspect="unique_id", before=old, after=new)


def _states(before: Assessment, after: Assessment) -> Iterator[Difference]:
    for state in _STATES:
        old, new = state.text(before), state.text(after)
        if old != new and state.is_known(before) and state.is_known(after):
            yield Difference(aspect=state.aspect, before=old, after=new)


def _permissions(before: Assessment, after: Assessment) -> Iterator[Difference]:
    old, new = before.privilege.level, after.privilege.level
    grew = old in _LEVELS and new in _LEVELS and _LEVELS[new] > _LEVELS[old]
    if old != new:
        if {old, new} != _GAP_LEVELS:
            yield Difference(aspect="privilege", before=old, after=new, reach_grew=grew)
    elif "permissions" not in (*before.identity.unread, *after.identity.unread):
        for one in _sets("permissions", _evidence(before), _evidence(after)):
            yield replace(one, reach_grew=_is_more(before, after))
    yield from _sets("permissions", map(_grant, before.identity.grants), map(_grant, after.identity.grants), grows=True)


def _evidence(assessment: Assessment) -> Iterator[str]:
    if assessment.privilege.level not in ("normal", "unknown"):
        yield from assessment.privilege.evidence


def _is_more(before: Assessment, after: Assessment) -> bool:
    """Whether new evidence of the same level is a new fact: one more, of its own, or somebody else it makes an admin.

    A path through others is an example, the shortest of many: another one in its place leads no further.
    """
    old, new = set(_evidence(before)), set(_evidence(after))
    had_paths = not old <= set(before.identity.privilege.evidence)
    is_swapped = had_paths and not old <= new and (new - old).isdisjoint(after.identity.privilege.evidence)
    return (not is_swapped and not new <= old) or not _made(after) <= _made(before)


def _made(assessment: Assessment) -> frozenset[str]:
    return frozenset(assessment.privilege.makes_admin)


def _sets(aspect: Aspect, before: Iterable[str], after: Iterable[str], *, grows: bool = False) -> Iterator[Difference]:
    """Removed and added items as one difference. ``grows``: added items extend the reach."""
    old, new = frozenset(before), frozenset(after)
    if old != new:
        come = new - old
        yield Difference(aspect=aspect, before=_listed(old - new), after=_listed(come), reach_grew=grows and bool(come))


def _held(found: Iterable[Difference], fact: Fact, unread: Collection[Fact]) -> Iterator[Difference]:
    """Add a caveat to additions if the scan before could not read such facts."""
    for one in found:
        yield replace(one, caveat=NOT_READ_BEFORE, reach_grew=False) if fact in unread and one.after else one


def _listed(texts: frozenset[str]) -> str | None:
    return few(sorted(texts), NAMED, "; ") if texts else None


def _grant(grant: Grant) -> str:
    on = f" on {grant.resource}" if grant.resource else ""
    return f"{grant.name} via {grant.via}{on}{' [admin]' if grant.admin else ''}"


def _link(link: Link) -> str:
    return f"{link.relation} {link.target}"


def _trust(trust: Trust) -> str:
    limits = "" if trust.restriction == "exact" else f", {trust.restriction} restriction"
    return f"{trust.kind} {trust.principal}{' (external)' if trust.external else ''}{limits}"


# --- The history of one identity ---

Version: TypeAlias = tuple[datetime, datetime | None, Assessment]
"""Start, end (None: current), and the version."""


def eras(versions: Sequence[Version]) -> tuple[Era, ...]:
    """Each version with its differences from the one before. ``versions``: oldest first."""
    return tuple(_eras(versions))


def _eras(versions: Sequence[Version]) -> Iterator[Era]:
    for since, until, first in versions[:1]:
        yield Era(
            since=since,
            until=until,
            states=(first.registry.state, first.ownership.state, first.usage.state, first.privilege.level),
        )
    for (_, ended, before), (since, until, after) in pairwise(versions):
        found = differences(before, after)
        yield Era(since=since, until=until, differences=found, was_gone=ended != since)


# --- Next steps ---

_JOINED: Mapping[str, str] = {
    "unregistered": "Declare it with an owner, or disable it.",
    "ambiguous": "Decide which entry declares it.",
}
_GREW = "Confirm that it needs this, or revoke it."
_MOVED: Mapping[Aspect, str] = {
    "unique_id": "It was deleted and recreated: confirm that its entry still applies.",
    "trust": "Confirm who may assume it.",
    "nature": "Check what it is now: people and machines should not share an account.",
}
"""By aspect, for additions."""
_BECAME: Mapping[tuple[Aspect, str], str] = {
    ("agent", "yes"): "Declare what this agent may do, and who owns it.",
    ("registry", "unregistered"): "Declare it again, or disable it.",
    ("registry", "ambiguous"): "Decide which entry declares it.",
    ("ownership", "orphaned"): "Name a new owner.",
    ("enabled", "yes"): "Confirm that it is meant to be in use.",
    ("usage", "dormant"): "Ask whether it is still needed.",
    ("usage", "never used"): "Ask whether it is still needed.",
}
"""By aspect and the first words of the new state."""
AFTER_RENAMING = "It is the same identity: write its new key into entry {entry}."
RETURNED = "Find out who restored it, and why."
NOT_RECHECKED = "Close the gap: the coverage view says what is missing."


def after_joining(assessment: Assessment) -> str | None:
    """The next step for an identity that joined, if any."""
    return _JOINED.get(assessment.registry.state)


def after_leaving(assessment: Assessment) -> str | None:
    """The next step after an identity left, if any."""
    return (
        f"Retire its entry {assessment.registry.entry}, if it is gone for good." if assessment.registry.entry else None
    )


def after_moving(difference: Difference) -> str | None:
    """The next step for a difference, if any."""
    if difference.reach_grew:
        return _GREW
    if difference.after is None:
        return None
    if difference.aspect == "credentials":
        return None if difference.before else "Confirm that the new credential is expected."
    after = difference.after or ""
    became = (
        step for (aspect, word), step in _BECAME.items() if aspect == difference.aspect and after.startswith(word)
    )
    return next(became, None) or _MOVED.get(difference.aspect)

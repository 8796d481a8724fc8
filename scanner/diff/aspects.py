"""What is another of an identity: aspect by aspect, and never what only a gap makes look so. Pure.

When it was last used is no change, nor are a description or a tag by themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from scanner.diff.credentials import credential_differences
from scanner.diff.records import Difference
from scanner.model import Aspect, Assessment, Fact, Grant, Link, PrivilegeLevel, Trust

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

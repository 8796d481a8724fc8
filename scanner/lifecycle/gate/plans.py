"""Plans of several files as one: secrets masked, one identity for each key. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec.structs import replace

from scanner.discovery.inventory import ScopeReading, join
from scanner.model import Identity
from scanner.model.planned import Effect, Plan, PlannedIdentity
from scanner.redaction.masking import mask

_UNNAMED = "planned:"
"""Prefixes of keys that are made from a resource, because the id at the provider is unknown."""
_STRONGEST: tuple[Effect, ...] = ("created", "changed", "imported", "unchanged", "deleted")
"""Of two plans with one identity, the effect further left counts."""


def prepared(plans: Iterable[Plan]) -> tuple[Plan, ...]:
    """Return the plans with secrets masked, each identity with its file as source, and no key in two files by chance.

    A template's logical id is unique only in its file, and so is a key made from it.
    """
    masked = tuple(map(_masked, plans))
    often = Counter(key for plan in masked for key in {one.identity.key for one in plan.identities})
    return tuple(_told_apart(plan, [key for key, times in often.items() if times > 1]) for plan in masked)


def merged(plans: Sequence[Plan]) -> dict[str, PlannedIdentity]:
    """Return the planned identities of all plans by key.

    An identity in several plans has all their places and rights.
    """
    found: dict[str, list[PlannedIdentity]] = {}
    for plan in plans:
        for one in plan.identities:
            found.setdefault(one.identity.key, []).append(one)
    return {key: _united(several) for key, several in sorted(found.items())}


def _united(several: Sequence[PlannedIdentity]) -> PlannedIdentity:
    if len(several) == 1:
        return several[0]
    several = sorted(several, key=lambda one: _STRONGEST.index(one.effect))
    first = several[0]
    readings = [
        ScopeReading(source=f"{number}", scope="", identities=(one.identity,)) for number, one in enumerate(several)
    ]
    (identity,) = join(readings, {}).identities
    return PlannedIdentity(
        identity=replace(identity, sources=()),
        effect=first.effect,
        places=tuple(dict.fromkeys(place for one in several for place in one.places)),
        before=next((one.before for one in several if one.before is not None), None),
        computed=frozenset().union(*(one.computed for one in several)),
        givers=tuple(giver for one in several for giver in one.givers),
        credentials_at={key: place for one in reversed(several) for key, place in one.credentials_at.items()},
        account_known=all(one.account_known for one in several),
    )


def _masked(plan: Plan) -> Plan:
    return replace(
        plan,
        identities=tuple(_masked_identity(one, plan.file) for one in plan.identities),
        workloads=tuple(map(mask, plan.workloads)),
        secrets=tuple(map(mask, plan.secrets)),
        assignments=tuple(map(mask, plan.assignments)),
        unread=tuple(map(mask, plan.unread)),
    )


def _masked_identity(planned: PlannedIdentity, file: str) -> PlannedIdentity:
    was, identity = planned.identity, mask(replace(planned.identity, source=file))
    keys = {old.key: new.key for old, new in zip(was.credentials, identity.credentials, strict=True)}
    return replace(
        planned,
        identity=identity,
        places=tuple(map(mask, planned.places)),
        before=None if planned.before is None else mask(replace(planned.before, key=identity.key, source=file)),
        givers=tuple(map(mask, planned.givers)),
        credentials_at={keys.get(key, key): mask(place) for key, place in planned.credentials_at.items()},
    )


def _told_apart(plan: Plan, often: Iterable[str]) -> Plan:
    """Return the plan, with its file in keys that other plans share and that are no ids of a provider."""
    here = {one.identity.key for one in plan.identities}
    names = {key: f"{_UNNAMED}{plan.file}:{key[len(_UNNAMED) :]}" for key in often if key.startswith(_UNNAMED)}
    names = {key: name for key, name in names.items() if key in here}
    if not names:
        return plan
    return replace(
        plan,
        identities=tuple(_renamed(one, names) for one in plan.identities),
        workloads=tuple(
            replace(one, runs_as=tuple(names.get(key, key) for key in one.runs_as)) for one in plan.workloads
        ),
        assignments=tuple(replace(one, holder=names.get(one.holder, one.holder)) for one in plan.assignments),
    )


def _renamed(planned: PlannedIdentity, names: Mapping[str, str]) -> PlannedIdentity:
    key = planned.identity.key
    identity = _identity(planned.identity, names)
    credentials = dict(_credential_keys(planned.identity, identity))
    return replace(
        planned,
        identity=identity,
        before=None if planned.before is None else replace(_identity(planned.before, names), key=names.get(key, key)),
        credentials_at={credentials.get(old, old): place for old, place in planned.credentials_at.items()},
    )


def _identity(identity: Identity, names: Mapping[str, str]) -> Identity:
    key = names.get(identity.key, identity.key)
    start = len(identity.key)
    return replace(
        identity,
        key=key,
        credentials=tuple(
            replace(one, key=f"{key}{one.key[start:]}") if one.key.startswith(identity.key) else one
            for one in identity.credentials
        ),
        links=tuple(replace(one, target=names.get(one.target, one.target)) for one in identity.links),
        trusts=tuple(replace(one, principal=names.get(one.principal, one.principal)) for one in identity.trusts),
    )


def _credential_keys(old: Identity, new: Identity) -> Iterator[tuple[str, str]]:
    for one, other in zip(old.credentials, new.credentials, strict=True):
        yield one.key, other.key

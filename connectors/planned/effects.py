"""The effect of a change on each identity: from its state before, the planned state, and the store."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct, structs

from connectors.planned import Known, Resource
from scanner.model import Identity, Privilege
from scanner.model.planned import Computed, Effect, Giver, PlannedIdentity, PlannedPlace
from scanner.model.terms import POWERFUL, PRIVILEGES

_ELSEWHERE = "as last scanned, by rights that are given elsewhere"
_REST_UNKNOWN = "its other rights are not known here"


class PlannedState(Struct, frozen=True, kw_only=True):
    """An identity as the file has it at one moment. ``at``: its resource, or its id if the file does not declare it.

    ``effect``: of its resource; None if the file only gives it something. ``gains``: whether the change adds or
    changes something of that, or takes it away. ``has_state``: whether the format says what is there already.
    """

    at: str
    identity: Identity
    effect: Effect | None
    gains: bool = False
    has_state: bool = True
    places: tuple[PlannedPlace, ...]
    computed: frozenset[Computed] = frozenset()
    givers: tuple[Giver, ...] = ()
    credentials_at: Mapping[str, PlannedPlace] = {}


def givers_of(given: Iterable[tuple[Resource, Iterable[str]]]) -> tuple[Giver, ...]:
    """The resources that a change adds or changes, with the names of the grants that each gives."""
    return tuple(
        Giver(place=resource.place, grants=tuple(dict.fromkeys(names)))
        for resource, names in given
        if resource.effect not in ("unchanged", "deleted")
    )


def planned_by_place(
    after: Iterable[tuple[str | None, PlannedState]], before: Iterable[tuple[str | None, PlannedState]], known: Known
) -> Iterator[PlannedIdentity]:
    """As :func:`as_planned`, by account, tenant or project, since it decides how the store knows an identity."""
    there: defaultdict[str | None, list[PlannedState]] = defaultdict(list)
    was: defaultdict[str | None, dict[str, PlannedState]] = defaultdict(dict)
    for place, found in after:
        there[place].append(found)
    for place, found in before:
        was[place][found.at] = found
    for place in dict.fromkeys((*there, *was)):
        yield from as_planned(there[place], was[place], known, place)


def as_planned(
    after: Sequence[PlannedState], before: Mapping[str, PlannedState], known: Known, account: str | None
) -> Iterator[PlannedIdentity]:
    """The identities after the change, and those that it deletes. ``before``: by ``at``."""
    seen = set()
    if account is not None:
        known.expect([found.identity.key for found in after if found.effect is not None or found.gains])
    for found in after:
        was = before.get(found.at)
        seen.add(found.at)
        if found.effect is None:
            if found.gains:
                yield _gaining(found, known, account)
            continue
        if was is not None and was.identity.key != found.identity.key and not found.computed & was.computed:
            yield _planned(was, "deleted", was.identity, was.identity, account)
            was = None
        yield _declared(found, was, known, account)
    for at, was in before.items():
        if at not in seen and was.effect == "deleted":
            yield _planned(was, "deleted", was.identity, was.identity, account)


def _declared(found: PlannedState, was: PlannedState | None, known: Known, account: str | None) -> PlannedIdentity:
    """An identity that the file itself declares."""
    scanned = _known(found, known, account) if "name" not in found.computed else None
    if was is None:
        there = scanned if not found.has_state else None
        return _planned(found, "created" if there is None else "changed", found.identity, there, account)
    identity = found.identity if scanned is None else _with_rights_elsewhere(found.identity, was.identity, scanned)
    effect: Effect = found.effect or "changed"
    if effect == "unchanged" and (found.gains or was.gains):
        effect = "changed"
    return _planned(found, effect, identity, scanned or was.identity, account)


def _gaining(found: PlannedState, known: Known, account: str | None) -> PlannedIdentity:
    """An identity that the file does not declare, and gives rights or credentials to."""
    scanned = _known(found, known, account)
    if scanned is not None:
        return _planned(found, "changed", _joined(scanned, found.identity), scanned, account)
    identity = found.identity
    if identity.privilege.level not in POWERFUL:
        privilege = Privilege(level="unknown", evidence=(_REST_UNKNOWN, *identity.privilege.evidence))
        identity = structs.replace(identity, privilege=privilege)
    partly = structs.replace(found, computed=found.computed | {"permissions"})
    return _planned(partly, "changed", identity, None, account)


def _planned(
    found: PlannedState, effect: Effect, identity: Identity, before: Identity | None, account: str | None
) -> PlannedIdentity:
    return PlannedIdentity(
        identity=identity,
        effect=effect,
        places=found.places,
        before=before,
        computed=found.computed,
        givers=found.givers,
        credentials_at=found.credentials_at,
        account_known=account is not None,
    )


def _known(found: PlannedState, known: Known, account: str | None) -> Identity | None:
    """The identity as last scanned: by its key; if that is not certain, the only one of its name and kind."""
    identity = found.identity
    exact = known.identity(identity.key) if account is not None else None
    if exact is not None or (account is not None and found.effect is not None):
        return exact
    named = [
        each
        for each in known.named(identity.provider, identity.name)
        if each.kind == identity.kind and account in (None, each.scope)
    ]
    return named[0] if len(named) == 1 else None


def _joined(scanned: Identity, gained: Identity) -> Identity:
    """The scanned identity with what it gains: the higher privilege of both."""
    privilege = max((scanned.privilege, gained.privilege), key=lambda each: -PRIVILEGES.index(each.level))
    others = tuple(each for each in (scanned.privilege, gained.privilege) if each is not privilege)
    evidence = tuple(dict.fromkeys((*privilege.evidence, *(text for each in others for text in each.evidence))))
    return structs.replace(
        scanned,
        privilege=Privilege(level=privilege.level, evidence=evidence),
        consequences=tuple(dict.fromkeys((*(scanned.consequences or ()), *(gained.consequences or ())))),
        grants=tuple(dict.fromkeys((*scanned.grants, *gained.grants))),
        links=tuple(dict.fromkeys((*scanned.links, *gained.links))),
        reach=tuple(dict.fromkeys((*scanned.reach, *gained.reach))),
        credentials=(*scanned.credentials, *_new_credentials(scanned, gained)),
        signals=tuple(dict.fromkeys((*scanned.signals, *gained.signals))),
    )


def _new_credentials(scanned: Identity, gained: Identity) -> Iterator[object]:
    keys = {each.key for each in scanned.credentials}
    yield from (each for each in gained.credentials if each.key not in keys)


def _with_rights_elsewhere(identity: Identity, was: Identity, scanned: Identity) -> Identity:
    """The identity with the grants that the last scan found and the file does not declare."""
    declared = {(grant.name, grant.via) for grant in (*was.grants, *identity.grants)}
    others = tuple(grant for grant in scanned.grants if (grant.name, grant.via) not in declared)
    if not others:
        return identity
    privilege = identity.privilege
    raised = "admin" if any(grant.admin for grant in others) else scanned.privilege.level
    by_others = PRIVILEGES.index(raised) < PRIVILEGES.index(was.privilege.level)
    if by_others and PRIVILEGES.index(raised) < PRIVILEGES.index(privilege.level):
        reasons = (f"{raised}, {_ELSEWHERE}", *privilege.evidence)
        privilege = Privilege(level=raised, evidence=reasons)
    return structs.replace(identity, grants=(*identity.grants, *others), privilege=privilege)

"""Who controls whom inside one account, the plain way: the reference for what links, ways and levels say together."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Iterator, Mapping

from connectors.aws.rights.account_rights import AwsRights
from scanner.model import POTENTIAL, PrivilegeLevel, Way


def levels(rights: AwsRights, running: Mapping[str, str] | None = None) -> dict[str, PrivilegeLevel]:
    """The level of each user and role, once control over others counts. ``running``: what workloads run as."""
    own = {arn: each.privilege.level for arn, each in rights.permissions.items()}
    certain = controlled(rights, running or {})
    possible = controlled(rights, running or {}, conditional=True)
    found: dict[str, PrivilegeLevel] = {}
    for arn, level in own.items():
        found[arn] = level
        if level != "admin" and _rises(rights, own, certain[arn], conditional=False):
            found[arn] = "escalation"
        elif level in ("normal", "unknown"):
            maybe = _rises(rights, own, possible[arn], conditional=True)
            methods = any(True for one in certain[arn] for _ in _methods(rights, own, one, conditional=False))
            found[arn] = "high" if maybe or methods else level
    return found


def said(rights: AwsRights, arn: str) -> tuple[PrivilegeLevel, bool]:
    """The level once control counts, and whether only a potential makes it so."""
    level, evidence = levels(rights)[arn], rights.permissions[arn].privilege.evidence
    others = [each for each in evidence if not each.startswith(POTENTIAL)]
    return level, level == "high" and bool(evidence) and not others


def controlled(
    rights: AwsRights, running: Mapping[str, str], *, conditional: bool = False
) -> dict[str, frozenset[str]]:
    """All that each user and role can become, itself included."""
    ahead: dict[str, set[str]] = {arn: {arn} for arn in rights.permissions}
    for arn, each in rights.permissions.items():
        ahead[arn] |= {link.target for link in rights.links.get(arn, ()) if link.relation == "can_assume"}
        for way in each.ways:
            if way.conditional and not conditional:
                continue
            if way.kind == "become":
                ahead[arn] |= targets(rights, way)
            elif way.kind == "take_over":
                taken = (role for key, role in running.items() if _fits(key, way.on) and not _fits(key, way.but))
                ahead[arn] |= set(taken)
    while True:
        more = {arn: each.union(*(ahead.get(one, ()) for one in each)) for arn, each in ahead.items()}
        if more == ahead:
            return {arn: frozenset(each) for arn, each in ahead.items()}
        ahead = more


def targets(rights: AwsRights, way: Way) -> frozenset[str]:
    """The users and roles that a way leads to."""
    return frozenset(
        arn
        for arn in rights.permissions
        if _fits(arn, way.on)
        and not _fits(arn, way.but)
        and (not way.service or way.service in {one.principal for one in rights.trusts.get(arn, ())})
    )


def _fits(arn: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch.fnmatchcase(arn, pattern.replace("[", "[[]")) for pattern in patterns)


def _rises(rights: AwsRights, own: Mapping[str, str], those: frozenset[str], *, conditional: bool) -> bool:
    return any(own.get(one) in ("admin", "escalation") for one in those) or any(
        target in those for one in those for target in _methods(rights, own, one, conditional=conditional)
    )


def _methods(rights: AwsRights, own: Mapping[str, str], holder: str, *, conditional: bool) -> Iterator[str]:
    if holder in rights.permissions and own[holder] != "admin":
        for way in rights.permissions[holder].ways:
            if way.kind == "make_admin" and (conditional or not way.conditional):
                yield from (one for one in targets(rights, way) if own[one] != "admin")

"""Which resource types bring no identity, right or credential: a table. What is in it is harmless, all else is a gap.

A planner gives the types that it reads. A type that it does not read, and that the table does not name, may be
anything: a stack within a plan, a custom resource that makes a role in a cloud, a type that was made after the table.
So a new type is a gap until somebody has looked at it. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

from msgspec import Struct

from connectors.planned import UNKNOWN, Resource
from scanner.catalog import read_table
from scanner.model.planned import Unread

_DATA = "data."
_OWN_POLICIES = re.compile(r"\w*polic(y|ies)(_?document)?", re.IGNORECASE)
"""Names of arguments that may hold who may use the resource: ``policy``, ``KeyPolicy``, ``access_policy``."""

_SERVICE = re.compile(r"AWS::([^:]+)::\*")


class PlannedFamily(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Harmless types. ``harmless``: patterns, for names without a suspicious word; ``named``: whole names."""

    harmless: tuple[str, ...] = ()
    named: tuple[str, ...] = ()


class Kinds(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table. ``words``: the parts of a name that speak of identities or rights."""

    words: frozenset[str]
    elsewhere: Mapping[str, str]
    families: Mapping[str, PlannedFamily]


@cache
def kinds() -> Kinds:
    """The table of harmless types."""
    return read_table("connectors.planned", "kinds.toml", Kinds)


@cache
def is_harmless(kind: str) -> bool:
    """Whether resources of the type bring no identity, right or credential. ``elsewhere`` wins over patterns."""
    if kind.startswith(_DATA) or kind in _named():
        return True
    suspicious = not kinds().words.isdisjoint(_words(kind))
    return not suspicious and _why_elsewhere(kind) is None and _harmless().fullmatch(kind) is not None


def not_understood(resources: Iterable[Resource], understood: Collection[str] = ()) -> Iterator[Unread]:
    """The resources that may bring identities, rights or credentials in a way that is not evaluated.

    ``understood``: the types that a planner reads completely.
    """
    for each in resources:
        if each.effect in ("unchanged", "deleted") or each.type in understood:
            continue
        if not is_harmless(each.type):
            why = _why_elsewhere(each.type)
            reason = f"what a resource of the type {each.type} brings is not evaluated"
            yield Unread(place=each.place, reason=f"{reason}: {why}" if why else reason)
        elif name := _own_policy(each):
            reason = f"who may use this {each.type} by its argument {name} is not evaluated"
            yield Unread(place=each.place, reason=reason)


@cache
def _harmless() -> re.Pattern[str]:
    patterns = [pattern for family in kinds().families.values() for pattern in family.harmless]
    # The provider awscc is made from CloudFormation's types: awscc_ec2_vpc is AWS::EC2::VPC.
    services = [_SERVICE.fullmatch(pattern) for pattern in patterns]
    patterns += [f"awscc_{service[1].lower()}_*" for service in services if service]
    return re.compile("|".join(".*".join(map(re.escape, pattern.split("*"))) for pattern in patterns))


@cache
def _named() -> frozenset[str]:
    return frozenset(name for family in kinds().families.values() for name in family.named)


def _why_elsewhere(kind: str) -> str | None:
    return next((why for pattern, why in kinds().elsewhere.items() if fnmatchcase(kind, pattern)), None)


def _words(kind: str) -> Iterator[str]:
    """The words of a type's own name: not of the service of CloudFormation, nor of the API group of Kubernetes."""
    name = re.split(r"::|/", kind)[-1]
    for part in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name):
        yield part.lower()


def _own_policy(resource: Resource) -> str | None:
    """The argument with a policy of the resource itself, if the change gives it one."""
    for name, value in resource.values.items():
        if not _OWN_POLICIES.fullmatch(name) or (resource.given is not None and name not in resource.given):
            continue
        if resource.before is not None and resource.before.get(name) == value:
            continue
        if _may_give_rights(name, value):
            return name
    return None


def _may_give_rights(name: str, value: Any) -> bool:
    """Whether it may be a policy document, as text or mapping, or Azure's blocks: a name is none, nor a life cycle."""
    if isinstance(value, list):
        return bool(value) and name.lower().startswith("access")
    return value is UNKNOWN or (isinstance(value, str | dict) and "Statement" in value)

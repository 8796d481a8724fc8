"""What an identity may do and reach against what its entry says: as far as the grants tell, and no further.

The name of a policy says nothing about what is in it, so three things count: that it may do everything, grants that
are named in the same terms as the declared permissions, and services that a grant's actions or resources name.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from importlib.resources import files

import msgspec
from msgspec import Struct

from scanner.matching.globs import compile_glob
from scanner.matching.keys import fold
from scanner.model import Drift, Entry, Grant, Identity
from scanner.text import counted

NAMED = 5
"""So many grants or services are named; the rest is counted."""
_ACTION = re.compile(r"(?P<service>[a-z][a-z0-9-]*):[a-z*][a-z0-9*]*", re.IGNORECASE)
_ARN = re.compile(r"(?:^|, )arn:[^:, ]*:(?P<service>[a-z0-9-]+):")
_LETTERS = re.compile(r"[^\W\d_]+")
_VENDOR = re.compile(r"^(?:aws|amazon)\s+")


class _Words(Struct, frozen=True, forbid_unknown_fields=True):
    """The file reach.toml explains the fields."""

    anything: frozenset[str]
    services: frozenset[str]
    no_system: frozenset[str]
    everybody_holds: frozenset[str]
    also: Mapping[str, str]


_WORDS = msgspec.toml.decode(files("scanner.drift").joinpath("reach.toml").read_bytes(), type=_Words)


def undeclared_reach(identity: Identity, entry: Entry) -> Iterator[Drift]:
    """Permissions and systems beyond those declared."""
    permissions, systems = "; ".join(entry.permissions), "; ".join(entry.systems)
    if any(map(_allows_anything, (*entry.permissions, *entry.systems))):
        return
    if (admin := _admin(identity)) is not None:
        yield Drift(aspect="permissions" if permissions else "systems", declared=permissions or systems, found=admin)
    limited = [grant for grant in identity.grants if not grant.admin and grant.name not in _WORDS.everybody_holds]
    if grants := _undeclared_grants(limited, entry.permissions):
        yield Drift(aspect="permissions", declared=permissions, found=_listed(grants))
    if services := _undeclared_services(limited, entry):
        yield Drift(aspect="systems", declared=systems, found=_listed(services))


def _allows_anything(declared: str) -> bool:
    return not any(map(str.isalnum, declared)) or not _WORDS.anything.isdisjoint(_LETTERS.findall(fold(declared)))


def _admin(identity: Identity) -> str | None:
    through = _listed({f"{grant.name} ({grant.via})" for grant in identity.grants if grant.admin})
    if through:
        return f"admin through {through}"
    return "; ".join(("admin", *identity.privilege.evidence[:1])) if identity.privilege.level == "admin" else None


def _undeclared_grants(grants: Sequence[Grant], permissions: Sequence[str]) -> set[str]:
    """Grants that no permission covers, as far as the two speak of the same: actions, or policies and roles by name.

    Actions can always be compared with actions. A list of names is one of the provider's own only if it has any of
    the names that were granted: who knows which policies ``read only`` means.
    """
    actions, names = _by_sort(permissions)
    granted_actions, granted_names = _by_sort({grant.name for grant in grants})
    other_actions = _not_covered(granted_actions, actions) if actions else set()
    other_names = _not_covered(granted_names, names)
    return other_actions | (other_names if len(other_names) < len(granted_names) else set())


def _by_sort(texts: Collection[str]) -> tuple[set[str], set[str]]:
    """Actions, and everything else."""
    actions = {text for text in texts if _ACTION.fullmatch(text)}
    return actions, set(texts) - actions


def _not_covered(granted: Collection[str], declared: Collection[str]) -> set[str]:
    return {name for name in granted if not any(_covers(text, name) for text in declared)}


def _covers(declared: str, granted: str) -> bool:
    """By the last part of the name, so that a policy's ARN is its name."""
    return _glob(declared.rpartition("/")[2]).match(granted.rpartition("/")[2]) is not None


@lru_cache(maxsize=1024)
def _glob(pattern: str) -> re.Pattern[str]:
    return compile_glob(pattern, ignore_case=True)


def _undeclared_services(grants: Sequence[Grant], entry: Entry) -> set[str]:
    """Services that grants name and the entry doesn't; none where it lists a system that is no service we know."""
    systems = [_service(text) for text in entry.systems]
    if not systems or None in systems:
        return set()
    allowed = {*systems, *(found["service"].lower() for text in entry.permissions if (found := _ACTION.match(text)))}
    return {service for grant in grants for service in _services(grant)} - allowed - _WORDS.no_system


def _service(system: str) -> str | None:
    name = _VENDOR.sub("", fold(system.strip()))
    name = _WORDS.also.get(name, name)
    return name if name in _WORDS.services else None


def _services(grant: Grant) -> Iterator[str]:
    if action := _ACTION.fullmatch(grant.name):
        yield action["service"].lower()
    for resource in _ARN.finditer(grant.resource or ""):
        yield resource["service"]


def _listed(texts: Collection[str]) -> str:
    """The first few by name."""
    named = sorted(texts)
    more = len(named) - NAMED
    return ", ".join(named[:NAMED]) + (f" and {counted(more, 'other', 'others')}" if more > 0 else "")

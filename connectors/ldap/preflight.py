"""Checks before a scan: what the account can see of each section, in few requests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from connectors.core.contract import Check
from connectors.ldap import accounts as a
from connectors.ldap import entries as e
from connectors.ldap.place import Place
from connectors.ldap.reading import GROUP, LdapDirectory
from connectors.ldap.settings import LdapSettings
from connectors.ldap.spec import TABLE
from connectors.ldap.values import LdapFacts
from scanner.errors import SourceError

_LOOKED_AT = 50


def checks(directory: LdapDirectory, place: Place, settings: LdapSettings) -> Iterator[Check]:
    """A line for each section of the scope."""
    classes = (a.USER,) if place.is_ad else settings.classes
    needed = ("userAccountControl", "pwdLastSet") if place.is_ad else ("objectClass",)
    yield _check(directory, place, "accounts", classes, needed)
    groups = (GROUP,) if place.is_ad else e.GROUP_CLASSES
    yield _check(directory, place, "groups", groups, ("objectSid",) if place.is_ad else ("cn",))


def _check(
    directory: LdapDirectory, place: Place, section: str, classes: Sequence[str], needed: Sequence[str]
) -> Check:
    name = f"{section} in {place.id}"
    fix = "it takes: " + (TABLE[section].ad if place.is_ad else TABLE[section].ldap)
    try:
        found = [LdapFacts(one) for one in islice(directory.below(place.base, classes, needed), _LOOKED_AT)]
    except SourceError as error:
        return Check(name=name, ok=False, detail=str(error), fix=error.hint or fix)
    if not found:
        return Check(name=name, ok=section == "groups" and not place.is_ad, detail="none can be seen", fix=fix)
    missing = [one for one in needed if not any(facts.has(one) for facts in found)]
    if missing:
        return Check(name=name, ok=False, detail=f"{', '.join(missing)} cannot be read", fix=fix)
    return Check(name=name, ok=True, detail="can be read")

"""The connector for Active Directory and LDAP: one scope for each domain or naming context."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import ClassVar

from msgspec.structs import replace

from connectors.core.contract import Check, DiscoveredRecord, Meter, Scope, Spec
from connectors.core.offline import dated, looking_into, named_files
from connectors.core.reading import require_sdk
from connectors.ldap.client.connection import Connection
from connectors.ldap.exports.collection import HOUND_SUFFIXES, read_collection
from connectors.ldap.exports.directory import ExportedDirectory
from connectors.ldap.exports.ldif import LDIF_SUFFIXES, read_ldif
from connectors.ldap.least_privilege import ANY_POLICY, policy_of
from connectors.ldap.place import ROOT_ATTRIBUTES, Place, Root, parse_root
from connectors.ldap.preflight import checks
from connectors.ldap.reading import DirectoryReader, LdapDirectory, read_scope
from connectors.ldap.settings import LdapSettings
from connectors.ldap.spec import SPEC
from connectors.ldap.values import LdapFacts, compared
from scanner.errors import SourceError
from scanner.model import EVERY_SCOPE, Coverage
from scanner.text import printable


class LdapConnector:
    """Reads accounts, their groups, and who may change them. It never asks for an attribute that holds a secret.

    Raises MissingExtra if cryptography is not installed.
    """

    spec: ClassVar[Spec] = SPEC

    def __init__(self, source: str, settings: LdapSettings) -> None:
        require_sdk("cryptography", SPEC)
        self._source = source
        self._settings = settings

    def scopes(self) -> Iterator[Scope | Coverage]:
        """The configured base, the domain, or each naming context of the server. See ``Connector.scopes``."""
        nowhere = Scope(source=self._source, spec=SPEC, id=EVERY_SCOPE)
        meter = self._meter()
        found: list[Place] = []
        with nowhere.section("root", meter=meter) as section, closing(self._open(meter)) as directory:
            found += self._places(directory)
            section.found()
        yield from (
            Scope(source=self._source, spec=SPEC, id=place.id, provider=place.provider, context=place)
            for place in found
        )
        yield section.coverage

    def discover(self, scope: Scope) -> Iterator[DiscoveredRecord]:
        """Read one domain or naming context."""
        meter = self._meter()
        with closing(self._open(meter)) as directory:
            records = read_scope(DirectoryReader(directory, scope, meter, self._settings))
            yield from dated(records, directory.as_of) if isinstance(directory, ExportedDirectory) else records

    def check(self) -> Iterator[Check]:
        """See ``Preflight.check``."""
        try:
            with closing(self._open(Meter())) as directory:
                where = self._settings.from_files or f"{self._settings.place} answers, and accepts the account"
                yield Check(name="server", ok=True, detail=str(where))
                for place in self._places(directory):
                    yield from checks(directory, place, self._settings)
        except SourceError as error:
            yield Check(name="server", ok=False, detail=str(error), fix=error.hint)

    @classmethod
    def base_policy(cls) -> str:
        """See ``LeastPrivilege.base_policy``."""
        return ANY_POLICY

    def policy(self) -> str:
        """See ``LeastPrivilege.policy``. Raises SourceError if the server's root entry cannot be read."""
        with closing(self._open(Meter())) as directory:
            return policy_of(self._places(directory), self._settings)

    def _places(self, directory: LdapDirectory) -> list[Place]:
        """The scopes, whose bases can be read. Raises SourceError."""
        root: Root = parse_root(directory.entry("", ROOT_ATTRIBUTES))
        places = list(root.places(self._settings.base_dn))
        for place in places:
            directory.entry(place.base, ("objectClass",))
        return [
            replace(
                place,
                netbios=_short_name(directory, place),
                has_guids=directory.has_guids,
                lag_days=_lag_days(directory, place),
            )
            for place in places
        ]

    def _open(self, meter: Meter) -> LdapDirectory:
        folder = self._settings.from_files
        return Connection(self._settings, meter) if folder is None else _exported(folder)

    def _meter(self) -> Meter:
        return Meter(asks=self._settings.from_files is None)


def _exported(path: Path) -> ExportedDirectory:
    """A directory from files, in the format that their suffixes say. Raises SourceError."""
    with looking_into(path):
        files = named_files(path, lambda one: one.suffix.lower() in (*LDIF_SUFFIXES, *HOUND_SUFFIXES))
    if not files:
        hint = "export it with ldapsearch or ldifde, or collect it with SharpHound"
        raise SourceError(f"{printable(str(path))} has no LDIF file and no SharpHound file", hint=hint)
    are_collected = {one.suffix.lower() in HOUND_SUFFIXES for one in files}
    if len(are_collected) > 1:
        raise SourceError("from_files names LDIF files and SharpHound files: both describe a domain", hint="name one")
    return read_collection(files) if True in are_collected else read_ldif(files)


def _short_name(directory: LdapDirectory, place: Place) -> str:
    """The domain's short name, which the forest's configuration has; empty if it cannot be read."""
    if not (place.is_ad and place.configuration):
        return ""
    try:
        for entry in directory.below(f"CN=Partitions,{place.configuration}", ("crossRef",), ("nCName", "nETBIOSName")):
            facts = LdapFacts(entry)
            if compared(facts.text("nCName") or "") == compared(place.domain):
                return facts.text("nETBIOSName") or ""
    except SourceError:
        return ""
    return ""


_SYNC_INTERVAL = "msDS-LogonTimeSyncInterval"
_DEFAULT_LAG, _LONGEST_LAG = 14, 366


def _lag_days(directory: LdapDirectory, place: Place) -> int | None:
    """How late the domain records sign-ins (MS-ADA2, msDS-LogonTimeSyncInterval): see ``Place``.

    A sign-in is recorded only if the last record is so old, less up to five days. The domain's entry says how old, 14
    days if it says nothing, and 0 switches the record off.
    """
    if not place.is_ad:
        return None
    try:
        facts = LdapFacts(directory.entry(place.domain, ("objectClass", _SYNC_INTERVAL)))
    except SourceError:
        return None
    if facts.text(_SYNC_INTERVAL) is None:
        return _DEFAULT_LAG
    days = facts.number(_SYNC_INTERVAL)
    return days if days is not None and 0 < days <= _LONGEST_LAG else None

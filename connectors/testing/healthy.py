"""Checks of the spec, the settings, and a reading of the healthy provider."""

from __future__ import annotations

import pickle
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from connectors.core.budget import Limits
from connectors.core.contract import Connector, DiscoveredRecord, Scope
from connectors.testing.estate import NOT_FOUND, Estate
from connectors.testing.reading import (
    DEADLINE,
    PATIENT,
    coverage_of,
    gaps_of,
    read,
    read_units,
    read_unmasked,
    require_absent,
    require_none,
)
from connectors.testing.server import Server
from scanner.model import ANY_KIND, Coverage, Exposure, Identity

_FEWEST = 2
"""Identities of an estate."""


def check_spec(kind: Any) -> None:
    """The spec of a connector class has what the docs, ``doctor`` and the advice on a gap are made from."""
    spec = kind.spec
    names = [section.name for section in spec.sections]
    require_none("sections of the same name", [name for name in names if names.count(name) > 1])
    require_none(
        "sections without a title, or what is lost without them",
        [section.name for section in spec.sections if not (section.title and section.without)],
    )
    require_none(
        "sections without a permission",
        [section.name for section in spec.sections if not section.permissions and not section.optional],
    )
    if not spec.settings.__struct_config__.forbid_unknown_fields:
        raise AssertionError("the settings take any key: give their Struct forbid_unknown_fields=True")


def check_settings(kind: Any, table: Mapping[str, Any]) -> None:
    """A source's table in config.toml makes a connector of class ``kind``, and an unknown key is refused."""
    convert = partial(msgspec.convert, type=kind.spec.settings, dec_hook=lambda _, value: Path(value))
    kind("prod", convert(dict(table)))
    try:
        convert({**table, "no_such_key": 1})
    except msgspec.ValidationError:
        return
    raise AssertionError("the settings take a key that they do not know")


def check_healthy(estate: Estate) -> None:
    """The provider is read completely, see :func:`check_reading`, and the connector requests nothing unknown to it."""
    with Server(estate.healthy) as server:
        check_reading(estate.make(server.url), secret=estate.secret)
        unknown = [request.path for request in server.asked if estate.healthy(request).status == NOT_FOUND]
        revealing = {request.target for request in server.asked if estate.secret in request.target}
    require_none("requests that the estate has no answer to", unknown)
    require_none("addresses that hold the secret", list(revealing))


def check_reading(
    connector: Connector, *, secret: str, deadline: float = DEADLINE, limits: Limits = PATIENT
) -> list[DiscoveredRecord]:
    """Read a healthy provider that has two identities, or exposures, or more; returns the records.

    No gap, nothing unread, declared kinds and sections, unique keys, the same records in a second reading. Connector
    and scopes can be pickled. ``secret``, which the provider holds or the connector sends, is in no record.
    ``deadline``: seconds for each scope.
    """
    check_spec(type(connector))
    units = read_units(connector, deadline=deadline, limits=limits)
    records = [record for unit in units for record in unit]
    again = read(connector, deadline=deadline, limits=limits)
    _require_picklable(connector)
    require_none("gaps", [(gap.section, gap.status, gap.detail) for gap in gaps_of(records)])
    _require_sound_identities(connector, units)
    _require_declared_sections(connector, coverage_of(records))
    if sorted(map(repr, map(_comparable, records))) != sorted(map(repr, map(_comparable, again))):
        raise AssertionError("a second reading of the same answers gave other records")
    require_absent(secret, read_unmasked(connector), "the secret")
    return records


def _require_picklable(connector: Connector) -> None:
    scopes = [unit for unit in connector.scopes() if isinstance(unit, Scope)]
    for sent in (connector, scopes):
        back = pickle.loads(pickle.dumps(sent))  # noqa: S301  # what was just written is read
        if type(back) is not type(sent) or (sent is scopes and back != scopes):
            raise AssertionError("the connector, or a scope, is another one after it was pickled")


def _require_sound_identities(connector: Connector, units: Sequence[Sequence[DiscoveredRecord]]) -> None:
    records, kinds = [record for unit in units for record in unit], connector.spec.kinds
    identities = [record for record in records if isinstance(record, Identity)]
    require_none("keys that two identities share", _shared_keys(units))
    found = identities if kinds else [record for record in records if isinstance(record, Exposure)]
    if len({record.key for record in found}) < _FEWEST:
        raise AssertionError(f"{len(found)} identities or exposures were read: an estate needs two, or they were lost")
    require_none("keys that two credentials share", _shared_credential_keys(identities))
    if ANY_KIND not in kinds:
        undeclared = {identity.kind for identity in identities} - set(kinds)
        require_none("kinds that the spec does not declare", sorted(undeclared))
    require_none(
        "identities of another source, or without a name",
        [identity.key for identity in identities if identity.source != "prod" or not identity.name.strip()],
    )
    require_none("identities with facts unread, though nothing is a gap", _unread(identities))


def _require_declared_sections(connector: Connector, coverage: Sequence[Coverage]) -> None:
    declared = {section.name for section in connector.spec.sections}
    require_none(
        "sections that the spec does not declare",
        [section.section for section in coverage if section.section.partition(":")[0] not in declared],
    )
    require_none(
        "sections that are reported twice", _repeated((section.scope, section.section) for section in coverage)
    )
    if not sum(section.identities for section in coverage):
        raise AssertionError("sections that count no identities, though some were read: all: call section.found()")


def _repeated(keys: Iterable[Any]) -> list[Any]:
    return [key for key, times in Counter(keys).items() if times > 1]


def _shared_keys(units: Sequence[Sequence[DiscoveredRecord]]) -> list[str]:
    """Keys that occur twice in one unit, or in two units with other facts. Two units may read the same identity."""
    identities = [[record for record in unit if isinstance(record, Identity)] for unit in units]
    facts = {(one.key, one.scope, one.kind, one.name, one.unique_id) for unit in identities for one in unit}
    twice = {key for unit in identities for key in _repeated(one.key for one in unit)}
    return sorted({*twice, *_repeated(key for key, *_ in facts)})


def _shared_credential_keys(identities: Sequence[Identity]) -> list[str]:
    twice = {key for one in identities for key in _repeated(credential.key for credential in one.credentials)}
    held = {(one.key, credential.key) for one in identities for credential in one.credentials}
    return sorted({*twice, *_repeated(key for _, key in held)})


def _unread(identities: Sequence[Identity]) -> list[str]:
    """Identities with the facts that none of their records has read: another unit may read what one cannot."""
    unread: dict[str, set[str]] = {}
    for one in identities:
        unread[one.key] = unread.get(one.key, set(one.unread)) & set(one.unread)
    return [f"{key}: {', '.join(sorted(facts))}" for key, facts in unread.items() if facts]


def _comparable(record: DiscoveredRecord) -> DiscoveredRecord:
    """Without what may differ between two readings."""
    return msgspec.structs.replace(record, calls=0, detail=None) if isinstance(record, Coverage) else record

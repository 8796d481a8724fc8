"""The cells of rows in lists, and further texts to find them by; the same as in the HTML report."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeAlias

from reports.exposed import ExposedRow
from reports.html.ages import age, written
from reports.html.identities import IDENTITIES, agents_with
from reports.html.packing import Columns, Row, minutes, pairs_by_name, text, texts
from reports.html.payload import CHANGES, COVERAGE, EXPOSED, entries_matched, findings_on
from reports.judged import Judged
from scanner.model import Assessment, Change, Coverage, Credential, Entry, EntryAssessment, Finding, StoredSecret
from scanner.serve.index.lists import LISTS
from scanner.serve.index.numeric import np
from scanner.serve.index.questions import ListName

Cells: TypeAlias = dict[str, Any]
"""The cells of a row by column."""

Owners: TypeAlias = tuple[str, ...]
"""The owners of a row, in lower case and sorted."""

NO_OWNERS: Owners = ()


def _of(name: ListName, columns: Columns[Row]) -> list[tuple[str, Callable[[Row], Any]]]:
    """The columns of the report that the list has."""
    return [(column, cell) for column, cell in columns.items() if column in LISTS[name].columns]


_IDENTITIES = _of("identities", IDENTITIES)
_WORDING = ("rule", "title", "controls")
_FINDINGS = [pair for pair in _of("findings", findings_on(lambda _: None)) if pair[0] not in _WORDING]
_ENTRIES = _of("entries", entries_matched({}))
_CHANGES = _of("changes", CHANGES)
_EXPOSED = _of("exposed", EXPOSED)
_COVERAGE = _of("coverage", COVERAGE)


def identity_cells(judged: Judged) -> Cells:
    """The cells of an identity."""
    cells = {name: cell(judged) for name, cell in _IDENTITIES}
    cells["key"] = text(judged.identity.key)
    return cells


def held_by(assessment: Assessment, is_known: Callable[[str], bool]) -> Iterator[str | None]:
    """Further texts to find an identity by, besides its columns. ``is_known``: whether a key is that of an identity."""
    identity = assessment.identity
    yield from (text(identity.display_name), text(identity.unique_id), text(assessment.registry.entry))
    yield from texts(identity.aliases)
    for facts in (identity.tags, identity.published_attributes):
        if facts:
            yield from (value for _, value in pairs_by_name(facts))
    yield from texts(identity.tags)
    yield from (text(credential.id) for credential in identity.credentials)
    for grant in identity.grants:
        yield from (text(grant.name), text(grant.via), text(grant.resource))
    yield from (text(trust.principal) for trust in identity.trusts)
    yield from texts(assessment.consumers)
    yield from (text(link.target) for link in identity.links if not is_known(link.target))
    if assessment.activity is not None:
        for used in assessment.activity.services:
            yield used.service
            yield from (f"{used.service}:{action}" for action in used.actions)


def owners_named(entry: Entry) -> Iterator[str]:
    """The owners in a registry entry."""
    return (name.lower() for name in (*entry.owner, *entry.technical_owner, *entry.backup_owner))


def owners_of(assessment: Assessment, declared: Mapping[str, Owners]) -> Owners:
    """The people and groups that own an identity, in lower case. ``declared``: the owners in each entry."""
    owner, entry = assessment.ownership.owner, assessment.registry.entry
    named = declared.get(entry, NO_OWNERS) if entry is not None else ()
    return tuple(sorted({*named, owner.lower()})) if owner and owner.lower() not in named else named


def agent_cells(judged: Judged, declared: Mapping[str | None, bool]) -> Cells:
    """The cells of an agent without those of its identity. ``declared``: see ``reports.agents.persons_declared``."""
    return {name: cell(judged) for name, cell in agents_with(declared).items()}


_ENABLED: Mapping[bool | None, str] = {True: "enabled", False: "disabled", None: "unknown"}


def credential_cells(credential: Credential, now: datetime) -> Cells:
    """The cells of a credential without those of its identity."""
    return {
        "id": text(credential.id),
        "kind": credential.kind.replace("_", " "),
        "age": age(credential.created_at, now),
        "state": _ENABLED[credential.enabled],
        "created": minutes(credential.created_at),
        "expires": "never" if credential.never_expires else minutes(credential.expires_at),
        "last_used": minutes(credential.last_used_at),
    }


def secret_cells(secret: StoredSecret, now: datetime) -> Cells:
    """The cells of a stored secret, which is listed among the credentials."""
    return {
        "id": text(secret.key),
        "holder": None,
        "name": text(secret.name),
        "kind": "stored secret",
        "provider": text(secret.provider),
        "source": text(secret.source),
        "scope": text(secret.scope),
        "owner": None,
        "team": None,
        "age": age(written(secret), now),
        "state": None,
        "created": minutes(written(secret)),
        "expires": minutes(secret.expires_at),
        "last_used": minutes(secret.last_used_at),
    }


@lru_cache(maxsize=10_000)
def _wording(rule: str, title: str, controls: tuple[str, ...]) -> Cells:
    """The cells that many findings share."""
    return {"rule": text(rule), "title": text(title), "controls": texts(controls)}


def finding_cells(finding: Finding, *, is_on_identity: bool) -> Cells:
    """The cells of a finding, without those of its identity if that is one of this scan."""
    cells = {name: cell(finding) for name, cell in _FINDINGS}
    cells |= _wording(finding.rule, finding.title, finding.controls)
    if is_on_identity:
        cells["about"] = "identity"
        return cells
    other = text(finding.identity or finding.assignment)
    cells["about"] = "entry" if other is None and finding.entry else None
    cells["key"] = other or text(finding.entry)
    cells["subject"] = cells["key"] or cells["credential"]
    return cells


def entry_cells(judged: EntryAssessment, is_known: Callable[[str], bool]) -> Cells:
    """The cells of a registry entry."""
    cells = {name: cell(judged) for name, cell in _ENTRIES}
    cells["count"] = sum(map(is_known, judged.identities))
    return cells


def exposed_cells(row: ExposedRow) -> Cells:
    """The cells of a leaked key."""
    return {name: cell(row) for name, cell in _EXPOSED}


def change_cells(change: Change) -> Cells:
    """The cells of a change."""
    cells = {name: cell(change) for name, cell in _CHANGES}
    return {**cells, "severity": change.severity, "rule": change.rule}


def coverage_cells(section: Coverage) -> tuple[str, Cells]:
    """The key and the cells of a section of the coverage."""
    cells = {name: cell(section) for name, cell in _COVERAGE}
    return " ".join(cells[name] or "" for name in ("source", "scope", "section")), cells


def known_keys(keys: Iterable[str]) -> Callable[[str], bool]:
    """A test for membership in these keys with 8 bytes per key, a hash: wrong once in 10 ** 13 times."""
    hashes = array("q", np.sort(np.fromiter(map(hash, keys), dtype=np.int64)).tobytes())

    def is_known(key: str) -> bool:
        at = bisect_left(hashes, found := hash(key))
        return at < len(hashes) and hashes[at] == found

    return is_known

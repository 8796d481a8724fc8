"""What is content, and what merely moves."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from scanner.model import (
    UNREGISTERED,
    Assessment,
    Assignment,
    EntryAssessment,
    Exposure,
    Finding,
    NatureVerdict,
    Origin,
    Privilege,
    StoredSecret,
    UsageVerdict,
    Workload,
)
from scanner.store.bodies import Wording, encode, wording_of
from scanner.store.intervals import version_row
from scanner.store.kinds import (
    ASSIGNMENTS,
    ENTRIES,
    EXPOSURES,
    FINDINGS,
    IDENTITIES,
    SECRETS,
    WORKLOADS,
    RecordKind,
    Shared,
    Sighting,
)
from tests.examples import examples
from tests.factories import NOW, days_ago, make_assessment, make_credential, make_entry, make_finding, make_identity
from tests.scanner.store.strategies import of

KINDS = (
    (IDENTITIES, Assessment),
    (SECRETS, StoredSecret),
    (ASSIGNMENTS, Assignment),
    (EXPOSURES, Exposure),
    (ENTRIES, EntryAssessment),
    (FINDINGS, Finding),
)

identity = make_identity(
    credentials=(make_credential(last_used_at=days_ago(5)), make_credential("svc-billing", "AKIA2"))
)
assessment = make_assessment(identity)
used = replace(identity, last_used_at=NOW)
exported = replace(identity, observed_at=NOW)
key_used = replace(identity, credentials=(replace(identity.credentials[0], last_used_at=NOW), identity.credentials[1]))
key_added = replace(identity, credentials=(*identity.credentials, make_credential("svc-billing", "AKIA3")))
used_today = UsageVerdict(state="active", last_used_at=NOW, window_days=90, evidence="used 2026-11-25")
dormant = UsageVerdict(state="dormant", window_days=90, evidence="last used 2026-01-01")
secret = StoredSecret(key="s", provider="aws", source="prod", scope="1", name="s", rotated_at=days_ago(9))
entry = EntryAssessment(entry=make_entry("svc-billing"), state="found")
moved_down = replace(entry.entry, origin=Origin(file="registry.csv", row=3))
finding = make_finding()


def _stored(record: Any) -> Any:
    """Return a record as a scan stores it: what people do about a finding has tables of its own."""
    return replace(record, asked=None, handled=None) if isinstance(record, Finding) else record


@pytest.mark.parametrize(("kind", "record"), KINDS, ids=[kind.name for kind, _ in KINDS])
@given(data=st.data())
@examples(60)
def test_restores_what_it_took_apart(kind: RecordKind[Any], record: type, data: st.DataObject) -> None:
    """Content and sighting together are the record again, whatever it holds."""
    one = _stored(data.draw(of(record)))

    assert kind.restore(kind.content(one), kind.sighting(one)) == one
    assert kind.moves(one) or kind.sighting(one) == Sighting()


@pytest.mark.parametrize(
    ("kind", "record"), [*KINDS, (WORKLOADS, Workload)], ids=[*(kind.name for kind, _ in KINDS), WORKLOADS.name]
)
@given(data=st.data())
@examples(60)
def test_a_row_is_the_content_again(kind: RecordKind[Any], record: type, data: st.DataObject) -> None:
    """Whatever it holds, records that are written as arrays included."""
    one = kind.content(_stored(data.draw(of(record))))
    values = version_row(kind, 1, kind.key(one), one)
    row: Any = SimpleNamespace(**dict(zip(kind.versions.c.keys(), values, strict=False)))
    shared = Shared(None)  # type: ignore[arg-type]  # nothing is looked up
    if isinstance(one, Finding):
        wording = Wording(title=one.title, remediation=one.remediation, controls=one.controls)
        shared.wordings = {wording_of(one): wording}

    assert kind.load(row, shared) == one


def test_what_most_identities_have_is_not_stored() -> None:
    """It would be half of a store; what differs is."""
    identity = make_identity(sources=("prod",))
    usual = make_assessment(identity, nature=NatureVerdict(), ownership=UNREGISTERED, privilege=identity.privilege)
    usage = usual.usage
    last_used = replace(usage, last_used_at=NOW, evidence="last used 2026-11-25")
    raised = replace(usual, privilege=Privilege(level="admin", evidence=("may become root",)))
    exotic = replace(usual, identity=replace(usual.identity, sources=()), usage=replace(usage, window_days=30))

    assert _body(usual).keys() == {"identity"}
    assert not {"key", "scope", "sources", "privilege"} & _body(usual)["identity"].keys()
    assert _body(raised)["privilege"] == {"level": "admin", "evidence": ["may become root"]}
    assert _body(exotic)["identity"]["sources"] == []
    assert _body(exotic)["usage"] == {"window_days": 30}
    seen = IDENTITIES.sighting(replace(usual, identity=replace(identity, last_used_at=NOW), usage=last_used))
    assert encode(seen, "") == b'{"last_used_at":"2026-11-25T08:00:00Z"}'


def _body(assessment: Assessment) -> Any:
    return msgspec.json.decode(encode(IDENTITIES.body(IDENTITIES.content(assessment)), ""))


@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [
        pytest.param(IDENTITIES, assessment, replace(assessment, identity=used), id="identity used"),
        pytest.param(IDENTITIES, assessment, replace(assessment, identity=key_used), id="credential used"),
        pytest.param(IDENTITIES, assessment, replace(assessment, identity=exported), id="identity exported anew"),
        pytest.param(IDENTITIES, assessment, replace(assessment, usage=used_today), id="usage evidence"),
        pytest.param(IDENTITIES, assessment, replace(assessment, rechecked=False), id="identity not re-checked"),
        pytest.param(SECRETS, secret, replace(secret, last_used_at=NOW), id="secret used"),
        pytest.param(ENTRIES, entry, replace(entry, rechecked=False), id="entry not re-checked"),
        pytest.param(ENTRIES, entry, replace(entry, entry=moved_down), id="entry in another row"),
        pytest.param(FINDINGS, finding, replace(finding, new=True), id="finding new"),
        pytest.param(FINDINGS, finding, replace(finding, rechecked=False), id="finding not re-checked"),
    ],
)
def test_content_stays(kind: RecordKind[Any], before: Any, after: Any) -> None:
    """What moves without a fact changing is in the sighting and not in the content."""
    assert kind.content(before) == kind.content(after)
    assert kind.sighting(before) != kind.sighting(after)


@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [
        pytest.param(IDENTITIES, assessment, replace(assessment, usage=dormant), id="usage state"),
        pytest.param(IDENTITIES, assessment, replace(assessment, identity=key_added), id="credential added"),
        pytest.param(SECRETS, secret, replace(secret, rotated_at=NOW), id="secret rotated"),
        pytest.param(ENTRIES, entry, replace(entry, state="not_found"), id="entry state"),
        pytest.param(FINDINGS, finding, replace(finding, severity="low"), id="finding severity"),
    ],
)
def test_content_changes(kind: RecordKind[Any], before: Any, after: Any) -> None:
    """A fact is content."""
    assert kind.content(before) != kind.content(after)

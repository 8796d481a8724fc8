"""An organization as its auditors keep it says what an independent reading of the same files says."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from connectors.core.contract import DiscoveredRecord
from connectors.gcp.offline.documents import read_document
from scanner.app.scanning import Run, conclude
from scanner.discovery.inventory import ScopeReading, join
from scanner.judging.pipeline import Declared
from scanner.matching.places import SourceRef
from scanner.model import POWERFUL, Assignment, Coverage, Entry, Identity, ScanResult, StoredSecret
from scanner.store.store import Store
from tests.connectors.gcp.offline import audited
from tests.connectors.gcp.offline.exported import everything
from tests.databases import empty_store, sqlite_file
from tests.factories import NOW, make_entry

SETTINGS: dict[str, Any] = {"organization": audited.ORGANIZATION}
COMPLETE: dict[str, Any] = {**SETTINGS, "files_are_complete": True}
BEFORE = audited.organization(6)
AFTER = audited.later(BEFORE)


@pytest.fixture(scope="module")
def trees(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The folders of the two dates."""
    root = tmp_path_factory.mktemp("audited")
    for name, one in (("before", BEFORE), ("after", AFTER)):
        audited.write_tree(one, root / name)
    return root / "before", root / "after"


def _grants(assignments: Iterable[Assignment]) -> set[tuple[str, str, str]]:
    return {(one.attributes["resource"], one.grant.name, one.attributes["member"]) for one in assignments}


def _trusts(identities: Iterable[Identity]) -> set[tuple[str, str]]:
    """What an account's own policy lets in."""
    return {
        (email, trust.principal)
        for one in identities
        if one.kind == "service_account"
        for email in (one.key.rpartition("/")[2],)
        for trust in one.trusts
        if f"on {email}" in (trust.evidence or "")
    }


def _of(kind: type[Any], records: Iterable[DiscoveredRecord]) -> list[Any]:
    return [one for one in records if isinstance(one, kind)]


def _coverage(records: Iterable[DiscoveredRecord]) -> dict[tuple[str, str], Coverage]:
    return {(one.scope, one.section): one for one in _of(Coverage, records)}


@pytest.mark.parametrize("date", [0, 1])
def test_grants_and_trusts_are_those_of_an_independent_reading(trees: tuple[Path, Path], date: int) -> None:
    """At both dates; the policies are complete though a hundred other things are in no file."""
    records = everything(trees[date], **SETTINGS)

    assert _grants(_of(Assignment, records)) == audited.grants_in(trees[date])
    assert _trusts(_of(Identity, records)) == audited.trusts_in(trees[date])
    assert not [scope for scope, _ in _coverage(records) if scope == "*"]
    policies = {one.status for (_, section), one in _coverage(records).items() if section == "iam.policies"}
    assert policies == {"complete"}


def test_accounts_that_are_described_one_by_one_are_read(trees: tuple[Path, Path]) -> None:
    """That they are all is known only if the settings say so."""
    some, whole = (everything(trees[0], **settings) for settings in (SETTINGS, COMPLETE))

    for records, status in ((some, "partial"), (whole, "complete")):
        accounts = [one for one in _of(Identity, records) if one.kind == "service_account"]
        assert {one.key.rpartition("/")[2] for one in accounts} == set(audited.described(trees[0]))
        assert {one.status for (_, name), one in _coverage(records).items() if name == "iam.service_accounts"} == {
            status
        }
        assert {one.name for one in _of(StoredSecret, records)} == {"database"}
    gap = _coverage(some)["ops-core", "iam.service_accounts"]
    assert "described one by one" in (gap.detail or "")
    assert "gcloud iam service-accounts list --project=ops-core" in (gap.detail or "")


def test_an_account_of_no_project_of_the_organization_is_external(trees: tuple[Path, Path]) -> None:
    """Only where the settings say which organization the files describe."""
    for settings, expected in ((SETTINGS, True), ({}, None)):
        held = _of(Assignment, everything(trees[0], **settings))
        found = {one.holder: one.attributes.get("external") for one in held}

        assert found[audited.OUTSIDE] is expected
        assert found[audited.DEPLOYER] is None


def test_one_account_s_policy_is_not_that_of_an_account_whose_e_mail_ends_like_it(trees: tuple[Path, Path]) -> None:
    """``app@`` is read before ``my-app@``, which lets in everybody."""
    for one in _of(Identity, everything(trees[0], **SETTINGS)):
        if one.kind == "service_account":
            is_open = any(trust.kind == "anyone" for trust in one.trusts)
            assert is_open is (one.name == "my-app"), one.key


def test_a_role_that_is_known_without_a_file_is_no_gap(trees: tuple[Path, Path]) -> None:
    """One that is not, or not in full, is."""
    gaps = {one.detail or "" for (_, name), one in _coverage(everything(trees[0])).items() if name == "iam.roles"}

    named = {
        role
        for role in ("viewer", "editor", "container.admin", "logging.logWriter")
        if f"roles/{role} " in " ".join(gaps)
    }
    assert named == {"viewer", "editor"}


def test_what_is_not_understood_is_named(trees: tuple[Path, Path], tmp_path: Path) -> None:
    """Tables for people are no gap; a policy that no one can place is."""
    records = everything(trees[0], **SETTINGS)
    described = _coverage(records)["ops-core", "resourcemanager.projects"]
    assert described.status == "complete"
    assert "metadata.txt" in (described.detail or "")

    audited.write_tree(BEFORE, tmp_path)
    (tmp_path / "projects/ops-core/widgets").mkdir()
    (tmp_path / "projects/ops-core/widgets/iam.json").write_text('{"bindings": []}')
    gap = _coverage(everything(tmp_path, **SETTINGS))["*", "resourcemanager.projects"]
    assert gap.status == "partial"
    assert "projects/ops-core/widgets/iam.json" in (gap.detail or "")


def test_projects_that_nothing_describes_are_of_the_organization_that_is_named(tmp_path: Path) -> None:
    """Older trees have no description, and no folder for all projects."""
    audited.write_tree(BEFORE, tmp_path)
    expected = audited.grants_in(tmp_path)
    for project in BEFORE.projects:
        (tmp_path / "projects" / project / "description.json").unlink()
        (tmp_path / "projects" / project / "iam.json").rename(tmp_path / "projects" / project / "policy.json")
        (tmp_path / "projects" / project).rename(tmp_path / project)

    records = everything(tmp_path, **SETTINGS)

    numbered = {(one[0], one[2]) for one in expected if "secretmanager" not in one[0]}
    assert {(one[0], one[2]) for one in _grants(_of(Assignment, records))} >= numbered


def test_a_project_that_is_being_deleted_has_nothing_left(tmp_path: Path) -> None:
    """Its accounts are gone, and are not waited for."""
    audited.write_tree(BEFORE, tmp_path)
    file = tmp_path / "projects/ops-core/description.json"
    file.write_text(file.read_text().replace("ACTIVE", "DELETE_REQUESTED"))

    records = everything(tmp_path, **SETTINGS)

    ended = _coverage(records)["ops-core", "resourcemanager.projects"]
    assert (ended.status, "being deleted" in (ended.detail or "")) == ("complete", True)
    assert "service_account" in ended.kinds
    assert not [one for one in _of(Identity, records) if one.scope == "ops-core" and one.kind == "service_account"]


def _as_yaml(path: Path) -> None:
    path.with_suffix(".yaml").write_text(yaml.safe_dump(json.loads(path.read_text())))
    path.unlink()


def _as_list(path: Path) -> None:
    path.write_text(json.dumps([json.loads(path.read_text())]))


def _with_etag(path: Path) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), "etag": "ACAB", "auditConfigs": []}))


@pytest.mark.parametrize("change", [_as_yaml, _as_list, _with_etag])
def test_other_forms_of_the_same_policies(tmp_path: Path, change: Callable[[Path], None]) -> None:
    """YAML, a list of one, and what ``jq`` did not remove."""
    audited.write_tree(BEFORE, tmp_path)
    expected = audited.grants_in(tmp_path)
    for path in list(tmp_path.rglob("iam.json")):
        change(path)

    records = everything(tmp_path, **SETTINGS)

    assert _grants(_of(Assignment, records)) == expected
    assert _coverage(records)["ops-core", "iam.policies"].status == "complete"


def test_policies_in_one_file_say_of_what_they_are_or_are_named(tmp_path: Path) -> None:
    """Those of a project and what is above it, as ``get-ancestors-iam-policy`` has them; not several without a name."""
    audited.write_tree(BEFORE, tmp_path)
    expected = audited.grants_in(tmp_path)
    own, above = tmp_path / "projects/ops-core/iam.json", tmp_path / "org_example.com/iam.json"
    rows = [(own, "project", "ops-core"), (above, "organization", audited.ORGANIZATION)]
    listed = [{"id": id_, "type": kind, "policy": json.loads(path.read_text())} for path, kind, id_ in rows]
    (tmp_path / "ancestors.json").write_text(json.dumps(listed))
    own.unlink()
    above.unlink()

    assert _grants(_of(Assignment, everything(tmp_path, **SETTINGS))) == expected

    (tmp_path / "ancestors.json").write_text(json.dumps([one["policy"] for one in listed]))
    gap = _coverage(everything(tmp_path, **SETTINGS))["*", "resourcemanager.projects"]
    assert "ancestors.json" in (gap.detail or "")


def test_an_empty_object_is_a_policy_only_by_its_name(tmp_path: Path) -> None:
    """``jq 'del(.etag)'`` leaves nothing of an empty policy."""
    for name in ("iam.json", "description.json"):
        (tmp_path / name).write_text("{}")
        assert read_document(tmp_path / name).rows == ({},)
    audited.write_tree(BEFORE, tmp_path)
    records = everything(tmp_path, **SETTINGS)

    assert json.loads((tmp_path / BEFORE.home("app2@ops-core.iam.gserviceaccount.com")).read_text()) == {}
    assert _coverage(records)["ops-core", "iam.policies"].status == "complete"


# --- Between the dates ---


@pytest.fixture
def store() -> Store:
    """An empty store."""
    return empty_store(sqlite_file)


def _night(
    store: Store, number: int, folder: Path, entries: Iterable[Entry] = (), **settings: Any
) -> ScanResult:  # fmt: skip
    records = everything(folder, **settings)
    reading = ScopeReading(
        source="prod",
        scope="-",
        identities=tuple(_of(Identity, records)),
        secrets=tuple(_of(StoredSecret, records)),
        assignments=tuple(_of(Assignment, records)),
        coverage=tuple(_of(Coverage, records)),
    )
    declared = Declared(entries=tuple(entries), sources=(SourceRef(name="prod", provider="gcp"),))
    run = Run(scan_id=f"night-{number}", started=NOW + timedelta(days=number))
    return conclude(store, join([reading], {"prod": 0}), declared, run, lists=(), accept_drop=True)


def test_revoked_grants_and_trusts_are_gone(store: Store, trees: tuple[Path, Path]) -> None:
    """Also those of accounts some of whose roles are in no file."""
    _night(store, 0, trees[0], **COMPLETE)
    night = _night(store, 1, trees[1], **COMPLETE)

    found = [one.identity for one in night.identities]
    assert _grants(night.assignments) == audited.grants_in(trees[1])
    assert _trusts(found) == audited.trusts_in(trees[1])
    assert AFTER.revoked
    assert AFTER.untrusted
    assert not {pod for _, pod in AFTER.untrusted} & {one.key for one in found}
    (deployer,) = [one for one in found if one.key.endswith(audited.DEPLOYER)]
    held = {member for *_, member in audited.grants_in(trees[1]) if member.endswith(f":{audited.DEPLOYER}")}
    grants = [one for one in audited.grants_in(trees[1]) if one[2] in held]
    assert len(deployer.grants) == len(grants)


def test_a_project_that_is_listed_no_more_has_a_row(store: Store, trees: tuple[Path, Path]) -> None:
    """What is shown of it as last seen names a gap that can be closed."""
    _night(store, 0, trees[0], **SETTINGS)
    night = _night(store, 1, trees[1], **SETTINGS)

    (closed,) = AFTER.closed
    (row,) = [one for one in night.coverage if one.scope == closed]
    assert row.is_gap
    assert f"muster history forget prod --scope {closed}" in (row.detail or "")
    assert {one.rechecked for one in night.identities if one.identity.scope == closed} == {False}
    there = {one for one in _grants(night.assignments) if f"/{closed}" not in one[0]}
    assert there == audited.grants_in(trees[1])


def test_deleted_accounts_are_not_found_though_other_services_are_in_no_file(
    store: Store, trees: tuple[Path, Path]
) -> None:  # fmt: skip
    """What lists service accounts says so: API keys, agents and workloads do not matter."""
    (closed,) = AFTER.closed
    gone = (*sorted(AFTER.deleted), f"app@{closed}.iam.gserviceaccount.com")
    entries = [make_entry(email, id=email, provider="gcp") for email in (*gone, audited.DEPLOYER)]

    night = _night(store, 0, trees[1], entries, **COMPLETE)

    states = {one.entry.id: (one.state, one.evidence) for one in night.entries}
    assert {states[email][0] for email in gone} == {"not_found"}, states
    assert states[audited.DEPLOYER][0] == "found"
    exempt = [one.identity.aliases[0] for one in night.identities if one.registry.state == "exempt"]
    assert set(exempt) == audited.agents_in(trees[1])


@pytest.mark.parametrize("seed", range(4))
def test_levels_and_paths_say_the_same(store: Store, tmp_path: Path, seed: int) -> None:
    """An identity is an admin or escalates exactly if an unconditional path leads from it to an admin."""
    before = audited.organization(8, seed=seed)
    for number, one in enumerate((before, audited.later(before, seed=seed))):
        audited.write_tree(one, tmp_path / str(number))
        night = _night(store, number, tmp_path / str(number), **COMPLETE)

        graph = store.attack_graph()
        paths = graph.to_admin(graph.keys)
        certain = {path.start for path in paths if not path.is_conditional}
        levels = {each.identity.key: each.privilege.level for each in night.identities}
        assert {key for key, level in levels.items() if level in POWERFUL} == certain & levels.keys()
        assert "escalation" in levels.values()

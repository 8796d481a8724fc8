"""Projects read from what gcloud wrote: the same as by the APIs, and a gap for whatever no file holds."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from msgspec import structs

from connectors.gcp.connector import GcpConnector
from connectors.gcp.settings import GcpSettings
from scanner.demo.fakes.gcp.cloud import Cloud
from scanner.demo.fakes.gcp.usage import add_key_use, add_use
from scanner.model import Assignment, Coverage, FileEnd, Identity, StoredSecret, Workload
from tests.connectors.gcp.conftest import ORGANIZATION, Place
from tests.connectors.gcp.consuming import more_of_assets, secretive, shop
from tests.connectors.gcp.estate import BILLING, BUILDER, DEV, PROD, company, key_of
from tests.connectors.gcp.offline.exported import (
    assets_of,
    everyday,
    everything,
    gaps_in,
    identities_in,
    policies_of,
    project_row,
    roles_of,
    write,
    write_listings,
    write_ndjson,
)
from tests.connectors.gcp.rights.company import company as powerful
from tests.pickled import pickled


def write_assets(cloud: Cloud, folder: Path, *, as_list: bool = False) -> None:
    """What one command each has of assets, policies and roles of a whole organization."""
    assets = assets_of(cloud, ORGANIZATION)
    if as_list:
        write(folder / "assets.json", assets)
    else:
        write_ndjson(folder / "assets.ndjson", assets)
    write(folder / "policies.json", policies_of(cloud, ORGANIZATION))
    for number, role in enumerate(roles_of(cloud)):
        write(folder / f"role-{number}.json", role)


def _undated(record: Identity) -> Identity:
    return structs.replace(record, observed_at=None)


@pytest.mark.parametrize("as_list", [True, False], ids=["list", "export"])
@pytest.mark.parametrize("make", [company, shop, powerful], ids=["identities", "workloads", "rights"])
def test_assets_and_policies_of_an_organization_say_what_the_apis_say(
    start: Callable[[Cloud], Place], tmp_path: Path, make: Callable[[], Cloud], as_list: bool
) -> None:
    """Identities but for HMAC keys, which no asset is; workloads, and rights to the letter."""
    cloud = make()
    for rows in [rows for name, rows in cloud.rows.items() if name.endswith("/hmacKeys")]:
        rows.clear()
    write_assets(cloud, tmp_path, as_list=as_list)
    live = [one for one in start(cloud).scan() if not isinstance(one, Coverage | FileEnd)]
    read = [one for one in everything(tmp_path) if not isinstance(one, Coverage | FileEnd)]

    def keys(kind: type) -> set[str]:
        return {one.key for one in live if isinstance(one, kind)}

    for kind in (Workload, StoredSecret):
        assert {one.key for one in read if isinstance(one, kind)} == keys(kind)
    rights = {(one.holder, one.grant, one.becomes) for one in read if isinstance(one, Assignment)}
    assert rights == {(one.holder, one.grant, one.becomes) for one in live if isinstance(one, Assignment)}
    managed = {one.key for one in live if isinstance(one, Identity) and "/subject/ns/" in one.key}
    assert set(identities_in(read)) == keys(Identity) - managed


def test_listings_of_single_commands_say_what_the_apis_say(start: Callable[[Cloud], Place], tmp_path: Path) -> None:
    """Accounts with all of their keys, API keys and pools; names with numbers or ids, empty listings, YAML."""
    cloud = company()
    write(tmp_path / "projects.json", [project_row(cloud, project) for project in cloud.projects])
    for project in cloud.projects:
        write_listings(cloud, tmp_path, project)
    live = identities_in(start(cloud).scan())
    read = identities_in(everything(tmp_path))

    for name in (BILLING, BUILDER):
        key = key_of(name, PROD if name == BILLING else DEV)
        assert read[key].credentials == live[key].credentials != ()
        assert (read[key].tags, read[key].scope) == (live[key].tags, live[key].scope)
    assert {one for one in live if "apikeys" in one} == {one for one in read if "apikeys" in one} != set()


def test_yaml_is_read_as_json_is(tmp_path: Path) -> None:
    """``--format=yaml`` writes one document behind the other, and ``describe`` writes it without being asked."""
    cloud = company()
    rows = cloud.rows[f"projects/{PROD}/serviceAccounts"]
    (tmp_path / "accounts.yaml").write_text(yaml.safe_dump_all(rows, explicit_start=True), encoding="utf-8")
    policy = {"bindings": [{"role": "roles/viewer", "members": [f"serviceAccount:{BILLING}"]}], "etag": "BwY="}
    (tmp_path / f"policy-{PROD}.yaml").write_text(yaml.safe_dump(policy), encoding="utf-8")

    records = everything(tmp_path)

    assert len(identities_in(records)) == len(rows)
    assert [one.holder for one in records if isinstance(one, Assignment)] == [BILLING]


def test_what_no_file_holds_is_a_gap_that_names_the_command(tmp_path: Path) -> None:
    """And no section is empty and healthy for want of a file."""
    write(tmp_path / "accounts.json", company().rows[f"projects/{PROD}/serviceAccounts"])

    gaps = gaps_in(everything(tmp_path))

    assert {scope for scope, _ in gaps} == {PROD}
    sections = {section for _, section in gaps}
    assert "iam.service_accounts" not in sections
    assert sections >= {
        "iam.service_account_keys",
        "apikeys.keys",
        "iam.policies",
        "workloads.run",
        "storage.hmac_keys",
    }
    assert {one.status for one in gaps.values()} <= {"skipped"}
    assert f"`gcloud services api-keys list --project={PROD} --format=json`" in str(gaps[PROD, "apikeys.keys"].detail)


def test_keys_of_some_accounts_are_a_gap_for_the_others(tmp_path: Path) -> None:
    """No one else seems to have none."""
    cloud = company()
    write(tmp_path / "accounts.json", cloud.rows[f"projects/{PROD}/serviceAccounts"])
    write(tmp_path / "keys.json", cloud.rows[f"projects/{PROD}/serviceAccounts/{BILLING}/keys"])

    records = everything(tmp_path)

    assert gaps_in(records)[PROD, "iam.service_account_keys"].status == "partial"
    assert "of each account" in str(gaps_in(records)[PROD, "iam.service_account_keys"].detail)
    assert [one.id for one in identities_in(records)[key_of(BILLING)].credentials] == ["0001", "0002"]


@pytest.mark.parametrize(
    ("types", "is_whole"),
    [((), False), (("/Service",), False), (("/Service", "/Project"), False), (("/Service", "/Project", "t"), True)],
)
def test_a_listing_of_all_types_says_that_there_is_nothing_else(
    tmp_path: Path, types: tuple[str, ...], *, is_whole: bool
) -> None:
    """It has all that every project has and no one asks for; one of chosen types says nothing of others."""
    cloud = company()
    rows = [one for one in assets_of(cloud, ORGANIZATION) if one["assetType"].endswith("/ServiceAccount")]
    usual = [one for one in everyday(cloud) if "1111" in one["name"] and one["assetType"].endswith(types)]
    write(tmp_path / "assets.json", [*rows, *usual])

    gaps = gaps_in(everything(tmp_path))

    assert ((PROD, "workloads.run") in gaps) is not is_whole
    assert ((PROD, "iam.service_account_keys") in gaps) is not is_whole
    assert (DEV, "workloads.run") in gaps  # of which nothing else is reported


def test_roles_that_allow_nothing_are_known_to(tmp_path: Path) -> None:
    """``describe`` leaves an empty list out, alone or among others, and so does Cloud Asset."""
    cloud = company()
    write(tmp_path / "accounts.json", cloud.rows[f"projects/{PROD}/serviceAccounts"])
    names = [f"roles/{one}" for one in ("alone", "among", "other")] + [f"projects/{PROD}/roles/asset"]
    alone, among, other, asset = ({"name": one, "title": one, "stage": "GA"} for one in names)
    write(tmp_path / "alone.json", alone)
    described = (among, other | {"includedPermissions": ["iam.roles.update"]})
    (tmp_path / "several.json").write_text("\n".join(map(json.dumps, described)), encoding="utf-8")
    row = {"name": f"//iam.googleapis.com/{asset['name']}", "assetType": "iam.googleapis.com/Role"}
    write(tmp_path / "asset.json", [row | {"ancestors": ["projects/1111"], "resource": {"data": asset}}])
    bindings = [{"role": one, "members": [f"serviceAccount:{BILLING}"]} for one in names]
    write(tmp_path / f"policy-{PROD}.json", {"bindings": bindings, "etag": "ACAB"})

    records = everything(tmp_path)

    levels = {one.grant.name: one.privilege.level for one in records if isinstance(one, Assignment)}
    assert levels == dict(zip(names, ("normal", "normal", "escalation", "normal"), strict=True))
    assert (PROD, "iam.roles") not in gaps_in(records)


@pytest.mark.parametrize("listed", [True, False])
def test_an_account_that_no_file_has_is_gone_as_by_the_apis(tmp_path: Path, *, listed: bool) -> None:
    """If all accounts of its project are listed; where no file lists them, no one can say."""
    cloud = company()
    if listed:
        write(tmp_path / "accounts.json", cloud.rows[f"projects/{PROD}/serviceAccounts"])
    members = [f"serviceAccount:{one}" for one in (f"absent@{PROD}.iam.gserviceaccount.com", BILLING)]
    policy = {"bindings": [{"role": "roles/viewer", "members": members}], "etag": "ACAB"}
    write(tmp_path / "policy.json", [{"resource": PROJECT.format(PROD), "policy": policy, "project": "projects/1111"}])

    rights = [one for one in everything(tmp_path) if isinstance(one, Assignment)]

    assert {one.holder.partition("@")[0]: one.gone for one in rights} == (
        {"absent": True, "billing": False} if listed else {"absent": None, "billing": None}
    )


PROJECT = "//cloudresourcemanager.googleapis.com/projects/{}"


def test_secrets_without_their_versions_are_reported_without_their_age(tmp_path: Path) -> None:
    """And that is a gap."""
    cloud = secretive()
    write(tmp_path / "secrets.json", cloud.rows[f"projects/{PROD}/secrets"])
    write(tmp_path / "versions-db.json", cloud.rows[f"projects/{PROD}/secrets/db/versions"])

    records = everything(tmp_path)

    secrets = {one.name: one for one in records if isinstance(one, StoredSecret)}
    assert (secrets["db"].rotated_at, secrets["empty"].created_at) == (datetime(2025, 1, 1, tzinfo=UTC), None)
    gap = next(one for (_, section), one in gaps_in(records).items() if section == "secretmanager.secrets")
    assert (gap.status, "versions of 1 secret" in str(gap.detail)) == ("partial", True)


def test_assets_say_what_takes_a_call_to_each_of_many_apis(tmp_path: Path) -> None:
    """Notebooks, schedules, pipelines."""
    write_assets(more_of_assets(shop()), tmp_path)

    kinds = {one.kind for one in everything(tmp_path) if isinstance(one, Workload)}

    assert kinds >= {"notebook", "scheduler_job", "dataflow_job", "gke_node_pool", "compute_instance_template"}


def test_last_authentications_are_joined(tmp_path: Path) -> None:
    """To accounts and to keys, each from its own command's file."""
    cloud = company()
    write(tmp_path / "accounts.json", cloud.rows[f"projects/{PROD}/serviceAccounts"])
    write(tmp_path / "keys.json", cloud.rows[f"projects/{PROD}/serviceAccounts/{BILLING}/keys"])
    write(tmp_path / "use.json", [add_use(cloud, PROD, "billing", 3)])
    write(tmp_path / "use-of-keys.json", [add_key_use(cloud, PROD, BILLING, "0001", 5)])

    billing = identities_in(everything(tmp_path))[key_of(BILLING)]

    assert billing.last_used_at is not None
    assert [one.last_used_at is not None for one in billing.credentials] == [True, False]


def test_identities_say_when_the_files_were_written(tmp_path: Path) -> None:
    """The newest date in them: a copy of a file is as old as the copying."""
    row = {**company().rows[f"projects/{PROD}/serviceAccounts"][0]}
    write(tmp_path / "accounts.json", [row])
    keys = [{"name": f"{row['name']}/keys/k", "keyType": "USER_MANAGED", "validAfterTime": "2026-10-05T00:00:00Z"}]
    write(tmp_path / "keys.json", [keys[0] | {"validBeforeTime": "2026-10-30T00:00:00Z"}])

    (billing,) = identities_in(everything(tmp_path)).values()

    assert billing.observed_at == datetime(2026, 10, 5, tzinfo=UTC)


def test_what_was_written_last_is_true(tmp_path: Path) -> None:
    """Of two files that report on one thing."""
    row = company().rows[f"projects/{PROD}/serviceAccounts"][0]
    write(tmp_path / "a.json", [row | {"displayName": "newer"}])
    write(tmp_path / "b.json", [row | {"displayName": "older"}])
    os.utime(tmp_path / "b.json", (1_700_000_000, 1_700_000_000))

    (billing,) = identities_in(everything(tmp_path)).values()

    assert billing.display_name == "newer"


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, {PROD, DEV}),
        ({"projects": PROD}, {PROD}),
        ({"projects": "1111"}, {PROD}),
        ({"skip_projects": PROD}, {DEV}),
        ({"skip_projects": "1111"}, {DEV}),
        ({"folders": "456"}, {PROD}),
        ({"organization": "123456789012"}, {PROD, DEV}),
    ],
)
def test_settings_say_which_projects_are_read(tmp_path: Path, facts: dict[str, str], expected: set[str]) -> None:
    """As where the APIs are asked."""
    write_assets(company(), tmp_path)

    found = identities_in(everything(tmp_path, **facts)).values()

    assert {one.scope for one in found} == expected


def test_a_project_that_is_only_named_is_a_gap(tmp_path: Path) -> None:
    """One, not one for each section."""
    cloud = company()
    write(tmp_path / "projects.json", [project_row(cloud, project) for project in cloud.projects])
    write(tmp_path / "accounts.json", cloud.rows[f"projects/{PROD}/serviceAccounts"])

    gaps = [key for key in gaps_in(everything(tmp_path)) if key[0] == DEV]

    assert gaps == [(DEV, "resourcemanager.projects")]


def test_policies_above_projects_are_read_and_inherited(tmp_path: Path) -> None:
    """Their own rights count for the unit they are set on; conditions and deleted members stay what they are."""
    write_assets(powerful(), tmp_path)

    rights = [one for one in everything(tmp_path) if isinstance(one, Assignment)]

    assert {one.scope for one in rights} == {ORGANIZATION, "folders/45", "acme-prod", "acme-dev"}
    assert {one.holder for one in rights if one.gone} == {
        "100000000000000000009",
        "absent@acme-dev.iam.gserviceaccount.com",
    }


def test_the_connector_pickles_with_its_files(tmp_path: Path) -> None:
    """Anyone who gets it reads them anew, as another machine does."""
    write_assets(powerful(), tmp_path)
    connector = pickled(GcpConnector("prod", GcpSettings(from_files=tmp_path)))

    assert [check.ok for check in connector.check()] == [True]


@pytest.mark.parametrize(
    ("file", "section"),
    [
        ("acme-prod-api-keys.json", "apikeys.keys"),
        ("acme-prod/hmac.json", "storage.hmac_keys"),
        ("functions-1111.json", "workloads.functions"),
        ("workload-identity-pools.json", "iam.workload_identity_pools"),
    ],
)
def test_an_empty_listing_is_known_by_the_name_of_its_file(tmp_path: Path, file: str, section: str) -> None:
    """With the project's id or number in it, or none where there is but one project."""
    cloud = company()
    write(tmp_path / "projects.json", [project_row(cloud, PROD)])
    write(tmp_path / "accounts.json", cloud.rows[f"projects/{PROD}/serviceAccounts"])
    assert (PROD, section) in gaps_in(everything(tmp_path))

    write(tmp_path / file, [])

    assert (PROD, section) not in gaps_in(everything(tmp_path))


def test_a_word_in_a_project_s_name_says_nothing_of_a_listing(tmp_path: Path) -> None:
    """The file is about HMAC keys; that there are no secrets is not known."""
    row = {"projectId": "acme-secrets", "projectNumber": "77", "name": "acme-secrets", "lifecycleState": "ACTIVE"}
    write(tmp_path / "projects.json", [row])
    write(tmp_path / "acme-secrets-hmac.json", [])

    gaps = gaps_in(everything(tmp_path))

    assert ("acme-secrets", "storage.hmac_keys") not in gaps
    assert ("acme-secrets", "secretmanager.secrets") in gaps


def test_an_empty_listing_of_one_thing_is_known_by_the_thing_in_its_files_name(tmp_path: Path) -> None:
    """Keys of an account, providers of a pool; no one else's are known by that."""
    cloud = company()
    write(tmp_path / "accounts.json", cloud.rows[f"projects/{PROD}/serviceAccounts"])
    for email in (BILLING, "1111-compute@developer.gserviceaccount.com"):
        assert (PROD, "iam.service_account_keys") in gaps_in(everything(tmp_path))
        write(tmp_path / f"account-keys-{email}.json", [])

    assert (PROD, "iam.service_account_keys") not in gaps_in(everything(tmp_path))


def test_policies_of_accounts_that_no_file_holds_are_a_gap(tmp_path: Path) -> None:
    """A project's own policy does not say who may become its accounts; one file an account closes it."""
    cloud = company()
    policy = {"bindings": [], "etag": "ACAB"}
    write(tmp_path / "accounts.json", cloud.rows[f"projects/{PROD}/serviceAccounts"])
    write(tmp_path / f"policy-{PROD}.json", policy)
    gap = gaps_in(everything(tmp_path))[PROD, "iam.policies"]

    for email in (BILLING, "1111-compute@developer.gserviceaccount.com"):
        write(tmp_path / f"policy-of-{email}.json", policy)

    assert (gap.status, "policies of 2 accounts" in str(gap.detail)) == ("partial", True)
    assert (PROD, "iam.policies") not in gaps_in(everything(tmp_path))


def test_clusters_are_listed_with_their_node_pools(tmp_path: Path) -> None:
    """Nodes of each run as an account of their own."""
    link = f"https://container.googleapis.com/v1/projects/{PROD}/locations/europe-west1/clusters/main"
    pool = {"name": "pool-1", "selfLink": f"{link}/nodePools/pool-1", "config": {"serviceAccount": BILLING}}
    write(tmp_path / "accounts.json", company().rows[f"projects/{PROD}/serviceAccounts"])
    write(tmp_path / "clusters.json", [{"name": "main", "selfLink": link, "nodePools": [pool]}])

    records = everything(tmp_path)

    found = {one.kind: one.runs_as for one in records if isinstance(one, Workload)}
    assert found["gke_node_pool"] == (key_of(BILLING),)
    assert (PROD, "workloads.kubernetes") not in gaps_in(records)


def test_services_without_jobs_are_a_gap(tmp_path: Path) -> None:
    """A section is whole when all of its listings are there."""
    cloud = shop()
    write(tmp_path / "accounts.json", cloud.rows[f"projects/{PROD}/serviceAccounts"])
    write(tmp_path / "services.json", cloud.rows[f"projects/{PROD}/locations/europe-west1/services"])
    before = gaps_in(everything(tmp_path))[PROD, "workloads.run"]

    write(tmp_path / "jobs.json", cloud.rows[f"projects/{PROD}/locations/europe-west1/jobs"])

    assert (before.status, "gcloud run jobs list" in str(before.detail)) == ("partial", True)
    assert (PROD, "workloads.run") not in gaps_in(everything(tmp_path))

"""Folders as people have them: several accounts, pages, parts missing, files that are wrong or hostile."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.aws.settings import AwsSettings
from scanner.judging.usage import judge_usage
from scanner.model import Coverage, FileEnd, Identity
from tests.connectors.aws.offline.command_line import write
from tests.connectors.aws.offline.exported import MADE, details, everywhere, keys, read, report, row, secrets

ONE, OTHER = "111111111111", "222222222222"
NOTHING_REGIONAL = ("secretsmanager",)


def test_accounts_lie_in_one_folder(tmp_path: Path) -> None:
    """What is in a file gives its account and region; what it is called does not matter, nor where it lies."""
    write(tmp_path / "a.txt", details(ONE, "ann"))
    write(tmp_path / "deep" / "er" / "b", details(OTHER, "bob", roles=("job",)))
    write(tmp_path / "secrets", secrets(OTHER, "eu-west-1", "db"), secrets(OTHER, "us-east-1", "mail"))

    found = read(tmp_path, resources=NOTHING_REGIONAL)

    assert {each.name: each.scope for each in found.identities.values() if each.kind != "root"} == {
        "ann": ONE,
        "bob": OTHER,
        "job": OTHER,
    }
    assert {each.name: (each.scope, each.attributes["region"]) for each in found.secrets.values()} == {
        "db": (OTHER, "eu-west-1"),
        "mail": (OTHER, "us-east-1"),
    }
    assert everywhere(found.records) == []


@pytest.mark.parametrize(
    ("name", "region", "section", "answer"),
    [
        ("glue-get-jobs-eu-west-1", "eu-west-1", "glue.jobs", {"Jobs": []}),
        ("ec2-describe-key-pairs-us-gov-east-1", "us-gov-east-1", "ec2.key_pairs", {"KeyPairs": []}),
        ("acm-list-certificates-ap-southeast-2", "ap-southeast-2", "acm.certificates", {"CertificateSummaryList": []}),
        ("eusc-de-east-1/glue-get-jobs", "eusc-de-east-1", "glue.jobs", {"Jobs": []}),
    ],
)
def test_the_name_that_a_gap_proposes_says_the_region(
    tmp_path: Path, name: str, region: str, section: str, answer: dict[str, list[str]]
) -> None:
    """Of an empty list nothing else does; the words of the command are no part of a region's name."""
    write(tmp_path / "account.json", details(ONE, "ann"))
    write(tmp_path / f"{name}.json", answer)

    found = read(tmp_path, regions=(region, "eu-north-1"), resources=(section,))

    states = {one.section: one.status for one in found.records if isinstance(one, Coverage)}
    assert states[f"{section}:{region}"] == "complete"
    assert states[f"{section}:eu-north-1"] == "skipped"


def test_what_an_export_lacks_is_one_gap_however_many_regions(tmp_path: Path) -> None:
    """Reported with a count; what it has of a region stays complete, and may still be elsewhere."""
    regions = ("eu-west-1", "eu-north-1", "us-east-1", "ap-south-1")
    write(tmp_path / "account.json", details(ONE, "ann"))
    write(tmp_path / "secrets.json", secrets(ONE, "eu-west-1", "db"))

    found = read(tmp_path, regions=regions, resources=("secretsmanager", "ecs"))

    assert found.coverage["secretsmanager.secrets:eu-west-1"].status == "complete"
    listed = found.coverage["secretsmanager.secrets"]
    assert (listed.status, listed.kinds) == ("skipped", ("secret",))
    assert str(listed.detail).startswith("in 3 of 4 regions: no file holds secretsmanager list-secrets in REGION")
    assert "--region REGION > secretsmanager-list-secrets-REGION.json`" in str(listed.detail)
    assert found.gaps["ecs.clusters"] == "skipped"
    assert found.gaps["ecs.services"] == "failed"
    assert [name for name in found.coverage if ":" in name] == ["secretsmanager.secrets:eu-west-1"]


def test_who_else_may_read_a_secret_is_read_from_files(tmp_path: Path) -> None:
    """An answer that is one row by itself: the secret's name in it says whose it is."""
    listed = secrets(ONE, "eu-west-1", "shared", "own")
    policy = json.dumps({"Statement": {"Effect": "Allow", "Principal": {"AWS": OTHER}, "Action": "secretsmanager:*"}})
    shared, own = listed["SecretList"]
    write(tmp_path / "account.json", details(ONE, "ann"))
    write(tmp_path / "secrets.json", listed)
    write(tmp_path / "shared.json", {"ARN": shared["ARN"], "Name": "shared", "ResourcePolicy": policy})
    write(tmp_path / "own.json", {"ARN": own["ARN"], "Name": "own"})

    found = read(tmp_path, regions=("eu-west-1",), resources=("secret.policies",))

    assert {name: one.attributes.get("readable_by") for name, one in found.secrets.items()} == {
        "shared": [OTHER],
        "own": None,
    }


def test_what_no_one_exported_is_a_gap_and_says_the_command(tmp_path: Path) -> None:
    """Without a report keys are unknown, not none; each gap says which command says more."""
    write(tmp_path / "account.json", details(ONE, "ann", "bob", roles=("job",)))

    found = read(tmp_path, regions=("eu-west-1",))

    assert found.coverage["iam.users"].status == "complete"
    assert found.gaps["iam.credential_report"] == found.gaps["iam.access_keys"] == "skipped"
    assert "`aws iam get-credential-report > iam-get-credential-report.json`" in str(
        found.coverage["iam.credential_report"].detail
    )
    assert "`aws iam list-service-specific-credentials --all-users > iam-list" in str(
        found.coverage["iam.service_credentials"].detail
    )
    assert "`aws iam list-access-keys --user-name … > iam-list-access-keys.json`" in str(
        found.coverage["iam.access_keys"].detail
    )
    assert "2 of 2 users' access keys" in str(found.coverage["iam.access_keys"].detail)
    assert "credentials" in found.identities["ann"].unread
    assert found.identities["ann"].enabled is None
    assert found.identities["job"].use_tracked_days == 400
    assert "`aws lambda list-functions --region eu-west-1 > lambda-list-functions-eu-west-1.json`" in str(
        found.coverage["lambda.functions:eu-west-1"].detail
    )
    regions = read(tmp_path).coverage["ec2.regions"]
    assert "`aws ec2 describe-regions > ec2-describe-regions.json`" in str(regions.detail)


@pytest.mark.parametrize("form", ["raw", "json"])
def test_a_report_is_taken_raw_and_as_json(tmp_path: Path, form: str) -> None:
    """The CSV itself, or the answer that holds it in base64: the same."""
    text = report(row(ONE, "ann", key_used="2019-04-01T00:00:00+00:00"))
    write(tmp_path / "account.json", details(ONE, "ann"))
    if form == "raw":
        (tmp_path / "report").write_text(text)
    else:
        content = base64.b64encode(text.encode()).decode()
        write(tmp_path / "report", {"Content": content, "ReportFormat": "text/csv", "GeneratedTime": MADE})
    write(tmp_path / "keys.json", keys("ann", "AKIAANN"))

    found = read(tmp_path)

    (key,) = found.identities["ann"].credentials
    assert (key.id, key.last_used_at) == ("AKIAANN", datetime(2019, 4, 1, tzinfo=UTC))
    assert found.coverage["iam.credential_report"].status == "complete"
    assert found.coverage["iam.access_keys"].status == "complete"


def test_use_is_judged_as_of_the_export(tmp_path: Path) -> None:
    """Years later, what was in use when it was exported is not called dormant."""
    write(tmp_path / "account.json", details(ONE, "ann", "idle"))
    rows = (row(ONE, "ann", key_used="2020-04-01T00:00:00+00:00"), row(ONE, "idle", key_used="N/A"))
    (tmp_path / "report.csv").write_text(report(*rows))
    write(tmp_path / "keys.json", keys("ann", "AKIAANN"), keys("idle", "AKIAIDLE"))
    write(tmp_path / "none.json", {"ServiceSpecificCredentials": []})

    found = read(tmp_path).identities

    now = datetime(2026, 1, 1, tzinfo=UTC)
    used = {name: judge_usage(found[name], window_days=90, now=now) for name in ("ann", "idle")}
    assert (used["ann"].state, used["ann"].evidence) == ("active", "last used 2020-04-01 (as of 2020-04-01)")
    assert used["idle"].state == "never_used"


def test_names_alone_are_better_than_nothing(tmp_path: Path) -> None:
    """Where the large listing was not exported, the small ones serve, and say what they lack."""
    listed = details(ONE, "ann", roles=("job",))
    write(tmp_path / "users.json", {"Users": listed["UserDetailList"]})
    write(tmp_path / "roles.json", {"Roles": listed["RoleDetailList"]})

    found = read(tmp_path)

    assert {"ann", "job"} <= found.identities.keys()
    assert found.gaps["iam.users"] == "partial"
    assert found.identities["ann"].privilege.level == "unknown"


def test_an_organization_says_which_accounts_no_one_exported(tmp_path: Path) -> None:
    """Its listing names accounts; each without a file is a gap of its own."""
    arn = f"arn:aws:organizations::{ONE}:account/o-abcdefghij"
    rows = [
        {"Id": each, "Arn": f"{arn}/{each}", "Email": "a@example.com", "Name": "a", "Status": "ACTIVE"}
        for each in (ONE, OTHER)
    ]
    write(tmp_path / "accounts.json", {"Accounts": rows})
    write(tmp_path / "account.json", details(ONE, "ann"))

    found = read(tmp_path)

    left_out = [each for each in found.records if isinstance(each, Coverage) and each.scope == OTHER]
    assert [(each.section, each.status, each.detail) for each in left_out] == [
        ("sts.assume_role", "skipped", "no file describes this account")
    ]
    assert found.coverage["organizations.accounts"].status == "complete"
    assert found.gaps["organizations.policies"] == "skipped"
    assert "ann" in found.identities


def test_a_document_that_could_be_of_any_account_is_named(tmp_path: Path) -> None:
    """Where two accounts lie in a folder and a file gives neither, it is of none; beside one, it is that one's."""
    write(tmp_path / "one" / "account.json", details(ONE, "ann"))
    write(tmp_path / "one" / "api-keys.json", {"ServiceSpecificCredentials": []})
    write(tmp_path / "two.json", details(OTHER, "bob"))
    write(tmp_path / "api-keys.json", {"ServiceSpecificCredentials": []})
    write(tmp_path / OTHER / "delegations.json", {"DelegationRequests": [], "isTruncated": False})

    found = read(tmp_path)

    (gap,) = everywhere(found.records)
    assert gap.detail == (
        "row api-keys.json could not be read: it does not say which account it describes: "
        "put it into a folder that is named by the account's id"
    )
    reported = {
        (each.scope, each.section): each.status
        for each in found.records
        if isinstance(each, Coverage) and each.section in ("iam.service_credentials", "iam.delegation_requests")
    }
    assert reported == {
        (ONE, "iam.service_credentials"): "complete",
        (ONE, "iam.delegation_requests"): "skipped",
        (OTHER, "iam.service_credentials"): "skipped",
        (OTHER, "iam.delegation_requests"): "complete",
    }


@pytest.mark.parametrize("there", [True, False])
def test_a_folder_without_an_account_is_no_scan(tmp_path: Path, *, there: bool) -> None:
    """Nothing found, or no folder: everything is a gap, and it says how to begin."""
    folder = tmp_path if there else tmp_path / "missing"

    (gap,) = read(folder).records

    assert isinstance(gap, Coverage)
    assert (gap.scope, gap.status) == ("*", "failed")
    reason = "no file describes an account" if there else "cannot be read: No such file or directory"
    assert reason in str(gap.detail)


@pytest.mark.parametrize("content", ["{broken", "", "an account, in words"])
def test_files_that_are_all_unusable_are_no_scan(tmp_path: Path, content: str) -> None:
    """They are named, and nothing was read: not even in part."""
    (tmp_path / "wrong.json").write_text(content)

    (gap,) = read(tmp_path).records

    assert isinstance(gap, Coverage)
    assert (gap.scope, gap.status) == ("*", "failed")
    assert "wrong.json" in str(gap.detail)
    assert "no file describes an account" in str(gap.detail)


def test_files_and_roles_of_an_organization_exclude_each_other() -> None:
    """A role cannot be assumed in a file."""
    with pytest.raises(ValueError, match="leave out organization_role"):
        AwsSettings(from_files=Path("export"), organization_role="Audit")


def test_one_dump_of_two_accounts_is_two_accounts(tmp_path: Path) -> None:
    """Someone put the answers together: each identity is of the account that its ARN names, and judged by its own."""
    one, two = details(ONE, "ada", roles=("boss",)), details(OTHER, "bob", "cleo", roles=("boss",))
    version = {"IsDefaultVersion": True, "Document": {"Statement": []}}
    ours = {"Arn": "arn:aws:iam::aws:policy/Ours", "PolicyName": "Ours", "PolicyVersionList": [version]}
    write(tmp_path / "dump.json", {name: [*one[name], *two[name]] for name in one} | {"Policies": [ours]})

    found = read(tmp_path)

    identities = {each.key.rpartition(":")[2]: each for each in found.records if isinstance(each, Identity)}
    assert {name: each.scope for name, each in identities.items() if each.kind == "user"} == {
        "user/ada": ONE,
        "user/bob": OTHER,
        "user/cleo": OTHER,
    }
    roles = [each for each in found.records if isinstance(each, Identity) and each.kind == "role"]
    assert sorted((each.scope, each.key) for each in roles) == [
        (account, f"arn:aws:iam::{account}:role/boss") for account in (ONE, OTHER)
    ]
    listed = {
        (each.scope, each.section): (each.status, each.identities)
        for each in found.records
        if isinstance(each, Coverage) and each.section in ("iam.users", "iam.policies")
    }
    assert listed == {
        (ONE, "iam.users"): ("complete", 1),
        (OTHER, "iam.users"): ("complete", 2),
        (ONE, "iam.policies"): ("complete", 1),
        (OTHER, "iam.policies"): ("complete", 1),
    }


def test_a_role_that_trusts_another_account_does_not_make_a_dump_two_accounts(tmp_path: Path) -> None:
    """Only what rows themselves are called counts."""
    dump = details(ONE, "ada", roles=("boss",))
    dump["RoleDetailList"][0]["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] = {"AWS": OTHER}
    write(tmp_path / "dump.json", dump)

    assert {each.scope for each in read(tmp_path).records if not isinstance(each, FileEnd)} == {ONE}

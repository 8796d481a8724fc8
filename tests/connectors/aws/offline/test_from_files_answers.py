"""Which files answer a call: by what it asks of, page by page, and only with what it would have given."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from connectors.aws.offline.selecting import row_identity
from scanner.model import Workload
from tests.connectors.aws.offline.command_line import write
from tests.connectors.aws.offline.exported import MADE, details, everywhere, keys, read

ONE, OTHER = "111111111111", "222222222222"


def test_keys_are_reported_user_by_user(tmp_path: Path) -> None:
    """One file for each user, or all in one: whose they are stands in the rows, or in the name where there are none."""
    users = [f"user{number}" for number in range(40)]
    write(tmp_path / "account.json", details(ONE, *users, "Active", "empty.one"))
    write(tmp_path / "keys.json", *(keys(user, f"AKIA{user.upper()}") for user in users[37:]))
    write(tmp_path / "active.json", keys("Active", "AKIAACTIVE1", "AKIAACTIVE2"))
    write(tmp_path / "keys-empty.one.json", keys("empty.one"))

    found = read(tmp_path)

    held = {
        name: [one.id for one in each.credentials] for name, each in found.identities.items() if each.kind == "user"
    }
    assert {name: ids for name, ids in held.items() if ids} == {
        "user37": ["AKIAUSER37"],
        "user38": ["AKIAUSER38"],
        "user39": ["AKIAUSER39"],
        "Active": ["AKIAACTIVE1", "AKIAACTIVE2"],
    }
    assert "37 of 42 users' access keys could not be read" in str(found.coverage["iam.access_keys"].detail)


def test_keys_of_several_users_in_one_list_are_distinguished(tmp_path: Path) -> None:
    """As a program leaves them that puts the answers together."""
    write(tmp_path / "account.json", details(ONE, "ann", "bob"))
    rows = [*keys("ann", "AKIAANN")["AccessKeyMetadata"], *keys("bob", "AKIABOB")["AccessKeyMetadata"]]
    write(tmp_path / "keys.json", {"AccessKeyMetadata": rows})

    found = read(tmp_path).identities

    assert [one.id for one in found["ann"].credentials] == ["AKIAANN"]
    assert [one.id for one in found["bob"].credentials] == ["AKIABOB"]


def test_only_parameters_that_hold_secrets_count(tmp_path: Path) -> None:
    """A call asks for nothing else; an export has them all."""
    rows = [
        {"Name": f"/{kind}", "ARN": f"arn:aws:ssm:eu-west-1:{ONE}:parameter/{kind}", "Type": kind, "Version": 1}
        for kind in ("String", "SecureString")
    ]
    write(tmp_path / "parameters.json", {"Parameters": rows})

    assert list(read(tmp_path, resources=("ssm",)).secrets) == ["/SecureString"]


def test_things_in_clusters_are_distinguished(tmp_path: Path) -> None:
    """By the names in answers, or by the file's where it has no word of it: groups and clusters may share one."""
    place, role = f"arn:aws:eks:eu-west-1:{ONE}", f"arn:aws:iam::{ONE}:role"
    write(tmp_path / "clusters.json", {"clusters": ["prod", "dev", "web"]})
    for name in ("prod", "dev", "web"):
        cluster = {"name": name, "arn": f"{place}:cluster/{name}", "roleArn": f"{role}/{name}"}
        write(tmp_path / "details.json", {"cluster": cluster})
    for name in ("prod", "web"):
        write(tmp_path / f"list-nodegroups-{name}.json", {"nodegroups": ["web"]})
    group = {"nodegroupName": "web", "clusterName": "prod", "nodegroupArn": f"{place}:nodegroup/prod/web/1"}
    write(tmp_path / "details.json", {"nodegroup": {**group, "nodeRole": f"{role}/nodes"}})

    found = read(tmp_path, resources=("eks.clusters", "eks.nodegroups"))

    workloads = [each for each in found.records if isinstance(each, Workload)]
    assert sorted((each.key.rpartition(":")[2], *each.runs_as) for each in workloads) == [
        ("cluster/dev", f"{role}/dev"),
        ("cluster/prod", f"{role}/prod"),
        ("cluster/web", f"{role}/web"),
        ("nodegroup/prod/web/1", f"{role}/nodes"),
    ]
    reported = str(found.coverage["eks.nodegroups:eu-west-1"].detail)
    assert "no file holds eks list-nodegroups of dev in eu-west-1" in reported
    assert "no file holds eks describe-nodegroup of web, web in eu-west-1" in reported


def test_services_are_of_the_cluster_in_their_names(tmp_path: Path) -> None:
    """Of the other cluster, nothing is known."""
    place = f"arn:aws:ecs:eu-west-1:{ONE}"
    write(tmp_path / "clusters.json", {"clusterArns": [f"{place}:cluster/prod", f"{place}:cluster/dev"]})
    write(tmp_path / "a.json", {"serviceArns": [f"{place}:service/prod/web"]})

    found = read(tmp_path, resources=("ecs.services",))

    assert "1 of 2 answers to ListServices could not be read: no file holds ecs list-services of arn" in str(
        found.coverage["ecs.services:eu-west-1"].detail
    )


def test_pages_in_several_files_are_one_listing(tmp_path: Path) -> None:
    """Pages as the service gives them, in any order; a row that stands in two files is counted once."""
    write(tmp_path / "2.json", details(ONE, "bob", IsTruncated=False))
    rows = [
        {
            "ServiceSpecificCredentialId": each,
            "ServiceName": "x",
            "UserName": "ann",
            "Status": "Active",
            "CreateDate": MADE,
        }
        for each in ("ACCA1", "ACCA2")
    ]
    write(tmp_path / "api-keys.json", {"ServiceSpecificCredentials": rows[:1], "IsTruncated": True, "Marker": "next"})
    write(tmp_path / "api-keys.json", {"ServiceSpecificCredentials": rows[1:], "IsTruncated": False})
    write(tmp_path / "1.json", details(ONE, "ann", "bob", IsTruncated=True, Marker="next"))

    found = read(tmp_path)

    assert found.coverage["iam.users"].status == "complete"
    assert found.coverage["iam.users"].identities == 2
    assert found.coverage["iam.service_credentials"].status == "complete"
    assert [one.id for one in found.identities["ann"].credentials] == ["ACCA1", "ACCA2"]


def test_devices_in_two_pages_are_all_read(tmp_path: Path) -> None:
    """Their rows have no name but a serial number."""
    devices = [
        {"SerialNumber": f"arn:aws:iam::{ONE}:mfa/{name}", "User": {"Arn": f"arn:aws:iam::{ONE}:user/{name}"}}
        for name in ("ann", "bob")
    ]
    write(tmp_path / "account.json", details(ONE, "ann", "bob"))
    write(tmp_path / "1.json", {"VirtualMFADevices": devices[:1], "IsTruncated": True, "Marker": "next"})
    write(tmp_path / "2.json", {"VirtualMFADevices": devices[1:], "IsTruncated": False})

    users = read(tmp_path).identities

    assert {name: users[name].attributes.get("second_factors") for name in ("ann", "bob")} == {
        "ann": ["virtual"],
        "bob": ["virtual"],
    }


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param([{"SerialNumber": "a"}, {"SerialNumber": "b"}], id="a serial number and no name"),
        pytest.param([{"UserName": "ann", "SerialNumber": each} for each in "ab"], id="two devices of a user"),
        pytest.param([{"LaunchTemplateId": "x", "VersionNumber": each} for each in (1, 2)], id="versions of one"),
        pytest.param([{"Id": each, "Arn": "arn:aws:lambda:::f"} for each in "ab"], id="targets with one ARN"),
        pytest.param([{"Tags": [], "EnableDate": each} for each in "ab"], id="nothing that names them"),
    ],
)
def test_rows_are_distinguished(rows: list[dict[str, Any]]) -> None:
    """A row that is taken for another would be left out of a listing in several files."""
    one, other = rows

    assert row_identity(one) != row_identity(other)
    assert row_identity(one) == row_identity({**one})


@pytest.mark.parametrize(
    "changed", [{"Tags": [{"Key": "a", "Value": "b"}]}, {"Status": "Inactive"}, {"Layers": ["x"]}, {"EnableDate": "y"}]
)
def test_a_row_that_changed_is_the_same_row(changed: dict[str, Any]) -> None:
    """What it is tagged with, and the state that it is in, do not name it."""
    row = {"FunctionName": "f", "SerialNumber": "a", "Tags": [], "Status": "Active"}

    assert row_identity(row) == row_identity({**row, **changed})


@pytest.mark.parametrize("mark", [{"NextToken": "eyJNYXJrZXIi"}, {"IsTruncated": True, "Marker": "next"}])
def test_a_listing_without_its_last_page_is_partial(tmp_path: Path, mark: dict[str, Any]) -> None:
    """What is there is kept, and the gap says that more was there."""
    write(tmp_path / "account.json", details(ONE, "ann", **mark))
    write(tmp_path / "api-keys.json", {"ServiceSpecificCredentials": [], **mark})
    anchor = {"trustAnchorId": "t", "trustAnchorArn": f"arn:aws:rolesanywhere:eu-west-1:{ONE}:trust-anchor/t"}
    write(tmp_path / "anchors.json", {"trustAnchors": [anchor], "nextToken": "next"})

    found = read(tmp_path, resources=("secretsmanager",))

    assert found.gaps["iam.users"] == found.gaps["iam.roles"] == "partial"
    assert "the last page of iam get-account-authorization-details is in no file" in str(
        found.coverage["iam.users"].detail
    )
    assert "ann" in found.identities
    assert "iam.service_credentials" in found.gaps
    assert found.gaps["rolesanywhere.trust_anchors:eu-west-1"] == "partial"


def test_things_asked_about_together_are_reported_one_by_one(tmp_path: Path) -> None:
    """Of a batch, each that no file gives is counted, and the others are read."""
    place = f"arn:aws:codebuild:eu-west-1:{ONE}:project"
    role = f"arn:aws:iam::{ONE}:role/build"
    write(tmp_path / "eu-west-1.json", {"projects": ["web", "api", "gone"]})
    for name in ("api", "web"):
        write(tmp_path / "details.json", {"projects": [{"name": name, "arn": f"{place}/{name}", "serviceRole": role}]})

    found = read(tmp_path, resources=("codebuild.projects",))

    assert {name: each.runs_as for name, each in found.workloads.items()} == {"api": (role,), "web": (role,)}
    assert found.gaps["codebuild.projects:eu-west-1"] == "partial"


def test_of_two_answers_about_one_thing_the_newer_counts(tmp_path: Path) -> None:
    """Facts cannot be put together as rows can."""
    name = f"arn:aws:iam::{ONE}:oidc-provider/example.com"
    write(tmp_path / "account.json", details(ONE, "ann"))
    write(tmp_path / "list.json", {"OpenIDConnectProviderList": [{"Arn": name}]})
    for age, audience in ((100, "old"), (0, "new")):
        path = tmp_path / f"{audience}.json"
        write(path, {"Url": "example.com", "ClientIDList": [audience], "ThumbprintList": [], "CreateDate": MADE})
        os.utime(path, (path.stat().st_mtime - age,) * 2)

    assert read(tmp_path).identities["example.com"].attributes["audiences"] == ["new"]


INSTANCE = {"InstanceId": "i-1", "Placement": {"AvailabilityZone": "eu-west-1b"}}
FOREIGN = "arn:aws:lambda:us-east-1:333333333333:layer"
FUNCTION = {
    "FunctionName": "f",
    "FunctionArn": f"arn:aws:lambda:eu-west-1:{ONE}:function:f",
    "Runtime": "python3.13",
    "Layers": [{"Arn": f"{FOREIGN}:{number}:1", "CodeSize": 1} for number in range(5)],
}
PLACED: dict[str, tuple[str, Any]] = {
    "by its own names, not those of others inside": ("a.json", {"Functions": [FUNCTION]}),
    "by owner and zone": (
        "a.json",
        {"Reservations": [{"OwnerId": ONE, "ReservationId": "r-1", "Instances": [INSTANCE]}]},
    ),
    "by its folders": (f"{ONE}/eu-west-1/a.json", {"SecretList": []}),
    "by its name": (f"{ONE}-eu-west-1.json", {"SecretList": []}),
}


@pytest.mark.parametrize(("name", "answer"), PLACED.values(), ids=PLACED.keys())
def test_an_answer_has_its_place(tmp_path: Path, name: str, answer: Any) -> None:
    """The account and the region that it is of."""
    write(tmp_path / name, answer)

    found = read(tmp_path, resources=("secretsmanager",))

    assert everywhere(found.records) == []
    places = {(each.scope, each.section.partition(":")[2]) for each in found.coverage.values()}
    assert {place for place in places if place[1]} == {(ONE, "eu-west-1")}


def test_what_is_still_to_come_does_not_date_an_export(tmp_path: Path) -> None:
    """Ends that were ahead when it was written may lie behind when it is read."""
    write(tmp_path / "account.json", details(ONE, "ann"))
    row = {"ServiceSpecificCredentialId": "ACCA1", "ServiceName": "bedrock.amazonaws.com", "UserName": "ann"}
    ends = {"Status": "Active", "CreateDate": MADE, "ExpirationDate": "2020-01-01T00:00:00Z"}
    write(tmp_path / "keys.json", {"ServiceSpecificCredentials": [{**row, **ends}]})

    assert read(tmp_path).identities["ann"].observed_at == datetime.fromisoformat(MADE)


def test_without_dates_an_export_is_as_old_as_its_files(tmp_path: Path) -> None:
    """They have one of their own, and nothing in them can be newer."""
    path = write(
        tmp_path / "account.json", {"UserDetailList": [{"UserName": "a", "Arn": f"arn:aws:iam::{ONE}:user/a"}]}
    )
    os.utime(path, (1_600_000_000,) * 2)

    assert read(tmp_path).identities["a"].observed_at == datetime.fromtimestamp(1_600_000_000, UTC)


def test_policy_documents_may_be_text(tmp_path: Path) -> None:
    """As the API gives them, and programs that call it without an SDK keep them."""
    whole = details(ONE, "ann", roles=("job",))
    (job,), (ann,) = whole["RoleDetailList"], whole["UserDetailList"]
    job["AssumeRolePolicyDocument"] = quote(json.dumps(job["AssumeRolePolicyDocument"]))
    everything = {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
    ann["UserPolicyList"] = [{"PolicyName": "all", "PolicyDocument": json.dumps(everything)}]
    write(tmp_path / "account.json", whole)

    found = read(tmp_path)

    assert [trust.principal for trust in found.identities["job"].trusts] == ["lambda.amazonaws.com"]
    assert found.identities["ann"].privilege.level == "admin"
    assert {found.coverage[name].status for name in ("iam.users", "iam.roles")} == {"complete"}

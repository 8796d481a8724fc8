"""Files that are wrong, or hostile, or no one's business: named, with the fix, and the others are read."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from connectors.core import offline as exported
from tests.connectors.aws.offline.command_line import write
from tests.connectors.aws.offline.exported import HIDDEN, details, everywhere, read

ONE, OTHER = "111111111111", "222222222222"

WRONG: dict[str, tuple[bytes, str]] = {
    "cut short": (json.dumps(details(ONE, "ann")).encode()[:-20], "it is cut short (line 1)"),
    "cut within a text": (b'{"UserDetailList": [{"UserName": "an', "it is cut short (line 1)"),
    "empty": (b" \n", "it is empty: the command that should have written it failed"),
    "a table": (b"+----+\n| ListUsers |\n", "it is not JSON: write it with --output json (line 1)"),
    "not text": (b"\x1f\x8b\x08\x00\xff\xfe", "it is not text: write it with --output json"),
    "nested": (b"[" * 100_000, "its JSON is nested too deeply, or has a number that is too large"),
    "long number": (b'{"a": ' + b"9" * 5000 + b"}", "its JSON is nested too deeply, or has a number that is too large"),
    "secret": (
        json.dumps({"ARN": "a", "Name": "n", "SecretString": HIDDEN}).encode(),
        "it holds the values of secrets, which Muster does not need: delete it",
    ),
    "parameter": (
        json.dumps({"Parameters": [{"Name": "n", "Type": "String", "Value": HIDDEN, "ARN": "a"}]}).encode(),
        "it holds the values of secrets, which Muster does not need: delete it",
    ),
    "new key": (
        json.dumps({"AccessKey": {"UserName": "u", "AccessKeyId": "AKIA", "SecretAccessKey": HIDDEN}}).encode(),
        "it holds the values of secrets, which Muster does not need: delete it",
    ),
}


@pytest.mark.parametrize(("content", "reason"), WRONG.values(), ids=WRONG.keys())
def test_a_file_that_is_wrong_is_named_with_its_fix(tmp_path: Path, content: bytes, reason: str) -> None:
    """It could have reported anything of any account, so it is a gap everywhere; the others are read."""
    write(tmp_path / "account.json", details(ONE, "ann"))
    (tmp_path / "bad\x1b[31m.json").write_bytes(content)

    found = read(tmp_path)

    (gap,) = everywhere(found.records)
    assert (gap.section, gap.status) == ("sts.account", "partial")
    assert gap.detail == f"row bad\\x1b[31m.json could not be read: {reason}"
    assert "ann" in found.identities
    assert HIDDEN not in repr(found.records)


def test_text_of_windows_is_read(tmp_path: Path) -> None:
    """What PowerShell redirects is UTF-16; other programs put a mark before UTF-8."""
    (tmp_path / "a.json").write_text(json.dumps(details(ONE, "ann")), encoding="utf-16")
    (tmp_path / "b.json").write_text(json.dumps(details(OTHER, "bob")), encoding="utf-8-sig")

    assert {"ann", "bob"} <= read(tmp_path).identities.keys()


def test_a_file_that_is_too_large_is_not_opened(tmp_path: Path) -> None:
    """Its size is looked at first."""
    write(tmp_path / "account.json", details(ONE, "ann"))
    with (tmp_path / "huge.json").open("wb") as file:
        file.truncate(exported.MAX_BYTES + 1)

    (gap,) = everywhere(read(tmp_path).records)

    assert gap.detail == "row huge.json could not be read: it is larger than 512 MB"


def test_what_no_one_asks_for_is_named_and_no_gap(tmp_path: Path) -> None:
    """Other answers, other JSON, hidden files, folders of links, pipes: left alone."""
    write(tmp_path / "account.json", details(ONE, "ann"))
    write(tmp_path / "package.json", {"name": "x", "version": "1"}, [1, "two", None])
    write(tmp_path / "vpcs.json", {"Vpcs": [{"VpcId": "vpc-1", "OwnerId": ONE}]})
    write(tmp_path / ".git" / "config", {"UserDetailList": [{"Arn": f"arn:aws:iam::{OTHER}:user/x"}]})
    (tmp_path / "again").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "pipe")

    found = read(tmp_path)

    assert everywhere(found.records) == []
    assert {each.scope for each in found.identities.values()} == {ONE}
    assert found.coverage["sts.account"].detail == (
        "read from 1 file, as of 2019-03-01; no file is recognised in package.json, vpcs.json"
    )


@pytest.mark.parametrize(
    ("member", "section"),
    [
        ("UserDetailList", "iam.users"),
        ("RoleDetailList", "iam.roles"),
        ("GroupDetailList", "iam.groups"),
        ("Policies", "iam.policies"),
    ],
)
def test_a_list_that_was_left_out_is_a_gap(tmp_path: Path, member: str, section: str) -> None:
    """As a selection writes it. A list without rows is none: AWS writes that where there are none."""
    whole = details(ONE, "ann", roles=("job",))
    write(tmp_path / "account.json", {name: rows for name, rows in whole.items() if name != member})

    coverage = read(tmp_path).coverage

    assert coverage[section].status == "failed"
    assert coverage[section].detail == (
        f"iam:GetAccountAuthorizationDetails: the answer has no {member} (where it comes from a file, write the whole "
        "answer, without --query or another program's selection)"
    )
    others = {"iam.users", "iam.roles", "iam.groups", "iam.policies"} - {section}
    assert {coverage[name].status for name in others} == {"complete"}


def test_roles_that_trust_anyone_beyond_the_limit_are_a_gap(tmp_path: Path) -> None:
    """Their rights are not seen from whoever is not linked with them: the policies are partly read."""
    dump = details(ONE, "ann", roles=tuple(f"open-{number}" for number in range(102)))
    for role in dump["RoleDetailList"]:
        role["AssumeRolePolicyDocument"]["Statement"][0] |= {"Principal": "*", "Action": "sts:AssumeRole"}
    write(tmp_path / "account.json", dump)

    coverage = read(tmp_path).coverage["iam.policies"]

    assert coverage.status == "partial"
    assert "of 103 identities only 100 of the roles are linked that trust anyone" in (coverage.detail or "")


def test_a_list_may_be_in_another_file(tmp_path: Path) -> None:
    """Pages need not each have everything."""
    whole = details(ONE, "ann", roles=("job",))
    roles = {"RoleDetailList": whole.pop("RoleDetailList")}
    write(tmp_path / "account.json", whole)
    write(tmp_path / "roles.json", roles)

    found = read(tmp_path)

    assert "job" in found.identities
    assert found.coverage["iam.roles"].status == "complete"

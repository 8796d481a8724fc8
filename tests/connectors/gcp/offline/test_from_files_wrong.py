"""Files that are wrong, foreign or hostile: each is named, none stops the others, and no word of theirs gets out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connectors.core import offline as exported
from connectors.gcp.connector import GcpConnector
from connectors.gcp.offline.naming import rows_of
from connectors.gcp.offline.recognise import asset_in, item_in
from connectors.gcp.settings import GcpSettings
from scanner.model import Coverage
from tests.connectors.gcp.estate import PROD, company
from tests.connectors.gcp.offline.exported import (
    assets_of,
    everything,
    gaps_in,
    identities_in,
    policies_of,
    project_row,
    write,
)
from tests.connectors.hostile import reported
from tests.examples import examples
from tests.hostile_json import mutated

LAUGHS = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"
SECRET = "ya29.something-that-nobody-should-see"


def _accounts(folder: Path) -> None:
    write(folder / "accounts.json", company().rows[f"projects/{PROD}/serviceAccounts"])


def _wrong(folder: Path) -> str:
    return str(gaps_in(everything(folder))["*", "resourcemanager.projects"].detail)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "it is empty"),
        (b'[{"email": "x"', "it is cut short"),
        (b"EMAIL  DISABLED\nbilling@acme  False\n", "write it with --format=json"),
        (b"\x00\xff\xfe\x00", "write it with --format=json"),
        (b"a: b: c", "write it with --format=json"),
        (b"- 2026-13-45\n- 1", "write it with --format=json"),
        (LAUGHS.encode(), "aliases"),
        (b"a:\n" + b"".join(b" " * n + b"- \n" for n in range(1, 200)), "nested too deeply"),
        (b"a: [1\n", "write it with --format=json"),
        (b"[" * 200_000, "nested too deeply"),
        (b"[1, 2, 3]", "--format=json"),
        (json.dumps({"type": "service_account", "private_key": SECRET}).encode(), "values of secrets"),
        (json.dumps([{"name": "x", "payload": {"data": SECRET}}]).encode(), "values of secrets"),
        (f"keyString: {SECRET}\n".encode(), "values of secrets"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, content: bytes, words: str) -> None:
    """The others are read; nothing of what is in it is reported."""
    _accounts(tmp_path)
    (tmp_path / "wrong.json").write_bytes(content)

    records = everything(tmp_path)

    gap = gaps_in(records)["*", "resourcemanager.projects"]
    assert gap.status == "partial"
    assert "wrong.json" in str(gap.detail)
    assert words in str(gap.detail)
    assert SECRET not in str(records)
    assert len(identities_in(records)) == 2


def test_a_file_that_is_too_large_is_not_opened(tmp_path: Path) -> None:
    """Its size is looked at first."""
    _accounts(tmp_path)
    with (tmp_path / "huge.json").open("wb") as file:
        file.truncate(exported.MAX_BYTES + 1)

    assert "larger than" in _wrong(tmp_path)


def test_a_policy_that_does_not_say_of_what_is_named(tmp_path: Path) -> None:
    """There are two projects that it could be of."""
    cloud = company()
    for project in cloud.projects:
        write(tmp_path / f"{project}.json", cloud.rows[f"projects/{project}/serviceAccounts"])
    write(tmp_path / "policy.json", {"bindings": [], "etag": "ACAB"})

    assert "policy.json" in _wrong(tmp_path)
    assert "into the file's name" in _wrong(tmp_path)


def test_roles_without_their_permissions_are_named(tmp_path: Path) -> None:
    """``gcloud iam roles list`` leaves them out, and no one may take that for a role that allows nothing."""
    _accounts(tmp_path)
    write(tmp_path / "roles.json", [{"name": "roles/editor", "title": "Editor"}])

    assert "roles.json" in _wrong(tmp_path)
    assert "gcloud iam roles describe" in _wrong(tmp_path)


def test_a_bad_row_costs_only_itself(tmp_path: Path) -> None:
    """Hostile names are data."""
    rows: list[Any] = company().rows[f"projects/{PROD}/serviceAccounts"]
    hostile = {"name": f"projects/{PROD}/serviceAccounts/\x1b[31m<script>", "email": 7}
    write(tmp_path / "accounts.json", [*rows, hostile])

    records = everything(tmp_path)

    assert len(identities_in(records)) == 2
    detail = str(gaps_in(records)[PROD, "iam.service_accounts"].detail)
    assert "could not be read" in detail
    assert "\x1b" not in detail


@pytest.mark.parametrize("content", [None, "{}", '{"some": "thing"}'])
def test_nothing_at_all_is_a_gap_of_everything(tmp_path: Path, content: str | None) -> None:
    """Not an empty, healthy estate; doctor says how to begin."""
    if content is not None:
        (tmp_path / "something.json").write_text(content)

    (gap,) = [one for one in everything(tmp_path) if isinstance(one, Coverage)]
    (check,) = GcpConnector("prod", GcpSettings(from_files=tmp_path)).check()

    assert (gap.scope, gap.status, gap.is_gap) == ("*", "failed", True)
    assert (check.ok, "gcloud iam service-accounts list" in str(check.fix)) == (False, True)


@pytest.mark.parametrize("content", ["{broken", "EMAIL  DISABLED", "[]", json.dumps({"private_key": SECRET})])
def test_files_that_are_all_unusable_say_nothing(tmp_path: Path, content: str) -> None:
    """That is no partial reading of something: the file is named, and so is how to begin."""
    (tmp_path / "wrong.json").write_text(content)

    (gap,) = [one for one in everything(tmp_path) if isinstance(one, Coverage)]

    assert (gap.scope, gap.status) == ("*", "failed")
    assert "wrong.json" in str(gap.detail)
    assert "gcloud iam service-accounts list" in str(gap.detail)


@pytest.mark.parametrize(
    ("facts", "scope"),
    [
        ({"projects": ("acme-lost", PROD)}, "acme-lost"),
        ({"organization": "77", "projects": PROD}, "organizations/77"),
        ({"folders": "88"}, "folders/88"),
    ],
)
def test_what_is_named_and_in_no_file_is_a_gap(tmp_path: Path, facts: dict[str, Any], scope: str) -> None:
    """Anyone who asks for it is shown that it is not there, whatever else is."""
    _accounts(tmp_path)

    records = everything(tmp_path, **facts)

    gap = gaps_in(records)[scope, "resourcemanager.projects"]
    assert (gap.status, gap.detail, gap.permission) == ("skipped", "no file describes what is in it", None)
    assert len(identities_in(records)) == (2 if "projects" in facts else 0)


@pytest.mark.parametrize(
    "row",
    [
        {"name": "projects/1111", "projectId": PROD, "parent": "//x/projects/1/y"},
        {"projectNumber": "1111", "projectId": PROD, "parent": {"type": "", "id": ""}},
        {"resource": f"//x/projects/{PROD}/y", "policy": {}, "project": "projects/1111", "folders": ["y", "folders/"]},
    ],
)
def test_what_is_above_a_project_is_an_organization_or_a_folder(tmp_path: Path, row: dict[str, Any]) -> None:
    """Whatever else a file says is above it, there is no policy of that to be asked for."""
    _accounts(tmp_path)
    write(tmp_path / "project.json", [row])

    assert len(identities_in(everything(tmp_path))) == 2


def test_a_folder_that_is_not_there_is_a_gap(tmp_path: Path) -> None:
    """And no traceback."""
    (gap,) = [one for one in everything(tmp_path / "nowhere") if isinstance(one, Coverage)]

    assert (gap.status, "cannot be read" in str(gap.detail)) == ("failed", True)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
MEMBERS = (
    "name", "email", "assetType", "asset_type", "resource", "policy", "bindings", "etag", "projectId", "ancestors",
    "parent", "activity", "activityType", "accessId", "selfLink", "metadata", "kind", "iamPolicy", "labels", "state",
    "serviceAccountEmail", "projectNumber", "includedPermissions", "nodePools", "folders", "organization", "project",
    "fullResourceName",
)  # fmt: skip
NAMES = st.sampled_from(
    ("//x/projects/1/y", "projects/1", "projects/a/secrets/b", "roles/x", "folders/1", "projects/a/serviceAccounts/b")
)


@given(st.dictionaries(st.sampled_from(MEMBERS), JSON | NAMES))
def test_any_row_can_be_looked_at(row: dict[str, Any]) -> None:
    """Whatever its members are."""
    assert item_in(row) is None or item_in(row)
    assert asset_in(row) is None or asset_in(row)
    assert rows_of((row,)) is not None


@given(st.lists(st.dictionaries(st.sampled_from(MEMBERS), JSON | NAMES), max_size=3))
@example(
    [
        {
            "name": "//x/projects/1/y",
            "policy": {},
            "resource": "//x/projects/1/y",
            "folders": [""],
            "project": "projects/1",
        }
    ]
)
@example([{"projectId": "a", "projectNumber": "1", "parent": "projects/1"}])
def test_any_file_can_be_read(tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]]) -> None:
    """It ends in records and coverage."""
    folder = tmp_path_factory.mktemp("files")
    _accounts(folder)
    write(folder / "rows.json", rows)

    assert everything(folder)


def _rows() -> dict[str, Any]:
    """A file of each sort."""
    cloud = company()
    here = f"projects/{PROD}"
    return {
        "projects": [project_row(cloud, project) for project in cloud.projects],
        "accounts": cloud.rows[f"{here}/serviceAccounts"],
        f"hmac-{PROD}": cloud.rows[f"{here}/hmacKeys"],
        f"api-keys-{PROD}": cloud.rows[f"{here}/locations/global/keys"],
        "assets": assets_of(cloud, "organizations/123456789012"),
        "policies": policies_of(cloud, "organizations/123456789012"),
    }


@examples(8)
@given(data=st.data())
def test_any_part_of_any_row_may_be_anything(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """What comes of it is records and gaps, which can be determined."""
    folder, files = tmp_path_factory.mktemp("files"), _rows()
    name = data.draw(st.sampled_from(sorted(name for name, rows in files.items() if rows)))
    number = data.draw(st.integers(0, len(files[name]) - 1))
    files[name][number] = data.draw(mutated(files[name][number]))
    for each, rows in files.items():
        write(folder / f"{each}.json", rows)

    reported(everything(folder))

"""Exports that no one honest wrote: whatever stands in them, the scan goes on, and no row is lost in silence."""

from __future__ import annotations

import copy
import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.core.offline import MAX_BYTES
from scanner.demo.fakes.azure.tenant import Tenant
from scanner.model import Coverage
from tests.connectors.azure.offline.command_line import everything
from tests.connectors.azure.offline.reading import connector, export, furnish, gaps, read
from tests.connectors.hostile import reported
from tests.examples import examples
from tests.hostile_json import JSON, mutated

SECRET = "the-value-that-nobody-may-see"


def _files() -> dict[str, Any]:
    tenant = Tenant()
    furnish(tenant)
    return everything(tenant)


WHOLE = _files()


def _rows(answer: Any) -> list[Any]:
    rows: list[Any] = answer["value"] if isinstance(answer, dict) else answer
    return rows


@examples(8)
@given(data=st.data())
def test_any_row_may_hold_anything(data: st.DataObject) -> None:
    """Parts of some row are replaced by whatever JSON can say: what comes of it is records and gaps, to be reported."""
    files = copy.deepcopy(WHOLE)
    name = data.draw(st.sampled_from(sorted(one for one, answer in files.items() if _rows(answer))))
    rows = _rows(files[name])
    number = data.draw(st.integers(0, len(rows) - 1))
    rows[number] = data.draw(mutated(rows[number]))

    with tempfile.TemporaryDirectory() as folder:
        records = read(export(Path(folder), files))

    assert any(isinstance(one, Coverage) for one in records)
    reported(records)


@examples(8, smoke=8)
@given(answer=JSON | st.lists(st.dictionaries(st.sampled_from(["id", "appId", "type", "value", "owners"]), JSON)))
def test_a_file_may_hold_anything(answer: Any) -> None:
    """Beside one that says which tenant it is."""
    with tempfile.TemporaryDirectory() as folder:
        export(Path(folder), {"account": WHOLE["account"], "other": answer})

        assert any(isinstance(one, Coverage) for one in read(Path(folder)))


UNUSABLE: dict[str, tuple[bytes, str]] = {
    "cut short": (b'[{"id": "x"', "it is cut short (line 1)"),
    "empty": (b" \n", "it is empty"),
    "a table": (b"Name  Id\n----  --\n", "it is not JSON: write it with --output json"),
    "no text": (b"\xff\x00\x81", "it is not text"),
    "deep": (b"[" * 100_000, "nested too deeply"),
    "deep but whole": (b'{"value": ' + b"[" * 900 + b"]" * 900 + b"}", "no file is recognised"),
    "a large number": (b'[{"id": "x", "appId": "y", "servicePrincipalType": 1' + b"0" * 5000 + b"}]", "too large"),
    "a secret's value": (
        json.dumps({"id": "https://kv.vault.azure.net/secrets/db/1", "value": SECRET}).encode(),
        "it holds the values of secrets",
    ),
    "a new password": (
        json.dumps({"appId": "a", "password": SECRET, "tenant": "t"}).encode(),
        "it holds the values of secrets",
    ),
    "a new password for a toolkit": (
        json.dumps({"clientId": "a", "clientSecret": SECRET, "tenantId": "t"}).encode(),
        "it holds the values of secrets",
    ),
    "Azure AD Graph": (
        json.dumps([{"objectId": "o", "objectType": "ServicePrincipal", "appId": "a", "displayName": "ci"}]).encode(),
        "write it again with the Azure command line 2.37 or newer",
    ),
    "Azure AD Graph by PowerShell": (
        json.dumps([{"ObjectId": "o", "ObjectType": "Application", "AppId": "a"}]).encode(),
        "it is in the form of Azure AD Graph",
    ),
    "a credential's text": (
        json.dumps([{"id": "a", "appId": "a", "passwordCredentials": [{"secretText": SECRET}]}]).encode(),
        "it holds the values of secrets",
    ),
    "someone's owners": (
        json.dumps([{"@odata.type": "#microsoft.graph.user", "id": "x"}]).encode(),
        "put the object's id into the file's name",
    ),
}


@pytest.mark.parametrize("case", UNUSABLE)
def test_a_file_that_cannot_be_used_is_named_and_the_others_are_read(case: str, tmp_path: Path) -> None:
    """With what is wrong, and no word of what is in it."""
    content, reason = UNUSABLE[case]
    export(tmp_path, WHOLE)
    (tmp_path / "odd.json").write_bytes(content)

    records = read(tmp_path)
    (tenant,) = [one.detail for one in records if isinstance(one, Coverage) and one.section == "entra.tenant"]

    assert tenant is not None
    assert "odd.json" in tenant
    assert reason in tenant
    assert SECRET not in repr(records)
    assert gaps(records).keys() <= {"entra.tenant"}


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    """It is named."""
    export(tmp_path, WHOLE)
    with (tmp_path / "huge.json").open("wb") as file:
        file.truncate(MAX_BYTES + 1)

    assert "huge.json" in gaps(read(tmp_path))["entra.tenant"]


def test_no_file_at_all_and_no_tenant_are_reported_with_the_fix(tmp_path: Path) -> None:
    """As the one gap of everything."""
    nothing = read(tmp_path)
    export(tmp_path, {"vault/kv-secrets": WHOLE["vault/kv-prod-secrets"]})
    homeless = read(tmp_path)

    assert [(one.status, one.scope) for one in nothing if isinstance(one, Coverage)] == [("failed", "*")]
    assert "begin with `az ad sp list --all" in gaps(nothing)["entra.tenant"]
    assert "set tenant_id" in gaps(homeless)["entra.tenant"]
    assert not next(iter(connector(tmp_path).check())).ok


def test_where_no_file_can_be_used_it_is_reported_why(tmp_path: Path) -> None:
    """And not that the command line did not write them."""
    export(tmp_path, {"sp": [{"objectId": "o", "appId": "a", "servicePrincipalType": "Application"}]})

    detail = gaps(read(tmp_path))["entra.tenant"]

    assert "sp.json: it is in the form of Azure AD Graph" in detail


def test_a_missing_folder_is_one_gap(tmp_path: Path) -> None:
    """And no traceback."""
    assert "cannot be read" in gaps(read(tmp_path / "missing"))["entra.tenant"]


def test_names_with_control_characters_stay_words(tmp_path: Path) -> None:
    """A file's name may be hostile, too."""
    export(tmp_path, WHOLE)
    (tmp_path / "a\x1b[31mred.json").write_text("{", encoding="utf-8")

    assert "\x1b" not in gaps(read(tmp_path))["entra.tenant"]

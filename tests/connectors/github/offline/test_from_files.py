"""What `gh api` wrote, in place of calls: the same records, and a gap for each file that is not there."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from connectors.core.budget import Limits
from connectors.testing import Asked, Reply, Server, read
from scanner.model import Coverage, Identity, StoredSecret
from tests.connectors.github.estates import DEPLOY, TOKEN, VALUE, connector, organization
from tests.connectors.github.fake import GithubServer


@pytest.fixture
def exported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, list[Any]]:
    """All answers of a scan, a file for each endpoint with its pages one behind the other, and what the scan read."""
    monkeypatch.setenv(TOKEN, VALUE)
    github = GithubServer(organization(), token=VALUE, per_page=1)

    def kept(asked: Asked) -> Reply:
        reply = github(asked)
        if reply.status == 200:
            role = "?role=admin" if "role=admin" in asked.query else ""
            name = "graphql" if asked.path == "/graphql" else unquote(asked.path).strip("/") + role
            file = tmp_path / f"{name}.json"
            file.parent.mkdir(parents=True, exist_ok=True)
            text = json.dumps(reply.body)
            if not file.exists() or text not in file.read_text():
                with file.open("a") as stream:
                    stream.write(text + "\n")
        return reply

    with Server(kept) as server:
        live = read(connector(server.url), deadline=60.0, limits=Limits())
    return tmp_path, live


def _records(found: list[Any]) -> set[tuple[str, str]]:
    return {(type(one).__name__, one.key) for one in found if isinstance(one, (Identity, StoredSecret))}


def test_files_give_what_calls_give(exported: tuple[Path, list[Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a token, a call, or a gap; in pages, and in the list that ``--slurp`` makes of them."""
    folder, live = exported
    monkeypatch.delenv(TOKEN)
    source = connector("http://127.0.0.1:1", from_files=folder)
    whole = read(source, deadline=60.0, limits=Limits())
    file = folder / "orgs/acme/installations.json"
    file.write_text(json.dumps([json.loads(line) for line in file.read_text().splitlines()]))
    slurped = read(source, deadline=60.0, limits=Limits())

    assert _records(whole) == _records(live) == _records(slurped)
    assert [one.section for one in whole if isinstance(one, Coverage) and one.is_gap] == []
    assert all(one.calls == 0 for one in whole if isinstance(one, Coverage))


@pytest.mark.parametrize("broken", [None, "", "[", '"text"', '{"installations": 7}', "[[[]]]"])
def test_a_file_that_is_missing_or_wrong_is_a_gap_of_its_section(
    exported: tuple[Path, list[Any]], broken: str | None
) -> None:
    """Its section alone, and the gap names the file or its command."""
    folder, _ = exported
    file = folder / "orgs/acme/installations.json"
    file.unlink()
    if broken is not None:
        file.write_text(broken)

    found = read(connector("http://127.0.0.1:1", from_files=folder), deadline=60.0, limits=Limits())

    (gap,) = [one for one in found if isinstance(one, Coverage) and one.is_gap]
    assert gap.section == "apps"
    assert "installations.json" in str(gap.detail)
    assert broken is not None or "gh api --paginate '/orgs/acme/installations'" in str(gap.detail)


def test_repositories_come_from_rest_where_graphql_was_not_exported(tmp_path: Path) -> None:
    """A repository without its workflows is a gap; the others' are identities, keys and secrets have their files."""
    names = ("shop", "docs", "old")
    rows = [{"id": 7, "full_name": f"acme/{one}", "archived": one == "old", "default_branch": "main"} for one in names]
    environments = {"total_count": 1, "environments": [{"name": "production"}]}
    encoded = base64.b64encode(DEPLOY.encode()).decode()
    files: dict[str, Any] = {
        "orgs/acme": {"login": "acme", "id": 1},
        "orgs/acme/repos": [*rows, {"id": 8, "full_name": "../etc"}, "no row"],
        "repos/acme/shop/environments": environments,
        "repos/acme/shop/contents/.github/workflows": [{"name": "deploy.yml"}, {"name": "unread.yml"}],
        "repos/acme/shop/contents/.github/workflows/deploy.yml": {"content": encoded, "encoding": "base64"},
        "repos/acme/docs/contents/.github/workflows": [],
    }
    for name, body in files.items():
        file = tmp_path / f"{name}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(body))

    found = read(connector("http://127.0.0.1:1", from_files=tmp_path), deadline=60.0, limits=Limits())
    details = {one.section: str(one.detail) for one in found if isinstance(one, Coverage) and one.is_gap}

    assert [one.key for one in found if isinstance(one, Identity)] == ["github:acme/shop/.github/workflows/deploy.yml"]
    assert "workflows of 1 of 3 repositories" in details["repositories"]
    assert "unread.yml" in details["workflows"]
    assert "acme/docs" in details["secrets"]


def test_environments_beyond_the_first_page_come_from_rest(tmp_path: Path) -> None:
    """GraphQL's export has the first of them; without the other file, that is a gap."""
    page = {"hasNextPage": True, "endCursor": "1"}
    node = {
        "databaseId": 7, "nameWithOwner": "acme/app", "visibility": "PRIVATE", "isArchived": False,
        "environments": {"totalCount": 2, "pageInfo": page, "nodes": [{"name": "eu"}]},
    }  # fmt: skip
    listed = {"pageInfo": {"hasNextPage": False, "endCursor": None}, "nodes": [node]}
    files: dict[str, Any] = {
        "orgs/acme": {"login": "acme", "id": 1},
        "graphql": {"data": {"organization": {"repositories": listed}}},
        "repos/acme/app/environments/us/secrets": {"secrets": [{"name": "LATE"}]},
        "repos/acme/app/environments": {"environments": [{"name": "eu"}, {"name": "us"}]},
    }
    for name, body in files.items():
        file = tmp_path / f"{name}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(body))
    source = connector("http://127.0.0.1:1", from_files=tmp_path)
    whole = read(source, deadline=60.0, limits=Limits())
    (tmp_path / "repos/acme/app/environments.json").unlink()
    without = read(source, deadline=60.0, limits=Limits())

    assert [[one.name for one in found if isinstance(one, StoredSecret)] for found in (whole, without)] == [
        ["LATE"],
        [],
    ]
    lacks = "not all environments were read of acme/app"
    shown = [lacks in str([one.detail for one in found if isinstance(one, Coverage)]) for found in (whole, without)]
    assert shown == [False, True]

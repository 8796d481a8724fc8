"""How many requests an organization takes, as GitHub counts them: by what its repositories have."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest

from connectors.core.budget import Limits
from connectors.core.contract import DiscoveredRecord
from connectors.testing import Server, read
from scanner.demo.fakes.github.organization import repository
from scanner.model import Coverage, Identity, StoredSecret
from tests.connectors.github.estates import DEPLOY, ROLE, TOKEN, VALUE, connector
from tests.connectors.github.fake import GithubServer, Organization, served

PLAIN = "on: push\njobs: { test: { runs-on: '${{ vars.RUNNER }}', steps: [ { run: make } ] } }\n"
LITERAL = DEPLOY.replace("${{ vars.ROLE }}", ROLE).replace("ubuntu-latest", "${{ vars.RUNNER }}")


def company(repositories: int) -> Organization:
    """Half of the repositories sign in to a cloud, most of these with a role in a variable; four workflows each.

    Three of ten repositories have secrets of their own, one of ten a deploy key, two of ten an environment.
    """
    org = Organization()
    org.add_member("ada", sso="ada@acme.example")
    for number in range(repositories):
        asks, literal = number % 2 == 0, number % 10 == 0
        files = {f".github/workflows/{name}.yml": PLAIN for name in ("a", "b", "c")}
        files[".github/workflows/deploy.yml"] = (LITERAL if literal else DEPLOY) if asks else PLAIN
        environments = ["production"] if number % 5 == 0 else []
        name = org.add_repository(f"service-{number:04}", files=files, environments=environments)
        if asks and not literal:
            org.add_variable(f"/repos/{name}/actions/variables", "ROLE", f"{ROLE}-{number}")
        if number % 10 in (1, 2, 3):
            org.add_secret(f"/repos/{name}/actions/secrets", "TOKEN", created_at=f"2026-01-02T03:{number % 60:02}:05Z")
        if number % 10 == 4:
            org.add_key(name, "ci")
    return org


class Rails(GithubServer):
    """Its ETags are the beginning of a digest, of the content alone."""

    def etag_of(self, headers: Mapping[str, str], body: str) -> str:
        """As Rails makes it."""
        del headers
        return f'W/"{hashlib.sha256(body.encode()).hexdigest()[:32]}"'


class Unproved(GithubServer):
    """Its ETags say little: answers that differ have the same."""

    def etag_of(self, headers: Mapping[str, str], body: str) -> str:
        """The length of the answer."""
        del headers
        return f'"{len(body)}"'


def links_of(found: list[DiscoveredRecord]) -> dict[str, list[str]]:
    """What workflows sign in as, by their repository."""
    workflows = [one for one in found if isinstance(one, Identity) and one.kind == "workflow"]
    return {one.key.split("/")[1]: [link.target for link in one.links] for one in workflows}


def by_kind(github: GithubServer) -> Counter[str]:
    """What GitHub counted for repositories, by the end of the path."""
    found: Counter[str] = Counter()
    for path, times in github.counted.items():
        if path.startswith("/repos/"):
            found["/".join(path.split("/")[4:])] += times
    return found


def test_a_repository_is_asked_for_what_it_has(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What repositories have alike is counted for some of them; nothing is lost, and the second night is GraphQL's."""
    monkeypatch.setenv(TOKEN, VALUE)
    org = company(60)
    with served(org, token=VALUE) as (github, url):
        # One at a time, so that it is the same each time how often the first answers are asked for.
        first = read(connector(url, cache=tmp_path / "kept", workers=1), deadline=120.0, limits=Limits())
        counted = by_kind(github)
        github.counted.clear()
        second = read(connector(url, cache=tmp_path / "kept", workers=1), deadline=120.0, limits=Limits())

    assert counted == {
        "keys": 6,
        "actions/secrets": 18 + 1,  # those that have any, and the first one without
        "environments/production/secrets": 1,
        "actions/variables": 24,  # only where a role is in a variable
        "actions/oidc/customization/sub": 1,
    }
    assert sum(github.counted.values()) <= 12
    for found in (first, second):
        assert [one.section for one in found if isinstance(one, Coverage) and one.is_gap] == []
        assert sum(isinstance(one, StoredSecret) for one in found) == 18
        links = [link for one in found if isinstance(one, Identity) and one.kind == "workflow" for link in one.links]
        assert {one.target for one in links} == {ROLE} | {f"{ROLE}-{n}" for n in range(0, 60, 2) if n % 10}


def test_nothing_is_shared_where_etags_are_made_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    """An ETag that is not proved to be made of the content is sent to no other address."""
    monkeypatch.setenv(TOKEN, VALUE)
    github = Unproved(company(10), token=VALUE)
    with Server(github, most=None) as server:
        found = read(connector(server.url), deadline=120.0, limits=Limits())

    assert github.wrong == []
    assert by_kind(github)["actions/secrets"] == 10
    assert sum(isinstance(one, StoredSecret) for one in found) == 3


def test_what_repositories_have_alike_is_shared_by_any_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also by one of the content alone, or its beginning."""
    monkeypatch.setenv(TOKEN, VALUE)
    github = Rails(company(10), token=VALUE)
    with Server(github, most=None) as server:
        found = read(connector(server.url, workers=1), deadline=120.0, limits=Limits())

    assert github.wrong == []
    assert by_kind(github)["actions/secrets"] == 3 + 1  # those that have any, and the first one without
    assert sum(isinstance(one, StoredSecret) for one in found) == 3


def test_variables_of_environments_are_read_where_workflows_name_both(monkeypatch: pytest.MonkeyPatch) -> None:
    """One request for each environment that exists; what is refused is a gap, and the role is open."""
    monkeypatch.setenv(TOKEN, VALUE)
    org, own = Organization(), ROLE.replace("deploy", "production")
    for name, environments in (("own", ["production", "idle"]), ("none", []), ("literal", ["production"])):
        text = LITERAL if name == "literal" else DEPLOY
        org.add_repository(name, files={".github/workflows/deploy.yml": text}, environments=environments)
        org.add_variable(f"/repos/acme/{name}/actions/variables", "ROLE", ROLE)
    path = "/repos/acme/own/environments/production/variables"
    org.add_variable(path, "ROLE", own)
    with served(org, token=VALUE) as (github, url):
        found = read(connector(url), deadline=120.0, limits=Limits())
        asked = {one for one, times in github.counted.items() if "environments" in one and "variables" in one and times}
        github.hidden = {path}
        refused = read(connector(url), deadline=120.0, limits=Limits())

    def links(records: list[DiscoveredRecord]) -> dict[str, list[str]]:
        workflows = [one for one in records if isinstance(one, Identity) and one.kind == "workflow"]
        return {one.key.split("/")[1]: [link.target for link in one.links] for one in workflows}

    assert asked == {path}
    assert links(found) == {"own": [own], "none": [ROLE], "literal": [ROLE]}
    assert links(refused)["own"] == [ROLE]
    (gap,) = [one for one in refused if isinstance(one, Coverage) and one.is_gap]
    assert (gap.section, "acme/own: production" in str(gap.detail)) == ("workflows", True)
    (unsure,) = [one for one in refused if isinstance(one, Identity) and "unresolved" in one.attributes]
    assert unsure.attributes["unresolved"] == ["jobs.deploy: role-to-assume is ${{ vars.ROLE }}"]


def test_unread_variables_of_a_repository_hide_no_workflow_of_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gap names the repository."""
    monkeypatch.setenv(TOKEN, VALUE)
    org = Organization()
    for name in ("own", "other"):
        org.add_repository(name, files={".github/workflows/deploy.yml": DEPLOY})
        org.add_variable(f"/repos/acme/{name}/actions/variables", "ROLE", ROLE)
    with served(org, token=VALUE) as (github, url):
        github.hidden = {"/repos/acme/other/actions/variables"}
        found = read(connector(url), deadline=120.0, limits=Limits())

    (gap,) = [one for one in found if isinstance(one, Coverage) and one.is_gap]
    assert (gap.section, gap.status, gap.unread_in) == ("workflows", "partial", ("acme/other",))


@pytest.mark.parametrize("answer", ["read", "denied"])
def test_which_properties_are_claims_is_asked_once_where_some_could_be(
    answer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Several values are one text, as in the token. What was not read is a gap, and no claim is known."""
    monkeypatch.setenv(TOKEN, VALUE)
    org, path = Organization(), "/orgs/acme/actions/oidc/customization/properties/repo"
    for name in ("shop", "site"):
        org.add_repository(name, files={".github/workflows/deploy.yml": LITERAL})
        values = [{"property_name": "regions", "value": ["eu", "us"]}, {"property_name": "tier", "value": "1"}]
        org.rows("properties/values").append(
            {"repository_id": 1, "repository_name": name, "repository_full_name": f"acme/{name}", "properties": values}
        )
    org.rest[path] = [{"custom_property_name": "regions", "inclusion_source": "organization"}]
    with served(org, token=VALUE) as (github, url):
        github.hidden = {path} if answer == "denied" else set()
        found = read(connector(url), deadline=120.0, limits=Limits())
        asked = github.counted[path]
    says = [dict(one.token_subjects[0].says) for one in found if isinstance(one, Identity) and one.kind == "workflow"]
    gaps = {one.section: one.status for one in found if isinstance(one, Coverage) and one.is_gap}

    assert asked == 1
    assert [{name: value for name, value in one.items() if "property" in name} for one in says] == 2 * [
        {"repo_property_regions": "eu,us", "repo_property_tier": ""} if answer == "read" else {}
    ]
    assert gaps == ({} if answer == "read" else {"oidc": "partial"})


def test_a_variable_of_selected_repositories_is_given_to_these(monkeypatch: pytest.MonkeyPatch) -> None:
    """A repository's own counts first, also where its value is none that is kept."""
    monkeypatch.setenv(TOKEN, VALUE)
    org = Organization()
    for name in ("chosen", "other", "own"):
        org.add_repository(name, files={".github/workflows/deploy.yml": DEPLOY})
    org.add_variable("/orgs/acme/actions/variables", "ROLE", ROLE)
    org.rows("actions/variables")[0]["visibility"] = "selected"
    org.rest["/orgs/acme/actions/variables/ROLE/repositories"] = list(map(repository, ("acme/chosen", "acme/own")))
    org.add_variable("/repos/acme/own/actions/variables", "ROLE", "not a role")
    with served(org, token=VALUE) as (_, url):
        found = read(connector(url), deadline=120.0, limits=Limits())

    assert links_of(found) == {"chosen": [ROLE], "other": [], "own": []}


def test_a_variable_of_the_organization_counts_only_where_the_repository_s_own_are_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without them, the role that a workflow names stays open: one of its own would count instead."""
    monkeypatch.setenv(TOKEN, VALUE)
    org = Organization()
    for name in ("shown", "hidden"):
        org.add_repository(name, files={".github/workflows/deploy.yml": DEPLOY})
    org.add_variable("/orgs/acme/actions/variables", "ROLE", ROLE)
    with served(org, token=VALUE) as (github, url):
        github.hidden = {"/repos/acme/hidden/actions/variables"}
        found = read(connector(url), deadline=120.0, limits=Limits())

    assert links_of(found) == {"shown": [ROLE], "hidden": []}
    (gap,) = [one for one in found if isinstance(one, Coverage) and one.section == "workflows"]
    assert "1 of 2 repositories' variables not read: acme/hidden" in str(gap.detail)


def test_the_account_of_a_role_may_be_in_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where it is written as an index. Other numbers are dropped, like every value that names no identity."""
    monkeypatch.setenv(TOKEN, VALUE)
    org = Organization()
    account = DEPLOY.replace("${{ vars.ROLE }}", "arn:aws:iam::${{ vars['ACCOUNT'] }}:role/deploy")
    for name, value in (("app", "123456789012"), ("other", "1234567890123")):
        org.add_repository(name, files={".github/workflows/deploy.yml": account})
        org.add_variable(f"/repos/acme/{name}/actions/variables", "ACCOUNT", value)
    with served(org, token=VALUE) as (_, url):
        found = read(connector(url), deadline=120.0, limits=Limits())

    assert links_of(found) == {"app": ["arn:aws:iam::123456789012:role/deploy"], "other": []}

"""Rules that protect environments: what is read of them, and what stands before anyone who changes a workflow."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from connectors.core.budget import Limits
from connectors.testing import Asked, Reply, read
from scanner.access.edges import resolve
from scanner.access.raised_privileges import raise_by_paths
from scanner.model import Claim, Coverage, Edge, Identity, Privilege, StoredSecret, Trust, Workload
from scanner.model.reach import Way
from tests.connectors.github.estates import TOKEN, VALUE, connector
from tests.connectors.github.fake import Organization, served
from tests.connectors.github.workflows.test_sign_in import encoded
from tests.connectors.github.workflows.test_subjects import ISSUER, PATH, custom, found, on, repository
from tests.factories import make_identity

REVIEW = {"by": "approval", "text": "its reviewer must approve"}
BRANCHES = {"by": "branches", "text": "only selected branches or tags may deploy"}
WAIT = {"by": "wait", "text": "jobs wait 5 minutes"}
IN_PROD = "repo:acme/app:environment:prod"
GUARD = "environment prod: its reviewer must approve"


def trust(subject: str | None = None, **claims: str) -> Trust:
    """The trust of a role."""
    needed = tuple(Claim(name=name, values=(value,)) for name, value in claims.items())
    return Trust(principal="p", kind="federated", evidence="x", issuer=ISSUER, subject=subject, claims=needed)


def steps(rules: Any, *trusts: Trust, **where: Any) -> tuple[Identity, dict[str, Edge]]:
    """The workflow, resolved with a role and a key that may change it; and the edges by their sources."""
    both = found(on("schedule", "environment: prod,"), repository(**where))
    workflow = replace(both.identities[0], attributes={**both.identities[0].attributes, "environment_rules": rules})
    role = make_identity("role", key="role", trusts=trusts, privilege=Privilege(level="admin"))
    by = Way(kind="take_over", on=("github:acme/app",), by="it may write")
    key = make_identity("key", key="key", provider="github", scope="acme", reach=(by,))
    resolved = resolve([workflow, role, key], {}, [both.workload], ())
    return resolved.identities[0], {edge.source: edge for edge in resolved.edges}


@pytest.mark.parametrize(
    ("rules", "trusts", "guard"),
    [
        ({"prod": [REVIEW]}, [trust(IN_PROD)], GUARD),
        ({"prod": [REVIEW, BRANCHES, WAIT]}, [trust(IN_PROD)], f"{GUARD}, {BRANCHES['text']}"),
        ({"prod": [BRANCHES]}, [trust(IN_PROD)], f"environment prod: {BRANCHES['text']}"),
        ({"prod": [WAIT]}, [trust(IN_PROD)], None),
        ({"prod": []}, [trust(IN_PROD)], None),
        ({"prod": [REVIEW]}, [trust("repo:acme/*:environment:prod")], GUARD),
        ({"prod": [REVIEW]}, [trust("repo:acme/app:*", environment="prod")], GUARD),
        ({"prod": [REVIEW]}, [trust(repository="acme/app", environment="prod")], GUARD),
        # Open to another job of the repository: any of them, one without rules, one of another environment.
        ({"prod": [REVIEW]}, [trust("repo:acme/app:*")], None),
        ({"prod": [REVIEW]}, [trust("repo:acme/app:environment:prod*")], None),
        ({"prod": [REVIEW]}, [trust(IN_PROD), trust("repo:acme/app:ref:refs/heads/main")], None),
        ({"prod": [REVIEW], "eu": []}, [trust(IN_PROD), trust("repo:acme/app:environment:eu")], None),
        ({"prod": [REVIEW]}, [trust(repository="acme/app")], None),
        # Trusts of others say nothing of this one.
        ({"prod": [REVIEW]}, [trust(IN_PROD), trust("repo:acme/other:*"), trust("repo:else/x:*")], GUARD),
        ({"prod": [REVIEW]}, [trust(IN_PROD), trust(repository="acme/other")], GUARD),
        ({"prod": [REVIEW]}, [trust(IN_PROD), replace(trust("repo:acme/app:*"), issuer="https://gitlab.com")], GUARD),
        ("odd", [trust(IN_PROD)], None),
    ],
)
def test_rules_stand_before_whoever_changes_the_workflow(rules: Any, trusts: list[Trust], guard: str | None) -> None:
    """The workflow becomes the role all the same; anyone who may write becomes it for certain only without rules."""
    workflow, edges = steps(rules, *trusts)
    levels = {one: Privilege(level="admin" if one == "role" else "normal") for one in ("role", "key", workflow.key)}
    raised = raise_by_paths(levels, tuple(edges.values()))

    assert (edges[workflow.key].target, edges[workflow.key].conditional) == ("role", False)
    assert edges["key"].target == workflow.key
    assert edges["key"].conditional == (guard is not None)
    assert edges["key"].evidence == f"github:acme/app runs as it: it may write{f'; {guard}' if guard else ''}"
    assert ("guarded_by" in workflow.attributes) == (guard is not None)
    assert raised["key"].level == ("high" if guard else "escalation")


@pytest.mark.parametrize(
    ("subject", "is_guarded"),
    [
        ("repository_owner:acme:environment:prod", True),
        ("repository_owner:acme:environment:*", False),
        ("repository_owner:acme:environment:eu", False),
    ],
)
def test_rules_count_for_subjects_of_another_form(subject: str, is_guarded: bool) -> None:
    """Where a template names other claims than the repository."""
    own = trust("repository_owner:acme:environment:prod")
    workflow, edges = steps({"prod": [REVIEW]}, own, trust(subject), template=custom("repository_owner", "environment"))

    assert edges["key"].conditional == is_guarded
    assert ("guarded_by" in workflow.attributes) == (is_guarded or subject.endswith("eu"))


def test_rules_that_were_not_read_make_nothing_less_certain() -> None:
    """They are said."""
    for rules in ({"prod": None}, {"eu": [REVIEW]}):
        workflow, edges = steps(rules, trust(IN_PROD))
        (guard,) = workflow.attributes["guarded_by"]

        assert guard == {"environment": "prod", "by": ("unknown",), "text": "its rules were not read"}
        assert not edges["key"].conditional


# --- Read from GitHub ---

REVIEWERS: dict[str, Any] = {"type": "REQUIRED_REVIEWERS", "reviewers": 2, "preventSelfReview": True}
RULES: dict[str, list[dict[str, Any]]] = {
    "prod": [REVIEWERS, {"type": "BRANCH_POLICY"}, {"type": "WAIT_TIMER", "timeout": 30}],
    "eu prod": [{"type": "REQUIRED_REVIEWERS", "reviewers": 1, "preventSelfReview": False}],
    "idle": [{"type": "REQUIRED_REVIEWERS"}],
}
DESCRIBED = {
    "prod": ["one of 2 reviewers must approve", BRANCHES["text"], "jobs wait 30 minutes"],
    "eu prod": ["its reviewer must approve, who may also have started the job"],
    "new": [],
}
JOBS = json.dumps({
    "on": "push",
    "permissions": "write-all",
    "jobs": {name.replace(" ", "-"): {"environment": name, "steps": []} for name in DESCRIBED} | {
        "open": {"environment": "${{ inputs.x }}", "steps": []},
    },
})  # fmt: skip


def texts(records: list[Any]) -> list[dict[str, list[str] | None]]:
    """The rules of each workflow, as text."""
    return [
        {name: None if some is None else [one["text"] for one in some] for name, some in rules.items()}
        for one in records
        if isinstance(one, Identity) and (rules := one.attributes.get("environment_rules")) is not None
    ]


def test_rules_are_read_in_batches_and_only_where_they_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """One query for all environments that workflows with tokens name, and no call of REST for their rules."""
    monkeypatch.setenv(TOKEN, VALUE)
    org = Organization()
    for name in ("app", "site"):
        org.add_repository(name, files={PATH: JOBS}, environments=[*RULES], rules=RULES)
    quiet = JOBS.replace("write-all", "read-all")
    org.add_repository("quiet", files={PATH: quiet}, environments=[*RULES], rules=RULES)
    queries: list[dict[str, Any]] = []

    def kept(asked: Asked) -> None:
        if b"protectionRules" in asked.body:
            queries.append(json.loads(asked.body)["variables"])

    with served(org, token=VALUE) as (github, url):
        github.faults = kept
        whole = read(connector(url), deadline=60.0, limits=Limits())
        rest = {path for path, times in github.counted.items() if "/environments" in path and times}
        github.faults = lambda asked: Reply(status=401) if b"protectionRules" in asked.body else None
        without = read(connector(url), deadline=60.0, limits=Limits())

    assert texts(whole) == [DESCRIBED, DESCRIBED]
    assert [sorted(value for name, value in one.items() if name.startswith("what")) for one in queries] == [
        sorted(2 * [*DESCRIBED])
    ]
    assert all(path.endswith("/secrets") for path in rest)
    assert texts(without) == 2 * [dict.fromkeys(DESCRIBED)]
    sections = {one.section: one.status for one in without if isinstance(one, Coverage) and one.is_gap}
    assert sections == {"workflows": "partial"}
    assert not any(one.attributes.get("jobs_unread") for one in without if isinstance(one, Workload))


def test_rules_that_graphql_does_not_show_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of Apps; and an answer of another shape is a gap that names the environment."""
    monkeypatch.setenv(TOKEN, VALUE)
    org = Organization()
    org.add_repository("app", files={PATH: JOBS}, environments=[*RULES], rules=RULES)
    parts: list[Any] = [{"totalCount": 2, "nodes": [None, {"type": "NEW"}]}, {"totalCount": 1, "nodes": None}, "odd"]
    answer = {"data": {f"part{at}": {"environment": {"protectionRules": one}} for at, one in enumerate(parts)}}
    with served(org, token=VALUE) as (github, url):
        github.faults = lambda asked: Reply(body=answer) if b"protectionRules" in asked.body else None
        records = read(connector(url), deadline=60.0, limits=Limits())
    (details,) = [str(one.detail) for one in records if isinstance(one, Coverage) and one.section == "workflows"]

    assert texts(records) == [
        {
            "eu prod": ["a rule of the type NEW must pass", "1 rule of Apps must pass"],
            "new": ["1 rule of Apps must pass"],
            "prod": None,
        }
    ]
    assert "acme/app: environment prod" in details


def test_rules_come_from_files(tmp_path: Path) -> None:
    """As the REST API lists them."""
    rules = [
        {"type": "required_reviewers", "reviewers": [{"type": "Team"}, {"type": "User"}], "prevent_self_review": True},
        {"type": "branch_policy"},
        {"type": "wait_timer", "wait_timer": 30},
    ]
    environments = {"environments": [{"name": "prod", "protection_rules": rules}, {"name": "eu prod"}]}
    files: dict[str, Any] = {
        "orgs/acme": {"login": "acme", "id": 1},
        "orgs/acme/repos": [{"id": 7, "full_name": f"acme/{name}", "default_branch": "main"} for name in ("a", "b")],
        "repos/acme/a/environments": environments,
        **{f"repos/acme/{name}/contents/{PATH}": encoded(JOBS) for name in ("a", "b")},
    }
    for name, body in files.items():
        file = tmp_path / f"{name}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(body))
    records = read(connector("http://127.0.0.1:1", from_files=tmp_path), deadline=60.0, limits=Limits())

    assert texts(records) == [{**DESCRIBED, "eu prod": []}, dict.fromkeys(DESCRIBED)]


def test_what_a_repository_or_team_has_beyond_a_page_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Environments with their secrets, and the repositories that a team administers; what is refused is a gap."""
    monkeypatch.setenv(TOKEN, VALUE)
    org, named = Organization(), [f"env-{number}" for number in range(5)]
    for name in ("app", "few", "site"):
        org.add_repository(name, files={PATH: on("push")}, environments=named[:1] if name == "few" else named)
    org.add_secret("/repos/acme/app/environments/env-4/secrets", "LATE")
    org.teams.append({"slug": "core", "repositories": {f"acme/{one}": "ADMIN" for one in ("app", "few", "site")}})

    def refused(asked: Asked) -> Reply | None:
        sent = json.loads(asked.body or b"{}")
        is_later = "slug" in sent.get("variables", ()) or "environments(" in sent.get("query", "").partition("part0")[2]
        return Reply(status=403, body={"message": "no"}) if asked.path == "/graphql" and is_later else None

    with served(org, token=VALUE) as (github, url):
        github.per_list = 2
        records = read(connector(url), deadline=60.0, limits=Limits())
        github.faults = refused
        without = read(connector(url), deadline=60.0, limits=Limits())

    def owners(records: list[Any]) -> dict[str, Any]:
        workflows = [one for one in records if isinstance(one, Identity) and one.kind == "workflow"]
        return {
            one.attributes["repository"]: [by["id"] for by in one.attributes.get("owners", ())] for one in workflows
        }

    assert [one.key for one in records if isinstance(one, StoredSecret)] == [
        "github:acme/app/environments/env-4/secrets/LATE"
    ]
    assert owners(records) == {f"acme/{one}": ["core"] for one in ("app", "few", "site")}
    assert [one.section for one in records if isinstance(one, Coverage) and one.is_gap] == []
    assert owners(without) == {"acme/app": ["core"], "acme/few": ["core"], "acme/site": []}
    (gap,) = [one for one in without if isinstance(one, Coverage) and one.is_gap]
    assert (gap.section, gap.status) == ("repositories", "partial")
    assert "not all environments were read of acme/app, acme/site" in str(gap.detail)

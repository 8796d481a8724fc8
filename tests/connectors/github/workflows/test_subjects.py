"""The subjects that GitHub would send for a job: forms, triggers, environments, templates, called workflows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.github.facts import GithubOrganization, Repository, SubjectTemplate, WorkflowFile
from connectors.github.workflows.identities import MOST_TOKENS, Workflows, workflow_identities
from scanner.access.trusts import compiled
from scanner.model import Identity
from tests.examples import examples

ISSUER = "https://token.actions.githubusercontent.com"
PATH = ".github/workflows/deploy.yml"
OLD, NEW = datetime(2024, 1, 1, tzinfo=UTC), datetime(2026, 7, 15, tzinfo=UTC)
KEYS = SubjectTemplate(use_default=False, claim_keys=("repo", "context", "job_workflow_ref"))
BY_OWNER = SubjectTemplate(use_default=False, claim_keys=("repository_owner_id", "environment"))


def custom(*claims: str) -> SubjectTemplate:
    """A subject of these claims."""
    return SubjectTemplate(use_default=False, claim_keys=claims)


def repository(**facts: Any) -> Repository:
    """An old repository with the default form of subjects."""
    given = {"template": SubjectTemplate(), "default_branch": "main", "created_at": OLD, **facts}
    return Repository(**{"full_name": "acme/app", "database_id": 20, "owner_id": 10, **given})


def organization(**facts: Any) -> GithubOrganization:
    """An organization on github.com."""
    return GithubOrganization(**{"login": "acme", "database_id": 10, **facts})


def found(
    text: str, where: Repository | None = None, owner: GithubOrganization | None = None, **others: str
) -> Workflows:
    """What the workflow and others beside it are."""
    files = [WorkflowFile(path=PATH, text=text)]
    files += [WorkflowFile(path=f".github/workflows/{name}.yml", text=other) for name, other in others.items()]
    return workflow_identities(owner or organization(), where or repository(), files)


def identity(
    text: str, where: Repository | None = None, owner: GithubOrganization | None = None, **others: str
) -> Identity:
    """The workflow as an identity."""
    return next(one for one in found(text, where, owner, **others).identities if one.name == PATH)


def subjects(
    text: str, where: Repository | None = None, owner: GithubOrganization | None = None, **others: str
) -> list[str]:
    """The subjects of its tokens."""
    return sorted({one.subject for one in identity(text, where, owner, **others).token_subjects})


def on(events: str, job: str = "") -> str:
    """A workflow of one job that may ask for tokens."""
    return f"on: {events}\npermissions: {{id-token: write}}\njobs:\n  go: {{runs-on: x, {job} steps: []}}"


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ("{push: {branches: [main, 'release/**']}}", ["ref:refs/heads/main", "ref:refs/heads/release/*"]),
        ("{push: {branches: [main, '!main-old']}}", ["ref:refs/heads/main"]),
        ("{push: {branches: 'v[12].x'}}", ["ref:refs/heads/v*.x"]),
        ("{push: {branches: ['a?b+c']}}", ["ref:refs/heads/*c"]),
        ("{push: {tags: ['v*']}}", ["ref:refs/tags/v*"]),
        ("{push: {branches-ignore: [x]}}", ["ref:refs/heads/*"]),
        ("{push: {paths: [x]}}", ["ref:refs/heads/*", "ref:refs/tags/*"]),
        ("push", ["ref:refs/heads/*", "ref:refs/tags/*"]),
        ("[pull_request, schedule]", ["pull_request", "ref:refs/heads/main"]),
        ("pull_request_target", ["ref:refs/heads/main"]),
        ("workflow_dispatch", ["ref:refs/heads/*", "ref:refs/tags/*"]),
        ("{release: {types: [published]}}", ["ref:refs/tags/*"]),
        ("{push: {branches: [main], tags-ignore: [x]}}", ["ref:refs/heads/main", "ref:refs/tags/*"]),
        ("{pull_request: {branches: [main], types: [closed]}}", ["pull_request"]),
        ("pull_request_review", ["pull_request"]),
        ("{pull_request_target: {branches: ['release/*']}}", ["ref:refs/heads/main"]),
        ("{workflow_run: {workflows: [Build], branches: ['release/*']}}", ["ref:refs/heads/main"]),
        ("{repository_dispatch: {types: [x]}}", ["ref:refs/heads/main"]),
        ("[status, image_version, check_suite, delete]", ["ref:refs/heads/main"]),
        ("[create]", ["ref:refs/heads/*", "ref:refs/tags/*"]),
        ("deployment_status", ["ref:refs/heads/*", "ref:refs/tags/*"]),
        ("registry_package", ["ref:refs/heads/*", "ref:refs/tags/*"]),
        ("merge_group", ["ref:refs/heads/gh-readonly-queue/*"]),
        ("{merge_group: {branches: [main]}}", ["ref:refs/heads/gh-readonly-queue/main/*"]),
        ("{workflow_call: , issue_comment: }", ["ref:refs/heads/main"]),
    ],
)
def test_each_event_has_its_refs(events: str, expected: list[str]) -> None:
    """Filters are kept as patterns; a filter of branches leaves out tags."""
    assert subjects(on(events)) == [f"repo:acme/app:{one}" for one in expected]


@pytest.mark.parametrize(
    ("job", "expected"),
    [
        ("environment: prod,", ["environment:prod"]),
        ("environment: {name: 'eu:prod', url: x},", ["environment:eu%3Aprod"]),
        ("environment: 'EU production',", ["environment:EU production"]),
        ("environment: '${{ matrix.on }}', strategy: {matrix: {on: [a, b]}},", ["environment:a", "environment:b"]),
        ("environment: '${{ needs.x.outputs.y }}',", ["environment:*"]),
        ("environment: '',", ["ref:refs/heads/main"]),
    ],
)
def test_an_environment_takes_the_place_of_the_ref(job: str, expected: list[str]) -> None:
    """Also of that of a pull request. A name that the file does not say is one that the caller chooses."""
    assert subjects(on("schedule", job)) == [f"repo:acme/app:{one}" for one in expected]
    of_pull_request = ["pull_request" if one.startswith("ref:") else one for one in expected]
    assert subjects(on("pull_request", job)) == [f"repo:acme/app:{one}" for one in of_pull_request]


@pytest.mark.parametrize(
    ("where", "owner", "is_immutable"),
    [
        ({}, {}, False),
        ({"created_at": NEW}, {}, True),
        ({"renamed_at": NEW}, {}, True),
        ({"created_at": NEW}, {"host": "ghe.acme.example"}, False),
        ({"created_at": NEW}, {"host": "acme.ghe.com"}, False),
        ({"template": SubjectTemplate(immutable=True)}, {}, True),
        ({"created_at": NEW, "template": SubjectTemplate(immutable=False)}, {}, False),
        ({}, {"oidc": SubjectTemplate(immutable=True)}, True),
        ({"created_at": NEW}, {"oidc": SubjectTemplate(immutable=False)}, True),
        ({"template": SubjectTemplate(immutable=False)}, {"oidc": SubjectTemplate(immutable=True)}, False),
        ({"template": None, "created_at": None}, {}, False),
    ],
)
def test_immutable_subjects(where: dict[str, Any], owner: dict[str, Any], is_immutable: bool) -> None:
    """By the setting where it is known, else by the day; on github.com alone. The other form is kept as not sent."""
    (token,) = identity(on("schedule"), repository(**where), organization(**owner)).token_subjects

    forms = [f"repo:{name}:ref:refs/heads/main" for name in ("acme/app", "acme@10/app@20")]
    assert [token.subject, *token.unsent] == (forms[::-1] if is_immutable else forms)


@pytest.mark.parametrize(
    ("own", "of_owner", "expected"),
    [
        (SubjectTemplate(), KEYS, "repo:acme/app:environment:prod"),
        (KEYS, SubjectTemplate(), f"repo:acme/app:environment:prod:job_workflow_ref:acme/app/{PATH}@refs/heads/main"),
        (SubjectTemplate(use_default=False), BY_OWNER, "repository_owner_id:10:environment:prod"),
        (SubjectTemplate(use_default=False), SubjectTemplate(), "repo:acme/app:environment:prod"),
        (SubjectTemplate(use_default=False, claim_keys=("actor", "ref")), KEYS, "actor:*:ref:refs/heads/main"),
        (custom("repo_property_team"), KEYS, "repo_property_team:core"),
        (
            custom("repository_owner", "repository_visibility"),
            KEYS,
            "repository_owner:acme:repository_visibility:private",
        ),
        (custom("repository_id", "workflow"), KEYS, f"repository_id:20:workflow:{PATH}"),
        (custom("repo"), KEYS, "repo:acme/app"),
        (custom("context", "event_name"), KEYS, "environment:eu%3Aprod:event_name:schedule"),
        (custom("environment"), KEYS, "environment:eu%3Aprod"),
    ],
)
def test_templates(own: SubjectTemplate, of_owner: SubjectTemplate, expected: str) -> None:
    """The organization's counts where the repository opts in without claims of its own."""
    where = repository(template=own, properties={"team": "core"})
    of = "eu:prod" if "eu" in expected else "prod"

    assert subjects(on("schedule", f"environment: '{of}',"), where, organization(oidc=of_owner)) == [expected]


def test_ids_stay_in_a_template_of_immutable_subjects() -> None:
    """In the repo segment, beside other claims. A job without the environment that the template names gets no token."""
    where = repository(template=SubjectTemplate(use_default=False, claim_keys=("repo", "ref"), immutable=True))

    assert subjects(on("pull_request"), where) == ["repo:acme@10/app@20:ref:refs/pull/*/merge"]
    assert subjects(on("schedule"), repository(template=custom("repo", "environment"))) == []


def test_an_enterprise_server_differs_by_its_version() -> None:
    """Newer ones escape colons, and take the default branch for a pull request's target: either may be so."""
    server = organization(host="git.acme.example")
    both = subjects(on("schedule", "environment: 'eu:prod',"), owner=server)
    target = subjects(on("{pull_request_target: {branches: ['release/*']}}"), owner=server)

    assert both == ["repo:acme/app:environment:eu%3Aprod", "repo:acme/app:environment:eu:prod"]
    assert target == ["repo:acme/app:ref:refs/heads/main", "repo:acme/app:ref:refs/heads/release/*"]


def test_a_merged_pull_request_has_the_ref_of_its_branch() -> None:
    """Its subject is that of any pull request."""
    tokens = identity(on("{pull_request: {branches: [main], types: [opened, closed]}}")).token_subjects

    assert [(one.subject, one.says["ref"]) for one in tokens] == [
        ("repo:acme/app:pull_request", "refs/pull/*/merge"),
        ("repo:acme/app:pull_request", "refs/heads/main"),
    ]


def test_an_unread_template_is_said() -> None:
    """It only matters where the organization has one."""
    unread = repository(template=None)

    assert identity(on("schedule"), unread).privilege.level == "normal"
    assert identity(on("schedule"), unread, organization(oidc=KEYS)).attributes["unresolved"] == [
        "the repository's own form of subjects was not read"
    ]


CALLED = """
on: {workflow_call: {inputs: {role: {default: arn:none}, to: {}}}}
jobs:
  deploy:
    environment: "${{ inputs.to }}"
    steps: [{uses: aws-actions/configure-aws-credentials@v4, with: {role-to-assume: "${{ inputs.role }}"}}]
  lint: {permissions: {contents: read}, steps: []}
"""


@pytest.mark.parametrize(
    ("uses", "called"),
    [
        ("./.github/workflows/called.yml", "acme/app/.github/workflows/called.yml@refs/heads/main"),
        ("Acme/App/.github/workflows/called.yml@v1", "Acme/App/.github/workflows/called.yml@refs/*/v1"),
        (f"acme/app/.github/workflows/called.yml@{'a' * 40}", f"acme/app/.github/workflows/called.yml@{'a' * 40}"),
    ],
)
def test_a_called_workflow_gets_its_callers_tokens(uses: str, called: str) -> None:
    """With the inputs that it is given; what has no token in it counts for nothing, and it is no identity itself."""
    caller = f"""
on: schedule
jobs:
  go:
    permissions: {{id-token: write}}
    uses: {uses}
    with: {{role: "arn:aws:iam::123456789012:role/deploy", to: prod}}
"""
    both = found(caller, called=CALLED)
    (one,) = both.identities
    (token,) = one.token_subjects

    assert one.attributes["jobs"] == ["jobs.deploy"]
    assert [link.target for link in one.links] == ["arn:aws:iam::123456789012:role/deploy"]
    assert token.subject == "repo:acme/app:environment:prod"
    assert token.says["job_workflow_ref"] == called
    assert "unresolved" not in one.attributes


def test_a_called_workflow_calls_those_of_its_own_repository() -> None:
    """``./`` is the repository of the file that has it, at the same ref; with an environment, it is in the subject."""
    text = "on: schedule\npermissions: write-all\njobs: {go: {uses: Acme/shared/.github/workflows/outer.yml@v1}}"
    outer = "on: workflow_call\njobs: {on: {uses: ./.github/workflows/called.yml, with: {to: prod}}}"
    texts = {"outer": outer, "called": CALLED}
    elsewhere = {
        f"acme/shared/.github/workflows/{name}.yml": WorkflowFile(path=f".github/workflows/{name}.yml", text=text)
        for name, text in texts.items()
    }
    own = WorkflowFile(path=".github/workflows/called.yml", text=CALLED.replace("${{ inputs.to }}", "wrong"))
    files = [WorkflowFile(path=PATH, text=text), own]
    (one,) = workflow_identities(organization(), repository(), files, elsewhere=elsewhere).identities
    (token,) = one.token_subjects

    assert token.subject == "repo:acme/app:environment:prod"
    assert token.says["job_workflow_ref"] == "Acme/shared/.github/workflows/called.yml@refs/*/v1"
    assert "unresolved" not in one.attributes


def test_workflows_of_other_repositories_can_be_called() -> None:
    """If they were read; one that is no workflow was not."""
    text = "on: schedule\npermissions: write-all\njobs: {go: {uses: Acme/shared/.github/workflows/called.yml@v1}}"
    file = WorkflowFile(path=".github/workflows/called.yml", text=CALLED)

    for other in (file, WorkflowFile(path="x", text="odd")):
        elsewhere = {"acme/shared/.github/workflows/called.yml": other}
        files = [WorkflowFile(path=PATH, text=text)]
        (one,) = workflow_identities(organization(), repository(), files, elsewhere=elsewhere).identities
        assert one.attributes["jobs"] == (["jobs.deploy"] if other is file else ["jobs.go"])
        assert len(one.attributes.get("unresolved", ())) == (0 if other is file else 1)


def test_a_called_workflow_that_was_not_read_is_said() -> None:
    """Its tokens are known all the same. Workflows that call each other end."""
    text = "on: schedule\npermissions: write-all\njobs: {go: {uses: other/x/.github/workflows/y.yml@main}}"
    around = f"on: [schedule, workflow_call]\npermissions: write-all\njobs: {{go: {{uses: ./{PATH}}}}}"

    one = identity(text)
    assert one.attributes["unresolved"] == ["jobs.go calls other/x/.github/workflows/y.yml@main, which was not read"]
    assert one.attributes["calls"] == ["other/x/.github/workflows/y.yml@main"]
    assert [token.subject for token in one.token_subjects] == ["repo:acme/app:ref:refs/heads/main"]
    assert identity(around).privilege.level == "unknown"


@pytest.mark.parametrize(
    ("host", "issuer", "key"),
    [
        ("github.com", ISSUER, f"github:acme/app/{PATH}"),
        ("acme.ghe.com", "https://token.actions.acme.ghe.com", f"github:acme.ghe.com/acme/app/{PATH}"),
        ("git.acme.example", "https://git.acme.example/_services/token", f"github:git.acme.example/acme/app/{PATH}"),
    ],
)
def test_each_host_has_its_issuer(host: str, issuer: str, key: str) -> None:
    """And its keys."""
    one = identity(on("schedule"), owner=organization(host=host))

    assert (one.key, one.token_subjects[0].issuer) == (key, issuer)


def test_more_subjects_than_anyone_needs_are_a_gap() -> None:
    """The rest is kept."""
    branches = ", ".join(f"b{number}" for number in range(MOST_TOKENS + 1))
    both = found(on(f"{{push: {{branches: [{branches}]}}}}"))

    assert len(both.identities[0].token_subjects) == MOST_TOKENS
    assert [gap.path for gap in both.gaps] == [PATH]


GLOBS = st.lists(st.sampled_from(["a", "b", "/", "*", "**", "?", "+", "[ab]", "\\*", "."]), max_size=6).map("".join)


@given(glob=GLOBS, name=st.text("ab/.", max_size=5))
@examples(200, smoke=200)
def test_a_filter_as_a_pattern_loses_no_branch(glob: str, name: str) -> None:
    """Whatever GitHub's filter lets through, so does the pattern; a filter without signs lets through itself alone."""
    pattern = subjects(on(f"{{push: {{branches: ['{glob or 'x'}']}}}}"))[0].removeprefix(
        "repo:acme/app:ref:refs/heads/"
    )
    if not set("*?+[\\") & set(glob):
        assert pattern == (glob or "x")
    elif _lets_through(glob, name):
        assert compiled(pattern).match(name)


def _lets_through(glob: str, name: str) -> bool:
    import re

    pieces = {"**": ".*", "*": "[^/]*", "?": "?", "+": "+", "[ab]": "[ab]", "\\*": r"\*", ".": r"\."}
    text = re.sub(r"\\\*|\*\*|\*|\?|\+|\[ab\]|\.", lambda found: pieces[found[0]], glob)
    try:
        return re.fullmatch(text, name) is not None
    except re.error:
        return False

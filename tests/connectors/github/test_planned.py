"""Workflows as planned identities."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from hypothesis import given

from connectors.github.planned import WorkflowPlanner
from connectors.planned.files import load
from scanner.app.checking import Nothing
from scanner.errors import MusterError
from scanner.model import Identity, Trust
from scanner.model.planned import PlannedIdentity
from tests.examples import examples
from tests.hostile_json import mutated

ROLE = "arn:aws:iam::123456789012:role/deploy"
WORKFLOW = f"""
name: Deploy
on: push
permissions: {{id-token: write}}
env: {{ROLE: "{ROLE}"}}
jobs:
  deploy:
    runs-on: ubuntu-24.04
    strategy: {{matrix: {{account: ["a@p-one.iam.gserviceaccount.com", "b@p-two.iam.gserviceaccount.com"]}}}}
    steps:
      - uses: aws-actions/configure-aws-credentials@v4
        with: {{role-to-assume: "${{{{ env.ROLE }}}}"}}
      - uses: Google-GitHub-Actions/Auth@v2
        with: {{workload_identity_provider: x, service_account: "${{{{ matrix.account }}}}"}}
  test:
    permissions: {{}}
    runs-on: ubuntu-24.04
    steps: [{{run: "true"}}]
"""
AWS, GOOGLE = "aws-actions/configure-aws-credentials", "google-github-actions/auth"


def planned(folder: Path, text: str, known: Nothing | None = None) -> PlannedIdentity | None:
    """The identity of a workflow; None if it takes none."""
    path = folder / ".github/workflows/deploy.yml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    found = WorkflowPlanner().planned(load(path, str(path)).resources, known or Nothing())
    return found.identities[0] if found.identities else None


def job(*lines: str, head: str = "", permissions: str = "permissions: {id-token: write}") -> str:
    """A workflow of one job with these lines."""
    return "\n".join(
        [f"on: push\n{permissions}\n{head}\njobs:\n  go:\n    runs-on: x", *(f"    {line}" for line in lines)]
    )


def using(action: str, name: str, value: str) -> str:
    return f'steps: [{{uses: "{action}@v1", with: {{{name}: "{value}"}}}}]'


def test_a_workflow_with_roles(tmp_path: Path) -> None:
    """It becomes what its jobs name, by the workflow's variables and the matrix; a job without tokens takes none."""
    one = planned(tmp_path, WORKFLOW)
    assert one is not None

    assert (one.identity.kind, one.identity.name) == ("workflow", ".github/workflows/deploy.yml")
    assert [(link.relation, link.target) for link in one.identity.links] == [
        ("can_assume", ROLE),
        ("can_assume", "//iam.googleapis.com/projects/p-one/serviceAccounts/a@p-one.iam.gserviceaccount.com"),
        ("can_assume", "//iam.googleapis.com/projects/p-two/serviceAccounts/b@p-two.iam.gserviceaccount.com"),
    ]
    assert [(place.resource, place.line) for place in one.places] == [("jobs.deploy", 7)]
    assert (one.computed, one.identity.privilege.level) == (frozenset(), "normal")


@pytest.mark.parametrize(
    ("text", "takes"),
    [
        (job("steps: []"), True),
        (job("steps: []", permissions="permissions: write-all"), True),
        (job("steps: []", permissions="permissions: read-all"), False),
        (job("steps: []", permissions="permissions: {contents: write}"), False),
        (job("steps: []", permissions=""), False),
        (job("permissions: {contents: read}"), False),
        (job("permissions: {id-token: write}", permissions="permissions: {}"), True),
        (job("uses: ./.github/workflows/other.yml"), True),
    ],
)
def test_who_may_ask_for_tokens(tmp_path: Path, text: str, takes: bool) -> None:
    """A job's own permissions replace the workflow's; without any, there is no token."""
    assert (planned(tmp_path, text) is not None) is takes


@pytest.mark.parametrize(
    "value", ["${{ vars.ROLE }}", "${{ secrets.ROLE }}", "${{ inputs.role }}", "arn:${{ vars.X }}"]
)
def test_what_is_not_in_the_file_is_unknown(tmp_path: Path, value: str) -> None:
    """No link is guessed, and privilege is unknown, with the reason."""
    one = planned(tmp_path, job(using(AWS, "role-to-assume", value)))
    assert one is not None

    assert one.identity.links == ()
    assert one.computed == {"permissions"}
    assert value in one.identity.privilege.evidence[0]


@pytest.mark.parametrize(
    ("lines", "head", "kind", "stored"),
    [
        ([using(AWS, "aws-access-key-id", "${{ secrets.KEY }}")], "", "access_key", "secrets.KEY"),
        ([using(GOOGLE, "credentials_json", "${{ secrets.GCP }}")], "", "access_key", "secrets.GCP"),
        ([using("azure/login", "creds", "${{ secrets.AZ }}")], "", "client_secret", "secrets.AZ"),
        ([using("hashicorp/vault-action", "token", "${{ secrets.VT }}")], "", "token", "secrets.VT"),
        (['env: {AWS_ACCESS_KEY_ID: "${{ secrets.ID }}"}'], "", "access_key", "secrets.ID"),
        (["steps: []"], 'env: {ARM_CLIENT_SECRET: "${{ secrets.ARM }}"}', "client_secret", "secrets.ARM"),
        (['steps: [{run: x, env: {VAULT_TOKEN: "${{ secrets.VT }}"}}]'], "", "token", "secrets.VT"),
        ([using("someone/s3-sync", "aws_access_key_id", "${{ secrets.ID }}")], "", "access_key", "secrets.ID"),
        (["uses: ./x.yml", 'secrets: {aws-access-key-id: "${{ secrets.ID }}"}'], "", "access_key", "secrets.ID"),
        (["env: {AWS_ACCESS_KEY_ID: AKIAIOSFODNN7EXAMPLE}"], "", "access_key", "AKIAIOSFODNN7EXAMPLE"),
        (["env: {VAULT_TOKEN: not-to-be-shown}"], "", "token", "the file itself"),
    ],
)
def test_stored_keys(tmp_path: Path, lines: list[str], head: str, kind: str, stored: str) -> None:
    """Found in inputs of actions and in variables; what is in the file itself is not repeated, unless it is public."""
    one = planned(tmp_path, job(*lines, head=head, permissions="permissions: {}"))
    assert one is not None
    (held,) = one.identity.credentials

    assert (held.kind, held.id) == (kind, stored)
    assert "not-to-be-shown" not in str(one)
    assert [place.resource for place in one.credentials_at.values()] == ["jobs.go"]
    assert one.identity.privilege.level == "unknown"


class Cloud(Nothing):
    """A store that knows the role, with a trust."""

    def __init__(self, issuer: str) -> None:
        self._issuer = issuer

    def identity(self, key: str) -> Identity | None:
        """The role."""
        trust = Trust(principal="x", kind="federated", evidence="trust policy", issuer=self._issuer)
        return Identity(key=key, provider="aws", source="s", scope="1", kind="role", name="deploy", trusts=(trust,))


@pytest.mark.parametrize(
    ("issuer", "relation"),
    [("https://token.actions.githubusercontent.com", "can_assume"), ("https://accounts.google.com", "federates")],
)
def test_a_role_that_trusts_no_workflow_is_only_named(tmp_path: Path, issuer: str, relation: str) -> None:
    """As far as the store knows its trust."""
    text = job(using(AWS, "role-to-assume", ROLE))
    one = planned(tmp_path, text, Cloud(issuer))
    assert one is not None

    assert [(link.relation, link.target) for link in one.identity.links] == [(relation, ROLE)]


@given(
    document=mutated(
        {"on": "push", **{key: value for key, value in yaml.safe_load(WORKFLOW).items() if key is not True}}
    )
)
@examples(60, smoke=60)
def test_no_workflow_is_a_traceback(document: object, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Whatever shape its parts have; a file that is none is an error of ours."""
    path = tmp_path_factory.mktemp("hostile") / "workflow.json"
    path.write_text(json.dumps(document))
    with suppress(MusterError):
        WorkflowPlanner().planned(load(path, "workflow.json").resources, Nothing())

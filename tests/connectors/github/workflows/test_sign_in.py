"""Sign-ins below a workflow: in actions of the repository and in scripts; and what asks for a token otherwise."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connectors.core.budget import Limits
from connectors.github.facts import WorkflowFile
from connectors.github.workflows.identities import Workflows, workflow_identities
from connectors.github.workflows.local import used_in
from connectors.github.workflows.scripts import Scripts
from connectors.github.workflows.values import GithubContext
from connectors.testing import Asked, Reply
from connectors.testing import read as scanned
from scanner.model import Coverage, Identity
from tests.connectors.github.estates import TOKEN, VALUE, connector
from tests.connectors.github.fake import Organization, served
from tests.connectors.github.workflows.test_subjects import PATH, organization, repository
from tests.examples import examples

ARN = "arn:aws:iam::123456789012:role/deploy"
PROVIDER = "projects/1/locations/global/workloadIdentityPools/p/providers/github"
ACCOUNT = "ci@p-one.iam.gserviceaccount.com"
AWS = "aws-actions/configure-aws-credentials@v4"
ASKED = "jobs.go: a script asks for a token"
VARIABLES = {"ROLE": ARN}


def workflow(*steps: Any, **job: Any) -> str:
    """A workflow of one job that may ask for tokens."""
    return json.dumps({"on": "schedule", "permissions": "write-all", "jobs": {"go": {"steps": list(steps), **job}}})


def action(*steps: Any, **inputs: Any) -> str:
    """A composite action."""
    return json.dumps({"inputs": inputs, "runs": {"using": "composite", "steps": list(steps)}})


def read(text: str, **actions: str) -> Workflows:
    """The workflow in a repository with these actions below ``.github/actions``."""
    files = {
        f".github/actions/{name}": WorkflowFile(path=f".github/actions/{name}/action.yml", text=one)
        for name, one in actions.items()
    }
    where = repository(variables=VARIABLES)
    return workflow_identities(organization(), where, [WorkflowFile(path=PATH, text=text)], actions=files)


def said(found: Workflows) -> tuple[list[str], list[str]]:
    """What the workflow names, and what it leaves open."""
    (one,) = found.identities
    return one.attributes["federates_to"], one.attributes.get("unresolved", [])


# --- Actions of the repository ---

ROLE_IN = {"uses": AWS, "with": {"role-to-assume": "${{ inputs.role }}", "aws-access-key-id": "${{ inputs.key }}"}}
DEPLOY = action(ROLE_IN, role={"default": "arn:aws:iam::123456789012:role/default"}, key={})


def uses(name: str, **given: str) -> dict[str, Any]:
    """A step that uses an action of the repository."""
    return {"uses": f"./.github/actions/{name}", "with": given}


@pytest.mark.parametrize(
    ("step", "targets", "unresolved"),
    [
        (uses("deploy", role=ARN), [ARN], []),
        (uses("deploy/", Role="${{ vars.ROLE }}"), [ARN], []),
        (uses("deploy"), ["arn:aws:iam::123456789012:role/default"], []),
        (
            uses("deploy", role="${{ secrets.ROLE }}"),
            [],
            ["jobs.go: .github/actions/deploy: role-to-assume is ${{ secrets.ROLE }}"],
        ),
        (uses("deploy", role=ARN, key="${{ secrets.KEY }}"), [], []),
        (uses("outer", to="deploy"), ["arn:aws:iam::1:role/deploy"], []),
        (uses("by_variable"), [], ["jobs.go: .github/actions/by_variable: role-to-assume is ${{ vars.ROLE }}"]),
        (uses("by_env", role=ARN), [ARN], []),
        (uses("script", role=ARN), [ARN], []),
        (uses("program"), [], []),
        (uses("absent"), [], ["jobs.go uses ./.github/actions/absent, which was not read"]),
        (uses("odd"), [], ["jobs.go uses ./.github/actions/odd, which was not read"]),
        (uses("loop"), [], ["jobs.go uses ./.github/actions/loop, which was not read"]),
        (uses("../../elsewhere"), [], ["jobs.go uses ./.github/actions/../../elsewhere, which was not read"]),
    ],
)
def test_actions_of_the_repository_are_followed(step: Any, targets: list[str], unresolved: list[str]) -> None:
    """With the inputs that they are given, else their own; variables of Actions they do not see."""
    found = read(
        workflow(step),
        deploy=DEPLOY,
        outer=action(uses("deploy", role="arn:aws:iam::1:role/${{ inputs.to }}")),
        by_variable=action({"uses": AWS, "with": {"role-to-assume": "${{ vars.ROLE }}"}}),
        by_env=action({"uses": AWS, "env": {"R": "${{ inputs.role }}"}, "with": {"role-to-assume": "${{ env.R }}"}}),
        script=action({"run": "aws sts assume-role-with-web-identity --role-arn ${{ inputs.role }}"}),
        program=json.dumps({"runs": {"using": "node20", "main": "index.js"}}),
        odd="runs: [",
        loop=action(uses("loop")),
    )

    assert said(found) == (targets, unresolved)
    assert [gap.path for gap in found.gaps] == [".github/actions/odd/action.yml"]
    assert found.workload.attributes.get("jobs_unread") is None  # its subjects are known all the same
    assert bool(found.silent) == (not targets and not unresolved)


def test_a_stored_key_that_an_action_is_given_is_the_caller_s() -> None:
    """So that it counts beside a federation."""
    found = read(workflow(uses("deploy", key="${{ secrets.LEGACY }}"), {"uses": AWS, "with": {"role-to-assume": ARN}}),
                 deploy=DEPLOY)  # fmt: skip

    assert found.identities[0].attributes["stored_keys"] == ["secrets.LEGACY of jobs.go"]
    assert found.federation_beside == {"LEGACY": (f"{PATH} jobs.go",)}


def test_a_called_workflow_does_not_fall_back_on_what_it_was_not_given() -> None:
    """A secret that the caller hands over is not the default, and an input without either is empty."""
    called = json.dumps({
        "on": {"workflow_call": {"inputs": {"role": {"default": "arn:aws:iam::1:role/none"}, "to": {}}}},
        "jobs": {"in": {"environment": "${{ inputs.to }}", "steps": [
            {"uses": AWS, "with": {"role-to-assume": "${{ inputs.role }}"}}]}},
    })  # fmt: skip
    caller = {
        "on": "schedule",
        "permissions": "write-all",
        "jobs": {"go": {"uses": "./.github/workflows/called.yml", "with": {"role": "${{ secrets.R }}"}}},
    }
    files = [
        WorkflowFile(path=PATH, text=json.dumps(caller)),
        WorkflowFile(path=".github/workflows/called.yml", text=called),
    ]
    found = workflow_identities(organization(), repository(), files)

    assert said(found) == ([], ["jobs.in: role-to-assume is ${{ secrets.R }}"])
    assert [one.subject for one in found.identities[0].token_subjects] == ["repo:acme/app:ref:refs/heads/main"]


@pytest.mark.parametrize(
    ("text", "folders"),
    [
        ("- uses: ./.github/actions/x", [".github/actions/x"]),
        ("- uses:   './ci/deploy/'  # ours", ["ci/deploy"]),
        ('{"uses": "./a b/c"}', ["a b/c"]),
        ("uses: ./", [""]),
        ("uses: ./.github/workflows/called.yml", []),
        ("uses: ./../x\nuses: actions/checkout@v4\nrun: ./x", []),
    ],
)
def test_actions_that_a_text_uses(text: str, folders: list[str]) -> None:
    """By their path within the repository."""
    assert list(used_in(text)) == folders


# --- Scripts ---

FETCH = 'TOKEN=$(curl -sH "Authorization: bearer $ACTIONS_ID_TOKEN_REQUEST_TOKEN" "$ACTIONS_ID_TOKEN_REQUEST_URL")\n'
ASSUME = "aws sts assume-role-with-web-identity"
EXPORTED = "echo AWS_WEB_IDENTITY_TOKEN_FILE=/tmp/t >> $GITHUB_ENV\necho AWS_ROLE_ARN=$AWS_ROLE_ARN >> $GITHUB_ENV"
PREPARE = "gcloud iam workload-identity-pools create-cred-config"
AZURE = "azure://t-1/applications/ab-1"
IN_VAULT = "vault://vault.acme.example:8200/auth/ci/role/deploy"
RESTS = {
    "plain": (f"{ASSUME} --role-arn {ARN} --web-identity-token $TOKEN", [ARN], []),
    "continued, quoted": (f"{FETCH}{ASSUME} \\\n  --web-identity-token \"$TOKEN\" \\\n  --role-arn '{ARN}'", [ARN], []),
    "within": (f'export $(printf "A=%s" $({ASSUME} --role-arn "{ARN}" --output text))', [ARN], []),
    "within quotes": (f'CREDS="$({ASSUME} --role-arn={ARN} --query "Credentials")"', [ARN], []),
    "option before": (f"aws --region eu-west-1 sts assume-role-with-web-identity --role-arn {ARN}; ls", [ARN], []),
    "set once": (f"R={ARN}\n{ASSUME} --role-arn $R", [ARN], []),
    "of env": (f"{ASSUME} --role-arn ${{OWN}}", [ARN], []),
    "PowerShell": (f"{ASSUME} `\n  --role-arn $env:OWN", [ARN], []),
    "expression": (f"{ASSUME} --role-arn ${{{{ vars.ROLE }}}}", [ARN], []),
    "set twice": (f"R={ARN}\nR=x\n{ASSUME} --role-arn $R", [], ["jobs.go: --role-arn is $R"]),
    "set beside env": (f"OWN=x\n{ASSUME} --role-arn $OWN", [], ["jobs.go: --role-arn is $OWN"]),
    "made": (f"{ASSUME} --role-arn $(cat role)", [], ["jobs.go: --role-arn is $(cat role)"]),
    "in single quotes": (f"{ASSUME} --role-arn '$OWN'", ["$OWN"], []),
    "a secret": (f"{ASSUME} --role-arn ${{{{ secrets.R }}}}", [], ["jobs.go: --role-arn is ${{ secrets.R }}"]),
    "no role": (f"{ASSUME} --cli-input-json file://x", [], [ASKED]),
    "in a program": (f"{ASSUME} --role-arn {ARN}\npython -c 'assume_role_with_web_identity(x)'", [ARN], [ASKED]),
    "one of two": (f"{ASSUME} --role-arn {ARN}\n$TOOL sts assume-role-with-web-identity", [ARN], [ASKED]),
    "by variables": (f"export AWS_ROLE_ARN={ARN}\n{FETCH}{EXPORTED}", [ARN], []),
    "half by variables": (f'echo "AWS_ROLE_ARN={ARN}" >> $GITHUB_ENV', [], []),
    "Google": (
        f"{PREPARE} {PROVIDER} --service-account={ACCOUNT} --output-file=f\ngcloud auth login --cred-file=f",
        [f"//iam.googleapis.com/projects/p-one/serviceAccounts/{ACCOUNT}"],
        [],
    ),
    "Google, direct": (f"{PREPARE.replace('iam', 'beta iam')} {PROVIDER}", [f"//iam.googleapis.com/{PROVIDER}"], []),
    "Google, a file": ("gcloud auth login --cred-file=/tmp/f", [], [ASKED]),
    "Google, a user": ("gcloud auth login", [], []),
    "Azure": ('az login --service-principal -u AB-1 --tenant T-1 --federated-token "$TOKEN"', [AZURE], []),
    "Azure, with a key": ("az login --service-principal -u AB-1 -p $KEY --tenant T-1", [], []),
    "Azure, no client": ("az login --federated-token $TOKEN", [], [ASKED]),
    "Vault": (f"{FETCH}vault write -field=token auth/ci/login role=deploy jwt=$TOKEN", [IN_VAULT], []),
    "Vault, login": ("vault login -method=jwt -path=ci role=deploy jwt=$TOKEN", [IN_VAULT], []),
    "Vault, elsewhere": (
        "vault write -address=https://v.example auth/jwt/login role=r jwt=x",
        ["vault://v.example/auth/jwt/role/r"],
        [],
    ),
    "Vault, its default": ("vault write auth/ci/login jwt=$TOKEN", [], [ASKED]),
    "Vault, otherwise": ("vault write auth/approle/login role_id=x secret_id=y", [], []),
    "Vault, a role": ("vault write auth/jwt/role/x jwt=y role=z", [], []),
    "asks": (f'{FETCH}./deploy "$TOKEN"', [], [ASKED]),
    "a comment": (f"# {ASSUME} --role-arn x\nmake", [], []),
    "nothing": ("make deploy", [], []),
    "open quote": (f'{ASSUME} --role-arn "{ARN}', [], [ASKED]),
}
ENV = {"OWN": ARN, "VAULT_ADDR": "https://vault.acme.example:8200"}


@pytest.mark.parametrize("name", RESTS)
def test_plain_sign_ins_of_scripts_are_read(name: str) -> None:
    """What stands there literally, in ``env`` or is set once; all else that asks for a token is said."""
    script, targets, unresolved = RESTS[name]
    found = read(workflow({"run": script}, env=ENV))

    assert said(found) == (targets, unresolved)
    assert found.identities[0].privilege.level == ("unknown" if unresolved else "normal")
    assert bool(found.silent) == (not targets and not unresolved)


def test_a_script_of_nothing_but_commands_is_read_once() -> None:
    """Each name of a program could begin one; a sign-in within another command still is one."""
    found = read(workflow({"run": f"{'vault login aws ' * 60_000}\naws s3 ls $({ASSUME} --role-arn {ARN}) aws s3 ls"}))

    assert said(found)[0] == [ARN]


@pytest.mark.parametrize(
    ("steps", "env", "targets", "unresolved"),
    [
        ([], {"ARM_USE_OIDC": True, "ARM_CLIENT_ID": "AB-1", "ARM_TENANT_ID": "T-1"}, [AZURE], []),
        ([], {"ARM_USE_OIDC": "false", "ARM_CLIENT_ID": "AB-1"}, [], []),
        (
            [],
            {"ARM_USE_OIDC": "1", "ARM_CLIENT_ID": "${{ secrets.C }}"},
            [],
            ["jobs.go: ARM_CLIENT_ID is ${{ secrets.C }}"],
        ),
        ([{"env": {"AWS_ROLE_ARN": ARN}}], {"AWS_WEB_IDENTITY_TOKEN_FILE": "/t"}, [ARN], []),
        (
            [{"env": {"AZURE_CLIENT_ID": "AB-1"}}],
            {"AZURE_FEDERATED_TOKEN_FILE": "/t", "AZURE_TENANT_ID": "t-1"},
            [AZURE],
            [],
        ),
        ([{"uses": AWS, "with": {"role-to-assume": ARN}}, {"run": f"{FETCH}./deploy"}], {}, [ARN], [ASKED]),
        (
            [
                {"uses": "google-github-actions/auth@v2", "with": {"service_account": ACCOUNT}},
                {"run": "gcloud auth login --cred-file=$GOOGLE_APPLICATION_CREDENTIALS"},
            ],
            {},
            [f"//iam.googleapis.com/projects/p-one/serviceAccounts/{ACCOUNT}"],
            [],
        ),
        ([{"uses": "actions/github-script@v7", "with": {"script": "core.getIDToken('x')"}}], {}, [], [ASKED]),
        (
            [
                {"uses": "actions/github-script@v7", "with": {"script": "return core.getIDToken()"}},
                {"run": f"{ASSUME} --role-arn {ARN} --web-identity-token ${{{{ steps.x.outputs.t }}}}"},
            ],
            {},
            [ARN],
            [],
        ),
    ],
)
def test_sign_ins_of_several_steps(steps: list[Any], env: Any, targets: list[str], unresolved: list[str]) -> None:
    """Variables of programs, and tokens that one step fetches for another."""
    assert said(read(workflow(*steps, env=env))) == (targets, unresolved)


@given(st.text(alphabet=st.sampled_from("aws stlogin-=\\\n\"'`$(){}|&;#/ --role-arn vault write jwt="), max_size=120))
@example("#\\")
@example("aws " + "${{" * 2_000)
@example("aws " + '"\\' * 2_000)
@example("aws sts assume-role-with-web-identity " + "$(" * 2_000)
@examples(200, smoke=200)
def test_no_script_is_a_traceback(script: str) -> None:
    """Or without an end."""
    scripts = Scripts()
    scripts.add(f"{script}\naws sts assume-role-with-web-identity {script}", GithubContext())

    assert scripts.asks_otherwise(scripts.taken, set()) or scripts.taken


# --- Read from GitHub ---


def test_actions_are_read_in_batches_and_only_where_they_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """A query for each level of actions that use actions, of all repositories together, and no call of REST more.

    An action that cannot be read is a gap that names it; a job without a sign-in that is known is named.
    """
    monkeypatch.setenv(TOKEN, VALUE)
    role = {"uses": AWS, "with": {"role-to-assume": "${{ inputs.role }}"}}
    files = {
        PATH: workflow(uses("outer", role=ARN), {"run": "make"}),
        ".github/workflows/silent.yml": workflow({"uses": "acme/elsewhere@v1"}),
        ".github/actions/outer/action.yml": action(uses("inner", role="${{ inputs.role }}"), role={}),
        ".github/actions/inner/action.yaml": action(role, role={}),
        ".github/actions/unused/action.yml": action(role, role={}),
    }
    org = Organization()
    for number in range(3):
        org.add_repository(f"app{number}", files=files)
    org.add_repository("odd", files={PATH: workflow(uses("odd")), ".github/actions/odd/action.yml": "runs: ["})
    org.add_repository("quiet", files={PATH: workflow(uses("outer"), permissions={"contents": "read"})})
    org.add_repository("plain", files={PATH: "on: push\njobs: {a: {steps: []}}"})
    queries: list[dict[str, Any]] = []

    def kept(asked: Asked) -> None:
        if asked.path == "/graphql" and b"expression: $what0" in asked.body:
            queries.append(json.loads(asked.body)["variables"])

    with served(org, token=VALUE) as (github, url):
        github.faults = kept
        found = scanned(connector(url), deadline=60.0, limits=Limits())
        rest = {path for path, times in github.counted.items() if path.startswith("/repos/") and times}
        github.faults = lambda asked: Reply(status=401) if b"expression: $what0" in asked.body else None
        without = scanned(connector(url), deadline=60.0, limits=Limits())

    by_key = {one.key: one for one in found if isinstance(one, Identity) and one.kind == "workflow"}
    (section,) = [one for one in found if isinstance(one, Coverage) and one.section == "workflows"]
    asked = [sorted(value for name, value in query.items() if name.startswith("what")) for query in queries]
    inner, outer, odd = (
        [f"HEAD:.github/actions/{name}/action.{kind}" for kind in ("yaml", "yml")] for name in ("inner", "outer", "odd")
    )

    assert [by_key[f"github:acme/app{number}/{PATH}"].attributes["federates_to"] for number in range(3)] == 3 * [[ARN]]
    assert asked == [sorted([*outer * 4, *odd]), sorted(inner * 3)]
    assert not any("contents" in path for path in rest)
    assert (section.status, "acme/odd/.github/actions/odd/action.yml" in str(section.detail)) == ("partial", True)
    assert "without a known sign-in: acme/app0/.github/workflows/silent.yml jobs.go" in str(section.detail)
    assert "app0/.github/workflows/deploy.yml" not in str(section.detail)
    (token,) = [one for one in found if isinstance(one, Identity) and one.kind == "actions_token"]
    assert token.attributes["workflows_by_default"] == [f"acme/plain/{PATH}"]
    unread = [one for one in without if isinstance(one, Identity) and one.key == f"github:acme/app0/{PATH}"]
    assert unread[0].attributes["unresolved"] == ["jobs.go uses ./.github/actions/outer, which was not read"]
    assert [one.status for one in without if isinstance(one, Coverage) and one.section == "workflows"] == ["partial"]


def test_actions_come_from_files(tmp_path: Path) -> None:
    """Beside the workflows, as the API gives them."""
    files: dict[str, Any] = {
        "orgs/acme": {"login": "acme", "id": 1},
        "orgs/acme/repos": [{"id": 7, "full_name": "acme/shop", "default_branch": "main"}],
        f"repos/acme/shop/contents/{PATH}": encoded(workflow(uses("deploy", role=ARN), uses("absent"))),
        "repos/acme/shop/contents/.github/actions/deploy/action.yml": encoded(DEPLOY),
    }
    for name, body in files.items():
        file = tmp_path / f"{name}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(body))
    found = scanned(connector("http://127.0.0.1:1", from_files=tmp_path), deadline=60.0, limits=Limits())
    (one,) = [one for one in found if isinstance(one, Identity)]

    assert one.attributes["federates_to"] == [ARN]
    assert "jobs.go uses ./.github/actions/absent, which was not read" in one.attributes["unresolved"]


def encoded(text: str) -> dict[str, str]:
    """A file as the REST API gives it."""
    return {"content": base64.b64encode(text.encode()).decode(), "encoding": "base64"}

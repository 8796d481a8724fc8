"""Workflows as identities: what they name, who owns them, which stored keys stand beside, and what is hostile."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.github.facts import Repository, WorkflowFile
from connectors.github.workflows.identities import Workflows, workflow_identities
from connectors.github.workflows.owners import code_owners
from connectors.github.workflows.values import GithubContext, Value
from tests.connectors.github.workflows.test_subjects import PATH, found, identity, organization, repository
from tests.examples import examples
from tests.hostile_json import mutated

ARN = "arn:aws:iam::123456789012:role/deploy"
AWS, GOOGLE, AZURE = "aws-actions/configure-aws-credentials", "google-github-actions/auth", "azure/login"
VAULT = "hashicorp/vault-action"
ACCOUNT = "ci@p-one.iam.gserviceaccount.com"
PROVIDER = "projects/1/locations/global/workloadIdentityPools/p/providers/github"
CONTEXT = GithubContext(
    env={"A": "a", "B": "${{ env.A }}-${{ vars.v }}", "LOOP": "${{ env.LOOP }}"},
    matrix={
        "to": ["x", "y"],
        "deep": [{"role": "r"}, {"role": "s"}],
        "include": [{"more": "m"}, {"to": "z"}],
        "at": ["eu", "us"],
        "exclude": [{"at": "us"}, {"at": "eu", "to": "x"}],
        "bad": "${{ x }}",
        "many": ["a", *["b"] * 256, "c"],
        "full": ["a", *["b"] * 255],
    },
    inputs={"role": Value("r", ("in",)), "none": Value("${{ secrets.N }}", is_whole=False)},
    variables={"V": Value("", ("v",))},
    github={"repository": "acme/app"},
)


def using(action: str, **inputs: str) -> str:
    """A workflow with a step that signs in."""
    given = ", ".join(f'{name}: "{value}"' for name, value in inputs.items())
    return f"on: schedule\npermissions: write-all\njobs: {{go: {{steps: [{{uses: {action}@v1, with: {{{given}}}}}]}}}}"


@pytest.mark.parametrize(
    ("written", "texts", "is_whole"),
    [
        ("plain", ("plain",), True),
        ("${{ env.A }}", ("a",), True),
        ("${{env.B}}", ("a-v",), True),
        ("${{ env.LOOP }}", (), False),
        ("${{ env.MISSING }}", (), False),
        ("${{ vars.V }}/${{ VARS.v }}", ("v/v",), True),
        ("${{ secrets.V }}", (), False),
        ("${{ inputs.ROLE }}${{ github.event.inputs.role }}", ("inin",), True),
        ("${{ inputs.none || 'it''s' }}", ("it's",), False),
        ("${{ inputs.role || 'b' }}", ("in", "b"), True),
        ("${{ env.A || 'b' }}", ("a",), True),
        ("${{ env.MISSING || 'b' }}", ("b",), False),
        ("${{ github.ref == 'x' && 'a' || 'b' }}", ("a", "b"), True),
        ("${{ (github.ref == 'x' && env.A) || env.B }}", ("a", "a-v"), True),
        ("${{ github.ref == 'x' && 'a' }}", ("a",), False),
        ("${{ (env.A || env.B) && 'a' || 'b' }}", ("a", "b"), False),
        ("${{ matrix.to }}", ("x", "y", "z"), True),
        ("${{ matrix.deep.role }}${{ matrix.more }}", ("rm", "sm"), True),
        ("${{ matrix.bad }}", (), False),
        ("${{ matrix.at }}", ("eu",), True),
        ("${{ matrix.full }}", ("a", "b"), True),
        ("${{ matrix.many }}", (), False),
        ("${{ vars['V'] }}-${{ env[ 'A' ] }}", ("v-a",), True),
        ("${{ vars[env.A] }}", (), False),
        ("${{ github.repository }}", ("acme/app",), True),
        ("${{ fromJSON('{}') }}", (), False),
        ("${{ format('{0}', env.A) }} ${{ env.A }}", (), False),
        ("${{ matrix.to }}" * 7, (), False),
        ("${{ env.A }}" * 9, (), False),
    ],
)
def test_values_are_resolved_as_far_as_is_known(written: str, texts: tuple[str, ...], is_whole: bool) -> None:
    """Nothing is evaluated but references, literals and alternatives."""
    value = CONTEXT.value(written)

    assert (value.texts, value.is_whole) == (texts, is_whole)


@pytest.mark.parametrize(
    ("text", "targets", "unresolved"),
    [
        (using(AWS, **{"role-to-assume": ARN}), [ARN], []),
        (using(AWS.upper(), **{"role-to-assume": "${{ vars.ROLE }}"}), ["arn:aws:iam::1:role/v"], []),
        (
            using(AWS, **{"role-to-assume": "${{ secrets.R }}"}),
            [],
            ["jobs.go: role-to-assume is ${{ secrets.R }}"],
        ),
        (
            using(GOOGLE, service_account=ACCOUNT, workload_identity_provider="${{ secrets.P }}"),
            [f"//iam.googleapis.com/projects/p-one/serviceAccounts/{ACCOUNT}"],
            [],
        ),
        (using(GOOGLE, workload_identity_provider=PROVIDER), [f"//iam.googleapis.com/{PROVIDER}"], []),
        (using(AZURE, **{"client-id": "AB-1", "tenant-id": "T-1"}), ["azure://t-1/applications/ab-1"], []),
        (using(AZURE, **{"client-id": "AB-1", "tenant-id": "${{ secrets.T }}"}), ["ab-1"], []),
        (
            using(VAULT, method="jwt", role="ci", url="https://vault.acme.example:8200", namespace="team"),
            ["vault://vault.acme.example:8200/team/auth/jwt/role/ci"],
            [],
        ),
        (using(VAULT, method="JWT", role="ci", url="${{ secrets.U }}"), ["ci"], []),
        (using(VAULT, method="approle", role="ci"), [], []),
        (using(AWS, **{"role-to-assume": ARN, "aws-access-key-id": "${{ secrets.ID }}"}), [], []),
        (using(AWS, **{"role-to-assume": ARN, "role-chaining": "true"}), [], []),
        (using(AWS, **{"role-to-assume": ARN, "role-chaining": "false"}), [ARN], []),
        (using(AWS, **{"role-to-assume": ARN, "role-chaining": "${{ inputs.x }}"}), [ARN], []),
        (using("someone/else", role=ARN), [], []),
    ],
)
def test_what_a_workflow_names(text: str, targets: list[str], unresolved: list[str]) -> None:
    """Named as the connectors of these clouds do. What is not in the file is said, and privilege is unknown then."""
    one = identity(text, repository(variables={"role": "arn:aws:iam::1:role/v"}))

    assert [(link.relation, link.target) for link in one.links] == [("federates", target) for target in targets]
    assert one.attributes["federates_to"] == targets
    assert one.attributes.get("unresolved", []) == unresolved
    assert one.privilege.level == ("unknown" if unresolved else "normal")


@pytest.mark.parametrize(
    ("environment", "targets", "is_whole"),
    [
        ("prod", ["arn:prod"], True),
        ("PROD", ["arn:prod"], True),
        ("new", ["arn:shared"], True),  # it does not exist yet, so that it has no variables
        ("plain", ["arn:shared"], True),
        ("dropped", [], False),  # it has the variable, with a value that is not kept
        ("unread", ["arn:shared"], False),
        ("${{ matrix.on }}", ["arn:prod", "arn:shared"], True),
        ("${{ needs.x.outputs.y }}", ["arn:shared"], False),
        ("${{ github.ref == 'x' && 'prod' }}", ["arn:prod", "arn:shared"], False),
        ("", ["arn:shared"], True),
    ],
)
def test_variables_of_an_environment_go_first(environment: str, targets: list[str], is_whole: bool) -> None:
    """Before the repository's of the same name. While they are not known, the repository's may be meant."""
    where = repository(
        variables={"role": "arn:shared"},
        environments=("prod", "plain", "dropped", "unread"),
        environment_variables={"prod": {"Role": "arn:prod"}, "plain": {"OTHER": "arn:x"}, "dropped": {"ROLE": ""}},
    )
    job = (
        f'{{environment: "{environment}", strategy: {{matrix: {{on: [prod, plain]}}}}, '
        f"steps: [{{uses: {AWS}@v4, with: {{role-to-assume: '${{{{ vars.ROLE }}}}'}}}}]}}"
    )
    one = identity(f"on: schedule\npermissions: write-all\njobs: {{go: {job}}}", where)

    assert one.attributes["federates_to"] == targets
    assert one.attributes.get("unresolved", []) == ([] if is_whole else ["jobs.go: role-to-assume is ${{ vars.ROLE }}"])


def test_a_workflow_says_whose_it_is() -> None:
    """Repository, properties, owners of its file, then teams that administer the repository."""
    where = repository(
        codeowners="* @acme/everyone\n/.github/ @acme/platform jane@acme.example # ours\n",
        properties={"owner": "core"},
        admin_teams=("admins",),
        visibility="public",
    )
    one = identity(using(AWS, **{"role-to-assume": ARN}), where)

    assert (one.key, one.scope, one.kind) == (f"github:acme/app/{PATH}", "acme", "workflow")
    assert (one.attributes["repository"], one.attributes["visibility"]) == ("acme/app", "public")
    assert (one.attributes["signs_in_to"], one.tags) == (["aws"], {"owner": "core"})
    assert one.aliases == ("repo:acme/app:ref:refs/heads/main",)
    assert [owner["id"] for owner in one.attributes["owners"]] == ["acme/platform", "jane@acme.example", "admins"]


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        ("*", True),
        ("*.yml", True),
        ("deploy.yml", True),
        ("/deploy.yml", False),
        (".github", True),
        (".github/", True),
        ("/.github/workflows/", True),
        ("workflows/", True),
        ("/workflows/", False),
        (".github/*", False),
        (".github/workflows/*", True),
        (".github/**", True),
        ("**/workflows/**", True),
        ("**/deploy.*", True),
        ("/.github/workflows/deploy.yml/", False),
        ("[d]eploy.yml", False),
        ("docs/", False),
        ("*a" * 400 + "b", False),
    ],
)
def test_patterns_of_codeowners(pattern: str, matches: bool) -> None:
    """As GitHub documents them; the last that matches counts, with or without owners."""
    assert code_owners(f"other @x\n{pattern} @me @you", PATH) == (("@me", "@you") if matches else ())
    assert code_owners(f"* @x\n\n# {pattern} @me\n{pattern}\n", PATH) == (() if matches else ("@x",))


def test_keys_beside_an_offered_federation() -> None:
    """By use or by name; a key of a cloud where no job signs in without one has nothing beside it."""
    federated = using(AWS, **{"role-to-assume": ARN})
    stored = (
        "on: push\njobs:\n  old: {env: {AWS_ACCESS_KEY_ID: '${{ secrets.LEGACY }}'}, steps: []}\n"
        "  both:\n    permissions: {id-token: write}\n    env: {ARM_CLIENT_SECRET: '${{ secrets.ARM }}'}\n"
    )
    where = repository(secret_names=("AWS_ACCESS_KEY_ID", "GCP_SA_KEY", "OTHER"))
    both = found(federated, where, stored=stored)
    by_path = {one.name: one for one in both.identities}

    assert both.federation_beside == {
        "ARM": (".github/workflows/stored.yml jobs.both",),
        "AWS_ACCESS_KEY_ID": (f"{PATH} jobs.go",),
        "LEGACY": (f"{PATH} jobs.go",),
    }
    assert by_path[".github/workflows/stored.yml"].attributes["stored_keys"] == ["secrets.ARM of jobs.both"]
    assert both.workload.runs_as == tuple(one.key for one in both.identities)


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        ({"text": "on: push\njobs: {", "truncated": True}, "GitHub gave its beginning only"),
        ({"text": "on: push\njobs: {"}, "is not YAML"),
        ({"text": ""}, "its root is not a mapping"),
        ({"text": "- a"}, "its root is not a mapping"),
        ({"text": "on: push\njobs: []"}, "it is not a workflow"),
        ({"text": "jobs: {a: {}}"}, "it is not a workflow"),
        ({"text": "a: 1\n---\nb: 2"}, "several documents"),
        ({"text": "on: push\njobs: &j {a: *j}"}, "aliases that expand too far"),
        (
            {
                "text": "a: &a [x, x]\n"
                + "".join(
                    f"{n}: &{n} [{', '.join([f'*{p}'] * 9)}]\n" for p, n in zip("abcdefgh", "bcdefghi", strict=True)
                )
            },
            "aliases that expand too far",
        ),
        ({"text": "on: push\njobs: " + "[" * 5_000}, "maximum nesting depth"),
        ({"text": "on: \ud800\njobs: {}"}, "half of a surrogate pair"),
        ({"text": "on: push\njobs: {}\n\x00"}, "is not YAML"),
        ({"text": "? [a]\n: b\n"}, "a key that is not text"),
        ({"text": "#" * 5_000_000}, "more than"),
    ],
)
def test_a_file_that_cannot_be_read_is_a_gap(file: dict[str, Any], reason: str) -> None:
    """Beside the others, which are read."""
    files = [WorkflowFile(path="odd.yml", **file), WorkflowFile(path=PATH, text=using(AWS, **{"role-to-assume": ARN}))]
    both = workflow_identities(organization(), repository(), files)
    (gap,) = both.gaps

    assert (gap.path, reason in gap.reason, [one.name for one in both.identities]) == ("odd.yml", True, [PATH])


WORKFLOW = {
    "on": {
        "push": {"branches": ["main"]},
        "workflow_dispatch": {"inputs": {"role": {"default": "x", "options": ["y"]}}},
    },
    "permissions": {"id-token": "write"},
    "env": {"A": "b"},
    "jobs": {
        "go": {
            "environment": {"name": "prod"},
            "strategy": {"matrix": {"include": [{"a": "b"}]}},
            "steps": [
                {"uses": f"{AWS}@v4", "with": {"role-to-assume": "${{ inputs.role }}"}, "env": {"VAULT_TOKEN": "x"}}
            ],
        },
        "call": {"uses": "./.github/workflows/deploy.yml", "with": {"role": "z"}, "secrets": "inherit"},
    },
}


def as_yaml(document: object) -> str:
    """As YAML that reads like JSON."""
    import json

    return json.dumps(document)


@given(document=mutated(WORKFLOW))
@examples(80, smoke=80)
def test_no_workflow_is_a_traceback(document: object) -> None:
    """Whatever shape its parts have, it is an identity, none, or a gap."""
    both = found(as_yaml(document))

    assert isinstance(both, Workflows)
    assert len(both.identities) <= 1


@given(st.text(max_size=80))
@examples(150, smoke=150)
def test_no_text_is_a_traceback(text: str) -> None:
    """As a file, as CODEOWNERS, as an expression."""
    both = found(text, repository(codeowners=text))
    CONTEXT.value(f"${{{{ {text} }}}}")

    assert both.identities == () or not both.gaps


@pytest.mark.parametrize(
    ("text", "is_named"),
    [
        ("on: push\njobs: {a: {steps: []}}", True),
        ("on: push\njobs: {a: {permissions: {contents: read}}, b: {steps: []}}", True),
        ("on: push\njobs: {a: {uses: ./.github/workflows/x.yml}}", True),
        ("on: push\npermissions: {}\njobs: {a: {steps: []}}", False),
        ("on: push\njobs: {a: {permissions: write-all}, b: {permissions: {contents: read}}}", False),
        ("on: workflow_call\njobs: {a: {steps: []}}", False),
    ],
)
def test_workflows_whose_token_has_the_default(text: str, is_named: bool) -> None:
    """A job that says nothing has it, unless its workflow says something; a called one has what its caller has."""
    assert found(text).by_default == ((PATH,) if is_named else ())


# --- An organization of seeded truth ---


IN_ACTION = WorkflowFile(
    path=".github/actions/aws/action.yml",
    text=f"""
inputs: {{role: {{default: 'arn:aws:iam::1:role/none'}}}}
runs:
  using: composite
  steps: [{{uses: {AWS}@v4, with: {{role-to-assume: "${{{{ inputs.role }}}}"}}}}]
""",
)


def seeded(number: int) -> tuple[Repository, list[WorkflowFile], dict[str, tuple[str, list[str]]]]:
    """A repository whose workflows are of every sort, and of those that are identities the subject and the roles."""
    name = f"acme/service-{number}"
    role = f"arn:aws:iam::123456789012:role/service-{number}"
    where = repository(full_name=name, database_id=1_000 + number, variables={"ROLE": role} if number % 2 else {})
    named = "${{ vars.ROLE }}" if number % 2 else role
    texts = {
        "deploy": using(AWS, **{"role-to-assume": named}),
        "read": using(AWS, **{"role-to-assume": named}).replace("write-all", "read-all"),
        "test": "on: pull_request\njobs: {test: {steps: [{run: make}]}}",
        "plan": "on: pull_request\njobs: {p: {permissions: {id-token: write}, "
        f"uses: ./.github/workflows/terraform.yml, with: {{role: '{role}-plan'}}}}}}",
        "terraform": using(AWS, **{"role-to-assume": "${{ inputs.role }}"}).replace(
            "schedule", "{workflow_call: {inputs: {role: {}}}}"
        ),
        "action": "on: schedule\npermissions: write-all\n"
        f"jobs: {{go: {{steps: [{{uses: ./.github/actions/aws, with: {{role: '{role}-action'}}}}]}}}}",
        "script": "on: release\npermissions: write-all\njobs: {go: {environment: prod, steps: [{run: "
        f"'aws sts assume-role-with-web-identity --role-arn {role}-script'}}]}}}}",
        "off": using(AWS, **{"role-to-assume": named}).replace("steps", "permissions: {contents: write}, steps"),
    }
    files = [WorkflowFile(path=f".github/workflows/{each}.yml", text=text) for each, text in texts.items()]
    truth = {
        f"github:{name}/.github/workflows/deploy.yml": (f"repo:{name}:ref:refs/heads/main", [role]),
        f"github:{name}/.github/workflows/plan.yml": (f"repo:{name}:pull_request", [f"{role}-plan"]),
        f"github:{name}/.github/workflows/action.yml": (f"repo:{name}:ref:refs/heads/main", [f"{role}-action"]),
        f"github:{name}/.github/workflows/script.yml": (f"repo:{name}:environment:prod", [f"{role}-script"]),
    }
    return where, files, truth


def test_an_organization_of_seeded_truth() -> None:
    """Every workflow that takes an identity is found with its subject and roles, and no other is."""
    estate = [seeded(number) for number in range(60)]
    actions = {".github/actions/aws": IN_ACTION}
    read = [workflow_identities(organization(), where, files, actions=actions) for where, files, _ in estate]

    assert {
        one.key: (one.token_subjects[0].subject, [link.target for link in one.links])
        for each in read
        for one in each.identities
    } == {key: expected for _, _, truth in estate for key, expected in truth.items()}
    assert not any(each.gaps for each in read)

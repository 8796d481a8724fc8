"""Files of every format as resources: recognised by content, with lines; what is none of them is refused."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

from connectors.planned import FileResources
from connectors.planned.files import load, plan
from scanner.errors import InputError, MusterError, UsageError
from tests.connectors.aws.planned.reading import Store

MANIFESTS = """\
# accounts of the web shop
apiVersion: v1
kind: ServiceAccount
metadata: { name: shop, namespace: web }
automountServiceAccountToken: false
---
---
apiVersion: v1
kind: List
items:
  - apiVersion: rbac.authorization.k8s.io/v1
    kind: ClusterRoleBinding
    metadata: { name: shop-admin }
  - apiVersion: v1
    kind: Secret
    metadata: { generateName: token-, namespace: web }
---
image: { tag: 1 }
"""
# Where a value is of a tag, or comes by a merge, there is no node of its members.
WITHOUT_NODES = {
    "a tag": "name: a\non: push\njobs: !os:b ru\n",
    "a tagged mapping": "Resources: !Sub {a: {Type: AWS::IAM::Role}}\n",
    "a tagged template": "AWSTemplateFormatVersion: '2010-09-09'\nResources: !Ref a\n",
    "merged jobs": "on: push\n<<: {jobs: {a: {runs-on: x}}}\n",
    "merged resources": "<<: {Resources: {R: {Type: AWS::IAM::Role}}}\n",
    "merged items": "apiVersion: v1\nkind: List\n<<: {items: [{apiVersion: v1, kind: ServiceAccount}]}\n",
}
WORKFLOW = """\
name: deploy
on: [push]
permissions: { id-token: write }
jobs:
  build:
    runs-on: ubuntu-latest
  deploy:
    needs: build
  broken: 1
"""


def read(folder: Path, content: str | bytes, name: str = "given.yaml") -> FileResources:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return load(path, name)


def test_manifests(tmp_path: Path) -> None:
    """Documents and lists give objects with their lines; YAML's booleans are booleans, its numbers stay text."""
    found = read(tmp_path, MANIFESTS)

    assert found.format == "kubernetes"
    assert [(each.type, each.place.resource, each.place.line) for each in found.resources] == [
        ("core/ServiceAccount", "ServiceAccount/web/shop", 2),
        ("rbac.authorization.k8s.io/ClusterRoleBinding", "ClusterRoleBinding/shop-admin", 11),
        ("core/Secret", "Secret/web/token-*", 14),
    ]
    assert found.resources[0].values["automountServiceAccountToken"] is False
    assert [(each.place.line, each.reason) for each in found.problems] == [(18, "is not a Kubernetes object")]


def test_a_list_in_json_has_the_lines_of_its_items(tmp_path: Path) -> None:
    """As ``kubectl get -o json`` writes it."""
    one = '{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "a"}}'
    found = read(tmp_path, f'{{"apiVersion": "v1", "kind": "List", "items": [\n{one},\n{one}\n]}}', "given.json")

    assert [each.place.line for each in found.resources] == [2, 3]


def test_a_workflow(tmp_path: Path) -> None:
    """``on`` is a key, not YAML 1.1's true; each job is a resource, beside the workflow itself."""
    found = read(tmp_path, WORKFLOW)

    assert [(each.type, each.place.resource, each.place.line) for each in found.resources] == [
        ("github_actions/workflow", "workflow", 1),
        ("github_actions/job", "jobs.build", 5),
        ("github_actions/job", "jobs.deploy", 7),
    ]
    assert found.resources[0].values == {"name": "deploy", "on": ["push"], "permissions": {"id-token": "write"}}
    assert [(each.place.resource, each.place.line) for each in found.problems] == [("jobs.broken", 9)]


BOMB = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [{f'*a{n - 1}, ' * 9}]\n" for n in range(1, 10))


@pytest.mark.parametrize(
    ("name", "content", "error", "says"),
    [
        ("values.yaml", "image: nginx", UsageError, "none of the files"),
        ("list.yaml", "- 1\n- 2", UsageError, "none of the files"),
        ("plan.tfplan", b"PK\x03\x04rest", UsageError, "archive"),
        ("plan.json", '{"a": 1,\n "b": }', InputError, "plan.json:2"),
        ("plan.json", "[1]", InputError, "root is not an object"),
        ("plan.json", '{"a":' * 200 + "1" + "}" * 200, InputError, "too deeply"),
        ("bomb.yaml", BOMB, InputError, "expand too far"),
        ("circle.yaml", "kind: a\nb: &b\n  c: *b", InputError, "circle.yaml:"),
        ("key.yaml", "kind: a\n? [b]\n: c", InputError, "a key that is not text"),
        ("empty.yaml", "", InputError, "empty"),
        ("latin.yaml", b"kind: \xe9", InputError, "UTF-8"),
        ("python.yaml", "!!python/object/apply:os.system [id]", UsageError, "none of the files"),
    ],
)
def test_what_cannot_be_read(
    tmp_path: Path, name: str, content: str | bytes, error: type[MusterError], says: str
) -> None:
    """Every file that is none of the formats, or hostile, ends in an error that names it (exit code 2)."""
    with pytest.raises(error, match=says) as raised:
        read(tmp_path, content, name)

    assert name in str(raised.value)
    assert raised.value.exit_code == 2


def test_aliases_are_written_out(tmp_path: Path) -> None:
    """GitHub takes anchors in workflows, and kubectl merges mappings; what a mapping has itself comes first."""
    text = "on: push\nenv: &env { A: 1, B: 2 }\njobs:\n  one: { env: *env }\n  two: { env: { <<: *env, B: 3 } }\n"
    found = read(tmp_path, text)

    assert [each.values["env"] for each in found.resources[1:]] == [{"A": "1", "B": "2"}, {"A": "1", "B": "3"}]


@pytest.mark.parametrize(
    ("content", "hint"),
    [
        ('{"version": 4, "lineage": "x", "serial": 1}', "it is a state"),
        ('{"format_version": "1.0", "values": {}}', "it is a state"),
        ("{}", "give a Terraform plan"),
    ],
)
def test_what_is_taken_for_a_plan_gets_a_hint(tmp_path: Path, content: str, hint: str) -> None:
    """How to get the plan."""
    with pytest.raises(UsageError) as raised:
        read(tmp_path, content, "plan.json")

    assert hint in str(raised.value.hint)


def test_every_planner_understands_its_types(tmp_path: Path) -> None:
    """Each file gives a plan with what its planners understand."""
    text = "Resources:\n  R:\n    Type: AWS::IAM::User\n    Properties: { UserName: ci }\n"
    files = [read(tmp_path, text), read(tmp_path, WORKFLOW, "w.yaml")]
    template, workflow = plan(files, Store())

    assert (template.format, template.resources, workflow.resources) == ("cloudformation", 1, 3)
    assert [each.identity.name for each in template.identities] == ["ci"]
    assert [each.place.resource for each in workflow.unread] == ["jobs.broken"]


BINDING = (
    "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: x}\n"
    "roleRef: {kind: ClusterRole, name: cluster-admin}\nsubjects: [{kind: ServiceAccount, name: s, namespace: n}]\n"
)


@pytest.mark.parametrize(
    ("text", "gaps"),
    [
        (BINDING, []),
        (BINDING + "Resources: {}\n", ["document 1"]),
        (BINDING + "format_version: '1.2'\nplanned_values: {}\n", ["document 1"]),
        (BINDING + "on: push\njobs: {}\n", ["document 1"]),
        ("Resources: {}\n---\n" + BINDING, ["document 2"]),
        ("Resources: {}\n---\nResources: {R: {Type: 'AWS::IAM::Role'}}\n", ["document 2"]),
        ("on: push\njobs: {}\n---\na: 1\n", ["document 2"]),
    ],
)
def test_a_file_of_two_formats_is_not_green(text: str, gaps: list[str], tmp_path: Path) -> None:
    """A key of another format would have a manifest taken for an empty template."""
    (tmp_path / "f.yaml").write_text(text)

    assert [one.place.resource for one in load(tmp_path / "f.yaml").problems] == gaps


@pytest.mark.parametrize("text", WITHOUT_NODES.values(), ids=WITHOUT_NODES)
def test_a_place_without_a_node_has_another_line(text: str, tmp_path: Path) -> None:
    """What a merge brought is read like what is written out, and what a tag made is none of it."""
    path = tmp_path / "change.yaml"
    path.write_text(text)

    with suppress(UsageError):
        found = load(path)
        assert "<<" not in text or found.resources


def test_what_a_merge_brought_is_read(tmp_path: Path) -> None:
    """A job that is written out in an anchor of the workflow is a job."""
    path = tmp_path / "change.yaml"
    path.write_text(WITHOUT_NODES["merged jobs"])

    assert [one.place.resource for one in load(path).resources] == ["workflow", "jobs.a"]

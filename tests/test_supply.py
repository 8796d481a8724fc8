"""Nothing that runs for the project, or that people take from it, brings unpinned code or rights too many."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from tests import supply

ROOT = Path(__file__).parent.parent
WORKFLOWS = [*(ROOT / ".github/workflows").glob("*.y*ml"), *(ROOT / "deploy/github").glob("*.y*ml")]
ACTIONS = [*ROOT.glob(".github/actions/**/action.y*ml"), *ROOT.glob("deploy/**/action.y*ml")]
CONTAINERFILES = [path for path in ROOT.glob("deploy/**/*") if re.fullmatch(r"(Container|Docker)file", path.name)]
SCRIPTS = [
    ROOT / ".ci/run",
    ROOT / "Makefile",
    *(path for folder in ("deploy", "tests", "scanner", "benchmarks") for path in (ROOT / folder).rglob("*.sh")),
]
KUBERNETES = ROOT / "deploy/kubernetes"
MANIFESTS = {path.name: path.read_text() for path in KUBERNETES.glob("*.yaml") if path.stem != "kustomization"}
FILES: list[tuple[Path, Callable[[str], list[str]]]] = [
    *((path, supply.of_workflow) for path in WORKFLOWS),
    *((path, supply.of_action) for path in ACTIONS),
    *((path, supply.of_containerfile) for path in CONTAINERFILES),
    *((path, supply.of_commands) for path in SCRIPTS),
]


@pytest.mark.parametrize(("path", "complaints"), FILES, ids=[str(path.relative_to(ROOT)) for path, _ in FILES])
def test_everything_that_runs_is_pinned(path: Path, complaints: Callable[[str], list[str]]) -> None:
    """Actions by commit, images by digest, packages by hash; and jobs have the rights that they name."""
    assert complaints(path.read_text()) == []


def test_pods_may_nothing_that_they_do_not_need() -> None:
    """Neither root nor a writable root file system, no token of the cluster, no network but what a policy names."""
    assert supply.of_manifests(MANIFESTS) == []


def test_an_action_has_the_same_commit_everywhere() -> None:
    """One that was updated in one place alone is an older one elsewhere."""
    places = [*WORKFLOWS, *ACTIONS, *(ROOT / "docs").rglob("*.md")]
    used = {
        (name, commit)
        for path in places
        for name, commit in re.findall(r"uses: ([\w.-]+/[\w.-]+)(?:/[\w./-]+)?@([0-9a-f]{40}) # v", path.read_text())
    }

    assert len(used) > 10
    assert sorted(used) == sorted({name: (name, commit) for name, commit in used}.values())


def test_examples_in_the_documentation_are_pinned_as_well() -> None:
    """People copy them."""
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("deploy/**/*.md")]

    assert {f"{page.name}: {one}" for page in pages for one in supply.of_uses(page.read_text())} == set()


def test_all_kinds_of_files_are_looked_at() -> None:
    """A folder that was moved is not passed by in silence."""
    assert all([WORKFLOWS, ACTIONS, CONTAINERFILES, SCRIPTS, MANIFESTS])
    assert {"ci", "release"} <= {path.stem for path in WORKFLOWS}
    assert {"cronjob.yaml", "shards.yaml"} <= set(MANIFESTS)


@pytest.mark.parametrize(
    ("there", "instead", "complaint"),
    [
        ("permissions: {}", "permissions: read-all", "permissions: the workflow's are not {}"),
        ("    permissions:\n      contents: read\n", "", "permissions: job lint has none"),
        ("    permissions:\n      contents: read\n", "    permissions: write-all\n", "permissions: job lint has none"),
        ("    timeout-minutes: 20\n", "", "job lint has no timeout-minutes"),
        ("  pull_request:", "  pull_request_target:", "trigger: pull_request_target"),
        ("          persist-credentials: false\n", "          fetch-depth: 1\n", "checkout: persist-credentials"),
        ("@de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2", "@v6", "uses: actions/checkout@v6"),
        (" # v6.0.2", "", "uses: actions/checkout@de0fac2e4500dabe0009e67214ff5f5447ce83dd"),
        ("- run: make lint", "# - uses: some/action@main", "uses: some/action@main"),
        ("run: make lint", "run: echo ${{ github.actor }}", "an expression in a command: echo ${{ github.actor }}"),
        ("run: make lint", "run: pip install ruff", "installs without hashes: pip install ruff"),
        ("    steps:\n", "    container: python:3.13\n    steps:\n", "image: python:3.13"),
        ("    steps:\n", "    services: {db: {image: postgres}}\n    steps:\n", "image: postgres"),
    ],
)  # fmt: skip
def test_a_workflow_that_is_worse_is_found(there: str, instead: str, complaint: str) -> None:
    """Each check finds what it is there for."""
    text = (ROOT / ".github/workflows/ci.yml").read_text()
    assert there in text

    assert supply.of_workflow(text.replace(there, instead, 1)) == [complaint]


@pytest.mark.parametrize(
    "command",
    [
        "pip install requests",
        "python -m pip install --upgrade pip",
        "true && pip install -r requirements.txt",
        "python -m pip --python /opt/bin/python install \\\n  --no-cache-dir requests",
        "pip install --no-deps requests",
        'pip install "$work"/*.whl',
        '"${pip[@]}" install ruff',
        "pipx run ruff",
        "uv tool install ruff",
        "npx something",
    ],
)
def test_packages_without_hashes_are_found(command: str) -> None:
    """However pip is called; a file of ours may be installed without what it depends on."""
    assert len(supply.of_commands(f"set -e\n{command}\n")) == 1
    assert supply.of_commands(f"# {command}") == []


def test_a_script_from_the_network_is_found() -> None:
    """Whatever it is then piped into."""
    assert supply.of_commands("curl -sSf https://example.com/install | sh") != []


@pytest.mark.parametrize(
    ("there", "instead", "complaint"),
    [
        (f"@sha256:{'0' * 64}", ":0.1.0", "image: registry.example.com/muster:0.1.0"),
        ("readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false", "securityContext of"),
        ("drop: [ALL]", "drop: [NET_RAW]", "securityContext of"),
        ("runAsNonRoot: true", "runAsNonRoot: false", "runs as root"),
        ("runAsUser: 65532", "runAsUser: 0", "runs as root"),
        ("type: RuntimeDefault", "type: Unconfined", "seccompProfile"),
        ("automountServiceAccountToken: false\n      ", "hostNetwork: false\n      ", "automountServiceAccountToken"),
        ("serviceAccountName: muster", "hostPID: true", "is on the host"),
        ("memory: 4Gi", "cpu: 4", "resources of"),
        ("  namespace: muster\n", "  namespace: other\n", "no NetworkPolicy for Egress"),
    ],
)
def test_a_pod_that_may_more_is_found(there: str, instead: str, complaint: str) -> None:
    """Each check finds what it is there for, in the pods of shards."""
    assert there in MANIFESTS["shards.yaml"]

    found = supply.of_manifests(MANIFESTS | {"shards.yaml": MANIFESTS["shards.yaml"].replace(there, instead)})

    assert found[0].startswith(f"shards.yaml: {complaint}")
    assert all(one.startswith("shards.yaml: ") for one in found)


@pytest.mark.parametrize(
    ("there", "instead"),
    [
        ("            except: [169.254.0.0/16]\n", ""),
        ("      ports:\n        - {port: 443, protocol: TCP}\n        - {port: 6443, protocol: TCP}\n", ""),
    ],
)
def test_a_policy_that_lets_everything_out_is_found(there: str, instead: str) -> None:
    """To every port, or to where a node has its credentials."""
    worse = MANIFESTS["cronjob.yaml"].replace(there, instead)
    assert worse != MANIFESTS["cronjob.yaml"]

    assert supply.of_manifests(MANIFESTS | {"cronjob.yaml": worse}) == ["policy muster: open"]


@pytest.mark.parametrize(
    ("there", "instead", "complaint"),
    [
        (r"@sha256:[0-9a-f]{64}", "", "image: python:3.13"),
        (r"\nUSER .*", "", "runs as root"),
        (r" --require-hashes", "", "installs without hashes"),
    ],
)
def test_a_container_that_is_worse_is_found(there: str, instead: str, complaint: str) -> None:
    """Each check finds what it is there for."""
    worse = re.sub(there, instead, CONTAINERFILES[0].read_text())

    assert [one for one in supply.of_containerfile(worse) if one.startswith(complaint)]


@pytest.mark.parametrize("name", MANIFESTS)
def test_manifests_are_ones_that_a_cluster_takes(name: str) -> None:
    """By the strict schemas: no unknown field, no wrong type."""
    for document in yaml.safe_load_all(MANIFESTS[name]):
        kubernetes_validate.validate(document, "1.36.0", strict=True)


def test_one_digest_sets_every_image(tmp_path: Path) -> None:
    """In kustomization.yaml; the zeros that are there are no image, so nothing runs before."""
    digest = f"sha256:{'ab' * 32}"
    for path in KUBERNETES.iterdir():
        (tmp_path / path.name).write_text(path.read_text())
    setting = tmp_path / "kustomization.yaml"
    setting.write_text(re.sub(r"sha256:0+", digest, setting.read_text()).replace("# - ", "  - "))

    kubectl = Path(sys.executable).with_name("kubectl")
    made = subprocess.run([kubectl, "kustomize", tmp_path], check=True, capture_output=True, text=True)
    documents = [*yaml.safe_load_all(made.stdout)]

    images = re.findall(r"'image': '([^']+)'", str(documents))
    assert {one["kind"] for one in documents} >= {"CronJob", "Deployment", "NetworkPolicy"}
    assert set(images) == {f"registry.example.com/muster@{digest}"}
    assert len(images) == len([name for name in MANIFESTS if "image:" in MANIFESTS[name]]) == 4

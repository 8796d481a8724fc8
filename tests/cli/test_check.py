"""``muster check`` by its command line: small files with the rules and exit codes that they must have."""

from __future__ import annotations

import csv
import io
import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from scanner.store.store import open_store
from tests.cli.conftest import Muster, muster
from tests.factories import make_assessment, make_identity, make_result
from tests.scanner.lifecycle.gate.plans import ADMIN

__all__ = ["muster"]  # the fixture

PEOPLE = "email,name,status\nada@example.com,Ada,active\nbob@example.com,Bob,left\n"
ACCOUNT = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: shop, namespace: web}\n"
GRANT = """---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: shop}
roleRef: {kind: ClusterRole, name: cluster-admin}
subjects: [{kind: ServiceAccount, name: shop, namespace: web}]
"""
TOKEN = """---
apiVersion: v1
kind: Secret
type: kubernetes.io/service-account-token
metadata: {name: t, namespace: web, annotations: {kubernetes.io/service-account.name: shop}}
"""
UNBOUND = """---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: all}
rules: [{apiGroups: ["*"], resources: ["*"], verbs: ["*"]}]
"""
WORKFLOW = """on: push
permissions: {id-token: write}
jobs:
  deploy:
    runs-on: ubuntu-24.04
    steps:
      - uses: aws-actions/configure-aws-credentials@v4
        with: {role-to-assume: "arn:aws:iam::123456789012:role/deploy", aws-region: eu-west-1}
"""
ROLE = "arn:aws:iam::123456789012:role/deploy"
STATIC = WORKFLOW.replace(
    'role-to-assume: "arn:aws:iam::123456789012:role/deploy"', "aws-access-key-id: '${{ secrets.K }}'"
)
HARMLESS = "on: push\njobs: {test: {runs-on: x, steps: [{run: make}]}}\n"
OWNED = "id,identities,owner,blast_radius\nN-1,web/shop,ada@example.com,everything\nN-2,w.yml,ada@example.com,\n"


@dataclass
class Case:
    """A file, the registry, options; then rules and exit code."""

    text: str
    fires: list[str]
    code: int = 0
    registry: str | None = OWNED
    options: list[str] = field(default_factory=list)
    name: str = "w.yml"


CASES = {
    "a declared account": Case(ACCOUNT, []),
    "an undeclared account": Case(ACCOUNT, ["planned_unregistered"], registry="id,identities\nN-1,other\n"),
    "no registry": Case(ACCOUNT, [], registry=None),
    "an admin": Case(ACCOUNT + GRANT, ["planned_privilege"]),
    "an admin without a registry": Case(ACCOUNT + GRANT, ["planned_privilege"], registry=None),
    "an admin, failing on high": Case(ACCOUNT + GRANT, ["planned_privilege"], 1, options=["--fail-on", "high"]),
    "an admin, failing on critical": Case(ACCOUNT + GRANT, ["planned_privilege"], options=["--fail-on", "critical"]),
    "an account of a leaver": Case(
        ACCOUNT, ["planned_without_owner"], registry=OWNED.replace("web/shop,ada", "web/shop,bob")
    ),
    "an admin without a blast radius": Case(
        ACCOUNT + GRANT, ["planned_privilege", "planned_without_blast_radius"], registry=OWNED.replace("everything", "")
    ),
    "a token": Case(ACCOUNT + TOKEN, ["planned_long_lived_credential"]),
    "a role that nothing binds": Case(ACCOUNT + UNBOUND, []),
    "a gap under --strict": Case(ACCOUNT + UNBOUND, [], 3, options=["--strict"]),
    "nothing but a gap": Case(UNBOUND, [], 4),
    "a workflow with a role": Case(WORKFLOW, []),
    "an undeclared workflow": Case(WORKFLOW, ["planned_unregistered"], registry="id,identities\nN-1,other\n"),
    "a workflow with a key": Case(STATIC, ["planned_long_lived_credential"]),
    "a workflow without cloud": Case(HARMLESS, []),
}


def prepared(folder: Path, case: Case) -> list[str]:
    """The files of a case, and its command line."""
    (folder / case.name).write_text(case.text)
    (folder / "people.csv").write_text(PEOPLE)
    lists = ["--people", "people.csv"]
    if case.registry is not None:
        (folder / "registry.csv").write_text(case.registry)
        lists += ["--registry", "registry.csv"]
    return ["check", case.name, *lists, *case.options]


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_cases(case: Case, tmp_path: Path, muster: Muster) -> None:
    """Each file brings what it must, with file and resource."""
    done = muster(*prepared(tmp_path, case), "-o", "json:-")
    document = json.loads(done.out)

    assert done.code == case.code, done.err
    assert sorted(one["rule"] for one in document["findings"]) == case.fires
    assert all(one["evidence"]["file"] == "w.yml" and one["evidence"]["line"] for one in document["findings"])
    assert not (tmp_path / "muster.db").exists()


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("missing.yml", None, "no such file"),
        ("x.yml", "a: 1\n", "is none of the files that can be checked"),
        ("x.json", "{", "x.json:1"),
        ("x.yml", "a: [\n", "x.yml:2"),
        ("x.yml", "", "is empty"),
        ("tfplan", "PK\x03\x04", "is an archive"),
    ],
)
def test_files_of_no_format(name: str, text: str | None, said: str, tmp_path: Path, muster: Muster) -> None:
    """Exit code 2, with the reason and no traceback."""
    if text is not None:
        (tmp_path / name).write_text(text)
    done = muster("check", name)

    assert done.code == 2
    assert said in done.err
    assert "internal error" not in done.err


def test_the_table(tmp_path: Path, muster: Muster) -> None:
    """By default, in 80 columns; without a registry, it says what was not checked."""
    done = muster(*prepared(tmp_path, Case(ACCOUNT + GRANT, [], registry=None)))

    assert max(map(len, done.out.splitlines())) <= 80
    assert "No registry was given" in done.out
    assert "shop: w.yml:5 ClusterRoleBinding/shop" in done.out


def test_stdin(muster: Muster, monkeypatch: pytest.MonkeyPatch) -> None:
    """As file ``-``, of any format."""
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO((ACCOUNT + GRANT).encode())))
    done = muster("check", "-", "-o", "json:-")

    assert [one["evidence"]["file"] for one in json.loads(done.out)["findings"]] == ["-"]


def test_errors_about_stdin_name_it(muster: Muster, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not the copy that is read."""
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"")))
    done = muster("check", "-")

    assert (done.code, done.err.splitlines()[1]) == (2, "muster: -: is empty")


def test_several_files_are_one_change(tmp_path: Path, muster: Muster) -> None:
    """A file named twice is read once."""
    (tmp_path / "a.yml").write_text(ACCOUNT + GRANT)
    (tmp_path / "b.yml").write_text(WORKFLOW)
    document = json.loads(muster("check", "a.yml", "b.yml", "a.yml", "-o", "json:-").out)

    assert [one["name"] for one in document["identities"]] == ["shop", "b.yml"]


def test_a_draft_registers_what_is_missing(tmp_path: Path, muster: Muster) -> None:
    """Proposed, without an owner; once it is approved and owned, the finding is resolved."""
    case = Case(ACCOUNT, [], registry="id,identities\nN-1,other\n", options=["--draft", "draft.csv"])
    muster(*prepared(tmp_path, case))
    draft = tmp_path / "draft.csv"
    (row,) = csv.DictReader(io.StringIO(draft.read_text()))

    def rules() -> list[str]:
        done = muster("check", "w.yml", "--registry", "draft.csv", "--people", "people.csv", "-o", "json:-")
        return [f"{one['rule']} {one['severity']}" for one in json.loads(done.out)["findings"]]

    proposed = rules()
    draft.write_text(draft.read_text().replace(",,proposed", ",ada@example.com,active"))

    assert (row["identities"], row["owner"], row["status"]) == ("system:serviceaccount:web:shop", "", "proposed")
    assert "ServiceAccount/web/shop in w.yml" in row["purpose"]
    assert {"owner", "blast_radius"} <= row.keys()
    assert proposed == ["planned_unregistered medium"]
    assert rules() == []


def test_a_draft_declares_its_blast_radius_in_words_that_are_compared(tmp_path: Path, muster: Muster) -> None:
    """Free text is never interpreted."""
    case = Case(ACCOUNT + GRANT, [], registry="id,identities\nN-1,other\n", options=["--draft", "draft.csv"])
    muster(*prepared(tmp_path, case))
    (row,) = csv.DictReader(io.StringIO((tmp_path / "draft.csv").read_text()))

    assert (row["blast_radius"], row["high_consequence"]) == ("administer everything", "administer everything")


def test_a_draft_goes_behind_what_is_there(tmp_path: Path, muster: Muster) -> None:
    """The registry itself keeps its rows, and a second draft adds nothing."""
    case = Case(ACCOUNT, [], registry="id,identities\nN-1,other\n", options=["--draft", "registry.csv"])
    muster(*prepared(tmp_path, case))
    once = (tmp_path / "registry.csv").read_text()
    muster("check", "w.yml", "--registry", "registry.csv", "--draft", "registry.csv")

    assert once.splitlines()[1].startswith("N-1,other")
    assert len(once.splitlines()) == 3
    assert (tmp_path / "registry.csv").read_text() == once


def test_what_the_store_knows(tmp_path: Path, muster: Muster) -> None:
    """The role that a workflow takes is an admin there, so that the workflow can escalate; nothing is written."""
    role = make_identity("deploy", key=ROLE, kind="role", privilege=ADMIN)
    store = tmp_path / "muster.db"
    with open_store(f"sqlite:///{store}") as opened:
        opened.save(make_result(make_assessment(role, privilege=ADMIN)))
    before = store.read_bytes()
    case = Case(WORKFLOW, [], registry=None)
    # The role's trust is not known to name GitHub, so it is only named.
    distrusting = json.loads(muster(*prepared(tmp_path, case), "-o", "json:-").out)
    manifest = ACCOUNT.replace(
        "web}", 'web, annotations: {eks.amazonaws.com/role-arn: "arn:aws:iam::123456789012:role/deploy"}}'
    )
    found = json.loads(muster(*prepared(tmp_path, Case(manifest, [], registry=None)), "-o", "json:-").out)
    (finding,) = found["findings"]

    assert distrusting["findings"] == []
    assert (finding["rule"], finding["evidence"]["level"]) == ("planned_privilege", "escalation")
    assert [one["name"] for one in found["identities"]] == ["shop"]
    assert "aws 123456789012" in finding["evidence"]["blast_radius"]
    assert store.read_bytes() == before


def test_a_store_that_was_named_must_be_there(tmp_path: Path, muster: Muster) -> None:
    """Exit code 2, as everywhere."""
    done = muster(*prepared(tmp_path, Case(ACCOUNT, [])), "--store", "sqlite:///none.db")

    assert done.code == 2


def test_views_and_formats(tmp_path: Path, muster: Muster) -> None:
    """All at once; a view other than all is that of a scan."""
    arguments = prepared(tmp_path, Case(ACCOUNT + GRANT, []))
    formats = [
        "html:r.html",
        "csv:r.csv",
        "xlsx:r.xlsx",
        "ndjson:r.ndjson",
        "sarif:r.sarif",
        "markdown:r.md",
        "ocsf:r.json",
    ]
    done = muster(*arguments, *(part for one in formats for part in ("-o", one)))
    listed = muster(*arguments, "--view", "inventory")
    sarif: dict[str, Any] = json.loads((tmp_path / "r.sarif").read_text())
    location = sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"]

    assert done.code == 0, done.err
    assert (location["artifactLocation"]["uri"], location["region"]["startLine"]) == ("w.yml", 5)
    assert "The change brings 1 identity" in (tmp_path / "r.md").read_text()
    assert "1 identity" in listed.out


def test_a_config_that_lies_there_is_not_read(tmp_path: Path, muster: Muster) -> None:
    """It could be part of the change, and so could what it acknowledges; the command says so."""
    (tmp_path / "account.yaml").write_text(ACCOUNT)
    (tmp_path / "config.toml").write_text("not = [toml\n")
    (tmp_path / "acknowledged.toml").write_text("not = [toml\n")

    done = muster("check", "account.yaml")
    named = muster("check", "account.yaml", "--config", "config.toml")

    assert done.code == 0
    assert "no --config: the default policy, and only the lists that are named; config.toml is not read" in done.err
    assert named.code == 2


BLIND = {
    "nothing matches": (["none/*.yaml"], [], 4, ["none/*.yaml"]),
    "nothing matches, strictly": (["none/*.yaml"], ["--strict"], 3, ["none/*.yaml"]),
    "a folder is mistyped beside one that is not": (["k8s/*.yaml", "k9s/**/*.yaml"], [], 0, ["k9s/**/*.yaml"]),
    "the same, strictly": (["k8s/*.yaml", "k9s/**/*.yaml"], ["--strict"], 3, ["k9s/**/*.yaml"]),
    "all match": (["k8s/*.yaml", "k8s/**/*.yaml"], ["--strict"], 0, []),
    "a named file is missing": (["k8s/none.yaml"], [], 2, []),
    "a link to a folder": (["linked/**/*.yaml"], ["--strict"], 3, ["linked/away", "linked/**/*.yaml"]),
}


@pytest.mark.parametrize(("files", "options", "code", "gaps"), BLIND.values(), ids=BLIND)
def test_it_is_never_green_when_blind(
    files: list[str], options: list[str], code: int, gaps: list[str], tmp_path: Path, muster: Muster
) -> None:
    """What was asked for and matches nothing is a gap in every format, and not silence."""
    (tmp_path / "k8s").mkdir()
    (tmp_path / "k8s" / "a.yaml").write_text(ACCOUNT)
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "away").symlink_to("..")
    formats = ["-o", "json:r.json", "-o", "sarif:r.sarif", "-o", "markdown:r.md", "-o", "table:-"]
    done = muster("check", *files, *options, *formats)

    assert done.code == code, done.err
    if code != 2:
        document = json.loads((tmp_path / "r.json").read_text())
        assert [one["section"] for one in document["coverage"] if one["status"] == "partial"] == gaps
        written = [done.out.replace("\n", ""), *((tmp_path / name).read_text() for name in ("r.sarif", "r.md"))]
        assert all(gap in text.replace("\\", "") for gap in gaps for text in written)


def test_a_pattern_finds_names_that_begin_with_a_dot(tmp_path: Path, muster: Muster) -> None:
    """A deployment applies them, and a shell's ``*`` leaves them out; git's own folder is no part of a change."""
    for name in (".rbac.yaml", ".hidden/rbac.yaml", ".git/rbac.yaml", "a[1].yaml"):
        (tmp_path / "k8s" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "k8s" / name).write_text(ACCOUNT)

    document = json.loads(muster("check", "k8s/**/*.yaml", "k8s/a[1].yaml", "-o", "json:-").out)

    read = {one["scope"] for one in document["coverage"]}
    assert read == {"k8s/.rbac.yaml", "k8s/.hidden/rbac.yaml", "k8s/a[1].yaml"}


def test_what_nobody_understands_is_a_gap_beside_findings(tmp_path: Path, muster: Muster) -> None:
    """With its kind, in all formats; a change that brings nothing else is not green."""
    application = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: shop}\n"
    (tmp_path / "w.yml").write_text(ACCOUNT + "---\n" + application)
    (tmp_path / "alone.yml").write_text(application)
    beside = muster("check", "w.yml", "-o", "json:-", "-o", "markdown:r.md", "-o", "sarif:r.sarif")

    (gap,) = [one for one in json.loads(beside.out)["coverage"] if one["status"] == "partial"]
    assert "argoproj.io/Application" in gap["detail"]
    assert all("argoproj.io/Application" in (tmp_path / name).read_text() for name in ("r.md", "r.sarif"))
    assert [beside.code, muster("check", "w.yml", "--strict").code, muster("check", "alone.yml").code] == [0, 3, 4]

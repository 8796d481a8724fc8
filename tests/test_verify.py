"""deploy/verify.sh takes a release as its workflow signed it, and nothing else: real tools, authorities of ours."""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.signing import COMMIT, ISSUER, TOOLS, WORKFLOW, Sigstore

ROOT = Path(__file__).parent.parent
SCRIPT = ROOT / "deploy/verify.sh"
WHEEL, SOURCE = "nhi_muster-1.2.3-py3-none-any.whl", "nhi_muster-1.2.3.tar.gz"
_KINDS = {"provenance": "https://slsa.dev/provenance/v1", "sbom": "https://cyclonedx.org/bom"}
needs_tools = pytest.mark.skipif(not TOOLS, reason="there is no cosign or openssl")


def sums(folder: Path) -> bytes:
    """Of all files but those that the sums are in, as sha256sum writes them."""
    files = sorted(path for path in folder.iterdir() if not path.name.startswith("SHA256SUMS"))
    return "".join(f"{hashlib.sha256(one.read_bytes()).hexdigest()}  {one.name}\n" for one in files).encode()


def sign(folder: Path, sigstore: Sigstore, *, content: bytes | None = None, **identity: str) -> None:
    """Write the sums, or others, with a signature of theirs."""
    content = sums(folder) if content is None else content
    (folder / "SHA256SUMS").write_bytes(content)
    (folder / "SHA256SUMS.sigstore.json").write_text(sigstore.sign(content, **identity))


@pytest.fixture(scope="module")
def sigstore(tmp_path_factory: pytest.TempPathFactory) -> Sigstore:
    """One for all; it keeps nothing."""
    return Sigstore(tmp_path_factory.mktemp("sigstore") / "authorities")


@pytest.fixture(scope="module")
def signed(sigstore: Sigstore, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release."""
    folder = tmp_path_factory.mktemp("signed") / "release"
    folder.mkdir()
    for name in (WHEEL, SOURCE, "muster.cdx.json"):
        (folder / name).write_text(f"this is {name}\n")
    (folder / "image.txt").write_text(f"ghcr.io/acme/muster@sha256:{'ab' * 32}\n")
    for name, kind in _KINDS.items():
        attested = sigstore.attest([folder / WHEEL, folder / SOURCE], kind)
        (folder / f"{name}.sigstore.json").write_text(attested)
    sign(folder, sigstore)
    return folder


@pytest.fixture
def release(signed: Path, tmp_path: Path) -> Path:
    """A copy, to be changed."""
    return Path(shutil.copytree(signed, tmp_path / "release"))


def verify(folder: Path, sigstore: Sigstore, *given: str) -> subprocess.CompletedProcess[str]:
    """Run the script beside the release, with our authorities, and the real cosign, told that there are no logs."""
    cosign = folder.parent / "bin" / "cosign"
    if not cosign.exists():
        cosign.parent.mkdir()
        no_logs = "--insecure-ignore-tlog --insecure-ignore-sct --use-signed-timestamps"
        cosign.write_text(f'#!/bin/sh\nexec {shutil.which("cosign")} "$@" {no_logs}\n')
        cosign.chmod(0o755)
    shutil.copy(sigstore.root, folder.parent / "roots.json")
    arguments = (*(given or ("acme/muster", "1.2.3")), folder.name, "--trusted-root", "roots.json")
    path = f"{cosign.parent}:{os.environ['PATH']}"
    return subprocess.run(
        ["sh", str(SCRIPT), *arguments],
        cwd=folder.parent,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


@needs_tools
def test_a_release_is_verified(release: Path, sigstore: Sigstore) -> None:
    """It says what was verified, and how to ask about the image."""
    done = verify(release, sigstore)

    assert done.returncode == 0, done.stderr
    assert "verified: 2 packages of acme/muster 1.2.3" in done.stdout
    assert f"as signed by {WORKFLOW}\nbuilt from commit {COMMIT}\n" in done.stdout
    assert f"ghcr.io/acme/muster@sha256:{'ab' * 32}" in done.stdout


def tampered(folder: Path, _: Sigstore) -> None:
    """A package has other content."""
    (folder / WHEEL).write_text("this is something else\n")


def tampered_and_summed(folder: Path, _: Sigstore) -> None:
    """A package has other content, and so have the sums, with the signature as it was."""
    tampered(folder, _)
    (folder / "SHA256SUMS").write_bytes(sums(folder))


def another_list_of_parts(folder: Path, _: Sigstore) -> None:
    """The list of what is inside was changed."""
    (folder / "muster.cdx.json").write_text("{}\n")


def one_file_more(folder: Path, _: Sigstore) -> None:
    """A file that nobody signed lies beside the others."""
    (folder / "nhi_muster-9.9.9-py3-none-any.whl").write_text("newer\n")


def one_file_less(folder: Path, _: Sigstore) -> None:
    """A file was left out."""
    (folder / "muster.cdx.json").unlink()


def no_signature(folder: Path, _: Sigstore) -> None:
    """The sums are there alone."""
    (folder / "SHA256SUMS.sigstore.json").unlink()


def a_link(folder: Path, _: Sigstore) -> None:
    """A file is a link to one with the same content, which may have other content later."""
    (folder / WHEEL).rename(folder.parent / "elsewhere")
    (folder / WHEEL).symlink_to(folder.parent / "elsewhere")


def signed_by_others(folder: Path, _: Sigstore) -> None:
    """The whole release was made by an authority of the attacker's."""
    theirs = Sigstore(folder.parent / "theirs")
    for name, kind in _KINDS.items():
        (folder / f"{name}.sigstore.json").write_text(theirs.attest([folder / WHEEL, folder / SOURCE], kind))
    sign(folder, theirs)


def signed_as(by: str = WORKFLOW, issuer: str = ISSUER) -> Callable[[Path, Sigstore], None]:
    """The sums were signed by another identity of the same authority."""

    def change(folder: Path, sigstore: Sigstore) -> None:
        sign(folder, sigstore, by=by, issuer=issuer)

    return change


def attested_as(kind: str, **identity: str) -> Callable[[Path, Sigstore], None]:
    """A statement is of another identity, and the sums are signed as they should be."""

    def change(folder: Path, sigstore: Sigstore) -> None:
        statement = sigstore.attest([folder / WHEEL, folder / SOURCE], _KINDS[kind], **identity)
        (folder / f"{kind}.sigstore.json").write_text(statement)
        sign(folder, sigstore)

    return change


def provenance_of_another_file(folder: Path, sigstore: Sigstore) -> None:
    """The statement is about the source alone."""
    (folder / "provenance.sigstore.json").write_text(sigstore.attest([folder / SOURCE], _KINDS["provenance"]))
    sign(folder, sigstore)


def a_statement_of_another_kind(folder: Path, _: Sigstore) -> None:
    """The list of parts is given for the provenance."""
    shutil.copy(folder / "sbom.sigstore.json", folder / "provenance.sigstore.json")
    sign(folder, _)


def sums_that_lead_elsewhere(folder: Path, sigstore: Sigstore) -> None:
    """A line names a file outside the folder."""
    (folder.parent / "outside").write_text("x")
    outside = f"{hashlib.sha256(b'x').hexdigest()}  ../outside\n".encode()
    sign(folder, sigstore, content=sums(folder) + outside)


def no_package(folder: Path, sigstore: Sigstore) -> None:
    """Nothing is signed well."""
    for name in (WHEEL, SOURCE):
        (folder / name).unlink()
    sign(folder, sigstore)


OTHERS = {
    "another repository": signed_as(by=WORKFLOW.replace("acme/", "evil/")),
    "another workflow": signed_as(by=WORKFLOW.replace("release.yml", "ci.yml")),
    "an older tag": signed_as(by=WORKFLOW.replace("v1.2.3", "v1.2.2")),
    "a branch": signed_as(by=WORKFLOW.replace("tags/v1.2.3", "heads/v1.2.3")),
    "another issuer": signed_as(issuer="https://accounts.example.com"),
    "provenance of another repository": attested_as("provenance", by=WORKFLOW.replace("acme/", "evil/")),
    "parts by another workflow": attested_as("sbom", by=WORKFLOW.replace("release.yml", "ci.yml")),
}
CHANGES = {
    **{
        change.__name__: change
        for change in (
            tampered,
            tampered_and_summed,
            another_list_of_parts,
            one_file_more,
            one_file_less,
            no_signature,
            a_link,
            signed_by_others,
            provenance_of_another_file,
            a_statement_of_another_kind,
            sums_that_lead_elsewhere,
            no_package,
        )
    },
    **OTHERS,
}


@needs_tools
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_anything_else_is_refused(change: Callable[[Path, Sigstore], None], release: Path, sigstore: Sigstore) -> None:
    """With a reason, and nothing that could be taken for a yes."""
    change(release, sigstore)

    done = verify(release, sigstore)

    assert done.returncode == 1, done.stdout
    assert "NOT verified: " in done.stderr
    assert done.stdout == ""


@needs_tools
@pytest.mark.parametrize("given", [("acme/muster --key x", "1.2.3"), ("acme/muster", "1.2.3 --insecure")])
def test_no_option_comes_in_by_a_name(given: tuple[str, str], release: Path, sigstore: Sigstore) -> None:
    """Of the repository or the version."""
    done = verify(release, sigstore, *given)

    assert (done.returncode, done.stdout) == (1, "")
    assert "is no repository and version" in done.stderr


def test_it_says_how_it_is_used() -> None:
    """As SECURITY.md says, too."""
    done = subprocess.run(["sh", str(SCRIPT)], capture_output=True, text=True, check=False)
    documented = re.findall(r"^sh deploy/verify\.sh (.*)$", (ROOT / "SECURITY.md").read_text(), re.MULTILINE)

    assert (done.returncode, done.stdout) == (2, "")
    assert [len(shlex.split(one, comments=True)) >= 3 for one in documented] == [True] * len(documented)
    assert documented


def test_it_verifies_what_the_release_workflow_makes() -> None:
    """The names of the files, and the identity, are those of the workflow."""
    workflow = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text())
    made = "\n".join(step.get("run", "") for step in workflow["jobs"]["attest"]["steps"])
    script = SCRIPT.read_text()

    assert "cosign sign-blob --yes --new-bundle-format --bundle SHA256SUMS.sigstore.json SHA256SUMS" in made
    assert {f"release/{name}.sigstore.json" for name in _KINDS} <= set(made.replace("\n", " ").split())
    assert "image.txt" in made
    assert "/.github/workflows/release.yml@refs/tags/v$version" in script
    assert workflow[True]["push"]["tags"] == ["v*"]

"""Changes as files: under the file's own headings, checked, and put in place or refused."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest

from scanner.errors import RegistryError
from scanner.registry.editing.adoption import Change
from scanner.registry.editing.revising import Target, revise
from scanner.registry.editing.saving import save
from scanner.registry.entries import load_registry
from scanner.registry.lists import ListSource

ADDED = Change(entry=None, cells={"identities": ("svc-new",), "owner": ("ada@example.com",)}, places=("o.csv:2",))


def _target(path: Path, **options: Any) -> Target:
    source = ListSource(path=path, **options)
    return Target(source=source, entries=load_registry([source]).entries if path.exists() else ())


def _update(target: Target, position: int, **cells: Any) -> Change:
    return Change(entry=target.entries[position], cells=cells, places=("o.csv:2",))


def _write(target: Target, *changes: Change) -> None:
    save(revise(target, changes), target.source)


@pytest.mark.parametrize(
    ("before", "columns", "after"),
    [
        pytest.param("ARN,Verantwortlich\na,x\n", {"Verantwortlich": "owner"},
                     "ARN,Verantwortlich\na,bob@example.com\nsvc-new,ada@example.com\n", id="the user's own"),
        pytest.param("account,contact\na,x\n", {}, "account,contact\na,bob@example.com\nsvc-new,ada@example.com\n",
                     id="synonyms and fallbacks"),
        pytest.param("name\na\n", {}, "name,owner,identities\na,bob@example.com,\n,ada@example.com,svc-new\n",
                     id="columns that are missing"),
        pytest.param("name\na\n", {"Wer": "owner"},
                     "name,Wer,identities\na,bob@example.com,\n,ada@example.com,svc-new\n",
                     id="a missing column that the config explains"),
        pytest.param("arn,owner,owners\na,x,y\n", {},
                     "arn,owner,owners\na,bob@example.com,\nsvc-new,ada@example.com,\n",
                     id="two headings for one list"),
    ],
)  # fmt: skip
def test_the_files_own_headings_are_used(tmp_path: Path, before: str, columns: dict[str, str], after: str) -> None:
    """A column is appended only where the file has none that means it."""
    path = tmp_path / "registry.csv"
    path.write_text(before, encoding="utf-8")
    target = _target(path, columns=columns)

    _write(target, _update(target, 0, owner=("bob@example.com",)), ADDED)

    assert path.read_text(encoding="utf-8") == after


@pytest.mark.parametrize("suffix", ["csv", "tsv", "xlsx", "yaml", "json", "ndjson", "toml"])
def test_a_registry_that_is_not_there_is_made(tmp_path: Path, suffix: str) -> None:
    """With its headings, readable by its owner alone."""
    target = _target(tmp_path / f"registry.{suffix}")

    _write(target, ADDED)

    (entry,) = _target(target.path).entries
    assert (entry.identities, entry.owner, stat.S_IMODE(target.path.stat().st_mode)) == (
        ("svc-new",), ("ada@example.com",), 0o600
    )  # fmt: skip


def test_in_a_folder_each_entry_stays_in_its_file(tmp_path: Path) -> None:
    """New entries go to a file of their own, and the next ones to the next."""
    (tmp_path / "one.yaml").write_text("name: a  # alone\nowner: x\n", encoding="utf-8")
    target = _target(tmp_path)

    _write(target, _update(target, 0, owner=("bob@example.com",)), ADDED)
    _write(_target(tmp_path), ADDED)

    assert (tmp_path / "one.yaml").read_text(encoding="utf-8") == "name: a  # alone\nowner: bob@example.com\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["adopted-2.yaml", "adopted.yaml", "one.yaml"]


def test_links_are_followed_and_permissions_kept(tmp_path: Path) -> None:
    """The file behind the link changes; the link stays one, and nothing is left beside it."""
    real = tmp_path / "real" / "registry.csv"
    real.parent.mkdir()
    real.write_text("identities,owner\na,x\n", encoding="utf-8")
    real.chmod(0o640)
    link = tmp_path / "registry.csv"
    link.symlink_to(real)

    _write(_target(link), ADDED)

    assert (link.is_symlink(), stat.S_IMODE(real.stat().st_mode)) == (True, 0o640)
    assert real.read_text(encoding="utf-8").endswith("svc-new,ada@example.com\n")
    assert list(real.parent.iterdir()) == [real]


def test_a_file_that_was_changed_meanwhile_is_left_as_it_is(tmp_path: Path) -> None:
    """A file saved in the meantime is not overwritten; of several files, none is written."""
    for name in ("a", "b"):
        (tmp_path / f"{name}.yaml").write_text(f"- name: {name}\n  owner: x\n", encoding="utf-8")
    target = _target(tmp_path)
    files = revise(target, [_update(target, number, owner=("bob@example.com",)) for number in (0, 1)])
    (tmp_path / "b.yaml").write_text("- name: other\n", encoding="utf-8")

    with pytest.raises(RegistryError, match="was changed meanwhile"):
        save(files, target.source)

    assert (tmp_path / "a.yaml").read_text(encoding="utf-8") == "- name: a\n  owner: x\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.yaml", "b.yaml"]


def test_what_would_not_be_read_back_is_not_written(tmp_path: Path) -> None:
    """The last check before writing: here, an owner that the reader would drop."""
    path = tmp_path / "registry.csv"
    path.write_text("identities,owner\na,x\n", encoding="utf-8")
    target = _target(path)

    with pytest.raises(RegistryError, match="would not be read back"):
        _write(target, _update(target, 0, owner=("nobody",)))

    assert path.read_text(encoding="utf-8") == "identities,owner\na,x\n"


def test_a_format_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    """With those that can."""
    with pytest.raises(RegistryError, match="no format that can be written"):
        revise(_target(tmp_path / "registry.ods"), [ADDED])

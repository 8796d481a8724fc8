"""What sources that are folders of exported files share."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.aws.spec import SPEC
from connectors.core.contract import settled
from connectors.core.offline import gaps_once, looking_into, name_in, not_recognised
from scanner.errors import SourceError
from scanner.model import Coverage, CoverageStatus


@pytest.mark.parametrize(
    ("count", "named"),
    [(1, "f0"), (5, "f0, f1, f2, f3, f4"), (6, "f0, f1, f2, f3, f4 and 1 more")],
)
def test_a_few_files_are_named_and_the_rest_are_counted(count: int, named: str) -> None:
    """However many there are."""
    assert not_recognised([f"f{number}" for number in range(count)]) == f"no file is recognised in {named}"


@pytest.mark.parametrize(
    ("root", "path", "name"),
    [("/a", "/a/b/c.json", "b/c.json"), ("/a/c.json", "/a/c.json", "c.json"), ("/a", "/a/\x1b[31mc", "\\x1b[31mc")],
)
def test_files_are_named_as_they_lie_in_the_folder(root: str, path: str, name: str) -> None:
    """A file alone has its own name; control characters are written out."""
    assert name_in(Path(root), Path(path)) == name


def test_what_cannot_be_looked_into_is_named(tmp_path: Path) -> None:
    """As a failure of the source."""
    missing = tmp_path / "none"

    with pytest.raises(SourceError, match=r"none cannot be read: No such file"), looking_into(tmp_path):
        list(missing.iterdir())


# --- sections that several parts lack -----------------------------------------


def covered(section: str, status: CoverageStatus, detail: str | None = None, identities: int = 0) -> Coverage:
    return Coverage(
        source="audit",
        provider="aws",
        scope="111122223333",
        section=section,
        status=status,
        detail=detail,
        identities=identities,
        kinds=("secret",),
    )


READ = covered("ecs.clusters:eu", "complete", identities=1)
PARTIAL = covered("ecs.clusters:us", "partial", "row 1 could not be read", identities=1)


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ([READ, PARTIAL], [READ, PARTIAL]),
        (
            [READ, covered("ecs.clusters:us", "skipped", "no file about us")],
            [READ, covered("ecs.clusters:us", "skipped", "no file about us")],
        ),
        (
            [READ, *(covered(f"ecs.clusters:{at}", "skipped", f"no file: `--region {at}`") for at in ("us", "ap"))],
            [READ, covered("ecs.clusters", "skipped", "in 2 of 3 regions: no file: `--region REGION`")],
        ),
        (
            [covered(f"ecs.tasks:{at}", "off") for at in ("eu", "us")],
            [covered("ecs.tasks", "off")],
        ),
        (
            [
                covered("ecs.clusters:eu", "skipped", "no file about eu"),
                covered("ecs.clusters:us", "failed", "it is cut short"),
                covered("ecs.clusters:ap", "skipped", "no file about ap"),
                covered("ecs.clusters:sa", "failed", "it is cut short"),
            ],
            [
                covered("ecs.clusters", "skipped", "in 2 of 4 regions: no file about REGION"),
                covered("ecs.clusters:us", "failed", "it is cut short"),
                covered("ecs.clusters:sa", "failed", "it is cut short"),
            ],
        ),
    ],
    ids=["nothing lacks", "one part", "several parts", "off", "two reasons"],
)
def test_a_section_that_parts_lack_alike_is_one_gap(records: list[Coverage], expected: list[Coverage]) -> None:
    """Of the scope, with its kinds; no two records have the same name, and what was read keeps its own."""
    assert list(gaps_once(records, "region")) == expected


def test_a_gap_of_other_parts_leaves_a_part_complete() -> None:
    """Services of a region without clusters are none, though no file lists the clusters of other regions."""
    gap = covered("ecs.clusters", "skipped", "in 2 of 3 regions: no file")
    own, other = covered("ecs.services:eu", "complete"), covered("ecs.services:us", "complete")

    states = {
        one.section: one.status for one in settled(SPEC, (covered("ecs.clusters:eu", "complete"), gap, own, other))
    }

    assert (states["ecs.services:eu"], states["ecs.services:us"]) == ("complete", "skipped")

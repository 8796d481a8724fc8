"""Any cells of registry and roster may be broken: no entry disappears, and no verdict stems from a broken cell."""

from __future__ import annotations

import csv
import io
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from scanner.discovery.inventory import Inventory
from scanner.judging.last_known.remembered import Remembered
from scanner.judging.last_known.unread_lists import BY_CELL
from scanner.judging.pipeline import Declared, judge
from scanner.model import Coverage, ScanInfo, ScanResult
from scanner.registry.columns import REGISTRY
from scanner.registry.entries import load_registry
from scanner.registry.lists import ListSource
from scanner.registry.roster.people import load_people
from scanner.rules.catalog import BY_ID
from tests.examples import examples
from tests.factories import make_identity

NOW = datetime(2026, 12, 2, tzinfo=UTC)
BROKEN = "1.23E+15"
"""A number that a spreadsheet has shortened: no text, date, number or list can be read from it."""
ENTRIES = [
    {"id": f"N-{number}", "identities": f"bot-{number}", "owner": f"p{number}@example.com", "status": "active",
     "expires": "2030-01-01", "last_reviewed": "2026-11-01", "team": "t", "max_credential_age": "30", "purpose": "p"}
    for number in range(4)
]  # fmt: skip
PEOPLE = [
    {"email": f"p{number}@example.com", "name": f"P {number}", "status": "active", "left_on": "", "team": "t"}
    for number in range(4)
]
NAMING = {"identities"}


def _broken(rows: list[dict[str, str]], cells: set[tuple[int, str]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    for number, row in enumerate(rows):
        writer.writerow({column: BROKEN if (number, column) in cells else cell for column, cell in row.items()})
    return text.getvalue()


def _cells(rows: list[dict[str, str]]) -> st.SearchStrategy[set[tuple[int, str]]]:
    return st.sets(st.tuples(st.integers(0, len(rows) - 1), st.sampled_from(list(rows[0]))), max_size=8)


def _judged(registry: str, people: str) -> ScanResult:
    with tempfile.TemporaryDirectory() as folder:
        lists = Path(folder, "registry.csv"), Path(folder, "people.csv")
        for path, text in zip(lists, (registry, people), strict=True):
            path.write_text(text)
        read = load_registry([ListSource(path=lists[0])], strict=False, today=NOW.date())
        roster = load_people([ListSource(path=lists[1])], strict=False)
    declared = Declared(
        entries=read.entries,
        unread=read.unread,
        unread_cells=read.cells,
        people=roster.people,
        unread_people=roster.unread,
        unread_cells_of_people=roster.cells,
    )
    identities = tuple(make_identity(f"bot-{number}") for number in range(4))
    one = identities[0]
    coverage = Coverage(
        source=one.source, provider=one.provider, scope=one.scope, section="users", status="complete", kinds=(one.kind,)
    )
    inventory = Inventory(identities=identities, coverage=(coverage,))
    info = ScanInfo(id="now", started_at=NOW, finished_at=NOW, version="1")
    return judge(inventory, declared, Remembered(), info)


@given(_cells(ENTRIES), _cells(PEOPLE))
@examples(60)
def test_a_broken_cell_costs_its_cell(registry: set[tuple[int, str]], people: set[tuple[int, str]]) -> None:
    """An entry counts unless what names its identity is broken, and nobody left, expired or was never reviewed."""
    result = _judged(_broken(ENTRIES, registry), _broken(PEOPLE, people))

    nameless = {number for number, column in registry if column in NAMING}
    assert len(result.entries) == len(ENTRIES) - len(nameless)
    by_name = {one.identity.name: one for one in result.identities}
    for number in range(len(ENTRIES)):
        one = by_name[f"bot-{number}"]
        assert one.registry.state == "registered" or (number in nameless and one.registry.provisional)
        assert one.ownership.reason is None or one.registry.state != "registered"
    assert {one.state for one in result.entries} <= {"found"}
    rules = {one.rule for one in result.findings}
    assert not rules & {
        "retired_but_alive", "entry_expiring", "entry_not_found", "review_overdue", "orphaned", "entry_not_active",
    }  # fmt: skip
    sections = {one.section for one in result.coverage if one.is_gap}
    assert ("registry.rows" in sections) is bool(nameless)
    assert ("registry.cells" in sections) is any(number not in nameless for number, _ in registry)
    assert bool(sections & {"people.rows", "people.cells"}) is bool(people)


def test_the_table_of_rules_and_columns_names_what_there_is() -> None:
    """A rule that is renamed would resolve its findings by a broken cell."""
    assert BY_CELL.keys() <= BY_ID.keys()
    assert frozenset().union(*BY_CELL.values()) <= {*REGISTRY.names}

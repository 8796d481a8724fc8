"""Records come from any connector, or another machine's shard: with any content, a scan has a result."""

from __future__ import annotations

from typing import Any
from unicodedata import normalize

from hypothesis import given
from hypothesis import strategies as st

from scanner.discovery.inventory import ScopeReading, join
from scanner.judging.last_known.remembered import Remembered
from scanner.judging.pipeline import Declared, judge
from scanner.model import Assignment, Coverage, Identity, ScanInfo, StoredSecret, Workload
from tests.connectors.hostile import reported
from tests.examples import examples
from tests.factories import NOW, make_entry, make_identity, make_person
from tests.scanner.store.strategies import of

RECORDS = st.one_of(*(of(kind) for kind in (Identity, Identity, StoredSecret, Workload, Assignment, Coverage)))


@examples(6)
@given(st.lists(RECORDS, max_size=6))
def test_any_records_can_be_judged_stored_and_reported(records: list[Any]) -> None:
    """As far as their types allow."""
    reported(records)


def test_no_character_ends_a_scan() -> None:
    """Those whose case or compatibility forms have another length, in names, tags, aliases, entries and people."""
    odd = [
        char
        for code, char in enumerate(map(chr, range(0x110000)))
        if any(len(form) > 1 for form in (char.lower(), char.upper(), char.casefold()))
        or (len(normalize("NFKD", char)) > 3 and code % 8 == 0)
        or code % 4096 == 0
    ]
    identities = [
        make_identity(
            f"{char}stio-bot{char}",
            key=f"k{number}",
            aliases=(f"{char}@x.example",),
            tags={f"owner{char}": f"a{char}da"},
        )
        for number, char in enumerate(odd)
    ]
    half = list(enumerate(odd))[::2]
    declared = Declared(
        entries=tuple(make_entry(f"istio-bot{char}", id=f"E{number}", owner=(f"a{char}da",)) for number, char in half),
        people=tuple(make_person(f"a{number}@x.example", name=f"a{char}da") for number, char in half),
    )
    inventory = join([ScopeReading(source="prod", scope="s", identities=tuple(identities))], {"prod": 0})

    result = judge(inventory, declared, Remembered(), ScanInfo(id="1", started_at=NOW, finished_at=NOW, version="0"))

    assert len(result.identities) == len(odd)
    assert any(identity.registry.look_alike for identity in result.identities)

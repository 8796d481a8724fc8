"""What is fuzzed takes its seeds and any bytes, and what breaks a parser is found."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.examples import examples
from tests.fuzzing.__main__ import main
from tests.fuzzing.seeds import SEEDS
from tests.fuzzing.targets import TARGETS


@pytest.mark.parametrize("name", TARGETS)
def test_seeds_are_read(name: str) -> None:
    """From these others are bred."""
    assert SEEDS[name]
    for seed in SEEDS[name]:
        TARGETS[name](seed)


@pytest.mark.parametrize("name", TARGETS)
@examples(30)
@given(data=st.data())
def test_no_bytes_break_a_parser(name: str, data: st.DataObject) -> None:
    """Any bytes, and seeds with some of them in between."""
    seed = data.draw(st.sampled_from(SEEDS[name]))
    at, noise = data.draw(st.integers(0, len(seed))), data.draw(st.binary(max_size=20))
    TARGETS[name](seed[:at] + noise + seed[at + data.draw(st.integers(0, 8)) :])
    TARGETS[name](noise)


def test_a_finding_is_run_once_more(tmp_path: Path) -> None:
    """By the name of the parser and the file."""
    (tmp_path / "found").write_bytes(b"a, b")

    assert main(["cells", str(tmp_path / "found")]) == 0

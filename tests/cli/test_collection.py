"""The garbage collector in bulk phases."""

from __future__ import annotations

import gc

import pytest

from scanner.cli.runs import SELDOM, infrequent_collection


def test_looks_seldom_and_then_as_before() -> None:
    """The young are looked at seldom, while it lasts; also where it ends in an error all is as it was."""
    before = gc.get_threshold()

    with pytest.raises(KeyError) as raised, infrequent_collection():
        raise KeyError(*gc.get_threshold())

    assert raised.value.args == (SELDOM, *before[1:])
    assert gc.isenabled()
    assert gc.get_threshold() == before

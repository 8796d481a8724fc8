"""GitHub through the checks that every connector is held to."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from connectors.testing import CHECKS, Estate, check_throttled
from tests.connectors.github.estates import TOKEN, VALUE, estate


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_contract(check: Callable[[Estate], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """A healthy organization, and one that is slow, hostile or broken."""
    monkeypatch.setenv(TOKEN, VALUE)

    check(estate(max_attempts=2 if check is check_throttled else 1))

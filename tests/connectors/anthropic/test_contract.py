"""Anthropic through the checks that every connector is held to."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from connectors.testing import CHECKS, Estate, check_throttled
from tests.connectors.anthropic.estates import VALUES, estate


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_contract(check: Callable[[Estate], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """A healthy organization, and one that is slow, hostile or broken."""
    for name, value in VALUES.items():
        monkeypatch.setenv(name, value)
    given = estate(max_attempts=2 if check is check_throttled else 1)

    check(given)

    assert given.server.wrong == []

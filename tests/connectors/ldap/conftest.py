"""One domain of Samba for all tests of a process; they only read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.samba import DomainController, missing


@pytest.fixture(scope="session")
def domain() -> Iterator[DomainController]:
    if (why := missing()) is not None:
        pytest.skip(why)
    with DomainController(Path(__file__).with_name("seed_domain.py")) as running:
        yield running

"""Whatever OpenAI answers, a scan ends in records and coverage, and what is recorded can be stored."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.openai.connector import OpenaiConnector
from connectors.testing import Server
from tests.connectors.hostile import read, told_with_any_change, told_with_times
from tests.connectors.openai.estates import AGENTS_TOKEN, AGENTS_VALUE, TOKEN, VALUE, connector, organization
from tests.examples import examples
from tests.hostile_json import TIMES
from tests.servers.hostile_proxy import HostileProxy


@pytest.fixture(scope="module")
def openai() -> Iterator[tuple[HostileProxy, OpenaiConnector]]:
    """An organization whose answers have been learnt, and who asks it."""
    with (
        pytest.MonkeyPatch.context() as patch,
        Server(organization(), most=None) as server,
        HostileProxy(server.url) as proxy,
    ):
        patch.setenv(TOKEN, VALUE)
        patch.setenv(AGENTS_TOKEN, AGENTS_VALUE)
        made = connector(proxy.url, max_attempts=1)
        read(made)
        yield proxy, made


@examples(8)
@given(data=st.data())
def test_any_part_of_any_answer_may_be_anything(
    openai: tuple[HostileProxy, OpenaiConnector], data: st.DataObject
) -> None:
    """No exception, then or later: what was read can be judged, kept and reported."""
    told_with_any_change(*openai, data)


@pytest.mark.parametrize("time", TIMES)
def test_any_time_may_be_none(openai: tuple[HostileProxy, OpenaiConnector], time: str) -> None:
    """A time that is none is unknown, or a gap of its row."""
    told_with_times(*openai, time)

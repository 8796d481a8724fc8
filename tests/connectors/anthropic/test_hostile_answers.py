"""Whatever Anthropic answers, a scan ends in records and coverage, and what is recorded can be stored."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.anthropic.connector import AnthropicConnector
from connectors.testing import Server
from tests.connectors.anthropic.estates import VALUES, connector, organization
from tests.connectors.hostile import read, told_with_any_change, told_with_times
from tests.examples import examples
from tests.hostile_json import TIMES
from tests.servers.hostile_proxy import HostileProxy


@pytest.fixture(scope="module")
def anthropic() -> Iterator[tuple[HostileProxy, AnthropicConnector]]:
    """An organization whose answers have been learnt, and who asks it."""
    with (
        pytest.MonkeyPatch.context() as patch,
        Server(organization(), most=None) as server,
        HostileProxy(server.url) as proxy,
    ):
        for name, value in VALUES.items():
            patch.setenv(name, value)
        made = connector(proxy.url, max_attempts=1)
        read(made)
        yield proxy, made


@examples(8)
@given(data=st.data())
def test_any_part_of_any_answer_may_be_anything(
    anthropic: tuple[HostileProxy, AnthropicConnector], data: st.DataObject
) -> None:
    """No exception, then or later: what was read can be judged, kept and reported."""
    told_with_any_change(*anthropic, data)


@pytest.mark.parametrize("time", TIMES)
def test_any_time_may_be_none(anthropic: tuple[HostileProxy, AnthropicConnector], time: str) -> None:
    """A time that is none is unknown, or a gap of its row."""
    told_with_times(*anthropic, time)

"""Whatever Microsoft's services answer, a scan ends in records and coverage, and what is recorded can be stored."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from connectors.azure.connector import AzureConnector
from connectors.azure.settings import AzureSettings
from scanner.demo.azure_tenant import make_tenant
from scanner.demo.estate import load_estate
from scanner.demo.fakes.azure.server import AzureServer
from scanner.demo.fakes.azure.wire import Call, Reply
from scanner.redaction.redact import SecretRef
from tests.connectors.azure.estate import AzureEstate
from tests.connectors.hostile import read, told_with_any_change, told_with_times
from tests.examples import examples
from tests.hostile_json import TIMES


class HostileServer(AzureServer):
    """``learnt``: every good answer by its request, until there is something in ``instead`` of one."""

    def __init__(self) -> None:
        super().__init__(make_tenant(load_estate()["azure"]))
        self.learnt: dict[str, Any] = {}
        self.instead: dict[str, Any] = {}

    def answer(self, call: Call, token: str) -> Reply | None:
        """The right one, unless another one stands in its place."""
        reply = super().answer(call, token)
        if reply is None or reply.status != 200 or call.service == "login":
            return reply
        asked = f"{call.method} {call.path} {json.dumps([call.query, call.body], sort_keys=True)}"
        if not self.instead:
            self.learnt[asked] = reply.body
        return structs.replace(reply, body=self.instead.get(asked, reply.body))


@pytest.fixture(scope="module")
def tenant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[HostileServer, AzureSettings]]:
    """The demo's, whose answers have been learnt, and who asks it."""
    secret: Path = tmp_path_factory.mktemp("azure") / "secret"
    with HostileServer() as server:
        secret.write_text(server.tenant.client_secret)
        settings = AzureEstate(server).settings(max_attempts=1, client_secret=SecretRef(file=str(secret)))
        read(AzureConnector("prod", settings))
        yield server, settings


@examples(4)
@given(data=st.data())
def test_any_part_of_any_answer_may_be_anything(
    tenant: tuple[HostileServer, AzureSettings], data: st.DataObject
) -> None:
    """No exception, then or later: what was read can be judged, kept and reported."""
    server, settings = tenant

    told_with_any_change(server, AzureConnector("prod", settings), data)


@pytest.mark.parametrize("time", TIMES)
def test_times_may_be_none_that_can_be_compared(tenant: tuple[HostileServer, AzureSettings], time: str) -> None:
    """Wherever one is reported: it is of no zone, or lies beyond the years that there are."""
    server, settings = tenant

    told_with_times(server, AzureConnector("prod", settings), time)

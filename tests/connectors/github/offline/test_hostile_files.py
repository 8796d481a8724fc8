"""Exports that no one honest wrote: whatever stands in them, what was read can be judged, kept and reported."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.testing import Server
from tests.connectors.github.estates import EVERYTHING, TOKEN, VALUE, connector, organization
from tests.connectors.github.fake import GithubServer
from tests.connectors.hostile import read, reported
from tests.examples import examples
from tests.hostile_json import mutated
from tests.servers.hostile_proxy import HostileProxy


@pytest.fixture(scope="module")
def exported() -> dict[str, Any]:
    """The answers as files would hold them, by name, and a workflow that is cut short."""
    with (
        pytest.MonkeyPatch.context() as patch,
        Server(GithubServer(organization(), token=VALUE), most=None) as server,
        HostileProxy(server.url) as proxy,
    ):
        patch.setenv(TOKEN, VALUE)
        read(connector(proxy.url, **EVERYTHING))
        files: dict[str, Any] = {"repos/acme/shop/contents/.github/workflows/deploy.yml": {"content": "b246"}}
        for number, (asked, answer) in enumerate(proxy.learnt.items()):
            path = asked.split(" ")[1].partition("?")[0].strip("/")
            files[f"graphql/{number}" if path == "graphql" else path] = answer
        return files


@examples(8)
@given(data=st.data())
def test_any_part_of_any_file_may_be_anything(exported: dict[str, Any], data: st.DataObject) -> None:
    """As in answers; a file also may be no JSON."""
    name = data.draw(st.sampled_from(sorted(exported)))
    changed = {**exported, name: data.draw(mutated(exported[name]))}
    with TemporaryDirectory() as folder:
        for path, body in changed.items():
            file = Path(folder, f"{path}.json")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(body), encoding="utf-8", errors="surrogatepass")

        reported(read(connector("http://127.0.0.1:1", from_files=Path(folder), **EVERYTHING)))

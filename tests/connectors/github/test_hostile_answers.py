"""Whatever GitHub answers, or files hold, a scan ends in records and coverage, and what is recorded can be stored."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.github.connector import GithubConnector
from connectors.github.settings import GithubSettings
from connectors.testing import Server
from scanner.redaction.redact import SecretRef
from tests.connectors.github.estates import EVERYTHING, TOKEN, VALUE, organization
from tests.connectors.github.fake import GithubServer
from tests.connectors.hostile import read, reported, told_with_any_change, told_with_times
from tests.examples import examples
from tests.hostile_json import TIMES, mutated
from tests.servers.hostile_proxy import HostileProxy


@pytest.fixture(scope="module")
def github() -> Iterator[tuple[HostileProxy, GithubSettings]]:
    """An organization whose answers have been learnt, and who asks it."""
    with (
        pytest.MonkeyPatch.context() as patch,
        Server(GithubServer(organization(), token=VALUE), most=None) as server,
        HostileProxy(server.url) as proxy,
    ):
        patch.setenv(TOKEN, VALUE)
        given: dict[str, Any] = {"token": SecretRef(env=TOKEN), "backoff": 0.001, "max_attempts": 1, **EVERYTHING}
        settings = GithubSettings(organization="acme", endpoint_url=proxy.url, **given)
        read(GithubConnector("prod", settings))
        yield proxy, settings


@examples(8)
@given(data=st.data())
def test_any_part_of_any_answer_may_be_anything(
    github: tuple[HostileProxy, GithubSettings], data: st.DataObject
) -> None:
    """No exception, then or later: what was read can be judged, kept and reported."""
    proxy, settings = github

    told_with_any_change(proxy, GithubConnector("prod", settings), data)


@pytest.mark.parametrize("time", TIMES)
def test_times_may_be_none_that_can_be_compared(github: tuple[HostileProxy, GithubSettings], time: str) -> None:
    """Wherever one is reported: it is of no zone, or lies beyond the years that there are."""
    proxy, settings = github

    told_with_times(proxy, GithubConnector("prod", settings), time)


@pytest.fixture(scope="module")
def exported(github: tuple[HostileProxy, GithubSettings]) -> dict[str, Any]:
    """The answers as files would hold them, by name."""
    proxy, _ = github
    files: dict[str, Any] = {"repos/acme/shop/contents/.github/workflows/deploy.yml": {"content": "b246"}}
    for number, (asked, answer) in enumerate(proxy.learnt.items()):
        path = asked.split(" ")[1].partition("?")[0].strip("/")
        files[f"graphql/{number}" if path == "graphql" else path] = answer
    return files


@examples(8)
@given(data=st.data())
def test_any_part_of_any_file_may_be_anything(exported: dict[str, Any], data: st.DataObject) -> None:
    """As answers, and in a file that also may be no JSON."""
    name = data.draw(st.sampled_from(sorted(exported)))
    changed = {**exported, name: data.draw(mutated(exported[name]))}
    with TemporaryDirectory() as folder:
        for one, body in changed.items():
            file = Path(folder, f"{one}.json")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(body), encoding="utf-8", errors="surrogatepass")
        settings = GithubSettings(
            organization="acme",
            from_files=Path(folder),
            **EVERYTHING,
        )
        reported(read(GithubConnector("prod", settings)))

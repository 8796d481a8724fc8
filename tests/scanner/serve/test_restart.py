"""A restart of ``muster serve``, and several processes over one store: who is signed in stays so, and nobody else."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest

from tests.processes import PATIENCE
from tests.scanner.serve.served import Served
from tests.scanner.serve.test_people import until

TOKEN = "token-of-the-config-of-a-test-0123456789"
OTHER_TOKEN = "another-token-of-the-config-0123456789"
CONFIG = '[serve]\ntoken = { env = "TEST_TOKEN" }\n'


@pytest.fixture
def port() -> int:
    """A free port, so that cookies have the same name after a restart."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def restarted(
    folder: Path, port: int, person: str = "ada", config: str = "", environment: Mapping[str, str] | None = None
) -> Served:
    """A server that starts at that port."""
    return Served(folder, config, "--listen", f"127.0.0.1:{port}", "--as", person, environment=environment)


def known(served: Served, cookies: httpx.Cookies) -> tuple[int, str]:
    """The status of a browser with these cookies, and the token of its pages."""
    answer = httpx.get(f"{served.url}/session", cookies=cookies, timeout=PATIENCE, trust_env=False)
    return answer.status_code, answer.json()["csrf"] if answer.is_success else ""


def test_who_is_signed_in_stays_so(scanned_folder: Path, port: int) -> None:
    """With the open page, whose next write is accepted; who had signed out is not signed in again."""
    with restarted(scanned_folder, port) as first, first.browser() as browser, first.browser() as leaves:
        stays, gone = browser.cookies, httpx.Cookies(leaves.cookies)
        csrf = browser.get("/session").json()["csrf"]
        left = leaves.get("/session").json()["csrf"]
        assert leaves.post("/sign-out", headers={"x-csrf-token": left}).status_code == 200
        assert known(first, gone)[0] == 401

    with restarted(scanned_folder, port) as second:
        assert known(second, stays) == (200, csrf)
        assert known(second, gone)[0] == 401
        wrong = {"x-csrf-token": csrf}
        answer = httpx.post(f"{second.url}/api/v1/nothing", cookies=stays, headers=wrong, trust_env=False)
        assert answer.status_code == 404


def test_a_session_by_token_is_bound_to_who_acts(scanned_folder: Path, port: int) -> None:
    """Or the browser would act as another person."""
    with restarted(scanned_folder, port) as first, first.browser() as browser:
        cookies = browser.cookies
    with restarted(scanned_folder, port, "bob") as second:
        assert known(second, cookies)[0] == 401


def test_a_new_token_in_the_config_ends_sessions_of_the_old_one(scanned_folder: Path, port: int) -> None:
    """As whoever changes it after a leak expects."""
    environment = {**os.environ, "TEST_TOKEN": TOKEN}
    with restarted(scanned_folder, port, config=CONFIG, environment=environment) as first, first.browser() as browser:
        cookies = browser.cookies
    with restarted(scanned_folder, port, config=CONFIG, environment=environment) as second:
        assert known(second, cookies)[0] == 200
    environment["TEST_TOKEN"] = OTHER_TOKEN
    with restarted(scanned_folder, port, config=CONFIG, environment=environment) as third:
        assert known(third, cookies)[0] == 401


def test_signing_out_counts_in_every_process(scanned_folder: Path) -> None:
    """Two of them over one store and folder; within seconds."""
    with Served(scanned_folder, "", "--as", "ada") as one, Served(scanned_folder, "", "--as", "ada") as other:
        with one.browser() as browser:
            csrf = browser.get("/session").json()["csrf"]
            cookie = browser.cookies[f"muster-{one.port}"]
            there = {"cookie": f"muster-{other.port}={cookie}"}
            assert other.http.get("/session", headers=there).status_code == 200
            assert browser.post("/sign-out", headers={"x-csrf-token": csrf}).status_code == 200
        until(lambda: other.http.get("/session", headers=there).status_code == 401)


def test_no_session_is_made_by_the_key_of_another_server(scanned_folder: Path) -> None:
    """A key in the config, for several machines; a session of the file's key is none there."""
    config = '[serve]\nsession_key = { env = "TEST_SESSION_KEY" }\n'
    environment = {**os.environ, "TEST_SESSION_KEY": "session-key-of-a-test-0123456789-abcdefgh"}
    with (
        Served(scanned_folder, config, environment=environment) as one,
        Served(scanned_folder, config, environment=environment) as other,
        Served(scanned_folder) as third,
        one.browser() as browser,
    ):
        cookie = browser.cookies[f"muster-{one.port}"]
        statuses = [
            served.http.get("/session", headers={"cookie": f"muster-{served.port}={cookie}"}).status_code
            for served in (other, third)
        ]
        assert statuses == [200, 401]
        assert environment["TEST_SESSION_KEY"] not in one.log

"""Who a proxy may name, what each person may do, and config and roster that change while the server runs."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.processes import PATIENCE
from tests.scanner.serve.served import PEOPLE, Served

PROXY = '[serve]\nuser_header = "X-User"\nproxies = ["127.0.0.1"]\n'
ROLES = 'viewers = ["team:security"]\nreviewers = ["u2"]\n'


@pytest.fixture(scope="module")
def served(scanned_folder: Path) -> Iterator[Served]:
    """A server behind a proxy, which is this test."""
    with Served(scanned_folder, PROXY + ROLES) as running:
        yield running


def session(served: Served, user: str) -> tuple[int, dict[str, object]]:
    """Who the server takes a person of the proxy for."""
    answer = served.http.get("/session", headers={"x-user": user})
    return answer.status_code, answer.json() if answer.status_code == 200 else {"said": answer.text}


@pytest.mark.parametrize(
    ("user", "person", "sees_all", "is_reviewer"),
    [
        ("ada@acme.example", "ada@acme.example", False, False),
        ("ADA@acme.example", "ada@acme.example", False, False),
        ("ada", "ada@acme.example", False, False),
        ("u2", "bob@acme.example", False, True),
        ("cyd", "cyd@acme.example", True, False),
    ],
)
def test_a_person_has_the_roles_of_the_config(
    served: Served, user: str, person: str, sees_all: bool, is_reviewer: bool
) -> None:
    """By e-mail, id or alias; a group's role is that of its members."""
    status, who = session(served, user)

    assert status == 200
    assert (who["person"], who["sees_all"], who["is_reviewer"]) == (person, sees_all, is_reviewer)


@pytest.mark.parametrize(
    ("user", "says"),
    [
        ("dan@acme.example", "left"),
        ("eve@other.example", "not on the roster"),
        ("Ada Lovelace", "not on the roster"),
        ("team:security", "not on the roster"),
        ("security", "not on the roster"),
        ("", "not on the roster"),
    ],
)
def test_who_is_no_active_person_is_refused(served: Served, user: str, says: str) -> None:
    """A name is no identity, and a group signs in nowhere; the page says what is missing."""
    status, who = session(served, user)

    assert (status, says in str(who)) == (403, True)


def test_a_person_s_header_counts_once_and_metrics_are_for_viewers(served: Served) -> None:
    """A second header may be one that the client smuggled past the proxy; a path has several spellings."""
    twice = [("x-user", "ada"), ("x-user", "cyd")]

    assert served.http.get("/session", headers=twice).status_code == 400
    assert served.http.get("/session", headers={"x_user": "ada"}).status_code == 401
    for spelling in ("/metrics", "/metrics/", "/metrics//", "/%6detrics"):
        assert served.http.get(spelling, headers={"x-user": "ada"}).status_code == 403
    assert served.http.get("/metrics", headers={"x-user": "cyd"}).status_code == 200


def test_writes_through_a_proxy_need_the_token_of_their_page(served: Served) -> None:
    """The proxy adds its header to whatever a browser sends, also for a page of another site.

    Writes are logged with the address that the proxy saw.
    """
    own = str(session(served, "ada")[1]["csrf"])
    others = str(session(served, "cyd")[1]["csrf"])
    for csrf, status in ((own, 404), (others, 403), ("", 403)):
        headers = {"x-user": "ada", "x-csrf-token": csrf}
        assert served.http.post("/api/v1/nothing", headers=headers).status_code == status

    for forwarded in ("198.51.100.1, nonsense", "198.51.100.1, 203.0.113.9, 127.0.0.1"):
        headers = {"x-user": "ada", "x-csrf-token": own, "x-forwarded-for": forwarded}
        served.http.post("/api/v1/nothing", headers=headers)
    until(lambda: "by ada@acme.example from 203.0.113.9" in served.log)
    assert "198.51.100.1" not in served.log


def test_changes_of_roster_and_config_count_while_it_runs(scanned_folder: Path, tmp_path: Path) -> None:
    """Someone who left is out within seconds; a version that cannot be read changes nothing."""
    folder = tmp_path / "served"
    shutil.copytree(scanned_folder, folder, ignore=shutil.ignore_patterns("*.index"))
    with Served(folder, PROXY + ROLES) as served:
        _check_changes(served)


def _check_changes(served: Served) -> None:
    roster = served.folder / "people.csv"
    assert session(served, "bob")[0] == 200
    roster.write_text(PEOPLE.replace("Bob Builder,active", "Bob Builder,left"))
    until(lambda: session(served, "bob")[0] == 403)

    served.configure(PROXY + 'viewers = ["ada"]')
    until(lambda: session(served, "ada")[1].get("sees_all") is True)
    assert session(served, "cyd")[1]["sees_all"] is False

    served.configure(PROXY + "viewers = nonsense")
    until(lambda: session(served, "ada")[1]["sees_all"] is True and "the last version stays" in served.log)


def until(holds: Callable[[], bool]) -> None:
    """Wait for something that takes some seconds."""
    ends = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < ends
        time.sleep(0.2)

"""A store with hostile names, three scans and a review, and one server over it for all tests that only read."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from tests.processes import run_muster
from tests.scanner.serve.served import BOTS, CONFIG, PEOPLE, REGISTRY, Served

HOSTILE = (
    "saas:acme:svc/a b#c?d=e%2F%25&f+g", "ключ/é/日本", "a//b/", "/", "..", "../../etc/passwd", "x/owner",
    '=HYPERLINK("http://evil")', '"><script>alert(1)</script>', "%", "%zz", "{key}", "arn:aws:iam::1:role/x",
)  # fmt: skip
SIGN_IN = """
[serve]
user_header = "X-User"
proxies = ["127.0.0.1"]
viewers = ["cyd@acme.example"]
"""
ADA, BOB, CYD = ("ada@acme.example", "bob@acme.example", "cyd@acme.example")

Ask: TypeAlias = Callable[..., Any]


def _scan(folder: Path) -> dict[str, Any]:
    run_muster(folder, "scan", "--quiet", "-o", "json:scan.json")
    found: dict[str, Any] = json.loads((folder / "scan.json").read_text())
    return found


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with lists, a store with two scans, of which the second has one bot more, and a review."""
    folder = tmp_path_factory.mktemp("api")
    for name, text in (("people", PEOPLE), ("registry", REGISTRY), ("bots", BOTS)):
        (folder / f"{name}.csv").write_text(text)
    (folder / "config.toml").write_text(CONFIG)
    with (folder / "bots.csv").open("a", newline="") as file:
        csv.writer(file).writerows([key, "saas", "prod", "bot", f"bot {number}"] for number, key in enumerate(HOSTILE))
    _scan(folder)
    with (folder / "bots.csv").open("a", newline="") as file:
        csv.writer(file).writerow(["late-bot", "saas", "prod", "bot", "late-bot"])
    _scan(folder)
    run_muster(folder, "review", "open", "q1", "--due", "2099-01-01", "-o", "xlsx:books")
    run_muster(folder, "report", "-o", "json:scan.json")
    return folder


@pytest.fixture(scope="session")
def document(prepared: Path) -> dict[str, Any]:
    """The JSON report of the latest scan."""
    found: dict[str, Any] = json.loads((prepared / "scan.json").read_text())
    return found


@pytest.fixture(scope="session")
def api(prepared: Path) -> Iterator[Served]:
    """A server whose proxy names the person. Tests only read."""
    with Served(prepared, SIGN_IN) as served:
        yield served


@pytest.fixture
def written(prepared: Path, tmp_path: Path) -> Iterator[Served]:
    """A server over a store of its own."""
    folder = tmp_path / "copy"
    shutil.copytree(prepared, folder, ignore=shutil.ignore_patterns("*.index"))
    with Served(folder, SIGN_IN) as served:
        yield served


def ask(served: Served, person: str, path: str, **more: Any) -> Any:
    """Ask as a person whom the proxy names."""
    return served.http.get(path, headers={"x-user": person}, **more)


def send(served: Served, person: str, path: str, body: Any, method: str = "POST") -> Any:
    """Write as a person, with the token of the visit."""
    csrf = ask(served, person, "/api/v1/me").json()["csrf"]
    headers = {"x-user": person, "x-csrf-token": csrf}
    return served.http.request(method, path, headers=headers, json=body)

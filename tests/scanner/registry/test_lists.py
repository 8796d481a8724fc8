"""The settings of a list: what goes together, and what it is called."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from scanner.redaction.redact import SecretRef
from scanner.registry.lists import ListSource

URL = "sqlite:///nhi.db"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        pytest.param({}, "either a path or a url", id="nothing"),
        pytest.param({"path": Path("r.csv"), "url": URL, "query": "SELECT 1"}, "either a path or a url", id="both"),
        pytest.param({"url": URL}, "url and query go together", id="no query"),
        pytest.param({"path": Path("r.csv"), "query": "SELECT 1"}, "url and query go together", id="no url"),
        pytest.param({"path": Path("r.csv"), "password": SecretRef(env="X")}, "a password goes with a url",
                     id="password of a file"),
        pytest.param({"url": URL, "query": "SELECT 1", "sheet": "a"}, "a query gives a table", id="sheet of a query"),
        pytest.param({"url": URL, "query": "SELECT 1", "format": "scim"}, "a query gives a table",
                     id="format of a query"),
    ],
)  # fmt: skip
def test_settings_that_do_not_go_together_are_refused(settings: dict[str, Any], message: str) -> None:
    """A setting that would be ignored is an error."""
    with pytest.raises(ValueError, match=message):
        ListSource(**settings)


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        pytest.param({"path": Path("teams") / "r.csv"}, "teams/r.csv", id="file"),
        pytest.param({"url": URL, "query": "SELECT 1"}, URL, id="database"),
        pytest.param({"url": "mysql://u:hunter2@h/db", "query": "SELECT 1"}, "mysql://u:•••@h/db", id="password"),
    ],
)
def test_a_list_is_called_by_where_it_is(settings: dict[str, Any], name: str) -> None:
    """Its name is fit for any message, even when the address is not."""
    assert ListSource(**settings).name == name

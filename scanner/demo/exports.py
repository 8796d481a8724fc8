"""Files of the demo's estate without a server: answers of Anthropic's API, and a scanner's report."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from scanner.demo.estate import days_ago
from scanner.demo.trail import Principal

ANTHROPIC: Final = "anthropic"
LEAKS: Final = "leaks"
"""The folders that the sources read."""
_DAYS = re.compile(r"(\d+) days ago")


def write_answers(folder: Path, answers: Mapping[str, Any]) -> None:
    """Write each answer into a file of its path; a list becomes its only page."""
    for path, answer in answers.items():
        file = folder / ANTHROPIC / f"{path}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        whole = {"data": answer, "has_more": False} if isinstance(answer, list) else answer
        file.write_text(json.dumps(_dated(whole), indent=1), encoding="utf-8")


def _dated(value: Any) -> Any:
    match value:
        case dict():
            return {name: _dated(each) for name, each in value.items()}
        case list():
            return [_dated(each) for each in value]
        case str() if found := _DAYS.fullmatch(value):
            return _moment(float(found[1]))
    return value


def write_leaks(folder: Path, leaks: list[dict[str, Any]], principals: Mapping[str, Principal]) -> None:
    """Write what gitleaks found, in its format: ids of access keys, which are all that its rule for AWS matches."""
    rows = [
        {
            "RuleID": "aws-access-token",
            "Description": "Identified a pattern that may indicate AWS credentials",
            "StartLine": leak["line"],
            "EndLine": leak["line"],
            "Match": (key := principals[leak["who"]].keys[0]),
            "Secret": key,
            "File": leak["file"],
            "Commit": leak["commit"],
            "Author": leak["author"],
            "Email": leak["email"],
            "Date": _moment(leak["days"]),
            "Message": leak["message"],
        }
        for leak in leaks
    ]
    (folder / LEAKS).mkdir(exist_ok=True)
    (folder / LEAKS / "gitleaks.json").write_text(json.dumps(rows, indent=1), encoding="utf-8")


def _moment(days: float) -> str:
    return f"{days_ago(days):%Y-%m-%dT%H:%M:%SZ}"

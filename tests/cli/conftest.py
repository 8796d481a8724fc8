"""Running command lines in an empty folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from scanner.cli.main import main


class Done(msgspec.Struct, frozen=True):
    """What a command line came to."""

    code: int
    out: str
    err: str


Muster = Callable[..., Done]


@pytest.fixture
def muster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> Muster:
    """Runs ``muster ARGUMENTS`` in ``tmp_path``."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> Done:
        capfdbinary.readouterr()
        code = main([str(argument) for argument in arguments])
        captured = capfdbinary.readouterr()
        return Done(code, captured.out.decode(), captured.err.decode())

    return run


BOTS = """\
key,name,provider,scope,kind,enabled,created_at,last_used_at,use_tracked_days,tags
saas:acme:invoice-bot,invoice-bot,saas,acme,bot,yes,2024-01-10,2026-11-20,365,team=billing
saas:acme:old-sync,old-sync,saas,acme,bot,yes,2023-01-10,2025-02-01,3650,
saas:acme:triage-agent,triage-agent,saas,acme,agent,yes,2026-10-01,,,
"""

REGISTRY = """\
id,identities,owner,status
N-1,invoice-bot,ada@example.com,active
N-2,old-sync,left@example.com,active
N-3,gone-bot,ada@example.com,active
"""

PEOPLE = """\
email,name,status,left_on
ada@example.com,Ada,active,
left@example.com,Gone,left,2025-01-01
"""


@pytest.fixture
def estate(tmp_path: Path) -> Path:
    """Three bots in a list, a registry that knows two of them and one that is gone, two people."""
    for name, text in (("bots.csv", BOTS), ("registry.csv", REGISTRY), ("people.csv", PEOPLE)):
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "config.toml").write_text(
        """
[[registry]]
path = "registry.csv"

[[people]]
path = "people.csv"

[[source]]
name = "bots"
type = "file"
path = "bots.csv"
""",
        encoding="utf-8",
    )
    return tmp_path

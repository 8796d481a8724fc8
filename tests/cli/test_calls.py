"""What Muster prints to be run works as it stands there; what is not there is answered with what is most like it."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Muster

PRINTED = re.compile(r"(?:^\s*|: |`)(muster (?!warning|error)[a-z][^`\n]*?)(?: +#.*)?(?:`|$)", re.MULTILINE)


@pytest.fixture
def elsewhere(estate: Path) -> Path:
    """A folder beside which the config, with a blank in its path, and everything that it names are."""
    there = estate / "else where"
    there.mkdir()
    for name in ("config.toml", "registry.csv", "people.csv", "bots.csv"):
        (estate / name).rename(there / name)
    return there


@pytest.mark.parametrize("command", ["scan", "report", "orphans", "show", "diff", "history"])
def test_every_printed_command_works(elsewhere: Path, muster: Muster, command: str) -> None:
    """From the same folder, in every format that prints any."""
    config = ("--config", "else where/config.toml")
    muster("scan", *config)
    first = muster("scan", *config)
    arguments = {"show": ("triage-agent",), "report": ("-o", "table:-", "-o", "markdown:-"), "scan": ()}
    done = muster(command, *arguments.get(command, ()), *config)
    findings = muster("report", "--view", "findings", *config)
    doctor = muster("doctor", *config)

    printed = {one for text in (first, done, findings, doctor) for one in PRINTED.findall(text.out + text.err)}

    assert first.code == done.code == doctor.code == 0
    assert {one.split()[1] for one in printed} >= {"orphans", "show", "report", "acknowledge"}
    filled = {"TEXT": "a trial", "PERSON": "ada@example.com"}
    for one in sorted(printed):
        ran = muster(*(filled.get(word, word) for word in shlex.split(one)[1:]))
        assert (ran.code, one) == (0, one), ran.err
    assert not (elsewhere.parent / "muster.db").exists()


def test_the_hint_of_an_error_names_the_same_sources(muster: Muster) -> None:
    """The doctor finds the same problem, also where no config has the source."""
    source = "kubernetes:from_files=not there"

    done = muster("scan", source, "--store", "sqlite:///other.db")

    (hint,) = PRINTED.findall(done.err)
    assert hint == f"muster doctor '{source}' --store sqlite:///other.db"
    doctor = muster(*shlex.split(hint)[1:])
    assert (doctor.code, "not there cannot be read" in doctor.out) == (1, True)


def test_the_hint_of_a_report_names_the_same_sources(tmp_path: Path, muster: Muster) -> None:
    """Where nothing was found."""
    (tmp_path / "leaks.json").write_text("[]", encoding="utf-8")

    done = muster("scan", "secrets_report:path=leaks.json", "--store", "sqlite:///other.db")

    (hint,) = PRINTED.findall(done.out)
    assert hint == "muster doctor secrets_report:path=leaks.json --store sqlite:///other.db"


@pytest.mark.parametrize(
    ("called", "found", "program"),
    [
        pytest.param("/opt/venv/bin/muster", False, "/opt/venv/bin/muster", id="environment not activated"),
        pytest.param("/opt/my venv/bin/muster", False, "'/opt/my venv/bin/muster'", id="with a blank"),
        pytest.param("/opt/venv/bin/muster", True, "muster", id="activated"),
        pytest.param("/opt/scanner/__main__.py", False, "muster", id="as a module"),
    ],
)
def test_printed_commands_call_the_same_program(
    called: str, found: bool, program: str, tmp_path: Path, muster: Muster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its path where the shell would not find it."""
    if found:
        (tmp_path / "muster").touch(mode=0o755)
    (tmp_path / "leaks.json").write_text("[]", encoding="utf-8")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "argv", [called])

    report, error = muster("scan", "secrets_report:path=leaks.json"), muster("scan", "file:path=absent.csv")

    assert f" {program} doctor secrets_report:path=leaks.json" in report.out
    assert f"`{program} doctor file:path=absent.csv`" in error.err


def test_the_hint_of_an_error_names_the_same_store(estate: Path, muster: Muster) -> None:
    """Also where the store is given and not the config."""
    del estate
    muster("scan", "--store", "sqlite:///other.db")

    done = muster("diff", "2020-01-01", "--store", "sqlite:///other.db")

    (hint,) = PRINTED.findall(done.err)
    assert hint == "muster history --store sqlite:///other.db"
    assert muster(*shlex.split(hint)[1:]).code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(("scna",), "did you mean scan?", id="a command"),
        pytest.param(("registry", "adpot"), "did you mean adopt?", id="a command of a group"),
        pytest.param(("store", "chekc"), "did you mean check?", id="of another"),
        pytest.param(("xyzzy",), "commands: acknowledge, activity, agents, check", id="nothing like it"),
    ],
)
def test_an_unknown_command_is_answered(muster: Muster, arguments: tuple[str, ...], message: str) -> None:
    """Exit 2, and what was probably meant."""
    done = muster(*arguments)

    assert (done.code, done.out) == (2, "")
    assert f"there is no command muster {' '.join(arguments)}" in done.err
    assert message in done.err


def test_what_is_hardly_alike_is_not_suggested(muster: Muster) -> None:
    """The known words help more than a wrong one."""
    assert "there are: agent_config, anthropic" in muster("connectors", "nope").err


@pytest.mark.parametrize(
    ("shell", "words", "expected"),
    [
        pytest.param("bash", "muster or", "orphans", id="bash"),
        pytest.param("zsh", "muster registry a", "adopt", id="zsh"),
        pytest.param("fish", "muster scan --qu", "--quiet", id="fish"),
        pytest.param("bash", "muster xyzzy ", "", id="after what is not there"),
    ],
)
def test_shells_complete(shell: str, words: str, expected: str) -> None:
    """As the documented line in each shell's settings asks for it."""
    last = len(shlex.split(words)) - (not words.endswith(" "))
    word = {"COMP_WORDS": words, "COMP_CWORD": words.rsplit(maxsplit=1)[-1] if shell == "fish" else str(last)}
    done = subprocess.run(
        [sys.executable, "-c", "import sys; sys.argv[0] = 'muster'; from scanner.cli.main import run; run()"],
        env={"_MUSTER_COMPLETE": f"{shell}_complete", "PYTHONPATH": ":".join(sys.path), **word},
        capture_output=True,
        text=True,
        check=False,
    )

    assert "Traceback" not in done.stderr
    assert expected in done.stdout

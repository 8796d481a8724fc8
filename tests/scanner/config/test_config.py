"""config.toml: what is read from it, and how it is refused."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from scanner.config.load import Config, load_config, resolve_database_url
from scanner.errors import ConfigError
from scanner.model import Exemption

FULL = """
[store]
url = "sqlite:///data/muster.db"

[[registry]]
path = "lists/registry.csv"
[registry.columns]
"Opiekun" = "owner"

[[source]]
name = "prod"
type = "aws"
regions = ["eu-west-1"]

[policy]
rotation = 30

[[exempt]]
match = "arn:aws:iam::*:role/x"
reason = "theirs"
until = 2027-06-30
"""


def _load(tmp_path: Path, text: str) -> Config:
    file = tmp_path / "config.toml"
    file.write_text(text, encoding="utf-8")
    return load_config(file)


def test_paths_are_relative_to_the_config(tmp_path: Path) -> None:
    """A config means the same from whichever folder it is used."""
    config = _load(tmp_path, FULL)

    assert config.store_url == f"sqlite:///{tmp_path}/data/muster.db"
    assert config.registry[0].path == tmp_path / "lists/registry.csv"
    assert config.registry[0].columns == {"Opiekun": "owner"}


def test_databases_of_lists_are_relative_to_the_config(tmp_path: Path) -> None:
    """As the store and every path in it are."""
    file = tmp_path / "config.toml"
    file.write_text('[[registry]]\nurl = "sqlite:///nhi.db"\nquery = "SELECT 1"\n', encoding="utf-8")

    assert load_config(file).registry[0].url == f"sqlite:///{tmp_path / 'nhi.db'}"


def test_what_is_not_said_has_its_default(tmp_path: Path) -> None:
    """One threshold changed leaves the others as they are."""
    config = _load(tmp_path, FULL)

    assert (config.policy.rotation, config.policy.dormant_identity) == (30, 90)
    assert config.exemptions == (Exemption(match="arn:aws:iam::*:role/x", reason="theirs", until=date(2027, 6, 30)),)
    assert config.sources[0].settings == {"regions": ["eu-west-1"]}


def test_without_a_file_the_defaults_stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An audit needs no config at all."""
    monkeypatch.chdir(tmp_path)

    assert load_config(None) == Config()


@pytest.mark.parametrize(
    ("text", "place"),
    [
        pytest.param("[stor]\n", "config.toml:1: stor: unknown key (did you mean store?)", id="unknown table"),
        pytest.param('\n[store]\nurll = "x"\n', "config.toml:3: store.urll: unknown key (did you mean url?)", id="key"),
        pytest.param(
            '[controls]\nframeworks = ["cis-aws-5"]\n',
            "there is no framework 'cis-aws-5'; did you mean cis-aws-5.0.0?",
            id="framework",
        ),
        pytest.param(
            "[policy]\ndormant_days = 3\nrotation = 1\n", "config.toml:2: policy.dormant_days: unknown key", id="policy"
        ),
        pytest.param(
            '[policy]\nrotation = "90"\n',
            "config.toml:2: policy.rotation: expected a whole number, got text",
            id="text for a number",
        ),
        pytest.param(
            "[policy]\nrotation = -1\n", "config.toml:2: policy.rotation: rotation is a number of days", id="negative"
        ),
        pytest.param(
            '[[exempt]]\nmatch = "a"\nreason = "b"\nuntil = "soon"\n',
            "config.toml:4: exempt[0].until: expected a date such as 2027-06-30",
            id="not a date",
        ),
        pytest.param(
            '[[registry]]\npath = "a"\ndates = "german"\n',
            "config.toml:3: registry[0].dates: unknown value 'german' (one of day-first, month-first)",
            id="not one of its values",
        ),
        pytest.param(
            '[[registry]]\npath = "a"\ndates = "day_first"\n',
            "(did you mean day-first?)",
            id="nearly one of its values",
        ),
        pytest.param(
            '[[registry]]\npath = "a"\n[registry.values.status]\n"läuft" = "activ"\n',
            "config.toml:4: registry[0].values.status.läuft: 'activ' is no status (did you mean active?)",
            id="a word for no status",
        ),
        pytest.param(
            '[[registry]]\npath = "a"\n[registry.values.owner]\n"x" = "y"\n',
            "registry[0].values.owner: there are no words of owner to map (use one of status, kind, environment, pro",
            id="words of a column without a vocabulary",
        ),
        pytest.param(
            '[[people]]\npath = "a"\n[people.values.status]\nRente = "retired"\n',
            "config.toml:4: people[0].values.status.Rente: 'retired' is no status (use one of",
            id="a status of entries for a person",
        ),
        pytest.param(
            '\n[[sorce]]\ntype = "aws"\n[[sorce]]\n',
            "config.toml:2: sorce: unknown key (did you mean source?)",
            id="unknown list of tables",
        ),
        pytest.param('[[exempt]]\nmatch = "a"\n', "config.toml:1: exempt[0]: missing the key `reason`", id="missing"),
        pytest.param(
            '[[source]]\ntype = "aws"\n\n[[source]]\nname = "aws"\ntype = "vault"\n',
            "config.toml:5: source[1].name: two sources are called aws",
            id="name twice",
        ),
        pytest.param('[[source]]\nname = "x"\n', "config.toml:1: source[0]: a source needs a type", id="no type"),
        pytest.param("[engine]\nworkers = 0\n", "config.toml:2: engine.workers: workers is a number", id="no workers"),
        pytest.param("store = 3\n", "config.toml:1: store: expected a table, got a number", id="not a table"),
        pytest.param("[store\n", "config.toml:1: is not TOML", id="syntax"),
        pytest.param(
            "[store]\n" + ".".join("a" * 20_000) + " = 1\n", "config.toml:2: is not TOML: is nested", id="deep"
        ),
        pytest.param(f"rotation = {'9' * 5000}\n", "config.toml: is not TOML", id="a number of thousands of digits"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(tmp_path: Path, text: str, place: str) -> None:
    """Anyone who reads the message can go straight to the line."""
    with pytest.raises(ConfigError) as caught:
        _load(tmp_path, text)

    assert place in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(None, "no such file (`muster init` creates one)", id="missing"),
        pytest.param(b"\xff\xfe[store]", "is not UTF-8 text", id="another encoding"),
        pytest.param(b"# more\n" * 700_000, "is larger than 4 MiB", id="size"),
    ],
)
def test_an_unreadable_config_says_why(tmp_path: Path, content: bytes | None, message: str) -> None:
    """A file that was named must be there and be text."""
    file = tmp_path / "config.toml"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(ConfigError, match=re.escape(message)):
        load_config(file)


def test_a_folder_is_no_config(tmp_path: Path) -> None:
    """`muster init` would not make one."""
    with pytest.raises(ConfigError, match=r"Is a directory \(give the path of a file\)"):
        load_config(tmp_path)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("sqlite:///muster.db", "sqlite:////etc/muster/muster.db"),
        ("sqlite:////var/muster.db", "sqlite:////var/muster.db"),
        ("sqlite:///:memory:", "sqlite:///:memory:"),
        ("postgresql+psycopg://reader@db/muster", "postgresql+psycopg://reader@db/muster"),
    ],
)
def test_only_a_relative_file_of_a_database_is_resolved(url: str, expected: str) -> None:
    """Servers and whole paths are left as they are."""
    assert resolve_database_url(url, Path("/etc/muster")) == expected

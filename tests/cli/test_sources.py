"""Sources as the command line names them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scanner.cli.sources import named_sources
from scanner.config.load import Config
from scanner.config.settings import SourceSettings
from scanner.errors import UsageError
from scanner.strict import Document
from tests.cli.conftest import Muster

AWS = SourceSettings(name="aws", type="aws", settings={"profile": "audit"}, document=Document(file="config.toml"))
PROD = SourceSettings(name="prod", type="vault", settings={}, document=Document(file="config.toml"))
CONFIG = Config(sources=(AWS, PROD))


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        pytest.param([], ["aws", "prod"], id="all of the config's"),
        pytest.param(["prod"], ["prod"], id="one of the config's"),
        pytest.param(["prod", "aws", "prod"], ["prod", "aws"], id="named twice, scanned once"),
        pytest.param(["file:path=a.csv", "file:path=b.csv"], ["file", "file-2"], id="two of a type"),
        pytest.param(["file:path=a.csv", "file:path=a.csv"], ["file"], id="the same twice"),
        pytest.param(["aws:profile=other"], ["aws-2"], id="a type that the config uses as a name"),
        pytest.param(["file:name=aws-2,path=a", "aws:profile=x"], ["aws-2", "aws-3"], id="a number that is taken"),
        pytest.param(["vault:name=dr,url=u"], ["dr"], id="a name of its own"),
    ],
)
def test_no_two_sources_have_one_name(wanted: list[str], names: list[str]) -> None:
    """History goes by name: no one inherits another's, and nothing that was asked for is dropped."""
    assert [source.name for source in named_sources(CONFIG, wanted)] == names


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        pytest.param(["vault:name=x,url=a", "vault:name=x,url=b"], "another source is called x", id="name twice"),
        pytest.param(["vault:name=prod,url=a"], "another source is called prod", id="a name of the config"),
        pytest.param(["file:path=a,path=b"], "path is given twice", id="key twice"),
        pytest.param(["file:a.csv"], "a.csv is not key=value", id="no key"),
        pytest.param(["vault:token=abc"], "would put a secret on the command line", id="secret"),
        pytest.param(["aws:role=x", "nonsense"], "no source and no connector called nonsense", id="unknown"),
    ],
)
def test_what_cannot_be_is_refused(wanted: list[str], message: str) -> None:
    """A clear word before anything is scanned."""
    with pytest.raises(UsageError, match=message):
        named_sources(CONFIG, wanted)


def test_values_have_the_shape_of_the_settings() -> None:
    """Lists split at ``+``, a secret is a reference."""
    aws, vault = named_sources(Config(), ["aws:regions=eu-west-1+us-east-1", "vault:token=env:VAULT_TOKEN"])

    assert aws.settings == {"regions": ["eu-west-1", "us-east-1"]}
    assert vault.settings == {"token": {"env": "VAULT_TOKEN"}}


def test_nothing_to_scan_is_reported() -> None:
    """The hint names the config that was read."""
    with pytest.raises(UsageError, match="nothing to scan") as raised:
        named_sources(Config(document=Document(file="prod.toml")), [])

    assert raised.value.hint == "name a source, such as aws:profile=audit, or add a [[source]] to prod.toml"


def test_a_list_under_another_name_is_the_same_list(tmp_path: Path, muster: Muster) -> None:
    """What an audit read from a file is checked again when the config names that file."""
    (tmp_path / "bots.csv").write_text("key,name,provider,scope,kind\na:1,one,acme,prod,bot\n")
    assert muster("scan", "file:path=bots.csv", "--quiet").code == 0
    (tmp_path / "config.toml").write_text('[[source]]\nname = "bots"\ntype = "file"\npath = "bots.csv"\n')

    assert muster("scan", "-o", "json:r.json").code == 0

    (identity,) = json.loads((tmp_path / "r.json").read_text())["identities"]
    assert (identity["source"], identity["rechecked"]) == ("bots", True)

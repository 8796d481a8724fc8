"""What a source may be reported, and what is refused before any request."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from connectors.core.contract import Scope
from connectors.vault.settings import VaultSettings
from connectors.vault.spec import SPEC
from scanner.errors import SourceError
from scanner.redaction.redact import SecretRef
from tests.pickled import pickled


@pytest.mark.parametrize(
    ("url", "place"),
    [
        pytest.param("https://vault.internal:8200", "vault.internal:8200", id="port"),
        pytest.param("https://vault.internal", "vault.internal:443", id="no port"),
        pytest.param("http://127.0.0.1:8200", "127.0.0.1:8200", id="loopback"),
        pytest.param("http://localhost:8200/", "localhost:8200", id="localhost"),
        pytest.param("http://[::1]:8200", "[::1]:8200", id="loopback, version 6"),
    ],
)
def test_scopes_are_named_after_the_server(url: str, place: str) -> None:
    """Host and port name the scope, and a namespace follows them."""
    settings = VaultSettings(url=url, namespace="/team1/")

    assert settings.scope_id("") == place
    assert settings.scope_id(settings.start) == f"{place}/team1"


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param({"url": "http://vault.internal:8200"}, id="clear text"),
        pytest.param({"url": "http://127.0.0.1.evil.example:8200"}, id="looks like loopback"),
        pytest.param({"url": "https://user:pw@vault.internal"}, id="password in the url"),
        pytest.param({"url": "vault.internal:8200"}, id="no scheme"),
        pytest.param({"url": "ftp://vault.internal"}, id="other scheme"),
        pytest.param({"url": "https://vault.internal", "workers": 0}, id="no workers"),
        pytest.param({"url": "https://vault.internal", "token": "s.abcdef"}, id="a token in the config"),
        pytest.param({"url": "https://vault.internal", "tokn": {"env": "X"}}, id="unknown key"),
    ],
)
def test_refuses(facts: dict[str, object]) -> None:
    """A setting that would leak the token or cannot be meant is an error when the config is read."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(facts, VaultSettings)


def test_clear_text_on_purpose() -> None:
    """Plain http beyond this machine takes a setting that says so."""
    settings = VaultSettings(url="http://vault.internal:8200", insecure_http=True)

    assert settings.place == "vault.internal:8200"


@pytest.mark.parametrize(
    ("value", "token"),
    [
        pytest.param("s.abc", "s.abc", id="plain"),
        pytest.param("s.abc\n", "s.abc", id="line break at the end"),
        pytest.param(" \ts.abc \r\n", "s.abc", id="white space around it"),
    ],
)
@pytest.mark.parametrize("place", ["env", "file"])
def test_the_token_is_taken_without_white_space(
    place: str, value: str, token: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An editor's line break or a space is no part of a token."""
    assert VaultSettings(token=_kept(place, value, tmp_path, monkeypatch)).resolve_token() == token


@pytest.mark.parametrize(
    ("value", "said"),
    [
        pytest.param("s.abc\ns.def", "the token holds a line break", id="two lines"),
        pytest.param("s.abc\rdef", "the token holds a line break", id="carriage return"),
        pytest.param("s.abc€", "the token holds invalid characters", id="no header can carry it"),
        pytest.param(" \n", "empty", id="nothing else"),
    ],
)
@pytest.mark.parametrize("place", ["env", "file"])
def test_what_cannot_be_a_token(
    place: str, value: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is refused with the reason and the place, before any request, and not shown."""
    settings = VaultSettings(token=_kept(place, value, tmp_path, monkeypatch))

    with pytest.raises(SourceError, match=said) as caught:
        settings.resolve_token()
    assert str(settings.token) in str(caught.value)
    assert "s.abc" not in str(caught.value)


def _kept(place: str, value: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> SecretRef:
    """A reference to the value, in the environment or in a file."""
    if place == "env":
        monkeypatch.setenv("MUSTER_TEST_TOKEN", value)
        return SecretRef(env="MUSTER_TEST_TOKEN")
    (folder / "token").write_bytes(value.encode())
    return SecretRef(file=str(folder / "token"))


def test_the_address_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a url the server's own variable counts, and without that the development server of this machine."""
    monkeypatch.setenv("VAULT_ADDR", "https://vault.example:8200")
    assert VaultSettings().url == "https://vault.example:8200"

    monkeypatch.delenv("VAULT_ADDR")
    assert VaultSettings().url == "http://127.0.0.1:8200"


def test_scopes_travel() -> None:
    """A scope survives pickling, so that another machine can read it."""
    scope = Scope(source="vault", spec=SPEC, id="vault:8200/team1", context="team1")

    assert pickled(scope) == scope

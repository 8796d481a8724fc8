"""What a scan went by: which files, with which hash, and a config without secrets."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from scanner.app.lists import inputs_of
from scanner.config.load import Config, load_config
from scanner.model import Input
from scanner.registry.lists import ListSource
from tests.canaries import CANARIES


def sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def test_every_file_is_named_with_the_hash_of_its_bytes(tmp_path: Path) -> None:
    """Config, registry, people, in this order; line ends and byte order marks as they are."""
    (tmp_path / "registry.csv").write_bytes(b"\xef\xbb\xbfid,name\r\n1,x\r\n")
    (tmp_path / "people.csv").write_text("email\nada@example.com\n")
    config = tmp_path / "config.toml"
    config.write_bytes(b'\xef\xbb\xbf[[registry]]\r\npath = "registry.csv"\r\n[[people]]\r\npath = "people.csv"\r\n')

    found = inputs_of(load_config(config))

    assert [(one.role, one.name, one.sha256) for one in found] == [
        ("config", str(config), sha256(config)),
        ("registry", str(tmp_path / "registry.csv"), sha256(tmp_path / "registry.csv")),
        ("people", str(tmp_path / "people.csv"), sha256(tmp_path / "people.csv")),
    ]
    assert [one.text is None for one in found] == [False, True, True]


def test_a_folder_is_all_its_files(tmp_path: Path) -> None:
    """By name, as they are read."""
    for name in ("b.yaml", "a.yaml"):
        (tmp_path / name).write_text("- name: x\n")
    found = inputs_of(Config(registry=(ListSource(path=tmp_path),)))
    assert [Path(one.name).name for one in found] == ["a.yaml", "b.yaml"]


def test_a_query_has_no_hash() -> None:
    """And its password, should someone have written it there, is masked."""
    source = ListSource(url="postgresql://u:hunter2@db/nhi", query="select 1")
    (found,) = inputs_of(Config(registry=(source,)))
    assert (found.role, found.sha256) == ("registry", None)
    assert "hunter2" not in found.name


def test_the_configs_secrets_are_masked(tmp_path: Path) -> None:
    """They are references; but someone may have written a real one into a comment."""
    config = tmp_path / "config.toml"
    config.write_text('# was: password = "hunter2"\n[store]\nurl = "sqlite:///muster.db"\n')
    (found,) = inputs_of(load_config(config))
    assert found.text is not None
    assert "hunter2" not in found.text
    assert "[store]" in found.text


def test_the_address_of_a_webhook_is_masked_but_for_its_host(tmp_path: Path) -> None:
    """Anyone who knows the rest may write there; references stay as they are."""
    config = tmp_path / "config.toml"
    ((slack, secret),) = CANARIES["slack-webhook-url"]
    text = f"""
        # before: {slack}
        [[notify]]
        type = "webhook"
        url = "https://soc.example.com/hooks/0a1b2c3d?key=4711"
        secret = {{ env = "SIGNING_KEY" }}
    """
    config.write_text(text)

    (found,) = inputs_of(load_config(config))

    assert found.text == text.replace("hooks/0a1b2c3d?key=4711", "•••").replace(secret, "•••")


def test_a_config_whose_webhook_cannot_be_found_is_left_out(tmp_path: Path) -> None:
    """TOML has escapes, so an address may be written otherwise than it reads."""
    config = tmp_path / "config.toml"
    config.write_text('[[notify]]\ntype = "webhook"\nurl = "https://soc.example.com/hooks/\\u0030a1b2c3d"\n')

    (found,) = inputs_of(load_config(config))

    assert found.text is not None
    assert "a1b2c3d" not in found.text
    assert "left out" in found.text


def test_what_is_gone_meanwhile_has_no_hash(tmp_path: Path) -> None:
    """It was read; that it cannot be hashed is no reason to fail."""
    gone = tmp_path / "gone.csv"
    assert inputs_of(Config(registry=(ListSource(path=gone),))) == (Input(role="registry", name=str(gone)),)
    assert inputs_of(Config(registry=(ListSource(path=tmp_path / "*.csv"),)))[0].sha256 is None


def test_a_pipe_has_no_hash(tmp_path: Path) -> None:
    """It was read to its end; to open it again would be to wait for ever."""
    pipe = tmp_path / "registry.csv"
    os.mkfifo(pipe)
    assert inputs_of(Config(registry=(ListSource(path=pipe),))) == (Input(role="registry", name=str(pipe)),)


def test_what_the_file_system_refuses_has_no_hash(tmp_path: Path) -> None:
    """Such as a name that is too long for it."""
    (found,) = inputs_of(Config(registry=(ListSource(path=tmp_path / ("x" * 300)),)))
    assert found.sha256 is None


def test_no_config_file_is_no_input() -> None:
    """Defaults are in no file."""
    assert inputs_of(Config()) == ()

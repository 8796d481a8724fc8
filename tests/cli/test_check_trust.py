"""``muster check`` with an attacker's config: a change must not decide what reads the secrets of the job."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest
from msgspec import Struct

from tests.cli.conftest import Muster, muster
from tests.cli.test_check import ACCOUNT

__all__ = ["muster"]  # the fixture
TOKEN = "ghs_16C7e42F292c6912E7710c838347Ae178B4a"


class Host(Struct):
    """An attacker's host. ``calls``: the connections to it."""

    port: int
    calls: list[bytes]


@pytest.fixture
def host() -> Iterator[Host]:
    """A host on loopback that notes what is first said to it, and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        found = Host(server.getsockname()[1], [])

        def answer() -> None:
            while True:
                try:
                    client, _ = server.accept()
                except OSError:
                    return
                with client:
                    client.settimeout(2)
                    try:
                        found.calls.append(client.recv(4096))
                    except OSError:
                        found.calls.append(b"")

        Thread(target=answer, daemon=True).start()
        yield found
        server.shutdown(socket.SHUT_RDWR)


SQL = """[[{table}]]
url = "postgresql+psycopg://x@127.0.0.1:{port}/d?sslmode=disable"
query = "SELECT 1"
password = {{ {reference} }}
"""
WITH_TOKEN = SQL.replace("{reference}", 'env = "GH_TOKEN"')
ATTACKS = {
    "a registry by SQL": WITH_TOKEN.replace("{table}", "registry"),
    "a roster by SQL": WITH_TOKEN.replace("{table}", "people"),
    "a password from a file": SQL.replace("{table}", "registry").replace("{reference}", 'file = "../secret"'),
    "no password, so that the client takes PGPASSWORD": WITH_TOKEN.replace("{table}", "registry").rpartition("pass")[0],
    "a store": '[store]\nurl = "postgresql+psycopg://x@127.0.0.1:{port}/d"\n',
    "a list from outside": '[[registry]]\npath = "../secret"\n',
    "a list behind a link": '[[registry]]\npath = "link.csv"\n',
    "lists by a pattern from outside": '[[registry]]\npath = "../sec*"\n',
    "acknowledgements from outside": '[alarms]\nacknowledged = "../secret"\n',
    "a database file from outside": '[[registry]]\nurl = "sqlite:///../secret"\nquery = "SELECT 1"\n',
    "a database file by options": '[[registry]]\nurl = "sqlite:///file:../secret?uri=true"\nquery = "SELECT 1"\n',
}
IDLE = {
    "a source by HTTP": '[[source]]\ntype = "github"\norganization = "x"\nendpoint_url = "http://127.0.0.1:{port}"\n',
    "a channel": '[[notify]]\nname = "x"\ntype = "webhook"\nurl = "http://127.0.0.1:{port}/"\n',
    "a channel by reference": '[[notify]]\nname = "x"\ntype = "slack"\nurl = {{ env = "GH_TOKEN" }}\n',
}


@pytest.fixture
def checkout(tmp_path: Path, muster: Muster, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The checkout of a change, in which the command runs, and a secret beside it."""
    del muster  # it sets the folder, too
    folder = tmp_path / "change"
    (folder / ".git").mkdir(parents=True)
    (folder / "ci").mkdir()
    (folder / "w.yml").write_text(ACCOUNT)
    (folder / "link.csv").symlink_to("../secret")
    (tmp_path / "secret").write_text(f"id,identities\n{TOKEN},x\n")
    for name in ("GH_TOKEN", "PGPASSWORD"):
        monkeypatch.setenv(name, TOKEN)
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
@pytest.mark.parametrize(
    "place", ["config.toml", "ci/config.toml", "submodule/config.toml", "linked.toml", "./ci/../c.toml"]
)
def test_a_config_of_the_change_reaches_nothing(
    attack: str, place: str, checkout: Path, host: Host, muster: Muster
) -> None:
    """Exit code 2, with the way out; no connection, and no secret in any output."""
    file = checkout / place
    file.parent.mkdir(exist_ok=True)
    if place.startswith("submodule"):
        (file.parent / ".git").write_text("gitdir: ../.git/modules/submodule\n")
    text = attack.format(port=host.port)
    if place == "linked.toml":
        (checkout.parent / "elsewhere").mkdir()
        (checkout.parent / "elsewhere" / "config.toml").write_text(text)
        file.symlink_to("../elsewhere/config.toml")
    else:
        file.write_text(text if file.parent.resolve() == checkout else text.replace("../", "../../"))
    if file.parent.resolve() != checkout:
        (file.parent / "link.csv").symlink_to("../../secret")

    done = muster("check", "w.yml", "--config", place)

    assert (done.code, host.calls) == (2, [])
    assert "lies in the checkout" in done.err
    assert TOKEN not in done.out + done.err


@pytest.mark.parametrize("attack", IDLE.values(), ids=IDLE)
def test_what_check_does_not_do_no_config_makes_it_do(attack: str, checkout: Path, host: Host, muster: Muster) -> None:
    """It asks no source and notifies no one."""
    (checkout / "config.toml").write_text(attack.format(port=host.port))

    done = muster("check", "w.yml", "--config", "config.toml")

    assert (done.code, host.calls) == (0, []), done.err


def test_a_change_elsewhere_than_the_current_folder_has_a_checkout_too(
    checkout: Path, host: Host, muster: Muster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The config may lie beside the files that are checked, wherever the command runs."""
    monkeypatch.chdir(checkout.parent.parent)
    (checkout / "config.toml").write_text(ATTACKS["a registry by SQL"].format(port=host.port))

    done = muster("check", str(checkout / "w.yml"), "--config", str(checkout / "config.toml"))

    assert (done.code, host.calls) == (2, [])


@pytest.mark.parametrize(
    ("folder", "options", "is_asked"),
    [
        ("elsewhere", [], True),
        ("elsewhere", ["--allow-env", "OTHER"], False),
        ("elsewhere", ["--allow-env", "GH_TOKEN"], True),
        ("change", ["--allow-env", "OTHER"], False),
        ("change", ["--allow-env", "GH_TOKEN"], True),
        ("change", ["--registry", "registry.csv"], False),
    ],
)
def test_the_caller_decides(
    folder: str, options: list[str], is_asked: bool, checkout: Path, host: Host, muster: Muster
) -> None:
    """A config from elsewhere is the caller's own; what is allowed by name is allowed."""
    file = checkout.parent / folder / "config.toml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(ATTACKS["a registry by SQL"].format(port=host.port))
    (checkout / "registry.csv").write_text("id,identities\nN-1,web/shop\n")

    done = muster("check", "w.yml", "--config", str(file), *options)

    assert bool(host.calls) is is_asked
    assert done.code == (0 if "--registry" in options else 2)
    assert TOKEN not in done.out + done.err


def test_a_list_from_outside_may_be_allowed(checkout: Path, muster: Muster) -> None:
    """By its name, or that of its folder."""
    (checkout / "config.toml").write_text('[[registry]]\npath = "../lists/registry.csv"\n')
    (checkout.parent / "lists").mkdir()
    (checkout.parent / "lists" / "registry.csv").write_text("id,identities\nN-1,web/shop\n")
    command = ("check", "w.yml", "--config", "config.toml")

    codes = [muster(*command, *more).code for more in ([], ["--allow-file", "../lists"], ["--allow-file", "../other"])]

    assert codes == [2, 0, 2]


def test_a_store_of_the_change_can_be_left_alone(checkout: Path, muster: Muster) -> None:
    """What it says of before could make an admin look like none that is new."""
    (checkout / "muster.db").write_text("no database")
    read, left = muster("check", "w.yml"), muster("check", "w.yml", "--no-store")

    assert (read.code, left.code) == (2, 0)
    assert ("--no-store" in read.err, "--no-store" in left.err) == (True, False)

"""Sessions and what else the server hands out: what they are good for, after a restart and in other processes too."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar.types import ReceiveMessage

from scanner.errors import StoreError, UsageError
from scanner.redaction.redact import SecretRef
from scanner.serve.answers import Refusal
from scanner.serve.keys import KEY_FILE, Keys, load_keys
from scanner.serve.limits import in_time
from scanner.serve.sessions import Once, Seal, Session, Sessions
from scanner.store.store import Store, open_store
from tests.databases import BACKENDS
from tests.factories import NOW

FIRST, SECOND = "first-key-of-a-test-0123456789-abcdef", "second-key-of-a-test-0123456789-abcdef"


@pytest.fixture(params=BACKENDS)
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """An empty store."""
    with request.param() as url, open_store(url) as opened:
        yield opened


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        """The time."""
        return self.now


def sessions_of(store: Store, clock: Clock, *keys: str, hours: int = 12) -> Sessions:
    """The sessions of a process that starts now."""
    made = Sessions(Keys(keys or (FIRST,)), hours, store.served, clock)
    made.refresh()
    return made


def test_a_session_is_good_in_every_process_until_it_ends(store: Store) -> None:
    """By time, as the config has it now, or by signing out in any of them; nothing else is one."""
    clock = Clock()
    first, second = sessions_of(store, clock), sessions_of(store, clock)
    ada, bob = first.start("ada"), second.start("bob")

    assert [known and known.claim for known in map(second.get, (ada, bob, ada[:-1], f"{ada}x", "", "x.y", "é.é"))] == [
        "ada", "bob", None, None, None, None, None,
    ]  # fmt: skip
    first.end(ada, "ada@acme.example")
    assert first.get(ada) is None
    first.save()
    second.refresh()
    later = sessions_of(store, clock)
    assert [one.get(ada) for one in (first, second, later)] == [None, None, None]
    first.refresh()
    assert first.get(ada) is None
    assert later.get(bob) is not None

    clock.now += timedelta(hours=11)
    assert later.get(bob) is not None
    assert sessions_of(store, clock, hours=10).get(bob) is None
    clock.now += timedelta(hours=2)
    assert later.get(bob) is None


def test_a_session_of_the_future_is_none(store: Store) -> None:
    """A clock that was set back does not prolong it."""
    clock = Clock()
    made = sessions_of(store, clock)
    cookie = made.start("ada")
    clock.now -= timedelta(hours=1)

    assert made.get(cookie) is None


def test_keys_are_exchanged_in_two_steps(store: Store) -> None:
    """The first key signs and all verify; sessions end with the key that signed them."""
    clock = Clock()
    old = sessions_of(store, clock, FIRST).start("ada")
    both = sessions_of(store, clock, SECOND, FIRST)
    new = both.start("ada")

    assert both.get(old) is not None
    assert sessions_of(store, clock, SECOND).get(new) is not None
    assert sessions_of(store, clock, SECOND).get(old) is None
    assert sessions_of(store, clock, FIRST).get(new) is None


@given(text=st.text(max_size=300))
def test_no_other_text_is_signed(text: str) -> None:
    """Whatever a client sends as a cookie, nothing is raised and nobody is signed in."""
    keys = Keys([FIRST])

    assert keys.read("session", text, Session) is None
    assert not keys.fits("request", "a", text)
    signed = keys.sign("session", Session("1", text, NOW))
    read = keys.read("session", signed, Session)
    assert read is not None
    assert read.claim == text
    assert keys.read("sign-in", signed, Session) is None


def test_a_token_fits_its_own_visit() -> None:
    """Of this server alone, also after its restart."""
    seal = Seal(Keys([FIRST]))

    assert seal.fits("a", seal.of("a"))
    assert Seal(Keys([SECOND, FIRST])).fits("a", seal.of("a"))
    assert not seal.fits("b", seal.of("a"))
    assert not Seal(Keys([SECOND])).fits("a", seal.of("a"))
    assert not seal.fits("a", "ä")


def test_a_text_counts_once() -> None:
    """Of too many, the oldest are forgotten."""
    once = Once(60, most=2)

    assert [once.use(text) for text in ("a", "a", "b", "b", "c", "a")] == [True, False, True, False, True, True]
    assert Once(0).use("a")


def test_the_key_is_made_once_and_for_this_user_alone(tmp_path: Path) -> None:
    """Processes that start at once read the same; a file that others can read, a link, or rubbish is refused."""
    with ThreadPoolExecutor(8) as pool:
        every = list(pool.map(lambda _: load_keys(None, tmp_path).mac("p", "t"), range(8)))
    file = tmp_path / KEY_FILE

    assert len(set(every)) == 1
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [KEY_FILE]
    file.chmod(0o640)
    with pytest.raises(StoreError, match="other users"):
        load_keys(None, tmp_path)
    file.chmod(0o600)
    for content in (b"", b"short\n", b"\xff" * 40):
        file.write_bytes(content)
        with pytest.raises(StoreError):
            load_keys(None, tmp_path)
    file.unlink()
    file.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreError):
        load_keys(None, tmp_path)
    file.unlink()
    os.mkfifo(file)
    with pytest.raises(StoreError):
        load_keys(None, tmp_path)


def test_the_key_of_the_config_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key a line; one that can be guessed is refused, and no file is made."""
    monkeypatch.setenv("TEST_SESSION_KEY", f"{SECOND}\n{FIRST}")
    given_key = SecretRef(env="TEST_SESSION_KEY")

    assert load_keys(given_key, tmp_path).mac("p", "t") == Keys([SECOND]).mac("p", "t")
    monkeypatch.setenv("TEST_SESSION_KEY", f"{SECOND}\nshort")
    with pytest.raises(UsageError, match="less than 32"):
        load_keys(given_key, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_body_that_does_not_end_is_refused() -> None:
    """After that time in all, however often something of it arrives; what comes after the body is awaited as ever."""

    async def drip() -> ReceiveMessage:
        await asyncio.sleep(0.05)
        return {"type": "http.request", "body": b"x", "more_body": True}

    async def read() -> None:
        receive = in_time(drip, 0.2)
        for _ in range(100):
            await receive()

    # In a thread: Playwright, if a browser is open, has a loop in this one.
    with ThreadPoolExecutor(1) as pool, pytest.raises(Refusal) as refused:
        pool.submit(lambda: asyncio.run(read())).result()
    assert refused.value.status == 408

"""Nature: people, machines, and people's accounts with keys."""

from __future__ import annotations

from typing import Any

import pytest

from scanner.judging.nature import judge_nature
from scanner.model import Signal
from scanner.registry.roster import Roster
from tests.factories import NOW, make_credential, make_identity, make_person

ROSTER = Roster([make_person("ada@example.com", id="E7", aliases=("lovelace",))], NOW.date())
PASSWORD = make_credential("ada", "ada", kind="password")
KEY = make_credential()
OLD_KEY = make_credential(enabled=False)
UNKNOWN_KEY = make_credential(enabled=None)
FEDERATION = make_credential("ada", "oidc", kind="federation")
CONSOLE: dict[str, Any] = {"attributes": {"console_password": True}}
NO_CONSOLE: dict[str, Any] = {"attributes": {"console_password": False}}
ROLE_TYPE = Signal(says="machine", sort="provider", evidence="a role")
SIGN_INS = Signal(says="human", sort="provider", evidence="signs in interactively")
HUMAN_HINT = Signal(says="human", sort="name", evidence="reads like a name", strength="weak")


@pytest.mark.parametrize(
    ("name", "facts", "verdict"),
    [
        pytest.param("x", CONSOLE, "human", id="console-password"),
        pytest.param("x", {"credentials": (PASSWORD,)}, "human", id="password-credential"),
        pytest.param("x", {**CONSOLE, "credentials": (OLD_KEY,)}, "human", id="password-and-inactive-key"),
        pytest.param("x", {**CONSOLE, "credentials": (FEDERATION,)}, "human", id="password-and-single-sign-on"),
        pytest.param("x", {**CONSOLE, "credentials": (KEY,)}, "mixed", id="password-and-key"),
        pytest.param("x", {**CONSOLE, "credentials": (UNKNOWN_KEY,)}, "mixed", id="a-key-that-may-be-active"),
        pytest.param("ada", {}, "human", id="user-name-is-a-local-part"),
        pytest.param("ADA", {}, "human", id="but-for-case"),
        pytest.param("Ada@Example.com", {}, "human", id="e-mail"),
        pytest.param("e7", {}, "human", id="id"),
        pytest.param("lovelace", {}, "human", id="alias"),
        pytest.param("x", {"aliases": ("ada@example.com",)}, "human", id="alias-of-the-identity"),
        pytest.param("ada", {**NO_CONSOLE, "credentials": (KEY,)}, "mixed", id="on-the-roster-with-a-key"),
        pytest.param("ada2", {}, "unknown", id="part-of-a-name-is-no-person"),
        pytest.param("x", {"signals": (SIGN_INS,)}, "human", id="provider-says-person"),
        pytest.param("x", {"signals": (SIGN_INS,), "credentials": (KEY,)}, "mixed", id="root-with-a-key"),
        pytest.param("x", {"signals": (ROLE_TYPE,)}, "non_human", id="provider-says-machine"),
        pytest.param("ada", {"signals": (ROLE_TYPE,)}, "non_human", id="a-role-named-like-a-person"),
        pytest.param("x", {"signals": (ROLE_TYPE, SIGN_INS)}, "mixed", id="machine-with-interactive-sign-ins"),
        pytest.param("x", {"kind": "service_account"}, "non_human", id="by-its-kind"),
        pytest.param("x", {**NO_CONSOLE, "credentials": (KEY,)}, "non_human", id="key-and-no-password"),
        pytest.param("x", {"credentials": (KEY,)}, "unknown", id="key-and-password-unread"),
        pytest.param("x", {"signals": (HUMAN_HINT,)}, "unknown", id="a-weak-signal-decides-nothing"),
        pytest.param("x", {"attributes": {"console_password": "yes"}}, "unknown", id="not-a-boolean-is-not-known"),
        pytest.param("x", {}, "unknown", id="nothing"),
    ],
)
def test_verdict(name: str, facts: dict[str, Any], verdict: str) -> None:
    """The provider's type first, then password and roster, with keys telling people from mixed accounts."""
    assert judge_nature(make_identity(name, **facts), ROSTER).verdict == verdict


def test_every_signal_is_listed() -> None:
    """Signals for and against stay beside the verdict, the connector's own first; agent signals are not its matter."""
    agent = Signal(says="agent", sort="permission", evidence="may invoke models", strength="weak")
    identity = make_identity(
        "ada",
        attributes={"console_password": True, "mfa_active": True},
        credentials=(KEY,),
        signals=(HUMAN_HINT, agent),
    )
    assert [(signal.says, signal.sort, signal.evidence) for signal in judge_nature(identity, ROSTER).signals] == [
        ("human", "name", "reads like a name"),
        ("human", "credential", "console password, with MFA"),
        ("machine", "credential", "active access_key AKIAEXAMPLE1"),
        ("human", "roster", "user name ada is that of ada@example.com on the roster"),
    ]


def test_of_many_keys_the_first_are_named() -> None:
    """There may be thousands, and a reader sees them listed elsewhere."""
    keys = tuple(make_credential("x", f"AKIA{number:04}") for number in range(1_200))
    (signal,) = judge_nature(make_identity("x", credentials=keys), None).signals
    assert signal.evidence.startswith("active access_key AKIA0000, access_key AKIA0001, ")
    assert signal.evidence.endswith("access_key AKIA0004 and 1,195 more")


def test_without_a_roster_there_is_no_match() -> None:
    """A name alone proves nothing."""
    assert judge_nature(make_identity("ada"), None).verdict == "unknown"


def test_keys_that_were_only_counted_count() -> None:
    """A gap over the keys does not make a machine a person who needs no entry."""
    password = make_credential("ada", "ada", kind="password")

    def verdict(**facts: object) -> str:
        return judge_nature(make_identity("ada", credentials=(password,), **facts), None).verdict

    assert verdict() == "human"
    assert verdict(unread=("credentials",), attributes={"active_keys": 1}) == "mixed"
    assert verdict(unread=("credentials",), attributes={"active_keys": 0}) == "human"
    assert verdict(unread=("credentials",)) == "unknown"

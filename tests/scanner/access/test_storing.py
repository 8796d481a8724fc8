"""Secrets that say whose credential they hold."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from scanner.access.workloads import with_stored
from scanner.model import Credential, Link, StoredSecret
from tests.factories import ACCOUNT, make_identity

KEY = "AKIAIOSFODNN7EXAMPLE"
ARN = f"arn:aws:iam::{ACCOUNT}:user/svc"
HELD = Credential(key="c", kind="access_key", id=KEY)
USER = make_identity("svc", key=ARN, kind="user", unique_id="AIDASVC", credentials=(HELD,))


def secret(who: Any, **facts: Any) -> StoredSecret:
    """One that says it is somebody's."""
    defaults = {"key": "s", "provider": "aws", "source": "prod", "scope": ACCOUNT, "name": "prod/key"}
    return StoredSecret(**{**defaults, "attributes": {"identity": who}, **facts})


@pytest.mark.parametrize(
    ("one", "is_linked"),
    [
        (secret(ARN), True),
        (secret(KEY), True),
        (secret("AIDASVC"), True),
        (secret("svc"), True),
        (secret(KEY, provider="vault", scope="root"), True),
        (secret("svc", scope="999999999999"), False),
        (secret("svc", provider="vault"), False),
        (secret("another"), False),
        (secret(""), False),
        (secret(["svc"]), False),
        (secret(None, attributes={}), False),
    ],
)
def test_whose_credential_a_secret_says_it_holds(one: StoredSecret, *, is_linked: bool) -> None:
    """By an id anywhere, by a name in its own scope."""
    (found,) = with_stored([USER], [one])

    assert [(link.relation, link.target) for link in found.links] == ([("stores", "s")] if is_linked else [])


def test_a_name_that_two_have_is_neither() -> None:
    """Nothing is guessed."""
    users = [USER, replace(USER, key="other", unique_id=None, credentials=())]

    assert with_stored(users, [secret("svc")]) == tuple(users)


def test_a_link_that_is_there_stays() -> None:
    """What a connector found tells more."""
    held = Link(relation="stores", target="s", evidence="seen")
    (found,) = with_stored([replace(USER, links=(held,))], [secret(KEY)])

    assert found.links == (held,)

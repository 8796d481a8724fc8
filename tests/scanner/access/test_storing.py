"""Stored secrets that name the identity whose credential they contain."""

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


def secret(identity: Any, **facts: Any) -> StoredSecret:
    """A secret that names an identity."""
    defaults = {"key": "s", "provider": "aws", "source": "prod", "scope": ACCOUNT, "name": "prod/key"}
    return StoredSecret(**{**defaults, "attributes": {"identity": identity}, **facts})


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
def test_the_identity_that_a_secret_names(one: StoredSecret, *, is_linked: bool) -> None:
    """An id counts in any scope, a name only in the secret's own."""
    (found,) = with_stored([USER], [one])

    assert [(link.relation, link.target) for link in found.links] == ([("stores", "s")] if is_linked else [])


def test_an_ambiguous_name_gives_no_link() -> None:
    """Nothing is guessed."""
    users = [USER, replace(USER, key="other", unique_id=None, credentials=())]

    assert with_stored(users, [secret("svc")]) == tuple(users)


def test_a_link_that_is_there_stays() -> None:
    """The connector's evidence is more specific."""
    held = Link(relation="stores", target="s", evidence="seen")
    (found,) = with_stored([replace(USER, links=(held,))], [secret(KEY)])

    assert found.links == (held,)

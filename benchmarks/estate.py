"""Synthetic estates for the benchmarks: names as engineers give them, the same every time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from scanner.model import Credential, Entry, Identity, Origin, Person, credential_key

NOW = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
_TEAMS = ("payments", "orders", "search", "data", "platform", "growth", "mobile", "risk")
_ENVIRONMENTS = ("prod", "staging", "dev")


def identities(count: int) -> Iterator[Identity]:
    """Users over accounts of 10,000 each, every third with an access key."""
    for number in range(count):
        account, name = f"{100_000_000_000 + number // 10_000}", _name(number)
        key = f"arn:aws:iam::{account}:user/{name}"
        yield Identity(
            key=key,
            provider="aws",
            source="prod",
            scope=account,
            kind="user",
            name=name,
            created_at=NOW - timedelta(days=number % 900),
            last_used_at=NOW - timedelta(days=number % 200),
            use_tracked_days=3650,
            credentials=() if number % 3 else (_access_key(key, number),),
        )


def entries(count: int, globs: int) -> Iterator[Entry]:
    """Entries, and how many of them have a pattern; every tenth identity is named by one."""
    for number in range(count):
        target = number * 10
        account = f"{100_000_000_000 + target // 10_000}"
        exact = f"arn:aws:iam::{account}:user/{_name(target)}"
        pattern = f"arn:aws:iam::*:user/svc-{_TEAMS[number % 8]}-*-{number:06}"
        yield Entry(
            id=f"E{number}",
            origin=Origin(file="registry.csv", row=number + 2),
            identities=(pattern,) if number < globs else (exact,),
            owner=(f"person{number % 500}@example.com",),
        )


def people(count: int = 500) -> tuple[Person, ...]:
    """A roster."""
    return tuple(
        Person(email=f"person{number}@example.com", origin=Origin(file="people.csv", row=number + 2))
        for number in range(count)
    )


def _access_key(identity: str, number: int) -> Credential:
    public_id = f"AKIA{number:012}"
    return Credential(
        key=credential_key(identity, "access_key", public_id),
        kind="access_key",
        id=public_id,
        enabled=True,
        created_at=NOW - timedelta(days=number % 400),
        last_used_at=NOW - timedelta(days=number % 150),
        use_tracked_days=3650,
    )


def _name(number: int) -> str:
    return f"svc-{_TEAMS[number % 8]}-{_ENVIRONMENTS[number % 3]}-{number:06}"

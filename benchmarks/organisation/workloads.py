"""Workloads as teams name them, and the identity that each platform gives to one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count, product
from random import Random
from typing import Any
from uuid import UUID

from msgspec import Struct

from scanner.model import Credential, CredentialKind, Identity, credential_key

NOW = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
TEAMS = (
    "payments", "orders", "search", "catalog", "growth", "risk",
    "analytics", "mobile", "logistics", "support", "billing", "platform",
)  # fmt: skip
_SERVICES = (
    "etl", "ledger", "invoice", "checkout", "crawler", "ranking", "fraud", "export",
    "webhook", "replica", "reports", "notifier", "scoring", "archive", "gateway", "session",
)  # fmt: skip
_JOBS = (
    "loader", "sync", "reader", "writer", "backup", "deploy", "cron", "worker",
    "runner", "monitor", "indexer", "publisher", "cleaner", "broker", "probe", "mirror",
)  # fmt: skip
_ENVIRONMENTS = ("prod", "prod", "prod", "staging", "dev", "test")

STYLES: Mapping[str, Callable[[Sequence[str]], str]] = {
    "svc-kebab": lambda words: "-".join(("svc", *words)),
    "kebab": "-".join,
    "environment first": lambda words: "-".join((words[-1], *words[:-1])),
    "snake": "_".join,
    "Pascal": lambda words: "".join(word.capitalize() for word in words),
    "dotted": ".".join,
    "sa suffix": lambda words: "-".join((*words, "sa")),
}


class Workload(Struct, frozen=True):
    """What an identity is for; no two of an organisation have the same team, service and job."""

    team: str
    service: str
    job: str
    environment: str

    @property
    def words(self) -> tuple[str, ...]:
        """As its name is put together."""
        return self.team, self.service, self.job, self.environment


def workloads(rng: Random) -> Iterator[Workload]:
    """Endlessly many, in random order; later rounds number their jobs (``loader2``)."""
    for number in count(1):
        triples = list(product(TEAMS, _SERVICES, _JOBS))
        rng.shuffle(triples)
        for team, service, job in triples:
            yield Workload(team, service, job if number == 1 else f"{job}{number}", rng.choice(_ENVIRONMENTS))


class Platform(Struct, frozen=True, kw_only=True):
    """A provider's kind of identity. ``make``: from name, scope, team and dice to the fields of its own.

    ``written``: what people call the provider in a spreadsheet. ``exact``: it distinguishes its ids by case.
    """

    provider: str
    kind: str
    scopes: tuple[str, ...]
    written: tuple[str, ...]
    exact: bool
    make: Callable[[str, str, str, Random], dict[str, Any]]

    def identity(self, name: str, scope: str, team: str, rng: Random, **facts: Any) -> Identity:
        """One of that name; its ids are new whatever the name."""
        own = self.make(name, scope, team, rng)
        credentials = tuple(_credential(own["key"], kind, text, rng) for kind, text in own.pop("holds", ()))
        common: dict[str, Any] = {
            "provider": self.provider,
            "source": self.provider,
            "scope": scope,
            "kind": self.kind,
            "name": name,
            "enabled": True,
            "created_at": NOW - timedelta(days=rng.randint(30, 1500)),
            "last_used_at": NOW - timedelta(days=rng.randint(0, 30)),
            "use_tracked_days": 400,
            "credentials": credentials,
        }
        return Identity(**{**common, **own, **facts})


def _credential(identity: str, kind: CredentialKind, text: str, rng: Random) -> Credential:
    return Credential(
        key=credential_key(identity, kind, text),
        kind=kind,
        id=text,
        enabled=True,
        created_at=NOW - timedelta(days=rng.randint(1, 400)),
    )


def _guid(rng: Random) -> str:
    return str(UUID(int=rng.getrandbits(128), version=4))


def _letters(prefix: str, rng: Random) -> str:
    return prefix + "".join(rng.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", k=16))


def _aws_user(name: str, scope: str, _team: str, rng: Random) -> dict[str, Any]:
    return {
        "key": f"arn:aws:iam::{scope}:user/{name}",
        "unique_id": _letters("AIDA", rng),
        "holds": (("access_key", _letters("AKIA", rng)),),
    }


def _aws_role(name: str, scope: str, team: str, rng: Random) -> dict[str, Any]:
    return {
        "key": f"arn:aws:iam::{scope}:role/{team}/{name}",
        "unique_id": _letters("AROA", rng),
        "attributes": {"path": f"/{team}/"},
    }


def _azure(_name: str, scope: str, _team: str, rng: Random) -> dict[str, Any]:
    own = _guid(rng)
    return {
        "key": f"azure://{scope}/servicePrincipals/{own}",
        "unique_id": own,
        "aliases": (_guid(rng),),
        "holds": (("client_secret", _guid(rng)),),
    }


def _gcp(name: str, scope: str, _team: str, rng: Random) -> dict[str, Any]:
    email = f"{name}@{scope}.iam.gserviceaccount.com"
    return {
        "key": f"gcp://{scope}/serviceAccounts/{email}",
        "unique_id": str(rng.randrange(10**20, 10**21)),
        "aliases": (email,),
        "holds": (("access_key", f"{rng.getrandbits(160):040x}"),),
    }


def _vault(name: str, scope: str, _team: str, rng: Random) -> dict[str, Any]:
    return {"key": f"vault://{scope}/auth/approle/role/{name}", "aliases": (_guid(rng),)}


def _github(name: str, scope: str, _team: str, rng: Random) -> dict[str, Any]:
    return {"key": f"github://{scope}/apps/{name}", "aliases": (f"app/{rng.randrange(10**5, 10**7)}",)}


def _kubernetes(name: str, scope: str, team: str, rng: Random) -> dict[str, Any]:
    return {
        "key": f"kubernetes://{scope}/{team}/{name}",
        "unique_id": _guid(rng),
        "aliases": (f"system:serviceaccount:{team}:{name}", f"{team}:{name}"),
    }


_ACCOUNTS = ("012345678901", "210987654321", "555566667777")
_ALSO_AWS = ("aws", "AWS", "Amazon")
PLATFORMS = tuple(
    Platform(provider=provider, kind=kind, scopes=scopes, written=written, exact=exact, make=make)
    for provider, kind, scopes, written, exact, make in (
        ("aws", "user", _ACCOUNTS, _ALSO_AWS, True, _aws_user),
        ("aws", "role", _ACCOUNTS, _ALSO_AWS, True, _aws_role),
        ("azure", "service_principal", ("contoso", "contoso-dev"), ("azure", "Entra ID"), False, _azure),
        ("gcp", "service_account", ("core-prod", "core-dev", "ml-prod"), ("gcp", "Google Cloud"), False, _gcp),
        ("vault", "approle", ("hub", "edge"), ("vault", "OpenBao"), True, _vault),
        ("github", "bot", ("contoso-org",), ("github",), False, _github),
        ("kubernetes", "service_account", ("west", "east"), ("kubernetes", "k8s"), True, _kubernetes),
    )
)
PLATFORM_OF = {(one.provider, one.kind): one for one in PLATFORMS}

"""What a company's platforms hold: identities under names in its language, with the ids of each platform."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count, product
from random import Random
from typing import TypeAlias
from uuid import UUID

from msgspec import Struct

from benchmarks.companies.words import Words
from scanner.model.attributes import SCOPE_NAME


class Principal(Struct, frozen=True, kw_only=True):
    """A row of the inventory. ``words``: subject and task that its name is made of."""

    platform: str
    provider: str
    kind: str
    scope: str
    key: str
    name: str
    unique_id: str = ""
    aliases: tuple[str, ...] = ()
    scope_name: str = ""
    words: tuple[str, str] = ("", "")


class Platform(Struct, frozen=True, kw_only=True):
    """``plain``: the usual word for the provider; ``wordy``: what else stands in such cells. ``names``: styles."""

    provider: str
    kind: str
    plain: str
    wordy: Sequence[str]
    names: Sequence[str]


_KEBAB = ("{s}-{t}", "svc-{s}-{t}", "{s}-{t}-prd", "p-{t}-{s}")
_ENTRA = ("Entra ID", "Microsoft Entra ID", "MS Azure", "Azure AD", "Azure (Entra ID)")
_DIRECTORY = ("svc_{s}_{t}", "SVC-{S}-{T}", "s-{s}.{t}", "tu_{t}_{s}")
PLATFORMS: Mapping[str, Platform] = {
    name: Platform(provider=provider, kind=kind, plain=plain, wordy=wordy, names=names)
    for name, provider, kind, plain, wordy, names in (
        (
            "aws role",
            "aws",
            "role",
            "AWS",
            ("AWS IAM", "Amazon Web Services (AWS)", "AWS (Prod)"),
            ("{S}{T}Role", "{s}-{t}", "{s}_{t}_role"),
        ),
        ("aws user", "aws", "user", "AWS", ("AWS IAM", "AWS - IAM", "Amazon AWS"), _KEBAB),
        ("azure app", "azure", "service_principal", "Azure", _ENTRA, ("app-{s}-{t}", "{S}{T}", "sp_{s}_{t}")),
        (
            "azure managed",
            "azure",
            "managed_identity",
            "Azure",
            ("Azure MI", "MS Azure"),
            ("id-{s}-{t}", "mi-{s}-{t}-we"),
        ),
        (
            "google",
            "gcp",
            "service_account",
            "Google Cloud",
            ("GCP", "GCP IAM", "Google Cloud IAM", "Google Cloud Platform (GCP)"),
            ("{s}-{t}", "sa-{s}-{t}"),
        ),
        (
            "directory",
            "activedirectory",
            "user",
            "Active Directory",
            ("AD", "AD on-prem", "MS Active Directory", "Active Directory (AD)"),
            _DIRECTORY,
        ),
        ("github", "github", "bot", "GitHub", ("GitHub.com", "GitHub Cloud"), ("{s}-{t}-bot", "{s}{t}")),
        ("kubernetes", "kubernetes", "service_account", "Kubernetes", ("K8s", "Kubernetes (EKS)"), ("{s}-{t}",)),
        ("vault", "vault", "approle", "Vault", ("HashiCorp Vault", "Vault (AppRole)"), ("{s}-{t}", "{s}_{t}")),
        ("saas", "salesforce", "bot", "Salesforce", (), ("{s}.{t}", "bot-{s}-{t}")),
    )
}
SHARED = "Sandbox"
"""In the name of two accounts."""
BARE = ("aws role", "aws user", "azure app", "azure managed", "google", "github", "vault")
"""Platforms whose identities a list calls by their bare names."""


class Estate:
    """Makes principals; no two have the same name, whatever their platform."""

    def __init__(self, words: Words, rng: Random) -> None:
        self.words = words
        self._rng = rng
        self._pairs = _pairs(words, rng)
        self.names: set[str] = set()
        self.accounts = tuple(f"{rng.randrange(10**11, 10**12)}" for _ in range(3))
        self.tenant = guid(rng)
        short = words.netbios.lower()
        self.projects = (f"{short}-prod", f"{short}-data", f"{short}-it")
        # Two accounts have the same name.
        named = zip(
            (*self.accounts, *self.projects), ("Konzern", SHARED, SHARED, "Live", "Data", "Office"), strict=True
        )
        self.scope_names = {scope: f"{words.netbios.capitalize()} {name}" for scope, name in named}

    def pair(self) -> tuple[str, str]:
        """A subject and a task that nothing else is named after."""
        return next(self._pairs)

    def new(self, platform: str, *, name: str | None = None, pair: tuple[str, str] | None = None) -> Principal:
        """One of that platform, under a new name or this one."""
        made = PLATFORMS[platform]
        while True:
            subject, task = both = pair or self.pair()
            style = self._rng.choice(made.names)
            wanted = name or style.format(s=subject, t=task, S=subject.capitalize(), T=task.capitalize())
            if name is not None or wanted.lower() not in self.names:
                break
            pair = None
        self.names.add(wanted.lower())
        return self.called(platform, wanted, both)

    def called(self, platform: str, name: str, pair: tuple[str, str], scope: str | None = None) -> Principal:
        """One of exactly that name, which others may have, too; its ids are its own."""
        made = PLATFORMS[platform]
        scope, key, unique_id, aliases = _IDS[platform](self, name, scope, self._rng)
        return Principal(
            platform=platform, provider=made.provider, kind=made.kind, scope=scope, key=key, name=name,
            unique_id=unique_id, aliases=aliases, scope_name=self.scope_names.get(scope, ""), words=pair,
        )  # fmt: skip


# --- The ids of each platform ---

_Ids: TypeAlias = tuple[str, str, str, tuple[str, ...]]
"""Scope, key, unique id, aliases."""


def _aws_role(estate: Estate, name: str, scope: str | None, rng: Random) -> _Ids:
    scope = scope or rng.choice(estate.accounts)
    return scope, f"arn:aws:iam::{scope}:role/{name}", _letters("AROA", rng), ()


def _aws_user(estate: Estate, name: str, scope: str | None, rng: Random) -> _Ids:
    scope = scope or rng.choice(estate.accounts)
    return scope, f"arn:aws:iam::{scope}:user/{name}", _letters("AIDA", rng), ()


def _azure_app(estate: Estate, _name: str, scope: str | None, rng: Random) -> _Ids:
    scope, client = scope or estate.tenant, guid(rng)
    return scope, f"azure://{scope}/applications/{client}", guid(rng), (client,)


def _azure_managed(estate: Estate, name: str, scope: str | None, rng: Random) -> _Ids:
    scope = scope or estate.tenant
    group = f"/subscriptions/{scope}/resourcegroups/rg-it/providers/microsoft.managedidentity"
    return scope, f"{group}/userassignedidentities/{name}", guid(rng), (guid(rng),)


def _google(estate: Estate, name: str, scope: str | None, rng: Random) -> _Ids:
    scope = scope or rng.choice(estate.projects)
    mail = f"{name}@{scope}.iam.gserviceaccount.com"
    return scope, f"gcp://{scope}/serviceAccounts/{mail}", str(rng.randrange(10**20, 10**21)), (mail,)


def _directory(estate: Estate, name: str, scope: str | None, rng: Random) -> _Ids:
    words = estate.words
    units = rng.sample(words.units, 2)
    key = f"CN={name},OU={units[0]},OU={units[1]},{words.directory}"
    return scope or words.netbios, key, guid(rng), (f"{words.netbios}\\{name}", f"{name}@{words.domain}")


def _github(estate: Estate, name: str, _scope: str | None, rng: Random) -> _Ids:
    org = estate.words.netbios.lower()
    return org, f"github:{org}/apps/{name}", "", (f"app/{rng.randrange(10**5, 10**7)}",)


def _kubernetes(_estate: Estate, name: str, scope: str | None, rng: Random) -> _Ids:
    scope, space = scope or rng.choice(("west", "ost-1")), rng.choice(("jobs", "core", "web"))
    key = f"kubernetes://{scope}/{space}/serviceaccount/{name}"
    return scope, key, guid(rng), (f"system:serviceaccount:{space}:{name}",)


def _vault(_estate: Estate, name: str, scope: str | None, rng: Random) -> _Ids:
    scope = scope or "hub"
    return scope, f"vault://{scope}/auth/approle/role/{name}", "", (f"auth/approle/role/{name}", guid(rng))


def _saas(estate: Estate, name: str, scope: str | None, rng: Random) -> _Ids:
    scope = scope or "crm"
    return scope, f"salesforce:{scope}:{name}", _letters("005", rng), (f"{name}@{estate.words.domain}",)


_IDS: Mapping[str, Callable[[Estate, str, str | None, Random], _Ids]] = {
    "aws role": _aws_role,
    "aws user": _aws_user,
    "azure app": _azure_app,
    "azure managed": _azure_managed,
    "google": _google,
    "directory": _directory,
    "github": _github,
    "kubernetes": _kubernetes,
    "vault": _vault,
    "saas": _saas,
}


def guid(rng: Random) -> str:
    """A new GUID."""
    return str(UUID(int=rng.getrandbits(128), version=4))


def _letters(prefix: str, rng: Random) -> str:
    return prefix + "".join(rng.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", k=17))


def _pairs(words: Words, rng: Random) -> Iterator[tuple[str, str]]:
    """Endlessly many; later rounds number their tasks."""
    for number in count(1):
        pairs: list[tuple[str, str]] = list(product(words.subjects, words.tasks))
        rng.shuffle(pairs)
        for subject, task in pairs:
            yield subject, task if number == 1 else f"{task}{number}"


def inventory(principals: Sequence[Principal]) -> Iterator[tuple[str, ...]]:
    """The rows of a list of them, headings first, as the ``file`` connector reads it."""
    yield "key", "provider", "scope", SCOPE_NAME, "kind", "name", "unique id", "aliases", "enabled"
    for one in principals:
        aliases = ";".join(one.aliases)
        yield one.key, one.provider, one.scope, one.scope_name, one.kind, one.name, one.unique_id, aliases, "yes"

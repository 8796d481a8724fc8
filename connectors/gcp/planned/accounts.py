"""The service accounts that a plan declares or names, at one moment, and their keys."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from connectors.gcp.identities.accounts import ISSUER
from connectors.gcp.keys import account_key, project_of_account
from connectors.planned import planned_key, shapes
from connectors.planned.shapes import mapping, moment, text
from scanner.model import Credential, Identity, Privilege, TokenSubject, credential_key
from scanner.model.planned import PlannedPlace

SOURCE = "planned"
UNKNOWN_PROJECT = "unknown"
ACCOUNT_TYPES = frozenset({"google_service_account", "data.google_service_account"})
KEY_TYPES: Mapping[str, str] = {
    "google_service_account_key": "service_account_id",
    "google_storage_hmac_key": "service_account_email",
}
"""By type of a key: the argument with its account."""
_ENDLESS = 9999
"""The year in which keys of accounts end that never do."""
_EMAIL = re.compile(r"[^@\s/]+@[a-z0-9.-]+\.gserviceaccount\.com", re.ASCII)
_NOT_IN_IDS = re.compile(r"[^a-z0-9-]", re.ASCII)


class GcpDeclared(shapes.PlannedDeclared, frozen=True, kw_only=True, gc=False):
    """A resource with its arguments at one moment, in a project."""

    @property
    def project(self) -> str | None:
        """The project that it says, else its provider's."""
        return self.text("project") or self.resource.account


class GcpAccount(Struct, kw_only=True):
    """A service account. ``declared``: None if the plan only names it. ``email``: made up if it is not known yet.

    ``gives``: by the address of each of ``given``, the roles that it grants.
    """

    at: str
    email: str
    key: str
    project: str | None
    name_known: bool = True
    declared: GcpDeclared | None = None
    given: list[GcpDeclared]
    keys: list[GcpDeclared]
    gives: dict[str, list[str]] = {}

    @property
    def is_own(self) -> bool:
        """Whether the plan makes it."""
        return self.declared is not None and not self.declared.resource.type.startswith("data.")

    def identity(self) -> Identity:
        """The account without the rights that bindings give it."""
        values = mapping(self.declared.values) if self.declared else {}
        unique = text(values.get("unique_id"))
        known = self.name_known and self.project is not None
        return Identity(
            key=self.key,
            provider="gcp",
            source=SOURCE,
            scope=self.project or UNKNOWN_PROJECT,
            kind="service_account",
            name=self.email.partition("@")[0] if self.name_known else self.at,
            display_name=text(values.get("display_name")) or None,
            description=text(values.get("description")) or None,
            unique_id=unique or None,
            aliases=(self.email,) if known else (),
            enabled=values.get("disabled") is not True,
            token_subjects=(TokenSubject(ISSUER, unique),) if unique else (),
            privilege=Privilege(level="normal"),
            consequences=(),
            credentials=tuple(self._credential(each) for each in self.keys),
        )

    def credentials_at(self) -> dict[str, PlannedPlace]:
        """By key of a credential, the place that makes it."""
        return {self._credential(each).key: each.resource.place for each in self.keys}

    def _credential(self, declared: GcpDeclared) -> Credential:
        name = key_id(declared) or declared.at
        ends = moment(text(declared.values.get("valid_before")))
        is_endless = ends is None or ends.year >= _ENDLESS
        return Credential(
            key=credential_key(self.key, "access_key", name),
            kind="access_key",
            id=name,
            enabled=True,
            created_at=moment(text(declared.values.get("valid_after"))),
            expires_at=None if is_endless else ends,
            never_expires=is_endless,
            attributes={"type": declared.resource.type.removeprefix("google_")},
        )


def key_id(declared: GcpDeclared) -> str:
    """The id of a key; empty if only deploying determines it."""
    return text(declared.values.get("access_id")) or text(declared.values.get("name")).rpartition("/")[2]


class Accounts:
    """The accounts of a plan, by address and by e-mail."""

    def __init__(self, declared: Iterable[GcpDeclared]) -> None:
        self.by_at: dict[str, GcpAccount] = {}
        self.by_email: dict[str, GcpAccount] = {}
        for number, each in enumerate(declared):
            if each.resource.type in ACCOUNT_TYPES:
                self._add(each, number)

    def __iter__(self) -> Iterator[GcpAccount]:
        return iter(self.by_email.values())

    def named(self, reference: str) -> GcpAccount | None:
        """The account of an e-mail, which may be the end of a resource name; None for a text that is none."""
        email = reference.rpartition("/")[2]
        if email not in self.by_email and _EMAIL.fullmatch(email):
            project = project_of_account(email)
            self.by_email[email] = GcpAccount(
                at=email, email=email, key=account_key(project or "-", email), project=project, given=[], keys=[]
            )
        return self.by_email.get(email)

    def referred(self, declared: GcpDeclared, name: str) -> list[GcpAccount]:
        """The accounts that an argument names, or whose resources its unknown value comes from."""
        value = declared.values.get(name)
        if isinstance(value, str):
            found = self.named(value)
            return [] if found is None else [found]
        return [self.by_at[at] for at in declared.refers(name) if at in self.by_at]

    def _add(self, declared: GcpDeclared, number: int) -> None:
        values, project = declared.values, declared.project
        name = text(values.get("account_id")).partition("@")[0]
        email = text(values.get("email"))
        if not email and name and project and ":" not in project:
            email = f"{name}@{project}.iam.gserviceaccount.com"
        known = bool(_EMAIL.fullmatch(email)) and project is not None
        if not known:
            made_up = name or f"computed-{number}-{_NOT_IN_IDS.sub('-', declared.at.lower())}"
            email = f"{made_up}@computed-{number}.iam.gserviceaccount.com"
        key = account_key(project or "-", email) if known else planned_key(declared.resource.place)
        found = self.by_email.get(email)
        if found is not None:  # several data sources, or a mistake, may declare the same one
            if not found.is_own:
                found.at, found.declared = declared.at, declared
            self.by_at[declared.at] = found
            return
        account = GcpAccount(
            at=declared.at,
            email=email,
            key=key,
            project=project,
            name_known=bool(name or known),
            declared=declared,
            given=[],
            keys=[],
        )
        self.by_at[declared.at] = self.by_email[email] = account

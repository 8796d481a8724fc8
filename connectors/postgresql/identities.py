"""Login roles, functions that run as roles, and stored credentials, from the rows of a server. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from msgspec import Struct

from connectors.core.contract import Scope
from connectors.core.reading import unread_facts
from connectors.postgresql import rows as r
from connectors.postgresql.rights import PostgresqlPowers, RoleGraph, powers_of
from scanner.model import (
    Credential,
    Grant,
    Identity,
    Link,
    Signal,
    StoredSecret,
    Trust,
    Workload,
    credential_key,
    with_administration,
)

MOST_LISTED = 50
"""The most objects, connections and rules that an attribute or the grants of a role list."""
_STORED = frozenset({"scram-sha-256", "md5", "password"})
"""Methods of pg_hba.conf that ask for a password which the server itself stores."""
_EVERYWHERE = frozenset({"all", "0.0.0.0/0.0.0.0", "::/::"})
_SORTS = {
    "pg_class": "relations", "pg_proc": "functions", "pg_namespace": "schemas", "pg_database": "databases",
    "pg_type": "types", "pg_foreign_server": "foreign servers", "pg_largeobject": "large objects",
    "pg_tablespace": "tablespaces", "pg_language": "languages", "pg_default_acl": "default privileges",
    "pg_parameter_acl": "parameters", "pg_subscription": "subscriptions", "pg_publication": "publications",
}  # fmt: skip
_NOT_HUMAN = Signal(
    says="human", sort="credential", evidence="a password, which people and programs have alike", strength="weak"
)
_ENTRA = ("https://login.microsoftonline.com/{tenant}/v2.0", "https://sts.windows.net/{tenant}/")

T = TypeVar("T", r.Setting, r.Owned, r.Connected)


class ServerFacts(Struct, frozen=True, kw_only=True):
    """All that was read of a server. ``gaps``: the sections that are gaps; None: what was not read at all."""

    version: int
    roles: Sequence[r.PostgresqlRole]
    members: Sequence[r.PostgresqlMember] = ()
    settings: Sequence[r.Setting] = ()
    owned: Sequence[r.Owned] = ()
    connected: Sequence[r.Connected] = ()
    hba: Sequence[r.HbaRule] | None = None
    principals: Sequence[r.PostgresqlPrincipal] = ()
    gaps: frozenset[str] = frozenset()


class Place(Struct, frozen=True):
    """The server, as its records name it."""

    scope: Scope

    def role(self, name: str) -> str:
        """The key of a role."""
        return f"postgresql:{self.scope.id}/roles/{name}"

    def of(self, below: str, name: str) -> dict[str, Any]:
        """The fields that all records have in common. ``below``: the rest of the key."""
        return {
            "key": f"postgresql:{self.scope.id}/{below}",
            "provider": "postgresql",
            "source": self.scope.source,
            "scope": self.scope.id,
            "name": name,
        }


def moment(text: str | None) -> datetime | None:
    """A time as PostgreSQL writes it in UTC, in its style ISO; None if it is infinite, or beyond all calendars."""
    try:
        found = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return found if found.tzinfo is None else found.astimezone(UTC)


class PostgresqlIdentities:
    """The login roles of a server."""

    def __init__(self, scope: Scope, facts: ServerFacts) -> None:
        self._place = Place(scope)
        self._facts = facts
        self.graph = RoleGraph(facts.roles, facts.members, facts.version)
        self._settings = _by_role(facts.settings)
        self._owned = _by_role(facts.owned)
        self._connected = _by_role(facts.connected)
        self._principals = {one.role: one for one in facts.principals}
        self._rules = _Rules(facts.hba or ())

    def __iter__(self) -> Iterator[Identity]:
        for role in self._facts.roles:
            if role.can_login:
                yield self._identity(role)

    def _identity(self, role: r.PostgresqlRole) -> Identity:
        gaps, graph = self._facts.gaps, self.graph
        powers = powers_of(graph, role, members_read="members" not in gaps)
        cloud = self._sign_in(role, powers)
        rules = self._rules.of(role, powers)
        common = self._place.of(f"roles/{role.name}", role.name)
        seen = self._connected[role.id]
        service = graph.service
        is_service_s = service is not None and role.name in service.own
        return Identity(
            **common,
            kind="login_role",
            description=role.description,
            unique_id=f"{self._place.scope.id}/{role.id}" if role.id > 0 else None,
            enabled=role.superuser or role.connections != 0,
            last_used_at=max(filter(None, (moment(one.last_used_at) for one in seen)), default=None),
            managed_by=f"a role of {service.title} itself" if service and is_service_s else None,
            attributes=self._attributes(role, rules, seen),
            signals=_signals(role, cloud),
            privilege=powers.privilege,
            consequences=with_administration(powers.privilege, powers.consequences),
            credentials=tuple(_credentials(common["key"], role, rules, cloud)),
            grants=(*powers.grants, *self._objects(role, powers)),
            links=tuple(self._links(role, powers)),
            trusts=(*cloud.trusts, *_open_to_anyone(rules)),
            unread=unread_facts(
                permissions="members" in gaps or not powers.whole or "owned" in gaps,
                trusts="entra" in gaps,
                use="activity" in gaps,
            ),
        )

    def _attributes(
        self, role: r.PostgresqlRole, rules: Sequence[r.HbaRule], seen: Sequence[r.Connected]
    ) -> dict[str, Any]:
        given: dict[str, Any] = {}
        if role.valid_until is not None:
            given["valid_until"] = role.valid_until
        if role.connections >= 0:
            given["connection_limit"] = role.connections
        if settings := [one.name for one in self._settings[role.id]]:
            given["settings"] = settings[:MOST_LISTED]
        if rules:
            given["signs_in_by"] = [rule.shown for rule in rules[:MOST_LISTED]]
        if seen:
            given["connected_from"] = [
                f"{one.program or 'no name'} at {one.address or 'the server itself'}" for one in seen[:MOST_LISTED]
            ]
        return given

    def _objects(self, role: r.PostgresqlRole, powers: PostgresqlPowers) -> Iterator[Grant]:
        """Ownership, and privileges on objects, of itself and of the roles that it acts with."""
        holders = dict.fromkeys([(role, "direct"), *((one.role, f"group:{one.role.name}") for one in powers.reached)])
        number = 0
        for holder, via in holders:
            for one in self._owned[holder.id]:
                number += 1
                if number > MOST_LISTED:
                    return
                what = f"{one.number} {_SORTS.get(one.sort, one.sort)}"
                where = f"database {one.database}" if one.database is not None else "the server"
                yield Grant(name="owner" if one.is_owner else "privileges", via=via, resource=f"{what} of {where}")

    def _links(self, role: r.PostgresqlRole, powers: PostgresqlPowers) -> Iterator[Link]:
        for one in powers.reached:
            through = "" if one.via is role else f" through {one.via.name}"
            if one.becomes and one.role.can_login:
                evidence = f"{one.how} of {one.role.name}{through}"
                yield Link(relation="can_assume", target=self._place.role(one.role.name), evidence=evidence)
            elif one.how != "ADMIN OPTION":
                evidence = f"a member of {one.role.name}{through}"
                yield Link(relation="member_of", target=self._place.role(one.role.name), evidence=evidence)

    def _sign_in(self, role: r.PostgresqlRole, powers: PostgresqlPowers) -> _SignIn:
        """How it signs in by the cloud that runs the server."""
        service = self.graph.service
        if service is None:
            return _SignIn()
        if (principal := self._principals.get(role.name)) is not None:
            trusts = (
                Trust(
                    principal=f"{principal.type} {principal.object}",
                    kind="federated",
                    external=False,
                    restriction="exact",
                    evidence=f"Entra's {principal.type} signs in as it",
                    issuer=issuer.format(tenant=principal.tenant),
                    subject=principal.object,
                )
                for issuer in _ENTRA
            )
            return _SignIn(
                by="Entra", id=principal.object, is_machine=principal.type == "service", trusts=tuple(trusts)
            )
        held = {one.role.name for one in powers.reached}
        through = next((name for name in service.signs_in if name in held), None)
        if through is None:
            return _SignIn()
        is_machine = not held.isdisjoint(service.machines)
        return _SignIn(by=service.title, id=_cloud_id(role.name, service.sign), is_machine=is_machine)


class _SignIn(Struct, frozen=True, kw_only=True):
    """``by``: the cloud, None for no such sign-in. ``id``: the cloud's identity."""

    by: str | None = None
    id: str = ""
    is_machine: bool = False
    trusts: tuple[Trust, ...] = ()


class _Rules:
    """Which rules of pg_hba.conf are about which role, in their order."""

    def __init__(self, rules: Iterable[r.HbaRule]) -> None:
        self._named: defaultdict[str, list[r.HbaRule]] = defaultdict(list)
        for rule in rules:
            for name in rule.roles:
                self._named["/" if name.startswith("/") else name].append(rule)

    def of(self, role: r.PostgresqlRole, powers: PostgresqlPowers) -> list[r.HbaRule]:
        """The rules that may be about a role; patterns may fit any role."""
        if not self._named:
            return []
        names = ("all", "/", role.name, *(f"+{one.role.name}" for one in powers.reached), f"+{role.name}")
        found = {rule.line: rule for name in names for rule in self._named.get(name, ())}
        replicates = role.replicates or role.superuser
        return [found[line] for line in sorted(found) if replicates or found[line].database != ("replication",)]


def _by_role(rows: Iterable[T]) -> defaultdict[int, list[T]]:
    found: defaultdict[int, list[T]] = defaultdict(list)
    for row in rows:
        found[row.role].append(row)
    return found


def _cloud_id(name: str, sign: str) -> str:
    """The identity of the cloud that a role's name stands for: Cloud SQL leaves out the end of an account's e-mail."""
    return f"{name}.gserviceaccount.com" if sign == "cloudsqladmin" and name.endswith(".iam") else name


def _credentials(key: str, role: r.PostgresqlRole, rules: Sequence[r.HbaRule], cloud: _SignIn) -> Iterator[Credential]:
    """A password where something says that there is one, and the sign-in by a cloud.

    No role but a superuser may see whether there is a password: a date of its end, an export, or rules of pg_hba.conf
    that let the role in by a password alone say so.
    """
    if cloud.by is not None:
        yield Credential(
            key=credential_key(key, "federation", cloud.id),
            kind="federation",
            id=cloud.id,
            attributes={"by": cloud.by},
        )
    methods = {rule.method for rule in rules} - {"reject"}
    by_rules = bool(methods) and methods <= _STORED and cloud.by is None
    known = role.has_password if role.has_password is not None else role.valid_until is not None or by_rules
    if known:
        ends = moment(role.valid_until)
        yield Credential(
            key=credential_key(key, "password", role.name),
            kind="password",
            id=role.name,
            expires_at=ends,
            never_expires=role.valid_until in (None, "infinity"),
        )


def _open_to_anyone(rules: Sequence[r.HbaRule]) -> Iterator[Trust]:
    """A rule that lets anyone in without a password, from any address, unless one before it decides."""
    for rule in rules:
        if rule.type not in ("host", "hostssl", "hostnossl") or rule.origin not in _EVERYWHERE:
            continue
        if rule.method == "trust":
            said = f"pg_hba.conf asks for no proof: {rule.shown}"
            yield Trust(principal="*", kind="anyone", external=True, evidence=said)
            return
        if rule.type == "host" and "all" in rule.database and not any(name.startswith("/") for name in rule.roles):
            return


def _signals(role: r.PostgresqlRole, cloud: _SignIn) -> tuple[Signal, ...]:
    found = [_NOT_HUMAN]
    if role.replicates and not role.superuser:
        found.append(Signal(says="machine", sort="permission", evidence="REPLICATION, for another server"))
    if cloud.by is not None and cloud.is_machine:
        found.append(Signal(says="machine", sort="provider", evidence=f"signs in as a service account: {cloud.id}"))
    return tuple(found)


# --- What runs as roles, and what is stored ---


def functions(
    scope: Scope, database: str, found: Iterable[r.Definer], names: Mapping[int, r.PostgresqlRole]
) -> Iterator[Workload]:
    """SECURITY DEFINER functions, which run as their owner."""
    place = Place(scope)
    for one in found:
        owner = names.get(one.owner)
        name = f"{one.schema}.{one.name}"
        yield Workload(
            **place.of(f"databases/{database}/functions/{name}({one.arguments})", name),
            kind="security_definer_function",
            runs_as=(place.role(owner.name),) if owner is not None and owner.can_login else (),
            attributes={
                "database": database,
                "owner": None if owner is None else owner.name,
                "language": one.language,
                "callable_by_everybody": one.by_everybody,
                "fixed_search_path": one.has_search_path,
            },
        )


def subscriptions(
    scope: Scope, found: Iterable[r.Subscription], names: Mapping[int, r.PostgresqlRole]
) -> Iterator[Workload | StoredSecret]:
    """Subscriptions, which run as their owner, with the connection that each stores."""
    place = Place(scope)
    for one in found:
        owner = names.get(one.owner)
        below = f"databases/{one.database}/subscriptions/{one.name}"
        yield StoredSecret(**place.of(f"{below}/connection", f"connection of {one.name}"))
        yield Workload(
            **place.of(below, one.name),
            kind="subscription",
            runs_as=(place.role(owner.name),) if owner is not None and owner.can_login else (),
            uses=(f"postgresql:{scope.id}/{below}/connection",),
            attributes={"database": one.database, "enabled": one.enabled},
        )


def mappings(
    scope: Scope, database: str, found: Iterable[r.Mapping], names: Mapping[int, r.PostgresqlRole]
) -> Iterator[StoredSecret]:
    """User mappings, as stored secrets."""
    place = Place(scope)
    for one in found:
        role = names.get(one.role)
        user = "PUBLIC" if one.role == 0 else one.role if role is None else role.name
        yield StoredSecret(
            **place.of(f"databases/{database}/user_mappings/{one.server}/{user}", f"{one.server} for {user}"),
            attributes={"database": database, "foreign_server": one.server, "wrapper": one.wrapper, "role": str(user)},
        )

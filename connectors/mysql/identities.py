"""Accounts, and what runs as them, from the rows of a server. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from msgspec import Struct

from connectors.core.contract import Scope
from connectors.core.reading import unread_facts
from connectors.mysql import rows as r
from connectors.mysql.rights import OWN, PLUGINS, MysqlRights, Name, Powers, Rows
from scanner.model import (
    Credential,
    Identity,
    Link,
    Signal,
    Trust,
    Way,
    Workload,
    credential_key,
    with_administration,
)

MOST_LISTED = 50
_ANYWHERE = frozenset({"%", ""})
_NOT_HUMAN = Signal(
    says="human", sort="credential", evidence="a password, which people and programs have alike", strength="weak"
)


class ServerFacts(Struct, frozen=True, kw_only=True):
    """All that was read of a server. ``gaps``: the sections that are gaps."""

    server: r.Server
    rows: Rows
    defaults: Sequence[r.Default] = ()
    proxies: Sequence[r.Proxy] = ()
    gaps: frozenset[str] = frozenset()


def shown(account: Name) -> str:
    """An account as people write it: ``user@host``."""
    return f"{account[0]}@{account[1]}"


def account_key(scope: Scope, name: str) -> str:
    """The key of an account. ``name``: ``user@host``."""
    return f"mysql:{scope.id}/accounts/{name}"


def _moment(seconds: int | None) -> datetime | None:
    try:
        return datetime.fromtimestamp(seconds, UTC) if seconds else None
    except (OverflowError, ValueError, OSError):
        return None


class Identities:
    """The accounts of a server; roles are none."""

    def __init__(self, scope: Scope, facts: ServerFacts) -> None:
        self._scope = scope
        self._facts = facts
        self._rights = MysqlRights(facts.rows)
        self._whole = facts.gaps.isdisjoint({"dynamic", "members", "schemas", "tables"})
        self._accounts = [one for one in facts.rows.accounts if one.account not in self._rights.roles]
        self._powers = {one.account: self._rights.powers(one, whole=self._whole) for one in self._accounts}
        self._twins: defaultdict[str, list[str]] = defaultdict(list)
        for one in self._accounts:
            self._twins[one.user].append(one.host)
        self._defaults: defaultdict[Name, list[str]] = defaultdict(list)
        for given in facts.defaults:
            self._defaults[given.account].append(given.role)
        self._proxies: defaultdict[Name, list[r.Proxy]] = defaultdict(list)
        for proxy in facts.proxies:
            self._proxies[proxy.account].append(proxy)
        # An account with SYSTEM_USER is changed by those alone who have it, too.
        self._system = [self._key(name) for name, powers in self._powers.items() if powers.is_system]

    def __iter__(self) -> Iterator[Identity]:
        for account in self._accounts:
            yield self._identity(account, self._powers[account.account])

    def _key(self, account: Name) -> str:
        return account_key(self._scope, shown(account))

    def _identity(self, account: r.MysqlAccount, powers: Powers) -> Identity:
        name, key = shown(account.account), self._key(account.account)
        is_own = account.user in OWN
        signals = [_NOT_HUMAN]
        if "REPLICATION SLAVE" in {one.name for one in powers.grants} and powers.privilege.level != "admin":
            signals.append(Signal(says="machine", sort="permission", evidence="REPLICATION SLAVE, for another server"))
        return Identity(
            key=key,
            provider="mysql",
            source=self._scope.source,
            scope=self._scope.id,
            kind="account",
            name=name,
            aliases=(f"'{account.user}'@'{account.host}'",),
            enabled=not account.locked,
            managed_by="an account of the server itself" if is_own else None,
            attributes=self._attributes(account),
            signals=tuple(signals),
            privilege=powers.privilege,
            consequences=with_administration(powers.privilege, powers.consequences),
            credentials=tuple(self._credentials(key, account)),
            grants=powers.grants,
            links=tuple(
                Link(relation="member_of", target=f"mysql:{self._scope.id}/roles/{role}", evidence="a granted role")
                for role in powers.roles
            ),
            reach=tuple(self._reach(account, powers)),
            trusts=tuple(_open_to_anyone(account)),
            unread=unread_facts(permissions=not (self._whole and powers.whole)),
        )

    def _attributes(self, account: r.MysqlAccount) -> dict[str, Any]:
        given: dict[str, Any] = {"signs_in_by": [PLUGINS.get(name, name) for name in plugins_of(account)]}
        if twins := [host for host in self._twins[account.user] if host != account.host]:
            given["twins"] = [shown((account.user, host)) for host in twins[:MOST_LISTED]]
        if account.user == "":
            given["anonymous"] = True
        if roles := [*self._defaults[account.account], *([account.default_role] if account.default_role else [])]:
            given["default_roles"] = roles[:MOST_LISTED]
        if account.tls is not None:
            given["requires_tls"] = account.tls > 0
        if account.is_empty and _stores_password(account):
            given["signs_in_without_proof"] = True
        return given

    def _credentials(self, key: str, account: r.MysqlAccount) -> Iterator[Credential]:
        """A password that the server stores, with its age and end, or the sign-in by something else."""
        for name in plugins_of(account):
            by = PLUGINS.get(name, name)
            if by != "password":
                yield Credential(
                    key=credential_key(key, "federation", name), kind="federation", id=name, attributes={"by": by}
                )
        if _stores_password(account) and not account.is_empty:
            changed = _moment(account.changed)
            days = self._facts.server.lifetime if account.lifetime in (None, -1) else account.lifetime or 0
            yield Credential(
                key=credential_key(key, "password", shown(account.account)),
                kind="password",
                id=shown(account.account),
                enabled=not account.locked,
                created_at=changed,
                expires_at=None if changed is None or not days else _later(changed, days),
                never_expires=days <= 0,
            )

    def _reach(self, account: r.MysqlAccount, powers: Powers) -> Iterator[Way]:
        """Every account, by a privilege on all; those that it may be a proxy of, if its way to sign in allows that."""
        if powers.becomes_all is not None:
            own = self._key(account.account)
            but = (own,) if powers.is_system else (own, *self._system)
            yield Way(kind="become", on=(account_key(self._scope, "*"),), but=but, by=powers.becomes_all)
        for proxy in self._proxies[account.account]:
            target = (proxy.proxied, proxy.proxied_host)
            by = f"PROXY on {shown(target)}"
            on = account_key(self._scope, "*") if target[0] == "" else self._key(target)
            yield Way(kind="become", on=(on,), by=by, conditional=True)


def plugins_of(account: r.MysqlAccount) -> list[str]:
    """The ways in which an account signs in."""
    try:
        more = msgspec.json.decode(account.more_plugins or "[]", type=list[str])
    except msgspec.MsgspecError:
        more = []
    return list(dict.fromkeys(filter(None, (account.plugin or "mysql_native_password", *more))))


def _stores_password(account: r.MysqlAccount) -> bool:
    return any(PLUGINS.get(name) == "password" for name in plugins_of(account))


def _later(moment: datetime, days: int) -> datetime | None:
    try:
        return moment + timedelta(days=days)
    except OverflowError:
        return None


def _open_to_anyone(account: r.MysqlAccount) -> Iterator[Trust]:
    """An account that takes no password, from any host."""
    if account.is_empty and not account.locked and account.host in _ANYWHERE and _stores_password(account):
        yield Trust(principal="*", kind="anyone", external=True, evidence="it has no password, and takes any host")


def programs(scope: Scope, kind: str, found: Iterable[r.Program], known: frozenset[str]) -> Iterator[Workload]:
    """What runs as its definer. ``known``: the accounts, as ``user@host``."""
    for one in found:
        below = f"{one.name_of_schema}.{one.name}"
        yield Workload(
            key=f"mysql:{scope.id}/{kind}s/{one.type.lower()}/{below}",
            provider="mysql",
            source=scope.source,
            scope=scope.id,
            kind=kind,
            name=below,
            runs_as=(account_key(scope, one.definer),),
            attributes={
                "type": one.type,
                "definer": one.definer,
                "definer_exists": one.definer in known,
                **({} if one.status is None else {"status": one.status}),
                **({} if one.on_table is None else {"table": one.on_table}),
            },
        )

"""Audit logs of Vault and OpenBao: lines of JSON, one for each request and one for its response.

Source: the pages "Audit devices" of both, and OpenBao 2.7. Tokens, accessors and values are HMACs in them. Of a path,
only the mount and parts that the API defines are kept, never the name of a secret.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from itertools import islice
from threading import Lock
from typing import Any, ClassVar, NamedTuple, cast

import msgspec
from msgspec import Struct, structs

from connectors.core.contract import Connector, Meter
from connectors.logs import LogSettings, LogSpec
from connectors.logs.content import Records
from connectors.logs.events import INTERACTIVE, Event, EventCounting, LogAct
from connectors.logs.files import FileLog
from connectors.logs.folders import Layout
from connectors.logs.names import Networks, plain
from connectors.logs.tally import DENIED, DONE, FAILED, valid_time
from connectors.vault.client.requests import AUDIT_DEVICES, AUDIT_HASH, TOKEN_ACCESSORS, lines
from connectors.vault.connector import VaultConnector
from connectors.vault.methods import INTERACTIVE_MOUNTS, LOGIN_METHODS, METHODS
from scanner.catalog import read_table
from scanner.errors import SourceError
from scanner.model.activity import FeatureSort, LogUnit, UnitReading

log = logging.getLogger(__name__)

SPEC = LogSpec(
    name="vault_audit",
    title="Vault and OpenBao audit device",
    provider="vault",
    permissions=lines((AUDIT_DEVICES, AUDIT_HASH, TOKEN_ACCESSORS)),
    blind_spots=(
        "Which token acted, if it has no entity, and its accessor is an HMAC that the server no longer knows.",
        "What is done with a secret, or with a leased credential, once it was read.",
        "Requests that need no login, and nodes whose audit files are elsewhere.",
        "Clients, unless the user-agent header is audited.",
    ),
    sees_all_use_of=("entity",),
    sees_sign_ins_of=tuple(method.kind for method in LOGIN_METHODS),
)
_OPERATION = re.compile("[a-z]{1,16}")
_HASHED = "hmac-sha256:"
_ANONYMOUS = "anonymous"
_KEPT_OF_HASH = 32
"""Digits of an HMAC that are kept: enough to know it again, too few for the server to be asked for it."""
_READS = frozenset({"read", "list", "help", "header"})
_OF_SERVER = frozenset({"renew", "revoke", "rollback", "alias-lookahead", "resolve-role"})
"""Operations that the server performs by itself when a lease ends, or before a login."""
_MOST_ASKED = 100_000
_MOST_HASHED = 5_000
"""Maximum number of HMACs that are requested from the server; each request adds two lines to its audit log."""
_PART_TELLS = {"data": "kv", "metadata": "kv", "creds": "database", "issue": "pki", "decrypt": "transit"}


class _AuditPlace(Struct, gc=False, frozen=True):
    path: str = ""


class _Auth(Struct, gc=False, frozen=True):
    accessor: str = ""
    entity_id: str = ""
    policies: tuple[str, ...] | None = None
    metadata: msgspec.Raw = msgspec.Raw()


class _Presented(Struct, gc=False, frozen=True):
    """What an AppRole presents at a login, as HMAC."""

    role_id: str = ""


class _Request(Struct, gc=False, frozen=True):
    id: str = ""
    operation: str = ""
    path: str = ""
    mount_point: str = ""
    mount_type: str = ""
    namespace: _AuditPlace | None = None
    remote_address: str = ""
    headers: Mapping[str, Any] | None = None
    client_token_accessor: str = ""
    data: msgspec.Raw = msgspec.Raw()


class _Response(Struct, gc=False, frozen=True):
    auth: _Auth | None = None


class VaultLine(Struct, gc=False, frozen=True):
    """The fields of a line that are read."""

    time: str
    type: str
    request: _Request | None = None
    auth: _Auth | None = None
    response: _Response | None = None
    error: str | None = None


class _VaultAuditRaw(NamedTuple):
    namespace: str
    entity: str
    accessor: str
    is_root: bool
    operation: str
    mount: str
    mount_type: str
    parts: tuple[str, ...]
    address: str
    user_agent: str
    outcome: int
    presented: str = ""
    role: str = ""


class _Deed(NamedTuple):
    """The action of a request. ``changed``: the name of the identity that it changes."""

    sort: FeatureSort
    action: str
    changed: str = ""


@cache
def _tables() -> Mapping[str, Any]:
    tables = read_table("connectors.vault", "audit.toml", dict[str, Any])
    tables["denied"] = re.compile(tables["outcome"]["denied"])
    return tables


class VaultAuditCounting(EventCounting[VaultLine]):
    """Counts the requests of one unit by their responses; those without a response are counted at the end.

    ``scope_id``: gives the scope of a namespace; None if the server is unknown. ``accessor_of``: gives the accessor of
    an HMAC, empty if it is unknown.
    """

    covers_everything = True

    def __init__(
        self, networks: Networks, scope_id: Callable[[str], str] | None, accessor_of: Callable[[str], str]
    ) -> None:
        super().__init__(networks)
        self._scope_id = scope_id
        self._accessor_of = accessor_of
        self._asked: dict[str, Event] = {}

    def event(self, record: VaultLine) -> Event | str | None:
        """See ``EventCounting``. A response is an event; a request without one is added later."""
        request = record.request
        if request is None or record.type not in ("request", "response"):
            return "neither request nor response"
        event = Event(valid_time(record.time), request.id, _raw(record, request))
        if record.type == "request" and request.id:
            if len(self._asked) >= _MOST_ASKED:  # the oldest: its response is in another file
                self.add([self._asked.pop(next(iter(self._asked)))])
            self._asked[request.id] = event
            return None
        self._asked.pop(request.id, None)
        return event

    def finish(self) -> None:
        """See ``Counting``."""
        self.add(self._asked.values())
        self._asked = {}
        super().finish()

    def act(self, raw: Any) -> LogAct:
        """See ``EventCounting``."""
        what: _VaultAuditRaw = raw
        scope = plain(self._scope_id(what.namespace) if self._scope_id else what.namespace or "root")
        if what.operation in _OF_SERVER or not (what.address or what.entity or what.accessor):
            return LogAct(scope, by_provider=True)
        deed = deed_of(what.operation, what.mount, what.mount_type, what.parts)
        role = self._role(scope, what)
        caller, unique_id = self._caller(what, role)
        features = self.features(deed.sort, deed.action, address=what.address, user_agent=what.user_agent)
        if what.outcome == DONE:
            features = (*features, *(f"sign_in={sign}" for sign in (what.presented, role) if sign))
        elif what.address:
            features = (*features, f"host={self.networks.host(what.address[:200])}")
        if deed.action == "auth:login" and what.mount_type in INTERACTIVE_MOUNTS and INTERACTIVE not in features:
            features = (*features, INTERACTIVE)
        changed = (self._key(scope, what, deed.changed),) if deed.changed else ()
        return LogAct(scope, caller, features, unique_id, what.outcome, changed)

    def _caller(self, what: _VaultAuditRaw, role: str) -> tuple[str, str]:
        """Name and unique id of the caller: an entity's id, or the accessor of a token without an entity.

        Of a refused login: the key of the role that its path names, or the HMAC of the role id.
        """
        if what.entity:
            entity = plain(what.entity, 64)
            return entity, entity
        if not what.accessor:
            return role or what.presented or _ANONYMOUS, ""
        is_hashed = what.accessor.startswith(_HASHED)
        accessor = plain(self._accessor_of(what.accessor) if is_hashed else what.accessor, 64)
        if not accessor:
            short = plain(what.accessor.removeprefix(_HASHED)[:16], 16)
            return f"{'root token' if what.is_root else 'token'} {short}", ""
        return f"auth/token/accessor/{accessor}", accessor

    def _role(self, scope: str, what: _VaultAuditRaw) -> str:
        """The key of the role that a login is of; empty where that is not known."""
        method = METHODS.get(what.mount_type)
        if not what.role or self._scope_id is None or method is None:
            return ""
        return plain(f"vault://{scope}/{what.mount}/{method.login.noun}/{what.role}")

    def _key(self, scope: str, what: _VaultAuditRaw, name: str) -> str:
        """The identity that a write changed: the key of its role if the server is known, otherwise its name."""
        method = METHODS.get(what.mount_type)
        if self._scope_id is None or method is None or what.parts[0] != method.login.folder:
            return plain(name)
        return plain(f"vault://{scope}/{what.mount}/{method.login.noun}/{name}")


def _raw(record: VaultLine, request: _Request) -> _VaultAuditRaw:
    namespace = (request.namespace.path if request.namespace else "").strip("/")
    mount = request.mount_point.removeprefix(f"{namespace}/" if namespace else "").strip("/")
    path = request.path.strip("/")
    if not mount:
        mount = "/".join(path.split("/", 2)[: 2 if path.startswith("auth/") else 1])
    parts = tuple(path.removeprefix(mount).strip("/").split("/", 3)[:3])
    kind = request.mount_type.removeprefix("ns_") or _KNOWN_MOUNTS.get(mount) or _PART_TELLS.get(parts[0], "")
    auth = record.auth or _NO_CALLER
    if not auth.accessor and record.response is not None and record.response.auth is not None:
        auth = record.response.auth  # the response to a login names the caller
    is_login = parts[0] == "login" and mount.startswith("auth/")
    accessor = auth.accessor
    if not accessor and not is_login:  # of a token that is refused, such as one of a disabled entity
        accessor = request.client_token_accessor
    changes = _tables()["changes"].get(kind, {})
    # The parts after the first may differ with each request.
    kept = parts if parts[0] in changes else parts[:1]
    return _VaultAuditRaw(
        namespace,
        auth.entity_id,
        "" if auth.entity_id else accessor,
        auth.policies is not None and "root" in auth.policies,
        request.operation,
        mount,
        kind,
        kept,
        request.remote_address,
        _user_agent(request.headers),
        DONE if not record.error else DENIED if _tables()["denied"].search(record.error[:2000]) else FAILED,
        _presented(request.data) if is_login and kind == "approle" else "",
        _role_of_login(kind, parts, auth.metadata) if is_login else "",
    )


def _presented(data: msgspec.Raw) -> str:
    """The role id by its HMAC, shortened; empty for anything else, such as the id itself in an unhashed log."""
    try:
        given = msgspec.json.decode(data, type=_Presented).role_id if data else ""
    except msgspec.DecodeError:
        return ""
    return f"role id {plain(given.removeprefix(_HASHED)[:_KEPT_OF_HASH])}" if given.startswith(_HASHED) else ""


def _role_of_login(kind: str, parts: Sequence[str], metadata: msgspec.Raw) -> str:
    """The role of a login by its token's metadata, or the user in its path; empty if neither names it."""
    method = METHODS.get(kind)
    if method is None:
        return ""
    try:
        told = msgspec.json.decode(metadata, type=dict[str, Any]) if metadata else {}
    except msgspec.DecodeError:
        told = {}
    by_metadata = (told or {}).get(method.login.field)
    by_path = parts[1] if method.login.alias_is_role and len(parts) > 1 else ""
    return by_metadata if isinstance(by_metadata, str) else by_path


_KNOWN_MOUNTS = {"sys": "system", "identity": "identity", "cubbyhole": "cubbyhole", "auth/token": "token"}
_NO_CALLER = _Auth()


def _user_agent(headers: Mapping[str, Any] | None) -> str:
    match (headers or {}).get("user-agent"):
        case [str(first), *_]:
            return "" if first.startswith(_HASHED) else first[:400]
        case _:
            return ""


def deed_of(operation: str, mount: str, kind: str, parts: Sequence[str]) -> _Deed:
    """The action of a request. ``kind``: the mount's type; ``parts``: of its path, below the mount."""
    tables = _tables()
    first, service = parts[0] if parts else "", plain(mount.lower(), 60) or "unknown"
    if first == "login" and mount.startswith("auth/"):
        return _Deed("read", "auth:login")
    if first in tables["own"]["parts"]:
        return _Deed("read", f"auth:{first}")
    word = operation if _OPERATION.fullmatch(operation) else "unknown"
    is_read = operation in _READS
    for sort, verbs in tables["verbs"].get(kind, {}).items():
        if first in verbs and operation != "list":
            return _Deed(cast("FeatureSort", sort), f"{service}:{first}")
    changed = ""
    if first in tables["nouns"].get(kind, ()):
        place = tables["changes"].get(kind, {}).get(first)
        if place is not None and place < len(parts) and not is_read:
            changed = parts[place]
        below = next((part for part in parts[2:3] if part in tables["below"].get(kind, ())), first)
        action = f"{service}:{word}-{below}"
        sort = tables["actions"].get(f"{'sys' if kind == 'system' else kind}:{word}-{first}")
        return _Deed(sort or ("read" if is_read else "write"), action, changed)
    holds_values = kind in tables["values"]["types"] and operation == "read"
    return _Deed("secret" if holds_values else "read" if is_read else "write", f"{service}:{word}")


class Accessors:
    """Accessors by their HMACs, requested from the server as needed. Without a server, all are unknown."""

    def __init__(self, server: VaultConnector | None, *, most: int = _MOST_HASHED) -> None:
        self._meter = Meter()
        self._most = most
        self._lock = Lock()
        self._known: dict[str, str] = {}
        self._coming: Iterator[tuple[str, str]] = iter(())
        self._is_told = False
        if server is not None:
            self._coming = islice(server.hashed_accessors(self._meter), most)

    @property
    def calls(self) -> int:
        """Requests sent so far."""
        return self._meter.calls

    def of(self, hashed: str) -> str:
        """The accessor; empty if the server no longer has the token, or denies the request."""
        with self._lock:
            try:
                while hashed not in self._known and (more := next(self._coming, None)):
                    self._known[more[0]] = more[1]
            except SourceError as error:
                self._coming = iter(())
                log.warning("tokens without an entity join no identity: %s", error)
            if len(self._known) >= self._most and hashed not in self._known and not self._is_told:
                self._is_told = True
                log.warning("tokens without an entity join no identity, but for the first %s", f"{self._most:,}")
            return self._known.get(hashed, "")


class VaultAuditLog(FileLog):
    """Reads audit files. ``source``: the Vault source of their server, from which scopes and keys are taken."""

    spec: ClassVar[LogSpec] = SPEC
    records: ClassVar[Records[VaultLine]] = Records(VaultLine, ())
    layout: ClassVar[Layout] = Layout(appended=True)

    def __init__(self, settings: LogSettings, source: Connector | None) -> None:
        super().__init__(settings, source)
        self._server = source if isinstance(source, VaultConnector) else None
        self._accessors = Accessors(self._server)

    def counting(self, networks: Networks) -> VaultAuditCounting:
        """See ``FileLog``."""
        return VaultAuditCounting(networks, self._server.scope_id if self._server else None, self._accessors.of)

    def read(self, unit: LogUnit) -> UnitReading:
        """See ``LogReader``."""
        before = self._accessors.calls
        reading = super().read(unit)
        return structs.replace(reading, calls=reading.calls + self._accessors.calls - before)

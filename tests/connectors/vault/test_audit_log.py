"""The audit device of a server: real files of a real OpenBao, and lines in its shape."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import hvac
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.core.contract import Scope
from connectors.vault.audit import Accessors, VaultAuditLog, deed_of
from connectors.vault.connector import VaultConnector
from connectors.vault.settings import VaultSettings
from scanner.judging.activity.timeline import join
from scanner.model import Identity
from scanner.model.activity import ACTIONS, ActivityPast, Caller, LogPast, LogUnit, UnitReading
from scanner.redaction.redact import SecretRef
from tests.connectors.logs.audit_files import SINCE, UNTIL, features, log_of, profiles, read_all, read_one, written
from tests.examples import examples
from tests.hostile_json import JSON, mutated
from tests.servers.openbao import OpenBao, enable_kv

_POLICY = 'path "kv/data/app/*" { capabilities = ["create", "read", "update"] }'
_SECRET_NAME, _SECRET_VALUE = "crown-jewels", "correct-horse-battery"


# --- A real server ---


@pytest.fixture(scope="module")
def audited() -> Iterator[OpenBao]:
    """A server that writes an audit file, in which an AppRole and a person worked."""
    with OpenBao(audited=True) as server:
        root = server.client
        root.sys.enable_auth_method("approle")
        enable_kv(root)
        root.sys.create_or_update_policy("app", _POLICY)
        root.auth.approle.create_or_update_approle("ledger", token_policies=["app"])
        role_id = root.auth.approle.read_role_id("ledger")["data"]["role_id"]
        secret_id = root.auth.approle.generate_secret_id("ledger")["data"]["secret_id"]
        anonymous = server.client_with("")
        app = server.client_with(anonymous.auth.approle.login(role_id, secret_id)["auth"]["client_token"])
        value = {"password": _SECRET_VALUE}
        app.secrets.kv.v2.create_or_update_secret(f"app/{_SECRET_NAME}", value, mount_point="kv")
        for _ in range(3):
            _read(app, f"app/{_SECRET_NAME}")
        for refused in (lambda: _read(app, "other"), lambda: anonymous.auth.approle.login(role_id, "wrong")):
            with pytest.raises(hvac.exceptions.VaultError):
                refused()
        root.sys.create_namespace("team1")
        team = server.client_with(server.token, "team1")
        team.sys.enable_auth_method("userpass")
        team.auth.userpass.create_or_update_user("bob", "s3cr3t-of-bob")
        server.client_with("", "team1").auth.userpass.login("bob", "s3cr3t-of-bob")
        yield server


def _read(client: hvac.Client, path: str) -> object:
    return client.secrets.kv.v2.read_secret_version(path, mount_point="kv", raise_on_deleted_version=True)


@pytest.fixture
def source(audited: OpenBao, tmp_path: Path) -> VaultConnector:
    token = tmp_path / "token"
    token.write_text(audited.token)
    return VaultConnector("vault", VaultSettings(url=audited.url, token=SecretRef(file=str(token))))


@pytest.fixture
def reading(audited: OpenBao, tmp_path: Path, source: VaultConnector) -> UnitReading:
    """What its audit file gives."""
    path = written(tmp_path / "logs", *audited.audit_log(), name="audit.jsonl")
    (reading,), _ = read_all(log_of(VaultAuditLog, path, source))
    return reading


def test_what_a_real_server_wrote_is_joined_with_the_identities_that_it_lists(
    reading: UnitReading, source: VaultConnector
) -> None:
    """The role by its entity, in the scope of its namespace; each request once, though it is two lines."""
    identities = [
        one
        for scope in source.scopes()
        if isinstance(scope, Scope)
        for one in source.discover(scope)
        if isinstance(one, Identity)
    ]
    callers = [
        Caller(number=number, log="audit", scope=one.scope, caller=one.caller, unique_id=one.unique_id)
        for number, one in enumerate(reading.callers)
    ]
    past = LogPast(log="audit", provider="vault", source="vault", first_read_at=reading.callers[0].first_at, covered={})
    joined = join(identities, ActivityPast(logs={"audit": past}, callers=callers))
    found = {key: [reading.callers[one.number] for one in held] for key, held in joined.callers.items()}
    place = next(one.scope for one in identities)

    (ledger,) = found[f"vault://{place}/auth/approle/role/ledger"]
    assert (ledger.events, ledger.denied) == (6, 1)
    assert {text: count for text, count in ledger.counts.items() if text.partition("=")[0] in ACTIONS} == {
        "read=auth:login": (1, 0, 0),
        "secret=kv:read": (3, 1, 0),
        "write=kv:create": (1, 0, 0),
    }
    assert features(ledger, "network") == ["network=private"]
    by_role, by_key = features(ledger, "sign_in")
    assert by_role.startswith("sign_in=role id ")
    assert by_key == f"sign_in=vault://{place}/auth/approle/role/ledger"
    (bob,) = found[f"vault://{place}/team1/auth/userpass/user/bob"]
    assert bob.scope == f"{place}/team1"
    assert features(bob, "mark", "read") == ["mark=interactive", "read=auth:login"]


def test_a_token_without_entity_is_known_by_the_accessor_that_the_server_makes_of_its_hmac(
    reading: UnitReading, audited: OpenBao
) -> None:
    """The root token is one: the file has nothing but the HMAC."""
    accessor = audited.client.auth.token.lookup_self()["data"]["accessor"]

    assert accessor not in {record.get("auth", {}).get("accessor") for record in audited.audit_log()}
    assert {one.scope.rpartition("/")[2] for one in reading.callers if one.unique_id == accessor} >= {"team1"}
    assert not [one.caller for one in reading.callers if one.caller.startswith("root token")]
    assert reading.calls >= 3


def test_several_threads_may_read_at_once(audited: OpenBao, tmp_path: Path, source: VaultConnector) -> None:
    """They share what is known of accessors."""
    records = list(audited.audit_log())
    for number in range(8):
        written(tmp_path / "logs", *records[number:], name=f"node-{number}.jsonl")
    log = log_of(VaultAuditLog, tmp_path / "logs", source)
    units = [one for one in log.units(SINCE, UNTIL) if isinstance(one, LogUnit)]
    with ThreadPoolExecutor(8) as threads:
        readings = list(threads.map(log.read, units))

    assert len(readings) == 8
    assert not [one.caller for each in readings for one in each.callers if one.caller.startswith("root token ")]


def test_of_very_many_tokens_it_is_said_that_some_join_nothing(
    audited: OpenBao, source: VaultConnector, caplog: pytest.LogCaptureFixture
) -> None:
    """Once, and no more requests are made than the limit allows."""
    for _ in range(3):
        audited.client.auth.token.create()
    accessors = Accessors(source, most=2)

    assert [accessors.of(f"hmac-sha256:{number}") for number in "ab"] == ["", ""]
    assert [record.getMessage() for record in caplog.records] == [
        "tokens without an entity join no identity, but for the first 2"
    ]
    assert accessors.calls == 4


def test_a_server_that_may_not_be_asked_leaves_tokens_apart(audited: OpenBao, tmp_path: Path) -> None:
    """Their callers have the start of the HMAC; all else is read."""
    token = tmp_path / "token"
    token.write_text(audited.client.auth.token.create(policies=["default"])["auth"]["client_token"])
    source = VaultConnector("vault", VaultSettings(url=audited.url, token=SecretRef(file=str(token))))
    path = written(tmp_path / "logs", *audited.audit_log(), name="audit.jsonl")
    (reading,), _ = read_all(log_of(VaultAuditLog, path, source))

    assert [one.caller for one in reading.callers if one.caller.startswith("root token ")]
    assert {one.status for one in reading.coverage} <= {"complete"}


def test_nothing_secret_of_a_real_server_is_kept(reading: UnitReading) -> None:
    """No secret's name, none of its values, no HMAC that could be looked up."""
    kept = repr(reading)

    assert _SECRET_NAME not in kept
    assert _SECRET_VALUE not in kept
    assert "s3cr3t-of-bob" not in kept
    assert "hmac-sha256" not in kept


def test_a_role_that_was_changed_explains_what_it_does_next(reading: UnitReading, audited: OpenBao) -> None:
    """By its key, whatever was done to it."""
    place = audited.url.removeprefix("http://")
    changed = {(one.target, one.action) for one in reading.changes}

    assert (f"vault://{place}/auth/approle/role/ledger", "auth/approle:create-role") in changed
    assert (f"vault://{place}/auth/approle/role/ledger", "auth/approle:update-secret-id") in changed
    assert (f"vault://{place}/team1/auth/userpass/user/bob", "auth/userpass:create-users") in changed
    assert all(one.by.startswith("auth/token/accessor/") for one in reading.changes)


# --- Lines in its shape ---

_numbers = itertools.count(1)
_ENTITY = "c1fa0d39-099b-f971-92b4-d1f6fcb18f82"


def lines(
    path: str = "kv/data/app/one", operation: str = "read", *, mount: str = "kv/", kind: str = "kv",
    auth: dict[str, Any] | None = None, error: str | None = None, time: str = "2026-11-20T10:00:00.123456789Z",
    **request: Any,
) -> list[dict[str, Any]]:  # fmt: skip
    """The two lines of one request."""
    record: dict[str, Any] = {
        "time": time,
        "auth": {"accessor": "hmac-sha256:ab12", "entity_id": _ENTITY, "policies": ["app"]} if auth is None else auth,
        "request": {
            "id": f"00000000-0000-0000-0000-{next(_numbers):012}",
            "operation": operation,
            "path": path,
            "mount_point": mount,
            "mount_type": kind,
            "namespace": {"id": "root"},
            "remote_address": "203.0.113.7",
            **request,
        },
        **({"error": error} if error else {}),
    }
    return [{"type": "request", **record}, {"type": "response", **record}]


def test_requests_and_answers_count_once_and_a_question_without_answer_counts_too(tmp_path: Path) -> None:
    """Also where a file was delivered twice."""
    asked, answered = lines()
    alone = lines(path="kv/data/app/two")[0]
    profile = profiles(VaultAuditLog, tmp_path, asked, answered, answered, alone, asked)[_ENTITY]

    assert profile.events == 2
    assert profile.counts["secret=kv:read"] == (2, 0, 0)


@pytest.mark.parametrize(
    ("error", "counts"),
    [
        ("1 error occurred:\n\t* permission denied\n\n", (0, 1, 0)),
        ("invalid credentials", (0, 1, 0)),
        ("invalid role or secret ID", (0, 1, 0)),
        ("unsupported path", (0, 0, 1)),
    ],
)
def test_errors_are_denials_or_failures(error: str, counts: tuple[int, int, int], tmp_path: Path) -> None:
    """What they say is not kept."""
    profile = profiles(VaultAuditLog, tmp_path, *lines(error=error))[_ENTITY]

    assert profile.counts["secret=kv:read"] == counts
    assert profile.denied == counts[1]


@pytest.mark.parametrize(
    ("operation", "mount", "kind", "parts", "reported"),
    [
        ("read", "kv", "kv", ("metadata", "app"), "read=kv:read-metadata"),
        ("read", "old", "kv", ("app", "one"), "secret=old:read"),
        ("list", "old", "kv", ("app",), "read=old:list"),
        ("update", "kv", "kv", ("delete", "app"), "write=kv:delete"),
        ("read", "database", "database", ("creds", "app"), "secret=database:creds"),
        ("update", "pki", "pki", ("issue", "web"), "secret=pki:issue"),
        ("update", "transit", "transit", ("decrypt", "app"), "secret=transit:decrypt"),
        ("update", "transit", "transit", ("encrypt", "app"), "read=transit:encrypt"),
        ("update", "auth/token", "token", ("create",), "become=auth/token:create"),
        ("update", "auth/token", "token", ("renew-self",), "read=auth:renew-self"),
        ("update", "sys", "system", ("policies", "acl", "app"), "write=sys:update-policies"),
        ("update", "sys", "system", ("wrapping", "unwrap"), "secret=sys:update-wrapping"),
        ("read", "plugin", "acme", ("whatever",), "read=plugin:read"),
    ],
)
def test_what_a_request_does(operation: str, mount: str, kind: str, parts: tuple[str, ...], reported: str) -> None:
    """The mount, and what the API calls a part of a path."""
    deed = deed_of(operation, mount, kind, parts)

    assert f"{deed.sort}={deed.action}" == reported


def test_who_acted(tmp_path: Path) -> None:
    """An entity, a token by its accessor (in clear, or its HMAC), no one; the server itself is apart."""
    clear = {"accessor": "AcCeSsOr0123456789abcd", "policies": ["ci"]}
    hashed = {"accessor": "hmac-sha256:0123456789abcdef0123", "policies": ["root"]}
    own = lines(auth={}, remote_address="", operation="update", path="sys/audit/test", mount="", kind="")
    reading = read_one(
        VaultAuditLog, tmp_path, *lines(), *lines(auth=clear), *lines(auth=hashed), *lines(auth={}), *own
    )  # fmt: skip

    assert {(one.caller, one.unique_id) for one in reading.callers} == {
        (_ENTITY, _ENTITY),
        ("auth/token/accessor/AcCeSsOr0123456789abcd", "AcCeSsOr0123456789abcd"),
        ("root token 0123456789abcdef", ""),
        ("anonymous", ""),
    }
    assert (reading.events, reading.by_provider) == (5, 1)


def test_files_of_a_rotated_device(tmp_path: Path) -> None:
    """Packed or not, whatever rotation calls them."""
    names = ("audit.log", "audit.log.1", "audit.log-20261119.gz", "node-2/audit.jsonl")
    for number, name in enumerate(names):
        written(tmp_path, *lines(time=f"2026-11-{16 + number}T10:00:00Z"), name=name)
    readings, _ = read_all(log_of(VaultAuditLog, tmp_path))

    assert sum(one.events for one in readings) == len(names)
    assert {day.scope for one in readings for day in one.coverage} == {"*"}


def test_a_line_that_is_being_written_is_left_for_next_time(tmp_path: Path) -> None:
    """All others count: the day is not over."""
    now = datetime.now(UTC)
    path = written(tmp_path, *lines(time=f"{now - timedelta(1):%Y-%m-%d}T10:00:00Z"), *lines(time=f"{now:%FT%TZ}"))
    path.write_bytes(path.read_bytes() + b'{"time": "2026-11-20T10:00:')
    (reading,), _ = read_all(log_of(VaultAuditLog, tmp_path))

    assert reading.events == 2
    assert [(one.day, one.status) for one in reading.coverage] == [((now - timedelta(1)).date(), "complete")]


@examples(60, smoke=60)
@given(st.data())
def test_no_line_ends_a_reading(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """It is counted, or its file is a gap."""
    hostile: Callable[..., Any] = mutated
    record = data.draw(st.one_of(hostile(lines()[1]), JSON))
    root = tmp_path_factory.mktemp("hostile")
    written(root, *lines(), json.dumps(record))
    (reading,), _ = read_all(log_of(VaultAuditLog, root))

    assert reading.events >= 1 or {one.status for one in reading.coverage} == {"failed"}


def _login(hashed: str, *, kind: str = "approle", path: str = "login", **more: Any) -> list[dict[str, Any]]:
    data = {"role_id": f"hmac-sha256:{hashed * 64}", "secret_id": "hmac-sha256:ff"}
    more = {"auth": {"token_type": "default"}, "error": "permission denied", **more}
    return lines(path=f"auth/{kind}/{path}", operation="update", mount=f"auth/{kind}/", kind=kind, data=data, **more)


def test_a_refused_login_is_known_by_what_it_presented(tmp_path: Path) -> None:
    """As the logins before it, by the hash of the role id; where it came from is kept whole in an own network."""
    succeeded: dict[str, Any] = {
        "auth": {"accessor": "hmac-sha256:ab", "entity_id": _ENTITY, "policies": ["app"]},
        "error": None,
    }
    found = profiles(VaultAuditLog, tmp_path, *_login("a", **succeeded), *_login("b", remote_address="10.1.2.3"))

    assert features(found[_ENTITY], "sign_in") == [f"sign_in=role id {'a' * 32}"]
    assert features(found[f"role id {'b' * 32}"], "host") == ["host=10.1.2.3"]
    assert found[f"role id {'b' * 32}"].counts["read=auth:login"] == (0, 1, 0)


@pytest.mark.parametrize("data", [{"role_id": "in-clear"}, {"role_id": 7}, ["role_id"], "role_id", None])
def test_what_else_a_login_presents_is_not_kept(data: Any, tmp_path: Path) -> None:
    place = {"path": "auth/approle/login", "mount": "auth/approle/", "kind": "approle"}
    other = lines(**place, operation="update", auth={}, error="no", data=data)
    found = profiles(VaultAuditLog, tmp_path, *_login("a"), *other)

    assert found.keys() == {f"role id {'a' * 32}", "anonymous"}

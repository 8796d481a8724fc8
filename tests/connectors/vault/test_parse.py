"""Parsers: hostile and odd payloads in, records or refusals out."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.core.contract import Malformed, Scope
from connectors.vault.client.payloads import (
    AuthMount,
    Entity,
    EntityAlias,
    KubernetesConfig,
    KvMetadata,
    KvVersion,
    SecretId,
    Token,
    moment,
    simple_strings,
)
from connectors.vault.client.requests import ENTITY, KV1_NAMES, KV2_NAMES, SECRET_IDS
from connectors.vault.identities import NamespaceFacts, parse_identities
from connectors.vault.logins import parse_role, parse_secret_id
from connectors.vault.methods import APPROLE, JWT, KUBERNETES, ApprolePayload, JwtPayload, KubernetesPayload
from connectors.vault.reading import parse_secret
from connectors.vault.rights.privilege import PolicyBook
from connectors.vault.rights.trusts import trusts_of
from connectors.vault.spec import SPEC
from scanner.access.federation import with_federation
from scanner.model import Identity, TokenSubject, Trust
from scanner.model.reach import Said
from tests.factories import make_identity

SCOPE = Scope(source="vault", spec=SPEC, id="vault:8200", context="")
NEVER = "0001-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "2026-11-25T01:38:39.706051325Z", datetime(2026, 11, 25, 1, 38, 39, 706051, UTC), id="nanoseconds"
        ),
        pytest.param("2026-11-25T03:00:00+02:00", datetime(2026, 11, 25, 1, 0, tzinfo=UTC), id="another zone"),
        pytest.param(NEVER, None, id="Go's zero"),
        pytest.param("0001-01-01T00:00:00+05:00", None, id="before the first year"),
        pytest.param("", None, id="empty"),
        pytest.param("soon", None, id="no time"),
        pytest.param(None, None, id="none"),
    ],
)
def test_times(text: str | None, expected: datetime | None) -> None:
    """A time is in UTC, and what is none is unknown."""
    assert moment(text) == expected


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        pytest.param(
            {"owner": "ada@example.com", "team": "pay"}, {"owner": "ada@example.com", "team": "pay"}, id="words"
        ),
        pytest.param({"x": "=cmd|'/C calc'!A0"}, {}, id="formula"),
        pytest.param({"x": "<b>"}, {}, id="markup"),
        pytest.param({"x": "\x1b[2J", "y": "a\nb", "z": "\u202eabc"}, {}, id="control characters"),
        pytest.param({"api_token": "abc", "Password": "x", "role_id": "y"}, {}, id="secretive keys"),
        pytest.param({"note": "hvs.CAESIJlqqqqqqqqqqqqqqqqqqqqq"}, {}, id="a token as a value"),
        pytest.param({"x": 1, "y": ["a"], "z": None}, {}, id="not text"),
        pytest.param({"x": "a" * 201}, {}, id="too long"),
        pytest.param(
            {f"k{number:03}": "v" for number in range(100)}, {f"k{n:03}": "v" for n in range(32)}, id="too many"
        ),
        pytest.param(None, {}, id="none"),
    ],
)
def test_metadata(metadata: dict[str, object] | None, expected: dict[str, str]) -> None:
    """Only plain words beside an identity are kept."""
    assert simple_strings(metadata) == expected


@pytest.mark.parametrize("name", ["..", ".", "", "a/b", "../sys/auth"])
def test_a_name_cannot_lead_elsewhere(name: str) -> None:
    """A name is one segment; anything else is refused before a request is made of it."""
    with pytest.raises(Malformed):
        ENTITY.route(name=name)


@pytest.mark.parametrize("folder", ["../data/app", "a/../../b", "a//b", "./a"])
def test_a_folder_cannot_lead_elsewhere(folder: str) -> None:
    """A folder stays below its mount's listing."""
    with pytest.raises(Malformed):
        KV2_NAMES.route(mount="kv", folder=folder)


def test_routes_are_quoted() -> None:
    """Names keep to their segment, whatever is in them."""
    assert SECRET_IDS.route(mount="team/approle", name="a?b#c%2F") == "auth/team/approle/role/a%3Fb%23c%252F/secret-id"
    assert KV1_NAMES.route(mount="old", folder="") == "old/"


@pytest.mark.parametrize(
    ("row", "expires", "last_used", "tracked", "never"),
    [
        pytest.param({"expiration_time": NEVER}, False, False, False, True, id="never expires, unlimited"),
        pytest.param({"expiration_time": NEVER, "secret_id_ttl": 60}, False, False, False, False, id="unknown end"),
        pytest.param({"expiration_time": "2027-01-01T00:00:00Z"}, True, False, False, False, id="expires"),
        pytest.param({"secret_id_num_uses": 3}, False, True, True, True, id="limited and used"),
        pytest.param(
            {"secret_id_num_uses": 3, "last_updated_time": "2026-01-01T00:00:00Z"},
            False,
            False,
            True,
            True,
            id="unused",
        ),
    ],
)
def test_secret_ids(row: dict[str, object], expires: bool, last_used: bool, tracked: bool, never: bool) -> None:
    """Expiry and last use are claimed only where the server knows them."""
    role = parse_role(SCOPE, APPROLE, "approle", "r", ApprolePayload())
    times = {"creation_time": "2026-01-01T00:00:00Z", "last_updated_time": "2026-02-01T00:00:00Z"}

    credential = parse_secret_id(role, SecretId(secret_id_accessor="acc", **{**times, **row}))  # type: ignore[arg-type]  # a row

    assert (credential.expires_at is not None) is expires
    assert (credential.last_used_at is not None) is last_used
    assert (credential.use_tracked_days is not None) is tracked
    assert credential.never_expires is never


def test_a_secret_that_will_be_deleted() -> None:
    """Dates are those of the current version, a deletion to come included."""
    row = KvMetadata(
        created_time="2026-01-01T00:00:00Z",
        current_version=2,
        versions={
            "1": KvVersion(created_time="2026-01-01T00:00:00Z", destroyed=True),
            "2": KvVersion(created_time="2026-03-01T00:00:00Z", deletion_time="2027-03-01T00:00:00Z"),
        },
        custom_metadata={"owner": "ada"},
    )

    secret = parse_secret(SCOPE, "kv", "2", "app/db", row)

    assert secret.rotated_at == datetime(2026, 3, 1, tzinfo=UTC)
    assert secret.expires_at == datetime(2027, 3, 1, tzinfo=UTC)
    assert secret.tags == {"owner": "ada"}
    assert "destroyed" not in secret.attributes


def _join(entity: Entity | None, *tokens: Token) -> list[Identity]:
    found = NamespaceFacts(
        book=PolicyBook({}, complete=True, secret_paths={}),
        auth_mounts={
            "approle": AuthMount(type="approle", accessor="acc"),
            "token": AuthMount(type="token", accessor="t"),
        },
        roles=[parse_role(SCOPE, APPROLE, "approle", "r", ApprolePayload())],
        entities=[entity] if entity else [],
        tokens=list(tokens),
    )
    return list(parse_identities(SCOPE, found))


def _entity(name: str = "entity_0a1b2c3d", *, role: str = "r", accessor: str = "acc") -> Entity:
    alias = EntityAlias(name="role-id", mount_accessor=accessor, mount_type="approle", metadata={"role_name": role})
    return Entity(id="e1", name=name, aliases=[alias])


@pytest.mark.parametrize(
    ("entity", "kinds"),
    [
        pytest.param(_entity(), ["approle"], id="the role's own"),
        pytest.param(_entity("entity_0a1b2c3d.0ZeatG"), ["approle"], id="the role's own, in a namespace"),
        pytest.param(_entity("Payments"), ["approle", "entity"], id="named by someone"),
        pytest.param(_entity(role="other"), ["approle", "entity"], id="of a role that is gone"),
        pytest.param(_entity(accessor="x"), ["approle", "entity"], id="of a mount that is gone"),
        pytest.param(Entity(id="e1", name="entity_0a1b2c3d"), ["approle", "entity"], id="without a login"),
    ],
)
def test_folding(entity: Entity, kinds: list[str]) -> None:
    """Only an entity that is nothing but its role disappears into it."""
    assert [identity.kind for identity in _join(entity)] == kinds


def test_an_entity_of_a_shared_role_stands() -> None:
    """A role that lets many workloads in does not swallow the entities of the single ones."""
    alias = EntityAlias(name="repo:acme/app", mount_accessor="acc", mount_type="jwt", metadata={"role": "ci"})
    found = NamespaceFacts(
        book=PolicyBook({}, complete=True, secret_paths={}),
        auth_mounts={"jwt": AuthMount(type="jwt", accessor="acc")},
        roles=[parse_role(SCOPE, JWT, "jwt", "ci", JwtPayload())],
        entities=[Entity(id="e1", name="entity_0a1b2c3d", aliases=[alias])],
    )

    role, entity = parse_identities(SCOPE, found)

    assert (role.kind, entity.kind) == ("jwt_role", "entity")
    assert entity.aliases == ("repo:acme/app",)
    assert [link.target for link in role.links] == [entity.key]


@pytest.mark.parametrize(
    ("token", "owner"),
    [
        pytest.param(
            {"path": "auth/approle/login", "meta": {"role_name": "r"}}, "approle", id="logged in with the role"
        ),
        pytest.param({"path": "auth/token/create", "entity_id": "e1"}, "approle", id="made by a token of its entity"),
        pytest.param(
            {"path": "auth/token/create", "meta": {"role_name": "r"}}, "token", id="only claims to be of the role"
        ),
        pytest.param({"path": "auth/approle/login", "meta": {"role_name": "x"}}, "token", id="of a role that is gone"),
        pytest.param({"path": "auth/token/root"}, "token", id="root"),
    ],
)
def test_a_token_finds_its_identity(token: dict[str, object], owner: str) -> None:
    """Path and role name together name the role, then the entity counts, and metadata alone proves nothing."""
    identities = _join(_entity(), Token(accessor="a", **token))  # type: ignore[arg-type]  # a row

    [holder] = [one for one in identities if any(credential.kind == "token" for credential in one.credentials)]
    assert holder.kind == owner


@pytest.mark.parametrize("creation_time", [None, 0, 10**18, -(10**18)])
def test_an_absurd_creation_time(creation_time: int | None) -> None:
    """A time that is none leaves the token in the inventory."""
    *_, token = _join(None, Token(accessor="a", path="auth/token/root", creation_time=creation_time))

    assert token.created_at is None


ACTIONS, OWN = "https://token.actions.githubusercontent.com", "https://issuer.acme.example"


@pytest.mark.parametrize(
    ("facts", "issuer", "expected"),
    [
        ({"bound_subject": "repo:acme/app:environment:prod"}, ACTIONS, [("exact", True, True)]),
        ({"bound_claims": {"repository": "acme/app"}}, ACTIONS, [("exact", True, True)]),
        ({"bound_claims": {"/repository_id": ["7"]}}, ACTIONS, [("exact", True, False)]),
        ({"bound_claims": {"repository_owner": "acme"}}, ACTIONS, [("loose", True, True)]),
        ({"bound_claims": {"sub": "repo:acme/*"}, "bound_claims_type": "glob"}, ACTIONS, [("loose", True, True)]),
        ({"bound_claims": {"sub": "*"}, "bound_claims_type": "glob"}, ACTIONS, [("none", True, False)]),
        ({"bound_claims": {"sub": ["a", "b"], "admin": True}}, OWN, [("exact", None, False)] * 2),
        ({"bound_audiences": ["vault"]}, ACTIONS, [("none", True, False)]),
        ({"bound_audiences": ["vault"]}, OWN, [("loose", None, False)]),
        ({"bound_audiences": ["vault"]}, None, [("loose", None, False)]),
        ({"role_type": "oidc"}, ACTIONS, []),
    ],
)
def test_whose_tokens_a_jwt_role_accepts(
    facts: dict[str, Any], issuer: str | None, expected: list[tuple[str, bool | None, bool]]
) -> None:
    """As far as its bound subject and claims narrow that; a role for people accepts none."""
    role = parse_role(SCOPE, JWT, "jwt", "ci", JwtPayload(**{"role_type": "jwt", **facts}))
    trusts = trusts_of(role, {"jwt": issuer})

    assert trusts is not None
    assert [(one.restriction, one.external, one.by_name) for one in trusts] == expected
    assert {one.issuer for one in trusts} <= {issuer}


KID = "pA8PLil03HaoLfb_4I7Q15lVx5560MINl66Pkkat4cE"
PEM = """-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEEVs/o5+uQbTjL3chynL4wXgUg2R9
q9UU8I5mEovUf86QZ7kOBIjJwqnzD1omageEHWwHdBO6B+dFabmdT9POxg==
-----END PUBLIC KEY-----
"""
CART = "system:serviceaccount:shop:cart"
API, EKS = "https://api.shop.example.com:6443", "https://oidc.eks.eu-west-1.amazonaws.com/id/ABC"
LOCAL = "https://kubernetes.default.svc.cluster.local"


def accepted(
    config: KubernetesConfig | None, names: tuple[str, ...] = ("cart",), spaces: tuple[str, ...] = ("shop",)
) -> tuple[Trust, ...] | None:
    """The trusts of a role that binds these accounts."""
    payload = KubernetesPayload(bound_service_account_names=list(names), bound_service_account_namespaces=list(spaces))
    role = parse_role(SCOPE, KUBERNETES, "k8s", "web", payload)
    return trusts_of(role, {}, {} if config is None else {"k8s": config})


@pytest.mark.parametrize(
    ("config", "tokens", "joined"),
    [
        ({"kubernetes_host": API}, [TokenSubject("api.shop.example.com:6443", CART)], True),
        ({"kubernetes_host": API}, [TokenSubject("api.other.example.com:6443", CART)], False),
        ({"kubernetes_host": API, "issuer": EKS}, [TokenSubject(EKS, CART)], True),
        ({"kubernetes_host": API, "issuer": f"{EKS}D"}, [TokenSubject(EKS, CART)], False),
        ({"kubernetes_host": API, "pem_keys": [PEM]}, [TokenSubject(LOCAL, CART, (Said("kid", KID),))], True),
        ({"kubernetes_host": API, "pem_keys": [PEM]}, [TokenSubject(LOCAL, CART, (Said("kid", "other"),))], False),
        ({"kubernetes_host": f"{LOCAL}:443"}, [TokenSubject(LOCAL, CART, (Said("kid", KID),))], False),
        ({"kubernetes_host": "https://kubernetes.default.svc", "issuer": LOCAL}, [TokenSubject(LOCAL, CART)], False),
        ({"kubernetes_host": API, "pem_keys": ["rubbish"]}, [TokenSubject(LOCAL, CART, (Said("kid", KID),))], False),
        ({"kubernetes_host": API}, [TokenSubject("api.shop.example.com:6443", f"{CART}-2")], False),
        ({}, [TokenSubject(LOCAL, CART)], False),
    ],
)
def test_a_role_is_joined_with_the_accounts_of_its_cluster(
    config: dict[str, Any], tokens: list[TokenSubject], *, joined: bool
) -> None:
    """Known by its issuer, its keys, or the address of its API; never by what any cluster calls itself."""
    account = make_identity("cart", token_subjects=tuple(tokens))
    trusts = accepted(KubernetesConfig(**config))
    assert trusts is not None
    role = make_identity("web", key="vault://h/auth/k8s/role/web", trusts=trusts)

    _, edges = with_federation([account, role])

    assert [(edge.source, edge.target) for edge in edges] == ([(account.key, role.key)] if joined else [])


@pytest.mark.parametrize(
    ("names", "spaces", "subjects"),
    [
        (("cart",), ("shop",), {"shop:cart": "exact"}),
        (("cart", "pay"), ("shop", "dev"),
         {"shop:cart": "exact", "shop:pay": "exact", "dev:cart": "exact", "dev:pay": "exact"}),
        (("*",), ("shop",), {"shop:*": "loose"}),
        (("cart",), ("*",), {"*:cart": "loose"}),
        ((), ("shop",), {}),
        (("cart",), (), {}),
    ],
)  # fmt: skip
def test_which_accounts_a_kubernetes_role_accepts(
    names: tuple[str, ...], spaces: tuple[str, ...], subjects: dict[str, str]
) -> None:
    """Every name in every namespace that it binds."""
    trusts = accepted(KubernetesConfig(kubernetes_host=API), names, spaces)

    assert trusts is not None
    assert {(one.subject or "").removeprefix("system:serviceaccount:"): one.restriction for one in trusts} == subjects
    assert accepted(None, names, spaces) is None


def test_a_role_that_binds_too_many_accounts_is_not_spelled_out() -> None:
    """Its trusts are unread, not none."""
    many = tuple(map(str, range(200)))

    assert accepted(KubernetesConfig(kubernetes_host=API), many, many) is None


def test_an_issuer_that_was_not_read_is_unknown() -> None:
    """Of roles that it would have tokens for; other methods have no trusts."""
    role = parse_role(SCOPE, JWT, "jwt", "ci", JwtPayload(role_type="jwt"))

    assert trusts_of(role, {}) is None
    assert trusts_of(parse_role(SCOPE, JWT, "jwt", "ci", None), {"jwt": ACTIONS}) is None
    assert trusts_of(parse_role(SCOPE, JWT, "jwt", "ci", JwtPayload(role_type="oidc")), {}) == ()
    assert trusts_of(parse_role(SCOPE, APPROLE, "approle", "ci", None), {}) == ()

"""Terraform states as a registry: what they declare, and nothing of the secrets in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from scanner.matching.ladder import match
from scanner.model import Origin
from scanner.registry.formats.terraform import TYPES
from scanner.registry.tables.headings import holds_secret
from tests.factories import NOW, make_identity
from tests.scanner.registry.formats.reading import entries_of, facts

ARN = "arn:aws:iam::123456789012"


def resource(kind: str, name: str, *instances: dict[str, Any], **facts: Any) -> dict[str, Any]:
    return {"mode": "managed", "type": kind, "name": name, "provider": "p", "instances": list(instances), **facts}


def instance(key: str | int | None = None, **attributes: Any) -> dict[str, Any]:
    return {"attributes": attributes} | ({} if key is None else {"index_key": key})


def state(*resources: dict[str, Any]) -> dict[str, Any]:
    return {
        "version": 4,
        "terraform_version": "1.9.5",
        "serial": 7,
        "outputs": {"k": {"value": "hunter2"}},
        "resources": list(resources),
    }


def user(name: str = "etl", **attributes: Any) -> dict[str, Any]:
    return resource(
        "aws_iam_user", name, instance(arn=f"{ARN}:user/{name}", unique_id="AIDA1", name=name, **attributes)
    )


def test_a_state_declares_identities(tmp_path: Path) -> None:
    """A role has its exact ids, its address as id, its tags as they are, and no owner."""
    role = resource(
        "aws_iam_role",
        "payments",
        instance(
            arn=f"{ARN}:role/payments",
            unique_id="AROA1",
            name="payments",
            tags_all={"muster:entry": "NHI-7", "owner": "ada@example.com", "password": "hunter2"},
        ),
    )

    entries = entries_of(tmp_path, "prod.tfstate", state(role))

    entry = entries["aws_iam_role.payments"]
    assert facts(entry, "has_own_id", "name", "identities", "provider", "owner", "extra", "origin") == {
        "has_own_id": False,
        "name": "payments",
        "identities": (f"{ARN}:role/payments", "AROA1"),
        "provider": "aws",
        "owner": (),
        "extra": {"tag:muster:entry": "NHI-7", "tag:owner": "ada@example.com"},
        "origin": Origin(file=str(tmp_path / "prod.tfstate"), row=11),
    }


@pytest.mark.parametrize(
    ("kind", "attributes", "identities", "place"),
    [
        pytest.param("google_service_account",
                     {"email": "a@p.iam.gserviceaccount.com", "unique_id": "1234", "project": "p"},
                     ("a@p.iam.gserviceaccount.com", "1234"), ("gcp", "p"), id="google"),
        pytest.param("azuread_application", {"client_id": "c1", "object_id": "o1"}, ("c1", "o1"), ("azure", None),
                     id="application"),
        pytest.param("azuread_service_principal", {"client_id": "c1", "object_id": "o2"}, ("o2",), ("azure", None),
                     id="service principal"),
        pytest.param("azurerm_user_assigned_identity", {"id": "/subscriptions/s/x", "principal_id": "p1"},
                     ("/subscriptions/s/x", "p1"), ("azure", None), id="managed identity"),
        pytest.param("vault_approle_auth_backend_role", {"backend": "approle", "role_name": "etl", "namespace": None},
                     ("vault://*:*/auth/approle/role/etl",), ("vault", None), id="approle"),
        pytest.param("vault_approle_auth_backend_role", {"backend": "a*", "role_name": "etl", "namespace": "team"},
                     (r"vault://*:*/team/auth/a\*/role/etl",), ("vault", None), id="approle of a namespace"),
        pytest.param("vault_identity_entity", {"id": "e-1", "name": "n"}, ("e-1",), ("vault", None), id="entity"),
        pytest.param("kubernetes_service_account_v1", {"metadata": [{"name": "api", "namespace": "shop"}]},
                     ("system:serviceaccount:shop:api",), ("kubernetes", None), id="kubernetes"),
    ],
)  # fmt: skip
def test_resources_by_their_exact_ids(
    tmp_path: Path, kind: str, attributes: dict[str, Any], identities: tuple[str, ...], place: tuple[str, str | None]
) -> None:
    """Each type of resource has its ids where the table says; what is no pattern there is escaped."""
    (entry,) = entries_of(tmp_path, "x.tfstate", state(resource(kind, "x", instance(**attributes)))).values()

    assert entry.identities == identities
    assert (entry.provider, entry.scope) == place


def test_a_vault_role_is_matched_on_whichever_server(tmp_path: Path) -> None:
    """A state does not name the server: the mount and the role must be the same, in the root namespace."""
    role = resource("vault_approle_auth_backend_role", "x", instance(backend="approle", role_name="etl"))
    entries = tuple(entries_of(tmp_path, "x.tfstate", state(role)).values())
    keys = ("vault://v:8200/auth/approle/role/etl", "vault://v:8200/team/auth/approle/role/etl",
            "vault://v:8200/auth/approle/role/etl2")  # fmt: skip
    identities = [make_identity(f"n{at}", key=key, provider="vault", scope="v:8200") for at, key in enumerate(keys)]

    verdicts = match(identities, entries, tag_keys=(), today=NOW.date()).verdicts

    assert [verdicts[key].state for key in keys] == ["registered", "unregistered", "unregistered"]


def test_a_key_goes_with_its_user(tmp_path: Path) -> None:
    """An access key of a user in the state is a credential of that entry; any other is an entry of its own."""
    keys = resource(
        "aws_iam_access_key",
        "k",
        instance(0, id="AKIAONE", user="etl", secret="hunter2", ses_smtp_password_v4="hunter2"),
        instance(1, id="AKIATWO", user="someone", secret="hunter2"),
    )

    entries = entries_of(tmp_path, "x.tfstate", state(keys, user()))

    assert facts(entries["aws_iam_user.etl"], "credentials") == {"credentials": ("AKIAONE",)}
    assert entries["aws_iam_access_key.k[1]"].identities == ("AKIATWO",)
    assert len(entries) == 2


def test_a_key_of_one_of_two_users_of_that_name_goes_with_neither(tmp_path: Path) -> None:
    """Two accounts can have a user of the same name, and the state does not say which has the key."""
    key = resource("aws_iam_access_key", "k", instance(id="AKIAONE", user="etl"))
    twins = [user() | {"module": f"module.{account}"} for account in ("a", "b")]

    entries = entries_of(tmp_path, "x.tfstate", state(key, *twins))

    assert sorted(entries) == ["aws_iam_access_key.k", "module.a.aws_iam_user.etl", "module.b.aws_iam_user.etl"]


def test_addresses_are_as_terraform_writes_them(tmp_path: Path) -> None:
    """Modules and the keys of count and for_each are part of an address."""
    many = resource(
        "aws_iam_role",
        "r",
        instance("a.b", arn="arn:a"),
        instance(1, arn="arn:b"),
        module='module.m["x"]',
    )

    assert list(entries_of(tmp_path, "x.tfstate", state(many))) == [
        'module.m["x"].aws_iam_role.r["a.b"]',
        'module.m["x"].aws_iam_role.r[1]',
    ]


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(user() | {"mode": "data"}, id="only looked up"),
        pytest.param(resource("aws_s3_bucket", "b", instance(arn="arn:aws:s3:::b")), id="no identity"),
        pytest.param(resource("aws_iam_user", "u", instance(name="u")), id="not made yet"),
        pytest.param(resource("aws_iam_user", "u", instance(arn="arn:x") | {"deposed": "1"}), id="replaced"),
        pytest.param({"mode": "managed", "type": "aws_iam_user", "instances": "none"}, id="of another shape"),
        pytest.param({"mode": ["managed"], "type": {}, "instances": [1]}, id="of no shape"),
    ],
)
def test_what_a_state_does_not_declare(tmp_path: Path, other: dict[str, Any]) -> None:
    """What is only looked up, is no identity, or is not there is no entry."""
    assert list(entries_of(tmp_path, "x.tfstate", state(other, user()))) == ["aws_iam_user.etl"]


def test_what_terraform_shows_is_read(tmp_path: Path) -> None:
    """``terraform show -json`` has modules within modules, and full addresses."""
    shown = {
        "format_version": "1.0",
        "terraform_version": "1.9.5",
        "values": {
            "root_module": {
                "resources": [
                    {"address": "aws_iam_user.u", "mode": "managed", "type": "aws_iam_user", "values": {"arn": "arn:u"}}
                ],
                "child_modules": [
                    {
                        "address": "module.m",
                        "resources": [
                            {
                                "address": "module.m.aws_iam_role.r",
                                "mode": "managed",
                                "type": "aws_iam_role",
                                "values": {"arn": "arn:r"},
                                "sensitive_values": {},
                            }
                        ],
                    }
                ],
            }
        },
    }

    entries = entries_of(tmp_path, "shown.json", shown)

    assert {key: one.identities for key, one in entries.items()} == {
        "aws_iam_user.u": ("arn:u",),
        "module.m.aws_iam_role.r": ("arn:r",),
    }


def test_no_secret_attribute_is_looked_at() -> None:
    """The table names no attribute that contains a secret."""
    templates = [text for one in TYPES.values() for text in (*one.identities, one.name or "", one.scope or "")]
    paths = [part.rpartition("}")[0] for text in templates for part in text.split("{")[1:]]

    assert paths
    assert [path for path in paths if holds_secret(path.rpartition(".")[2])] == []


def test_nothing_else_of_a_state_gets_out(tmp_path: Path) -> None:
    """Entries contain no secret of a resource."""
    secrets = dict.fromkeys(("secret", "private_key", "initial_password", "encrypted_secret", "pgp_key"), "hunter2")

    entries = entries_of(tmp_path, "x.tfstate", state(user(**secrets)))

    assert "hunter2" not in repr(entries)


def test_an_empty_state_declares_nothing(tmp_path: Path) -> None:
    """A state after its last destroy is still one."""
    assert entries_of(tmp_path, "x.tfstate", state()) == {}

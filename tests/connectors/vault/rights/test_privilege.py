"""What policies amount to."""

from __future__ import annotations

import pytest

from connectors.vault.client.payloads import SecretMount
from connectors.vault.rights.policies import Rules, parse_policy
from connectors.vault.rights.privilege import PolicyBook, secret_paths

MOUNTS = {
    "kv/": SecretMount(type="kv", options={"version": "2"}),
    "team/old/": SecretMount(type="kv"),
    "database/": SecretMount(type="database"),
    "cubbyhole/": SecretMount(type="cubbyhole"),
}
WRITE = '["create", "update"]'


def _book(*, complete: bool = True, **texts: str | None) -> PolicyBook:
    rules: dict[str, Rules | None] = {
        name: None if text is None else parse_policy(text) for name, text in texts.items()
    }
    return PolicyBook(rules, complete=complete, secret_paths=secret_paths(MOUNTS))


@pytest.mark.parametrize(
    ("text", "level"),
    [
        pytest.param(f'path "*" {{ capabilities = {WRITE} }}', "admin", id="write on everything"),
        pytest.param('path "*" { policy = "sudo" }', "admin", id="sudo on everything"),
        pytest.param(f'path "+/*" {{ capabilities = {WRITE} }}', "admin", id="write under every mount"),
        pytest.param(
            "\n".join(f'path "{mount}/*" {{ policy = "write" }}' for mount in ("sys", "auth", "identity")),
            "admin",
            id="all of who may do what",
        ),
        pytest.param(
            'path "*" { policy = "sudo" }\npath "sys/policies/acl/*" { policy = "deny" }',
            "escalation",
            id="all but policies",
        ),
        pytest.param('path "sys/policies/acl/team-*" { policy = "write" }', "escalation", id="some policies"),
        pytest.param('path "auth/token/create" { capabilities = ["update"] }', "escalation", id="mints tokens"),
        pytest.param('path "auth/approle/role/*" { policy = "write" }', "escalation", id="rewrites roles"),
        pytest.param('path "auth/team/approle/role/x" { policy = "write" }', "escalation", id="rewrites a nested role"),
        pytest.param('path "auth/userpass/users/bob" { policy = "write" }', "escalation", id="rewrites a user"),
        pytest.param('path "identity/group/name/+" { policy = "write" }', "escalation", id="rewrites groups"),
        pytest.param('path "sys/auth/*" { capabilities = ["create", "sudo"] }', "escalation", id="opens logins"),
        pytest.param(
            'path "auth/approle/role/ci/secret-id" { capabilities = ["update"] }', "high", id="issues secret-ids"
        ),
        pytest.param(
            'path "auth/approle/role/+/secret-id" { capabilities = ["update"] }', "high", id="of whatever role"
        ),
        pytest.param(
            'path "auth/approle/role/+/custom-secret-id" { capabilities = ["update"] }', "high", id="of its own choice"
        ),
        pytest.param(
            'path "auth/team/approle/role/+/secret-id" { capabilities = ["update"] }', "high", id="on a nested mount"
        ),
        pytest.param('path "auth/+/role/+/secret-id" { capabilities = ["update"] }', "high", id="on whatever mount"),
        pytest.param('path "auth/approle/role/+/policies" { policy = "write" }', "escalation", id="role's policies"),
        pytest.param(
            'path "auth/team/approle/role/+/policies" { policy = "write" }', "escalation", id="nested role's policies"
        ),
        pytest.param('path "auth/+/+/role/+" { policy = "write" }', "escalation", id="whatever nested role"),
        pytest.param('path "auth/approle/role/ci/*" { policy = "write" }', "escalation", id="all settings of a role"),
        pytest.param(
            'path "auth/approle/role/+/secret-id-accessor/lookup" { policy = "write" }', "normal", id="looks ids up"
        ),
        pytest.param('path "sys/mounts/*" { policy = "write" }', "high", id="adds engines"),
        pytest.param('path "kv/data/*" { capabilities = ["read"] }', "high", id="all secrets of a mount"),
        pytest.param('path "kv/*" { capabilities = ["read"] }', "high", id="a whole mount"),
        pytest.param('path "*" { capabilities = ["read"] }', "high", id="reads everything"),
        pytest.param('path "team/old/*" { capabilities = ["read"] }', "high", id="all secrets of version 1"),
        pytest.param('path "database/creds/+" { capabilities = ["read"] }', "high", id="all dynamic credentials"),
        pytest.param('path "kv/data/app/*" { capabilities = ["read"] }', "normal", id="one application's secrets"),
        pytest.param('path "database/creds/app" { capabilities = ["read"] }', "normal", id="one dynamic credential"),
        pytest.param('path "kv/metadata/*" { capabilities = ["list", "read"] }', "normal", id="metadata only"),
        pytest.param('path "cubbyhole/*" { policy = "write" }', "normal", id="its own cubbyhole"),
        pytest.param('path "auth/token/renew-self" { capabilities = ["update"] }', "normal", id="renews itself"),
        pytest.param('path "sys/policies/acl/*" { capabilities = ["read", "list"] }', "normal", id="reads policies"),
        pytest.param(
            'path "sys/policies/acl/*" { policy = "deny" }\npath "sys/*" { capabilities = ["read"] }',
            "normal",
            id="denied",
        ),
        pytest.param('path "identity/entity/id/{{identity.entity.id}}" { policy = "write" }', "normal", id="templated"),
        pytest.param("", "normal", id="nothing"),
    ],
)
def test_levels(text: str, level: str) -> None:
    """The level follows from what the rules allow, whatever the policy is called."""
    assert _book(team=text).privilege(["team"]).level == level


def test_harmless_policies_combine() -> None:
    """Two policies, each escalation alone, are admin together."""
    book = _book(
        one='path "sys/*" { policy = "write" }',
        two='path "auth/*" { policy = "write" }\npath "identity/*" { policy = "write" }',
    )

    assert book.privilege(["one"]).level == "escalation"
    assert book.privilege(["one", "two"]).level == "admin"


def test_a_deny_that_loses_does_not_help() -> None:
    """A deny less specific than an allow is named in no verdict, because the server ignores it."""
    book = _book(team='path "*" { capabilities = ["read"] }\npath "+/data/*" { capabilities = ["deny"] }')

    assert book.privilege(["team"]).evidence == (
        "reads every secret under database/",
        "reads every secret under kv/",
        "reads every secret under team/old/",
    )


def test_evidence_names_the_rule() -> None:
    """Each reason says what can be done, with which capabilities, by which rule."""
    book = _book(team='path "sys/policies/acl/*" { capabilities = ["update", "read"] }')

    assert book.privilege(["team"]).evidence == ("can rewrite policies: update on sys/policies/acl/*",)


def test_issuing_secret_ids_is_named_for_what_it_is() -> None:
    """Who issues credentials of a role does not change the role."""
    book = _book(team='path "auth/approle/role/+/secret-id" { capabilities = ["update"] }')

    assert book.privilege(["team"]).evidence == (
        "can issue secret-ids of roles: update on auth/approle/role/+/secret-id",
    )


def test_a_templated_rule_is_named() -> None:
    """A rule that the server completes at login is shown for what it is."""
    book = _book(team='path "identity/entity/id/{{identity.entity.id}}" { capabilities = ["update"] }')

    [sentence] = book.privilege(["team"]).evidence
    assert sentence.startswith("templated: identity/entity/id/{{identity.entity.id}}")


@pytest.mark.parametrize(
    ("names", "level"),
    [
        pytest.param(["narrow"], "normal", id="all read"),
        pytest.param(["narrow", "unreadable"], "unknown", id="one could not be read"),
        pytest.param(["wide", "unreadable"], "admin", id="the rest is bad enough"),
        pytest.param(["root"], "admin", id="root has no text"),
    ],
)
def test_what_could_not_be_read(names: list[str], level: str) -> None:
    """An unread policy leaves the level unknown, unless what was read is bad already."""
    book = _book(narrow="", wide='path "*" { policy = "sudo" }', unreadable=None)

    assert book.privilege(names).level == level
    assert ("policy unreadable could not be read" in book.privilege(names).evidence) is ("unreadable" in names)


@pytest.mark.parametrize(
    ("complete", "level", "dangling"),
    [pytest.param(True, "normal", ["gone"], id="list complete"), pytest.param(False, "unknown", [], id="list unread")],
)
def test_a_policy_that_is_not_there(complete: bool, level: str, dangling: list[str]) -> None:
    """A name without a policy grants nothing, if it is known that there is none."""
    book = _book(complete=complete)

    assert book.privilege(["gone"]).level == level
    assert book.dangling(["gone"]) == dangling


def test_a_grant_is_admin_by_its_text() -> None:
    """A policy alone is admin only if it makes an administrator."""
    book = _book(AdministratorAccess='path "kv/data/x" { policy = "read" }', readonly='path "*" { policy = "sudo" }')

    assert [book.is_admin(name) for name in ("AdministratorAccess", "readonly", "root", "gone")] == [
        False,
        True,
        True,
        False,
    ]

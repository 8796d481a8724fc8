"""What policies amount to."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from msgspec import structs

from connectors.vault.client.payloads import SecretMount
from connectors.vault.rights.methods import VaultMethodServer
from connectors.vault.rights.policies import Rules, parse_policy
from connectors.vault.rights.privilege import PolicyBook, secret_paths
from scanner.model import POTENTIAL

MOUNTS = {
    "kv/": SecretMount(type="kv", options={"version": "2"}),
    "team/old/": SecretMount(type="kv"),
    "database/": SecretMount(type="database"),
    "cubbyhole/": SecretMount(type="cubbyhole"),
}
WRITE = '["create", "update"]'
TEAMS = (("*", "write"), ("team-*", "read"))
READ = 'path "kv/data/app/*" { capabilities = ["read"] }'
EVERYTHING = 'path "*" { policy = "sudo" }'
SERVER = VaultMethodServer(
    mounts={
        "approle": "approle", "team/approle": "approle", "userpass": "userpass", "cert": "cert",
        "kubernetes": "kubernetes", "ldap": "ldap",
    },
    groups=frozenset({"g1"}),
)  # fmt: skip


def _book(more: Mapping[str, str | None] = {}, *, complete: bool = True, **texts: str | None) -> PolicyBook:
    rules: dict[str, Rules | None] = {
        name: None if text is None else parse_policy(text) for name, text in {**texts, **more}.items()
    }
    return PolicyBook(rules, complete=complete, secret_paths=secret_paths(MOUNTS), server=SERVER)


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
        pytest.param('path "sys/policies/acl/team-*" { policy = "write" }', "high", id="some policies"),
        pytest.param('path "auth/token/create" { capabilities = ["update"] }', "normal", id="mints tokens"),
        pytest.param('path "auth/approle/role/*" { policy = "write" }', "escalation", id="rewrites roles"),
        pytest.param('path "auth/team/approle/role/x" { policy = "write" }', "high", id="rewrites a nested role"),
        pytest.param('path "auth/userpass/users/bob" { policy = "write" }', "escalation", id="rewrites a user"),
        pytest.param('path "identity/group/name/+" { policy = "write" }', "escalation", id="rewrites groups"),
        pytest.param('path "sys/auth/*" { capabilities = ["create", "sudo"] }', "high", id="opens logins"),
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
        pytest.param('path "auth/approle/role/+/policies" { policy = "write" }', "high", id="role's policies"),
        pytest.param(
            'path "auth/team/approle/role/+/policies" { policy = "write" }', "high", id="nested role's policies"
        ),
        pytest.param('path "auth/+/+/role/+" { policy = "write" }', "high", id="whatever nested role"),
        pytest.param('path "auth/approle/role/ci/*" { policy = "write" }', "high", id="all settings of a role"),
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
        pytest.param('path "sys/policies/acl/team" { policy = "write" }', "escalation", id="rewrites its own policy"),
        pytest.param('path "sys/policy/team" { policy = "write" }', "escalation", id="by the older path"),
        pytest.param('path "sys/policies/acl/team" { capabilities = ["create"] }', "high", id="it exists already"),
        pytest.param('path "sys/policies/acl/other" { policy = "write" }', "high", id="rewrites another policy"),
        pytest.param(
            'path "sys/policies/acl/*" { policy = "write" }\npath "sys/policies/acl/team" { policy = "deny" }',
            "high",
            id="every policy but its own",
        ),
        pytest.param('path "auth/token/create" { policy = "sudo" }', "escalation", id="mints any tokens"),
        pytest.param('path "auth/token/create-orphan" { policy = "write" }', "normal", id="orphans take sudo"),
        pytest.param('path "auth/token/create-orphan" { policy = "sudo" }', "escalation", id="mints any orphans"),
        pytest.param('path "auth/token/create/ci" { policy = "write" }', "high", id="mints by an unread role"),
        pytest.param('path "auth/token/roles/ci" { policy = "write" }', "high", id="changes a token role"),
        pytest.param(
            'path "auth/token/roles/ci" { policy = "write" }\npath "auth/token/create/ci" { policy = "write" }',
            "escalation",
            id="changes a token role that it mints by",
        ),
        pytest.param('path "auth/userpass/users/*" { capabilities = ["create"] }', "escalation", id="adds users"),
        pytest.param('path "auth/userpass/users/bob/policies" { policy = "write" }', "high", id="a user's policies"),
        pytest.param('path "auth/cert/certs/+" { policy = "write" }', "escalation", id="adds its own certificate"),
        pytest.param('path "auth/kubernetes/role/*" { policy = "write" }', "high", id="roles of a cluster"),
        pytest.param('path "auth/kubernetes/*" { policy = "write" }', "escalation", id="and which cluster"),
        pytest.param('path "auth/ldap/users/*" { policy = "write" }', "high", id="who logs in is said elsewhere"),
        pytest.param('path "identity/entity" { policy = "write" }', "escalation", id="any entity"),
        pytest.param('path "identity/entity/id/e1" { policy = "write" }', "high", id="one entity"),
        pytest.param('path "identity/group" { policy = "write" }', "escalation", id="makes groups"),
        pytest.param('path "identity/group/id/g1" { policy = "write" }', "escalation", id="a known group"),
        pytest.param('path "identity/group/id/g2" { policy = "write" }', "high", id="a group that may be external"),
        pytest.param('path "identity/entity-alias" { policy = "write" }', "high", id="aliases"),
        pytest.param(
            'path "sys/auth/*" { policy = "sudo" }\npath "auth/new-*" { policy = "write" }',
            "escalation",
            id="opens a login of its own",
        ),
        pytest.param(
            'path "sys/auth/*" { policy = "sudo" }\npath "auth/kubernetes/role/*" { policy = "write" }',
            "high",
            id="there is a login of that name already",
        ),
        pytest.param(
            'path "auth/token/create" { capabilities = ["update", "sudo"]\nallowed_parameters = { "ttl" = [] } }',
            "high",
            id="with some parameters only",
        ),
        pytest.param(
            'path "identity/entity/id/{{identity.entity.id}}" { policy = "write" }', "escalation", id="its own entity"
        ),
        pytest.param('path "kv/data/{{identity.entity.id}}/*" { policy = "write" }', "normal", id="templated"),
        pytest.param("", "normal", id="nothing"),
    ],
)
def test_levels(text: str, level: str) -> None:
    """The level follows from what the rules allow, whatever the policy is called."""
    assert _book(team=text, other="", everything=EVERYTHING).privilege(["team"]).level == level


@pytest.mark.parametrize(
    ("others", "complete", "words"),
    [
        ({}, True, "of which none makes an admin"),
        ({"narrow": READ}, True, "of which none makes an admin"),
        ({"unread": None}, True, "and not all policies were read"),
        ({}, False, "and not all policies were read"),
    ],
)
def test_any_policy_is_only_as_good_as_the_best(others: dict[str, str | None], *, complete: bool, words: str) -> None:
    """Where none is known to make an admin, taking any of them is potential."""
    book = _book({"team": 'path "auth/token/create" { policy = "sudo" }', **others}, complete=complete)

    found = book.privilege(["team"])

    assert found.level == "high"
    assert any(text.startswith(f"{POTENTIAL}could hold any policy, {words}: ") for text in found.evidence)


@pytest.mark.parametrize(
    "best",
    [
        {"best": EVERYTHING},
        {"best": 'path "sys/policies/acl/x" { policy = "write" }'},
        {
            "one": 'path "sys/*" { policy = "sudo" }\npath "sys/polic*" { policy = "deny" }',
            "two": 'path "auth/*" { policy = "write" }',
            "three": 'path "identity/*" { policy = "write" }\npath "sys/policies/acl/*" { policy = "sudo" }',
        },
    ],
)
def test_the_best_may_be_one_or_several_or_one_that_it_writes(best: dict[str, str]) -> None:
    """Whoever takes a policy that writes policies takes what it writes."""
    book = _book({"team": 'path "auth/token/create" { policy = "sudo" }', **best})

    found = book.privilege(["team"])

    assert found.level == "escalation"
    assert found.evidence[0] == "minting tokens with any policy: sudo and update on auth/token/create"


def test_a_token_without_an_entity_has_none_to_change() -> None:
    """Groups and entities change nothing of it."""
    book = _book(team='path "identity/*" { policy = "write" }', everything=EVERYTHING)

    assert book.privilege(["team"]).level == "escalation"
    assert book.privilege(["team"], has_entity=False).level == "high"


@pytest.mark.parametrize(
    ("path", "level"),
    [
        ("me", "escalation"),
        ("me/policies", "escalation"),
        ("you", "high"),
    ],
)
def test_whoever_changes_its_own_login_gives_itself_any_policy(path: str, level: str) -> None:
    """At its next login; another's login is another matter."""
    book = _book(team=f'path "auth/approle/role/{path}" {{ policy = "write" }}', everything=EVERYTHING)
    own = ("auth/approle/role/me", "auth/approle/role/me/policies")

    assert book.privilege(["team"], own=own).level == level
    assert book.privilege(["team"]).level == "high"


@pytest.mark.parametrize(
    ("text", "ways"),
    [
        ('path "auth/userpass/users/bob/password" { policy = "write" }', [("become", "auth/userpass/user/bob", ())]),
        ('path "auth/userpass/users/+/policies" { policy = "write" }', [("make_admin", "auth/userpass/user/*", ())]),
        ('path "auth/approle/role/ci/secret-id" { policy = "write" }', []),
        (
            'path "auth/approle/role/ci/*" { policy = "sudo" }',
            [("become", "auth/approle/role/ci", ()), ("make_admin", "auth/approle/role/ci", ())],
        ),
        (
            "\n".join(f'path "auth/kubernetes/role/{name}" {{ policy = "{able}" }}' for name, able in TEAMS),
            [("make_admin", "auth/kubernetes/role/*", ("auth/kubernetes/role/team-*",))],
        ),
        ('path "identity/entity/name/e" { policy = "write" }', [("make_admin", "identity/entity/e", ())]),
        ('path "identity/entity/id/e1" { policy = "write" }', [("make_admin", "identity/entity/e", ())]),
        ('path "identity/entity/id/e2" { policy = "write" }', []),
        ('path "auth/approle/role/?" { policy = "write" }', []),
    ],
)
def test_ways_are_patterns_of_keys(text: str, ways: list[tuple[str, str, tuple[str, ...]]]) -> None:
    """Never as many as there are logins, and a more specific rule counts."""
    server = structs.replace(SERVER, entities={"e1": "vault://identity/entity/e"})
    found = _book(team=text, everything=EVERYTHING).on(server).ways(["team"])

    expected = [(kind, (f"vault://{on}",), tuple(f"vault://{one}" for one in but)) for kind, on, but in ways]
    assert [(one.kind, one.on, one.but) for one in found] == expected


def test_giving_policies_of_which_none_makes_an_admin_is_no_method() -> None:
    """There is nothing to give."""
    assert _book(team='path "auth/userpass/users/+/policies" { policy = "write" }').ways(["team"]) == ()


def test_harmless_policies_combine() -> None:
    """Two policies, each escalation alone, are admin together."""
    book = _book(
        one='path "sys/*" { policy = "write" }',
        two='path "auth/*" { policy = "write" }\npath "identity/*" { policy = "write" }',
    )

    assert book.privilege(["one"]).level == "escalation"
    assert book.privilege(["two"]).level == "escalation"
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

    assert book.privilege(["team"]).evidence == (
        "rewriting the policy team, which it holds: update on sys/policies/acl/team",
    )


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("sys/policies/acl/x-*", f"{POTENTIAL}could rewrite policies: update on sys/policies/acl/x-*"),
        ("sys/policies/acl/x", "can rewrite policies: update on sys/policies/acl/x"),
    ],
)
def test_what_leads_to_others_is_potential(pattern: str, words: str) -> None:
    """Where it is about whatever has such a name; one policy is one policy."""
    book = _book(team=f'path "{pattern}" {{ capabilities = ["update", "read"] }}')

    assert book.privilege(["team"]).evidence == (words,)


def test_issuing_secret_ids_is_named_for_what_it_is() -> None:
    """Who issues credentials of a role does not change the role."""
    book = _book(team='path "auth/approle/role/+/secret-id" { capabilities = ["update"] }')

    assert book.privilege(["team"]).evidence == (
        f"{POTENTIAL}could issue secret-ids of roles: update on auth/approle/role/+/secret-id",
    )


def test_a_templated_rule_is_named() -> None:
    """A rule that the server completes at login is shown for what it is."""
    book = _book(team='path "identity/entity/id/{{identity.entity.id}}" { capabilities = ["create"] }')

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

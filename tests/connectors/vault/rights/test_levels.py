"""Levels of random namespaces against an oracle that tries each call by each name, one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from connectors.core.contract import Scope
from connectors.vault.client.payloads import AuthMount, Entity, Group, Token
from connectors.vault.identities import NamespaceFacts, parse_identities
from connectors.vault.logins import parse_role
from connectors.vault.methods import APPROLE, KUBERNETES, USERPASS, LoginMethod, RolePayload
from connectors.vault.rights.policies import Rules, capabilities, united
from connectors.vault.rights.privilege import EVERYTHING, POWER, PolicyBook, is_admin
from connectors.vault.spec import SPEC
from scanner.access.edges import resolve
from scanner.access.raised_privileges import raise_by_paths
from scanner.model import POWERFUL, Identity
from tests.examples import examples

SCOPE = Scope(source="vault", spec=SPEC, id="vault:8200", context="")
LOGINS: Mapping[tuple[str, str], LoginMethod] = {
    ("approle", "team-a"): APPROLE,
    ("approle", "ops"): APPROLE,
    ("userpass", "team-u"): USERPASS,
    ("userpass", "v"): USERPASS,
    ("k8s", "k"): KUBERNETES,
}
FOLDERS = {"approle": "role", "userpass": "users", "k8s": "role"}
PATTERNS = (
    "*", "auth/*", "sys/policies/acl/+", "sys/policies/acl/team-*", "sys/policies/acl/p", "sys/policy/p", "sys/*",
    "auth/token/create", "auth/token/create-orphan", "auth/token/roles/+", "auth/token/create/*", "auth/token/roles/x",
    "auth/approle/role/*", "auth/approle/role/+", "auth/approle/role/team-*", "auth/approle/role/ops",
    "auth/approle/role/ops/*", "auth/approle/role/+/secret-id", "auth/approle/role/+/role-id",
    "auth/approle/role/ops/secret-id", "auth/approle/role/+/policies", "auth/userpass/users/*",
    "auth/userpass/users/team-*", "auth/userpass/users/v", "auth/userpass/users/+/password", "auth/k8s/role/*",
    "auth/k8s/role/k", "auth/k8s/config", "auth/k8s/*", "identity/entity", "identity/entity/id/+",
    "identity/entity/name/e", "identity/entity/id/id-e", "identity/group", "identity/group/name/g",
    "identity/group/id/*", "identity/*", "sys/auth/*", "auth/+/users/+", "auth/zz/*",
)  # fmt: skip
CAPABILITIES = (
    ("create", "update"), ("create", "update"), ("update",), ("create",), ("read",), ("deny",), ("update", "sudo"),
    ("create", "update", "sudo"),
)  # fmt: skip
POLICIES = ("p", "q", "team-p", "rest")

rules = st.dictionaries(st.sampled_from(PATTERNS), st.sampled_from(CAPABILITIES).map(frozenset), max_size=3)
books = st.fixed_dictionaries(dict.fromkeys(POLICIES, rules))
held = st.frozensets(st.sampled_from(POLICIES), max_size=2)
holders = st.fixed_dictionaries(dict.fromkeys((*(f"{m}/{n}" for m, n in LOGINS), "entity/e", "token/t"), held))


def _found(book: Mapping[str, Rules], policies: Mapping[str, frozenset[str]]) -> NamespaceFacts:
    kinds = {"approle": "approle", "userpass": "userpass", "k8s": "kubernetes"}
    return NamespaceFacts(
        book=PolicyBook(book, complete=True, secret_paths={}),
        auth_mounts={mount: AuthMount(type=kind) for mount, kind in kinds.items()},
        roles=[
            parse_role(SCOPE, method, mount, name, _payload(method, policies[f"{mount}/{name}"]))
            for (mount, name), method in LOGINS.items()
        ],
        entities=[Entity(id="id-e", name="e", policies=sorted(policies["entity/e"]))],
        tokens=[Token(accessor="t", path="auth/token/create", policies=sorted(policies["token/t"]))],
        groups={"id-g": Group(id="id-g", name="g", type="internal")},
    )


def _payload(method: LoginMethod, policies: frozenset[str]) -> RolePayload:
    return method.payload(token_policies=sorted(policies), token_no_default_policy=True)


class Oracle:
    """Who gets where, by calls on existing names and on new ones. Identities are ``mount/name``."""

    def __init__(self, book: Mapping[str, Rules], policies: Mapping[str, frozenset[str]]) -> None:
        self.book = book
        self.policies = policies
        self.rules = {name: united(book[one] for one in each) for name, each in policies.items()}

    def can(self, who: str, path: str, *needed: str) -> bool:
        return set(needed) <= capabilities(self.rules[who], path)

    def writes(self, who: str) -> set[str]:
        """The policies that it can write, new ones included; one that exists takes update, like every policy."""
        names = {*POLICIES, "new", "team-new"}
        starts = ("sys/policies/acl", "sys/policy")
        return {name for start, name in product(starts, names) if self.can(who, f"{start}/{name}", "update")}

    def any_is_admin(self, who: str) -> bool:
        everything = [*self.book.values(), united(self.book.values())]
        if any(is_admin(one) for one in everything) or self.writes(who):
            return True
        return any(Oracle(self.book, {"one": frozenset({name})}).writes("one") for name in self.book)

    def makes_login(self, who: str) -> bool:
        """Whether it makes a login of its own with whatever policies."""
        for mount, name in product(("approle", "userpass", "k8s", "zz"), ("new", "team-new", *(n for _, n in LOGINS))):
            is_there = (mount, name) in LOGINS
            if mount == "zz" and not (self.can(who, "sys/auth/zz", "sudo") and self._either(who, "sys/auth/zz")):
                continue
            needs = "update" if is_there else "create"
            kinds = ("approle", "userpass", "cert", "jwt") if mount == "zz" else (mount,)
            if any(self._logs_in_new(who, mount, name, kind, needs) for kind in kinds):
                return True
        return False

    def _either(self, who: str, path: str) -> bool:
        return self.can(who, path, "create") or self.can(who, path, "update")

    def _logs_in_new(self, who: str, mount: str, name: str, kind: str, needs: str) -> bool:
        folder = {"approle": "role", "userpass": "users", "cert": "certs", "jwt": "role", "k8s": "role"}[kind]
        path = f"auth/{mount}/{folder}/{name}"
        if not self.can(who, path, needs):
            return False
        if kind in ("jwt", "k8s"):
            # A setting that is there takes update, a new one create: both are asked for.
            return self.can(who, f"auth/{mount}/config", "create", "update")
        return kind != "approle" or self.logs_in_by_secret(who, path)

    def logs_in_by_secret(self, who: str, path: str) -> bool:
        return any(self.can(who, f"{path}/{one}", "update") for one in ("secret-id", "custom-secret-id")) and (
            self.can(who, f"{path}/role-id", "read") or self.can(who, f"{path}/role-id", "update")
        )

    def takes_any(self, who: str) -> bool:
        if any(self.can(who, f"auth/token/{one}", "update", "sudo") for one in ("create", "create-orphan")):
            return True
        for name in ("x", "new"):  # a token role of that name may be there or not
            needs = ("create", "update") if name == "x" else ("create",)
            if self.can(who, f"auth/token/roles/{name}", *needs) and self.can(
                who, f"auth/token/create/{name}", "update"
            ):
                return True
        if self.makes_login(who):
            return True
        groups = ("identity/group", "identity/group/name/g", "identity/group/name/new", "identity/group/id/id-g")
        return who != "token/t" and any(
            self.can(who, one, "update") for one in ("identity/entity", *groups, *_own(who))
        )

    def becomes(self, who: str) -> set[str]:
        found = set()
        for (mount, name), method in LOGINS.items():
            path = f"auth/{mount}/{FOLDERS[mount]}/{name}"
            if method is USERPASS and any(self.can(who, one, "update") for one in (path, f"{path}/password")):
                found.add(f"{mount}/{name}")
            if method is APPROLE and self.logs_in_by_secret(who, path):
                found.add(f"{mount}/{name}")
        return found

    def gives(self, who: str) -> set[str]:
        """Those to whom it can give any policy."""
        found = set()
        for mount, name in LOGINS:
            path = f"auth/{mount}/{FOLDERS[mount]}/{name}"
            if any(self.can(who, one, "update") for one in (path, f"{path}/policies")):
                found.add(f"{mount}/{name}")
        if any(self.can(who, one, "update") for one in ("identity/entity/id/id-e", "identity/entity/name/e")):
            found.add("entity/e")
        return found

    def powerful(self, who: str) -> bool:
        controlled = {who}
        while more := {other for one in controlled for other in self.becomes(one)} - controlled:
            controlled |= more
        for one in controlled:
            if is_admin(self.rules[one]) or (self.takes_any(one) and self.any_is_admin(one)):
                return True
            if any(self.writes(one) & self.policies[other] for other in controlled):
                return True
            if self.any_is_admin(one) and self.gives(one) & controlled:
                return True
        return False


def _own(who: str) -> tuple[str, ...]:
    own = ("identity/entity/id/id-e", "identity/entity/name/e") if who == "entity/e" else ()
    return (*own, "identity/entity/id/of-its-own", "identity/entity/name/of-its-own")


def _closure(identities: Iterable[Identity]) -> dict[str, bool]:
    """What own levels and ways come to: who controls an admin, or the holder and the target of a method."""
    by_key = {one.key: one for one in identities}
    found = {}
    for key in by_key:
        controlled = {key}
        while more := {to for one in controlled for to in _reached(by_key, one, "become")} - controlled:
            controlled |= more
        able = any(by_key[one].privilege.level in POWERFUL for one in controlled)
        found[key] = able or any(_reached(by_key, one, "make_admin") & controlled for one in controlled)
    return found


def _reached(by_key: Mapping[str, Identity], key: str, kind: str) -> set[str]:
    return {
        other
        for way in by_key[key].reach
        for other in by_key
        if way.kind == kind and not way.conditional and _fits(other, way.on) and not _fits(other, way.but)
    }


def _fits(key: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(key, one) for one in patterns)


@examples(300)
@given(books, holders)
def test_levels_are_those_of_the_calls_that_work(
    book: Mapping[str, Rules], policies: Mapping[str, frozenset[str]]
) -> None:
    """In both directions, for every login, entity and token."""
    identities = list(parse_identities(SCOPE, _found(book, policies)))
    oracle, found = Oracle(book, policies), _closure(identities)
    resolved = resolve(identities, {}, (), ())
    own = {one.key: one.privilege for one in resolved.identities}
    raised = raise_by_paths(own, resolved.edges, resolved.methods)
    names = {one.key: f"{one.attributes['mount']}/{one.name}" for one in identities if one.kind != "entity"}
    assert len(identities) == len(policies)

    for identity in identities:
        name = names.get(identity.key, "entity/e")
        assert (identity.privilege.level == "admin") == is_admin(oracle.rules[name])
        assert found[identity.key] == oracle.powerful(name), name
        assert (raised[identity.key].level in POWERFUL) == oracle.powerful(name), name


def test_the_oracle_knows_an_admin() -> None:
    """By the same paths as everybody else."""
    assert all(POWER & capabilities({"*": frozenset({"sudo"})}, path) for path in EVERYTHING)

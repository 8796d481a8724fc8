"""Methods by which the holder of policies gives itself, or others, any policy, and logs in as others (pure).

Only what is certain counts: the policies of a child token are some of its parent's, unless the parent has ``sudo`` on
the path; a policy that is rewritten counts at once for all who hold it; a login counts where its credential is the
writer's own choice. Sources: "Tokens", "Policies" and "Identity" in Vault's documentation, and the HTTP API of
auth/token/create, of AppRole, userpass, certificates, JWT and Kubernetes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct

from connectors.vault.methods import APPROLE, METHODS, USERPASS, LoginMethod
from connectors.vault.rights.policies import (
    ANY,
    Capabilities,
    Rules,
    capabilities,
    is_templated,
    overlaps,
    split_pattern,
)
from scanner.model import Way, WayKind

UPDATE: Capabilities = frozenset({"update"})
_MAKE: Capabilities = frozenset({"create", "update"})
_MINT: Capabilities = frozenset({"update", "sudo"})
_FIXED: Final = frozenset({"root", "control-group", "response-wrapping"})
"""Policies that nobody can rewrite."""
POLICIES: Final = ("sys/policies/acl/", "sys/policy/")
_OWN_ENTITY: Final = (
    "identity/entity/id/{{identity.entity.id}}",
    "identity/entity/name/{{identity.entity.name}}",
)
_OF_ONES_OWN: Final = ("userpass", "cert", "approle", "jwt")
"""Types of methods in which whoever enables one can make a login for itself."""


class VaultMethodServer(Struct, frozen=True, kw_only=True):
    """What was read of a server. ``mounts``: types of the login methods by their paths.

    ``groups``: ids of groups whose members are entities. ``entities``: keys by the ids of entities. ``prefix``: of the
    keys of identities.
    """

    mounts: Mapping[str, str] = {}
    groups: frozenset[str] = frozenset()
    entities: Mapping[str, str] = {}
    prefix: str = "vault://"


# --- What the holder does for itself ---


def rewriting(rules: Rules, names: Iterable[str]) -> Iterator[str]:
    """The ways to rewrite one of these policies, which the holder holds."""
    for name in sorted(set(names) - _FIXED):
        for start in POLICIES:
            if capabilities(rules, f"{start}{name}") >= UPDATE:
                yield f"rewriting the policy {name}, which it holds: update on {start}{name}"
                break


def writes_policies(rules: Rules) -> bool:
    """Whether any policy, of whatever name, can be written."""
    return any(
        capabilities(rules, path) >= UPDATE and path.removeprefix(start) not in _FIXED
        for start in POLICIES
        for path in overlaps(rules, f"{start}+")
    )


def taking_any(rules: Rules, server: VaultMethodServer, *, has_entity: bool) -> Iterator[str]:
    """The ways to hold any policy but ``root``. ``has_entity``: the holder's tokens have an entity."""
    for path in ("auth/token/create", "auth/token/create-orphan"):
        if capabilities(rules, path) >= _MINT:
            yield f"minting tokens with any policy: sudo and update on {path}"
    for path in overlaps(rules, "auth/token/roles/+"):
        role = path.rpartition("/")[2]
        if _makes(rules, path) and capabilities(rules, f"auth/token/create/{role}") >= UPDATE:
            yield f"minting tokens with any policy by a token role that it changes: {_shown(path)}"
    for mount, kind in _changed(rules, server):
        yield from _logging_in(rules, mount, kind)
    for mount in sorted(map(_instance, _names(rules, "sys/auth/") | _names(rules, "auth/"))):
        able = capabilities(rules, f"sys/auth/{mount}")
        if mount not in server.mounts and "sudo" in able and able & _MAKE:
            ways = (way for kind in _OF_ONES_OWN for way in _logging_in(rules, mount, kind))
            yield from (f"enabling a login method at {_shown(mount)}, and {way}" for way in ways)
    if has_entity:
        yield from _by_identity(rules, server)


def _logging_in(rules: Rules, mount: str, kind: str) -> Iterator[str]:
    """The ways to log in with any policy by a method on this mount, with a credential of the holder's own choice."""
    method = METHODS.get(kind)
    if method is None:
        return
    for path in overlaps(rules, f"auth/{mount}/{method.login.folder}/+"):
        if _makes(rules, path) and _has_credential(rules, mount, method, path):
            yield f"logging in with any policy by a {method.login.noun} that it writes: {_shown(path)}"


def _has_credential(rules: Rules, mount: str, method: LoginMethod, path: str) -> bool:
    if method is APPROLE:
        return _logs_in(rules, method, path)
    if method.section in ("auth.jwt", "auth.kubernetes"):  # whose tokens they accept is set for the whole mount
        return capabilities(rules, f"auth/{mount}/config") >= _MAKE
    return True


def _logs_in(rules: Rules, method: LoginMethod, path: str) -> bool:
    """Whether the holder can log in as the existing role or user at this path."""
    if method is USERPASS:
        return any(capabilities(rules, one) >= UPDATE for one in (path, f"{path}/password"))
    if method is not APPROLE:
        return False
    issues = any(capabilities(rules, f"{path}/{one}") >= UPDATE for one in ("secret-id", "custom-secret-id"))
    return issues and bool(capabilities(rules, f"{path}/role-id") & {"read", "update"})


def _by_identity(rules: Rules, server: VaultMethodServer) -> Iterator[str]:
    for path in ("identity/entity", f"identity/entity/id/{ANY}", f"identity/entity/name/{ANY}"):
        if capabilities(rules, path) >= UPDATE:
            yield f"giving its entity any policy: update on {_shown(path)}"
    for pattern in _OWN_ENTITY:
        if rules.get(pattern, frozenset()) >= UPDATE:
            yield f"giving its entity any policy: update on {pattern}"
    groups = ["identity/group", *overlaps(rules, "identity/group/name/+")]
    for path in groups:
        if capabilities(rules, path) >= UPDATE:
            yield f"adding its entity to a group with any policy: update on {_shown(path)}"
    for path in overlaps(rules, "identity/group/id/+"):
        known = server.groups if path.endswith(f"/{ANY}") else server.groups & {path.rpartition("/")[2]}
        if known and capabilities(rules, path) >= UPDATE:
            yield f"adding its entity to a group with any policy: update on {_shown(path)}"


def changing_own(rules: Rules, own: Iterable[str]) -> Iterator[str]:
    """The ways to give any policy to itself by one of these paths, which say what policies the holder has."""
    for path in own:
        if capabilities(rules, path) >= UPDATE:
            yield f"giving itself any policy: update on {path}"


def _makes(rules: Rules, path: str) -> bool:
    """Whether whatever is at the path can be made or changed; for a name of the holder's choice, made."""
    able = capabilities(rules, path)
    return able >= _MAKE or ("create" in able and ANY in path)


def _shown(path: str) -> str:
    return path.replace(ANY, "*")


# --- What the holder does to others: patterns of keys, never lists of all that match ---


def ways(rules: Rules, server: VaultMethodServer, *, any_is_admin: bool) -> tuple[Way, ...]:
    """The logins that the holder can become or give any policy. ``any_is_admin``: that makes an admin of them."""
    return tuple(_ways(rules, server, any_is_admin=any_is_admin))


def _ways(rules: Rules, server: VaultMethodServer, *, any_is_admin: bool) -> Iterator[Way]:
    for mount, kind in _changed(rules, server):
        method = METHODS.get(kind)
        if method is None:
            continue
        start = f"auth/{mount}/{method.login.folder}/"
        names = _names(rules, start)
        become = {one for one in names if _logs_in(rules, method, start + _instance(one))}
        change = {one for one in names if any_is_admin and _gives(rules, start + _instance(one))}
        keys = f"{server.prefix}auth/{mount}/{method.login.noun}/"
        for one in sorted(become):
            yield _way("become", one, become, names, keys, f"logging in as it: {start}{one}")
        for one in sorted(change):
            yield _way("make_admin", one, change, names, keys, f"giving it any policy: update on {start}{one}")
    entities = f"{server.prefix}identity/entity/"
    for kind in ("name", "id"):
        start = f"identity/entity/{kind}/"
        names = _names(rules, start)
        change = {one for one in names if any_is_admin and capabilities(rules, start + _instance(one)) >= UPDATE}
        for one in sorted(change):
            by = f"giving it any policy: update on {start}{one}"
            if kind == "name" or one == "*":
                yield _way("make_admin", one, change, names if kind == "name" else {one}, entities, by)
            elif one in server.entities:
                yield Way(kind="make_admin", by=by, on=(server.entities[one],))


def _gives(rules: Rules, path: str) -> bool:
    return any(capabilities(rules, one) >= UPDATE for one in (path, f"{path}/policies"))


def policies_written(rules: Rules, names: Iterable[str]) -> tuple[str, ...]:
    """Those of these policies that can be rewritten, sorted."""
    if not writes_policies(rules):
        return ()
    rewritable = sorted(set(names) - _FIXED)
    return tuple(one for one in rewritable if any(capabilities(rules, f"{at}{one}") >= UPDATE for at in POLICIES))


def _changed(rules: Rules, server: VaultMethodServer) -> list[tuple[str, str]]:
    """The mounts on which the rules change anything, with their types: most policies touch none of hundreds."""
    writing = {pattern: able for pattern, able in rules.items() if able & _MAKE}
    first = _names(writing, "auth/")
    if "*" in first:
        return sorted(server.mounts.items())
    begin = tuple(one.removesuffix("*") for one in first)
    return sorted(one for one in server.mounts.items() if begin and one[0].startswith(begin))


def _names(rules: Rules, start: str) -> set[str]:
    """Patterns of the names after a path that rules treat alike: ``*``, ``team-*``, or one name."""
    names = (_name(pattern, start.rstrip("/").split("/")) for pattern in rules if not is_templated(pattern))
    return {one for one in names if one is not None and not {"*", "?"}.intersection(one.removesuffix("*"))}


def _name(pattern: str, before: Sequence[str]) -> str | None:
    """The part of a rule's pattern that is about the name after these segments; None if it is about other paths."""
    segments, is_open = split_pattern(pattern)
    for index, (segment, part) in enumerate(zip(segments, before, strict=False)):
        is_prefix = is_open and index == len(segments) - 1 and part.startswith(segment)
        if not (is_prefix or segment in ("+", part)):
            return None
    if len(segments) <= len(before):
        return "*" if is_open else None
    name, is_last = segments[len(before)], len(segments) == len(before) + 1
    if name == "+" or (is_open and is_last and not name):
        return "*"
    return f"{name}*" if is_open and is_last else name


def _instance(name: str) -> str:
    return f"{name[:-1]}{ANY}" if name.endswith("*") else name


def _way(kind: WayKind, one: str, able: set[str], names: set[str], keys: str, by: str) -> Way:
    """The way to the names of a pattern, without those that a more specific rule treats otherwise."""
    within = (other for other in names - able if one.endswith("*") and other != one and other.startswith(one[:-1]))
    return Way(kind=kind, on=(f"{keys}{one}",), but=tuple(f"{keys}{other}" for other in sorted(within)), by=by)

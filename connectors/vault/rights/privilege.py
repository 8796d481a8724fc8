"""The privilege of an identity by its policies: admin, escalation, high or normal (pure).

A risk is a target pattern with the capabilities that are dangerous on it. For each rule that overlaps a target, the
policies are evaluated on a path that both match; so a more specific deny counts, and a less specific one does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from connectors.vault.client.payloads import SecretMount
from connectors.vault.rights.policies import (
    NOTHING,
    Capabilities,
    Rules,
    capabilities,
    is_templated,
    split_pattern,
    united,
)
from scanner.model import Privilege, PrivilegeLevel

ANY = "muster-any"
"""A name that no rule mentions: whatever is allowed on it is allowed on every name."""
EVIDENCE_LIMIT = 12

WRITE: Capabilities = frozenset({"create", "update", "patch"})
POWER: Capabilities = WRITE | {"sudo"}

EVERYTHING = (
    f"sys/policies/acl/{ANY}",
    f"sys/auth/{ANY}",
    f"auth/{ANY}/role/{ANY}",
    f"identity/entity/id/{ANY}",
)
"""Paths that decide who may do what: power over all of them is power over everything."""


class Risk(Struct, frozen=True):
    """Paths on which these capabilities are dangerous, and why."""

    level: PrivilegeLevel
    targets: tuple[str, ...]
    needs: Capabilities
    why: str


_POLICIES = ("sys/policies/acl/+", "sys/policy/+")
_MINTING = ("auth/token/create", "auth/token/create/+", "auth/token/create-orphan")
_ROLES = ("auth/+/role/+", "auth/+/role/+/policies", "auth/+/certs/+")
_NESTED_ROLES = ("auth/+/+/role/+", "auth/+/+/role/+/policies")
_USERS = ("auth/+/users/+", "auth/+/users/+/policies")
_IDENTITIES = (
    "identity/entity",
    "identity/entity/id/+",
    "identity/entity/name/+",
    "identity/entity/merge",
    "identity/entity-alias",
    "identity/entity-alias/id/+",
    "identity/group",
    "identity/group/id/+",
    "identity/group/name/+",
)
_SECRET_IDS = tuple(
    f"auth/{mount}/role/+/{kind}" for mount in ("+", "+/+") for kind in ("secret-id", "custom-secret-id")
)

RISKS = (
    Risk("escalation", _POLICIES, WRITE, "can rewrite policies"),
    Risk("escalation", _MINTING, WRITE, "can mint tokens"),
    Risk("escalation", ("auth/token/roles/+",), WRITE, "can change what minted tokens may do"),
    Risk("escalation", (*_ROLES, *_NESTED_ROLES, *_USERS), WRITE, "can change what logins may do"),
    Risk("escalation", _IDENTITIES, WRITE, "can give entities and groups policies"),
    Risk("escalation", ("sys/auth/+",), WRITE, "can open new ways to log in"),
    Risk("high", _SECRET_IDS, WRITE, "can issue secret-ids of roles"),
    Risk("high", ("sys/mounts/+",), WRITE, "can add and remove secrets engines"),
    Risk("high", ("sys/audit/+",), POWER, "can switch the audit log off"),
    Risk("high", (f"{ANY}/{ANY}/{ANY}",), WRITE, "can write anywhere"),
)
_ORDER: dict[PrivilegeLevel, int] = {"admin": 0, "escalation": 1, "high": 2, "normal": 3, "unknown": 4}


DYNAMIC_ENGINES = frozenset({"database", "rabbitmq", "kubernetes", "aws", "gcp", "azure", "consul", "nomad", "ldap"})


def secret_paths(mounts: Mapping[str, SecretMount]) -> dict[str, str]:
    """For each mount with secrets, a path with a name that no rule mentions: reading it means reading all secrets."""
    paths: dict[str, str] = {}
    for mount, row in sorted(mounts.items()):
        at = mount.rstrip("/")
        if row.type == "kv":
            paths[at] = f"{at}/data/{ANY}" if row.version == "2" else f"{at}/{ANY}"
        elif row.type in DYNAMIC_ENGINES:
            paths[at] = f"{at}/creds/{ANY}"
    return paths


def is_admin(rules: Rules) -> bool:
    """Whether the rules give power over all that decides who may do what."""
    return all(capabilities(rules, path) & POWER for path in EVERYTHING)


def risks(rules: Rules) -> Iterator[tuple[PrivilegeLevel, str]]:
    """The risks that the rules grant, each with a sentence; templated rules are reported without being evaluated."""
    for risk in RISKS:
        for pattern in sorted(rules):
            if not rules[pattern] & risk.needs:
                continue
            if is_templated(pattern):
                if any(overlap(pattern.replace("{{", "").replace("}}", ""), target) for target in risk.targets):
                    yield "normal", f"templated: {pattern}, depends on who logs in"
                continue
            granted = _granted(rules, pattern, risk)
            if granted:
                yield risk.level, f"{risk.why}: {', '.join(sorted(granted))} on {pattern}"


def _granted(rules: Rules, pattern: str, risk: Risk) -> Capabilities:
    paths = (path for target in risk.targets if (path := overlap(pattern, target)) and _is_meant(path, target))
    return next((allowed for path in paths if (allowed := capabilities(rules, path) & risk.needs)), NOTHING)


def _is_meant(path: str, target: str) -> bool:
    """False if ``auth/approle/role/x/secret-id`` was taken for a role on a mount named ``approle/role``."""
    return not (target.startswith("auth/+/+/") and path.split("/")[2] == "role")


def overlap(one: str, other: str) -> str | None:
    """A path that both patterns match, with ``ANY`` where both have wildcards; None if there is none."""
    (left, left_open), (right, right_open) = split_pattern(one), split_pattern(other)
    path: list[str] = []
    for index in range(max(len(left), len(right))):
        at_left, at_right = _at(left, left_open, index), _at(right, right_open, index)
        if at_left is None or at_right is None:
            return None
        (a, a_open), (b, b_open) = at_left, at_right
        if a_open and b.startswith(a):
            path.append(b + ANY if b_open else b)
        elif b_open and a.startswith(b):
            path.append(a)
        elif "+" in (a, b) or a == b:
            path.append(b if a == "+" else a)
        else:
            return None
    return "/".join(ANY if segment in ("+", "") else segment for segment in path)


def _at(segments: list[str], open_ended: bool, index: int) -> tuple[str, bool] | None:
    """The segment at an index, and whether it is a prefix; past an open end, any segment matches."""
    if index < len(segments):
        return segments[index], open_ended and index == len(segments) - 1
    return ("", True) if open_ended else None


class PolicyBook:
    """The policies of a namespace, and the privilege of sets of them.

    ``rules``: by policy name; None if a policy could not be read. ``complete``: whether all names are known; then a
    missing policy grants nothing, as on the server. ``secret_paths``: by mount, see the function of that name.
    """

    def __init__(self, rules: Mapping[str, Rules | None], *, complete: bool, secret_paths: Mapping[str, str]) -> None:
        self._rules = rules
        self._complete = complete
        self.secret_paths = secret_paths
        self._judged: dict[tuple[frozenset[str], frozenset[str]], Privilege] = {}
        self._admins: dict[str, bool] = {}

    def is_admin(self, name: str) -> bool:
        """Whether this policy alone gives admin privilege."""
        if name not in self._admins:
            self._admins[name] = name == "root" or is_admin(self._rules.get(name) or {})
        return self._admins[name]

    def dangling(self, names: Iterable[str]) -> list[str]:
        """The names for which no policy exists, sorted."""
        return sorted(name for name in set(names) if self._complete and name not in self._rules and name != "root")

    def unread(self, names: Iterable[str]) -> list[str]:
        """The names of policies whose rules could not be read, sorted."""
        return sorted(
            name
            for name in set(names) - {"root"}  # which has no text: it allows everything
            if self._rules.get(name) is None and (name in self._rules or not self._complete)
        )

    def rules(self, names: Iterable[str]) -> Rules:
        """The merged rules of these policies, as far as they could be read. ``root`` has none."""
        return united(rules for name in names if (rules := self._rules.get(name)))

    def privilege(self, names: Iterable[str], unread: Iterable[str] = ()) -> Privilege:
        """The privilege of these policies together. ``unread``: reasons why further policies may be unknown."""
        question = frozenset(names), frozenset(unread)
        if question not in self._judged:
            self._judged[question] = self._judge(*question)
        return self._judged[question]

    def _judge(self, names: frozenset[str], unread: frozenset[str]) -> Privilege:
        if "root" in names:
            return Privilege(level="admin", evidence=("holds the policy root",))
        blind = [f"policy {name} could not be read" for name in self.unread(names)]
        blind += sorted(unread)
        rules = self.rules(names)
        hits = sorted(set(self._hits(rules)), key=lambda hit: (_ORDER[hit[0]], hit[1]))
        level = hits[0][0] if hits else "normal"
        if blind and level == "normal":
            level = "unknown"
        return Privilege(level=level, evidence=(*blind, *[sentence for _, sentence in hits][:EVIDENCE_LIMIT]))

    def _hits(self, rules: Rules) -> Iterator[tuple[PrivilegeLevel, str]]:
        if is_admin(rules):
            yield "admin", "can change all authentication and policy settings"
            return
        yield from risks(rules)
        for mount, path in self.secret_paths.items():
            if "read" in capabilities(rules, path):
                yield "high", f"reads every secret under {mount}/"

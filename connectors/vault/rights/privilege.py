"""What an identity's policies amount to: admin, escalation, high or normal, found by evaluating them.

A risk is a target pattern and the capabilities that make it one. For each rule that overlaps a target a path in both
is made up, and the policies are asked about that path; so a deny that wins counts, and one that loses does not.
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
"""Represents a name that no rule mentions: who may act on it may act on every name."""
EVIDENCE_LIMIT = 12

WRITE: Capabilities = frozenset({"create", "update", "patch"})
POWER: Capabilities = WRITE | {"sudo"}

EVERYTHING = (
    f"sys/policies/acl/{ANY}",
    f"sys/auth/{ANY}",
    f"auth/{ANY}/role/{ANY}",
    f"identity/entity/id/{ANY}",
)
"""Who has power over all of these rules over who may do what, and so over everything."""


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
    """For each mount that hands out secrets a path of a name no one mentions: who reads that reads them all."""
    paths: dict[str, str] = {}
    for mount, row in sorted(mounts.items()):
        at = mount.rstrip("/")
        if row.type == "kv":
            paths[at] = f"{at}/data/{ANY}" if row.version == "2" else f"{at}/{ANY}"
        elif row.type in DYNAMIC_ENGINES:
            paths[at] = f"{at}/creds/{ANY}"
    return paths


def is_admin(rules: Rules) -> bool:
    """Power over everything there is, or over all that decides who may do what."""
    return all(capabilities(rules, path) & POWER for path in EVERYTHING)


def risks(rules: Rules) -> Iterator[tuple[PrivilegeLevel, str]]:
    """Each risk that the rules really grant, with a sentence; templated rules are named, not judged."""
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
    """Not where ``auth/approle/role/x/secret-id`` was taken for a role, on a mount named ``approle/role``."""
    return not (target.startswith("auth/+/+/") and path.split("/")[2] == "role")


def overlap(one: str, other: str) -> str | None:
    """A path that both patterns take in, with ``ANY`` for what neither names; None where there is none."""
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
    """The segment at a place, and whether anything may follow it; beyond an open end anything goes."""
    if index < len(segments):
        return segments[index], open_ended and index == len(segments) - 1
    return ("", True) if open_ended else None


class PolicyBook:
    """The policies of a namespace, and what sets of them amount to.

    ``texts``: name to rules; None where a policy could not be read. ``complete``: whether all names are known; then
    one that is missing grants nothing, as the server sees it. ``secret_paths``: by mount, see there.
    """

    def __init__(self, rules: Mapping[str, Rules | None], *, complete: bool, secret_paths: Mapping[str, str]) -> None:
        self._rules = rules
        self._complete = complete
        self.secret_paths = secret_paths
        self._judged: dict[tuple[frozenset[str], frozenset[str]], Privilege] = {}
        self._admins: dict[str, bool] = {}

    def is_admin(self, name: str) -> bool:
        """Whether this policy alone makes an administrator."""
        if name not in self._admins:
            self._admins[name] = name == "root" or is_admin(self._rules.get(name) or {})
        return self._admins[name]

    def dangling(self, names: Iterable[str]) -> list[str]:
        """Names that no policy has."""
        return sorted(name for name in set(names) if self._complete and name not in self._rules and name != "root")

    def unread(self, names: Iterable[str]) -> list[str]:
        """Names of those policies whose rules could not be read."""
        return sorted(
            name
            for name in set(names) - {"root"}  # which has no text: it allows everything
            if self._rules.get(name) is None and (name in self._rules or not self._complete)
        )

    def rules(self, names: Iterable[str]) -> Rules:
        """What the policies allow together, as far as they could be read. ``root`` has no text."""
        return united(rules for name in names if (rules := self._rules.get(name)))

    def privilege(self, names: Iterable[str], unread: Iterable[str] = ()) -> Privilege:
        """What the policies together allow. ``unread``: what else may add to them, but could not be read."""
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

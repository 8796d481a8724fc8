"""The privilege of an identity by its policies: admin, escalation, high or normal (pure).

``escalation``: it can rewrite a policy that it holds, or give itself any policy, and one of them makes an admin. A risk
is a target pattern with the capabilities that are high on it. For each rule that overlaps a target, the policies are
evaluated on a path that both match; so a more specific deny counts, and a less specific one does not.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache, cached_property

from msgspec import Struct

from connectors.vault.client.payloads import SecretMount
from connectors.vault.rights import methods
from connectors.vault.rights.methods import VaultMethodServer
from connectors.vault.rights.policies import (
    ANY,
    NOTHING,
    RESTRICTED,
    Capabilities,
    Rules,
    capabilities,
    is_templated,
    overlap,
    united,
)
from scanner.model import POTENTIAL, POWERFUL, Privilege, PrivilegeLevel, Way

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
    """Paths on which these capabilities are high, and why. ``on_others``: on every name, it may lead to others."""

    targets: tuple[str, ...]
    needs: Capabilities
    why: str
    on_others: bool = False


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
    Risk(("sys/policies/acl/+", "sys/policy/+"), WRITE, "rewrite policies", on_others=True),
    Risk(("auth/token/create/+",), WRITE, "mint tokens by token roles, which are not read", on_others=True),
    Risk(("auth/token/create", "auth/token/create-orphan"), frozenset({"sudo"}), "mint tokens with any policy"),
    Risk(("auth/token/roles/+",), WRITE, "change what minted tokens may do", on_others=True),
    Risk((*_ROLES, *_NESTED_ROLES, *_USERS), WRITE, "change what logins may do", on_others=True),
    Risk(_IDENTITIES, WRITE, "give entities and groups policies", on_others=True),
    Risk(("sys/auth/+",), WRITE, "open new ways to log in"),
    Risk(_SECRET_IDS, WRITE, "issue secret-ids of roles", on_others=True),
    Risk(("sys/mounts/+",), WRITE, "add and remove secrets engines"),
    Risk(("sys/audit/+",), POWER, "switch the audit log off"),
    Risk((f"{ANY}/{ANY}/{ANY}",), WRITE, "write anywhere"),
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
            if not rules[pattern] & (risk.needs | _some(risk.needs)):
                continue
            if is_templated(pattern):
                if any(overlap(pattern.replace("{{", "").replace("}}", ""), target) for target in risk.targets):
                    yield "normal", f"templated: {pattern}, depends on who logs in"
                continue
            path, granted = _granted(rules, pattern, risk)
            if granted:
                start = f"{POTENTIAL}could" if risk.on_others and ANY in path else "can"
                names = sorted(one.removesuffix(RESTRICTED) for one in granted)
                some = "" if granted & risk.needs else ", with some parameters only"
                yield "high", f"{start} {risk.why}: {', '.join(names)} on {pattern}{some}"


def _granted(rules: Rules, pattern: str, risk: Risk) -> tuple[str, Capabilities]:
    """The first path of the risk on which the rule counts, and what it allows there."""
    for target in risk.targets:
        path = overlap(pattern, target)
        # False if ``auth/approle/role/x/secret-id`` was taken for a role on a mount named ``approle/role``.
        if path and (not (target.startswith("auth/+/+/") and path.split("/")[2] == "role")):
            able = capabilities(rules, path)
            if granted := able & risk.needs or able & _some(risk.needs):
                return path, granted
    return "", NOTHING


@cache
def _some(needs: Capabilities) -> Capabilities:
    return frozenset(f"{one}{RESTRICTED}" for one in needs)


class PolicyBook:
    """The policies of a namespace, and the privilege of sets of them.

    ``rules``: by policy name; None if a policy could not be read. ``complete``: whether all names are known; then a
    missing policy grants nothing, as on the server. ``secret_paths``: by mount, see the function of that name.
    ``server``: what the policies can act on.
    """

    def __init__(
        self,
        rules: Mapping[str, Rules | None],
        *,
        complete: bool,
        secret_paths: Mapping[str, str],
        server: VaultMethodServer | None = None,
    ) -> None:
        self._rules = rules
        self._complete = complete
        self.secret_paths = secret_paths
        self._server = server or VaultMethodServer()
        self._judged: dict[tuple[frozenset[str], frozenset[str], bool], Privilege] = {}
        self._ways: dict[frozenset[str], tuple[Way, ...]] = {}
        self._written: dict[frozenset[str], tuple[str, ...]] = {}
        self._admins: dict[str, bool] = {}

    def on(self, server: VaultMethodServer) -> PolicyBook:
        """The same policies on a server of which more is known."""
        return PolicyBook(self._rules, complete=self._complete, secret_paths=self.secret_paths, server=server)

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

    def privilege(
        self, names: Iterable[str], unread: Iterable[str] = (), *, has_entity: bool = True, own: Collection[str] = ()
    ) -> Privilege:
        """The privilege of these policies together. ``unread``: reasons why further policies may be unknown.

        ``has_entity``: the holder's tokens have an entity. ``own``: the paths that say which policies the holder has.
        """
        question = frozenset(names), frozenset(unread), has_entity
        if question not in self._judged:
            self._judged[question] = self._judge(*question)
        found = self._judged[question]
        if found.level in POWERFUL or not own:
            return found
        rules = self.rules(question[0])
        if self._any_is_admin(rules) and (ways := tuple(methods.changing_own(rules, own))):
            return Privilege(level="escalation", evidence=ways)
        return found

    def ways(self, names: Iterable[str]) -> tuple[Way, ...]:
        """What the holder of these policies together may do to others' logins and entities."""
        question = frozenset(names)
        if question not in self._ways:
            rules = self.rules(question)
            self._ways[question] = methods.ways(rules, self._server, any_is_admin=self._any_is_admin(rules))
        return self._ways[question]

    def policies_written(self, names: Iterable[str], held: Collection[str]) -> tuple[str, ...]:
        """Those of the policies ``held`` by anybody that the holder of these can rewrite, sorted."""
        question = frozenset(names)
        if question not in self._written:
            self._written[question] = methods.policies_written(self.rules(question), held)
        return self._written[question]

    @cached_property
    def _one_is_admin(self) -> bool:
        """Whether the holder of any policies could make itself an admin: by one, by all, or by writing one."""
        known = [rules for rules in self._rules.values() if rules]
        return any(map(is_admin, known)) or is_admin(united(known)) or any(map(methods.writes_policies, known))

    def _any_is_admin(self, rules: Rules) -> bool:
        """Whether whoever can be given any policy, and what these rules make of it, is made an admin."""
        return self._one_is_admin or methods.writes_policies(rules)

    def _judge(self, names: frozenset[str], unread: frozenset[str], has_entity: bool) -> Privilege:
        if "root" in names:
            return Privilege(level="admin", evidence=("holds the policy root",))
        blind = [f"policy {name} could not be read" for name in self.unread(names)]
        blind += sorted(unread)
        rules = self.rules(names)
        if is_admin(rules):
            return Privilege(level="admin", evidence=(*blind, "can change all authentication and policy settings"))
        if itself := self._by_itself(rules, names, has_entity=has_entity):
            return Privilege(level="escalation", evidence=(*itself[:EVIDENCE_LIMIT], *blind))
        hits = sorted(set(self._hits(rules, has_entity=has_entity)), key=lambda hit: (_ORDER[hit[0]], hit[1]))
        level = hits[0][0] if hits else "normal"
        if blind and level == "normal":
            level = "unknown"
        return Privilege(level=level, evidence=(*blind, *[sentence for _, sentence in hits][:EVIDENCE_LIMIT]))

    def _by_itself(self, rules: Rules, names: frozenset[str], *, has_entity: bool) -> list[str]:
        """The methods by which the holder makes itself an admin."""
        found = list(methods.rewriting(rules, names))
        if self._any_is_admin(rules):
            found += methods.taking_any(rules, self._server, has_entity=has_entity)
        return list(dict.fromkeys(found))

    def _hits(self, rules: Rules, *, has_entity: bool) -> Iterator[tuple[PrivilegeLevel, str]]:
        yield from risks(rules)
        if not self._any_is_admin(rules):
            all_read = self._complete and None not in self._rules.values()
            known = "of which none makes an admin" if all_read else "and not all policies were read"
            for way in methods.taking_any(rules, self._server, has_entity=has_entity):
                yield "high", f"{POTENTIAL}could hold any policy, {known}: {way}"
        for mount, path in self.secret_paths.items():
            if "read" in capabilities(rules, path):
                yield "high", f"reads every secret under {mount}/"

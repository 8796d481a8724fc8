"""The bindings that a plan declares at one moment, evaluated as the connector evaluates real ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

import msgspec
from msgspec import Struct

from connectors.gcp.keys import account_key
from connectors.gcp.planned.accounts import SOURCE, UNKNOWN_PROJECT, Accounts, GcpAccount, GcpDeclared
from connectors.gcp.rights.assignments import assignments_of
from connectors.gcp.rights.bindings import Accounts as Listed
from connectors.gcp.rights.bindings import Binding
from connectors.gcp.rights.conditions import Expression
from connectors.gcp.rights.deny import Denials
from connectors.gcp.rights.judging import Holdings
from connectors.gcp.rights.members import GcpMember, parse_member
from connectors.gcp.rights.providers import Provider, parse_provider
from connectors.gcp.rights.roles import GcpRoles, Role
from connectors.gcp.rights.tree import GcpResource, Tree
from connectors.gcp.rights.trusts import Pools, trusts_of
from connectors.gcp.rights.vocabulary import counted
from connectors.planned import UNKNOWN
from connectors.planned.shapes import listed, mapping, text
from scanner.catalog import read_table
from scanner.model import Assignment, Trust
from scanner.model.planned import Unread

# --- What resource types of the Terraform provider ``google`` declare: tables.toml ---


class Policy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The resource of a kind of policy. ``argument``: names it. ``on``: its full name, with the argument's value."""

    argument: str
    on: str


class WorkloadType(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A type that runs as service accounts. ``accounts``: paths to their e-mails."""

    kind: str
    accounts: tuple[str, ...]


class Tables(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file."""

    policies: Mapping[str, Policy]
    workloads: Mapping[str, WorkloadType]


@cache
def tables() -> Tables:
    """The tables, read once."""
    return read_table("connectors.gcp.planned", "tables.toml", Tables)


# --- Bindings ---

_FORMS = ("_iam_member", "_iam_binding", "_iam_policy")
_CUSTOM_ROLES = frozenset({"google_project_iam_custom_role", "google_organization_iam_custom_role"})
_PROVIDER = "google_iam_workload_identity_pool_provider"
BINDING_TYPES = _CUSTOM_ROLES | {_PROVIDER, "google_iam_workload_identity_pool"}
"""Types besides policies that say who may do what, or who is let in."""
_POLICY_DATA = "data.google_iam_policy"
_UNKNOWN_ROLE = "a role that is only known after deploying"
_BEFORE_ALL = datetime(1970, 1, 1, tzinfo=UTC)
"""The time at which conditions are evaluated: a binding that expires later counts."""


class GcpGiven(Struct, frozen=True, kw_only=True):
    """Assignments and trusts from bindings, by e-mail. ``unread``: accounts whose trusts are not all known."""

    assignments: Mapping[str, Sequence[Assignment]]
    trusts: Mapping[str, tuple[Trust, ...]]
    unread: frozenset[str]


class _BindingRow(Struct, frozen=True, kw_only=True):
    """A role for some members. ``path``: of the members, for references."""

    role: Any
    members: Sequence[Any]
    path: str
    condition: Any = None


def policy_of(kind: str) -> Policy | None:
    """The policy that a resource type declares in part; None for all other types."""
    return next((tables().policies.get(kind.removesuffix(form)) for form in _FORMS if kind.endswith(form)), None)


def policy_types() -> frozenset[str]:
    """Every resource type of which :func:`policy_of` knows the policy."""
    return frozenset(f"{kind}{form}" for kind in tables().policies for form in _FORMS)


class Bindings:
    """The bindings of a plan. Accounts that they name are added to ``accounts``, and note what gives them rights."""

    def __init__(self, declared: Iterable[GcpDeclared], accounts: Accounts) -> None:
        self._declared = {each.at: each for each in declared}
        self._accounts = accounts
        self._roles = {
            each.at: _custom_role(each) for each in self._declared.values() if each.resource.type in _CUSTOM_ROLES
        }
        self.unread: list[Unread] = []
        self._found = [each for one in self._declared.values() for each in self._of(one)]

    def given(self) -> GcpGiven:
        """The rights that they give the accounts, and who can assume these."""
        projects = {each.resource.project for each in self._found} | {each.project for each in self._accounts}
        tree = Tree(parents={f"projects/{project}": () for project in projects if project})
        roles, denials = GcpRoles(self._roles.values()), Denials({}, tree, _BEFORE_ALL)
        holdings = Holdings(self._found, roles, tree, denials, _BEFORE_ALL, unread=tree.places())
        assignments: dict[str, list[Assignment]] = {}
        for each in assignments_of(self._found, holdings, Listed(), source=SOURCE, scope=UNKNOWN_PROJECT):
            assignments.setdefault(each.holder, []).append(each)
        emails: dict[str, list[str]] = {}
        for account in self._accounts:
            emails.setdefault(account.project or "", []).append(account.email)
        trusts, unread = trusts_of(self._found, holdings, emails, Pools(None, self._providers()))
        return GcpGiven(assignments=assignments, trusts=trusts, unread=unread)

    def _of(self, declared: GcpDeclared) -> Iterator[Binding]:
        policy = policy_of(declared.resource.type)
        if policy is None:
            return
        resource = self._resource(declared, policy)
        rows = list(self._rows(declared))
        if resource is None or not rows:
            self._miss(declared, "what it is about is only known after deploying")
            return
        for row in rows:
            role = self._role(declared, row.role)
            for number, value in enumerate(row.members):
                members = self._members(declared, row, number, value)
                if not members:
                    self._miss(declared, "a member is only known after deploying")
                for member in members:
                    yield Binding(resource=resource, role=role, member=member, condition=_condition(row.condition))

    def _miss(self, declared: GcpDeclared, reason: str) -> None:
        if declared.resource.effect not in ("deleted", "unchanged"):
            self.unread.append(Unread(place=declared.resource.place, reason=reason))

    def _rows(self, declared: GcpDeclared) -> Iterator[_BindingRow]:
        """The rows that a resource declares; none if they are only known after deploying."""
        values = declared.values
        if declared.resource.type.endswith("_iam_policy"):
            yield from self._rows_of_policy(declared)
        elif declared.resource.type.endswith("_iam_member"):
            yield _BindingRow(
                role=values.get("role"),
                members=[values.get("member")],
                path="member",
                condition=values.get("condition"),
            )
        elif isinstance(values.get("members"), list):
            condition = values.get("condition")
            yield _BindingRow(role=values.get("role"), members=values["members"], path="members", condition=condition)

    def _rows_of_policy(self, declared: GcpDeclared) -> Iterator[_BindingRow]:
        data: Any = declared.values.get("policy_data")
        if data is UNKNOWN:
            sources = [self._declared[at] for at in declared.refers("policy_data") if at in self._declared]
            blocks = [
                each
                for one in sources
                if one.resource.type == _POLICY_DATA
                for each in listed(one.values.get("binding"))
            ]
        else:
            try:
                blocks = listed(mapping(msgspec.json.decode(text(data))).get("bindings"))
            except (msgspec.DecodeError, RecursionError, UnicodeError):
                return
        for block in map(mapping, blocks):
            yield _BindingRow(
                role=block.get("role"), members=listed(block.get("members")), path="", condition=block.get("condition")
            )

    def _resource(self, declared: GcpDeclared, policy: Policy) -> GcpResource | None:
        """The resource that the policy is attached to; None if unknown."""
        named: Any = declared.values.get(policy.argument)
        if policy.argument == "service_account_id":
            accounts = self._accounts.referred(declared, policy.argument)
            if len(accounts) != 1:
                return None
            account = accounts[0]
            return Tree().resource(account_key(account.project or "-", account.email))
        if policy.argument == "project" and named is None:
            named = declared.project
        if named is UNKNOWN:
            named = UNKNOWN_PROJECT
        return Tree().resource(policy.on.format(text(named).rpartition("/")[2])) if text(named) else None

    def _members(self, declared: GcpDeclared, row: _BindingRow, number: int, value: Any) -> list[GcpMember]:
        role = self._role(declared, row.role)
        if isinstance(value, str):
            member = parse_member(value)
            accounts = [self._accounts.named(member.id)] if member.kind == "service_account" else []
            for account in accounts:
                if account is not None:
                    _give(account, declared, role)
            return [member]
        path = row.path if row.path == "member" else f"{row.path}.{number}"
        found = [self._accounts.by_at[at] for at in declared.refers(path) if at in self._accounts.by_at]
        for account in found:
            _give(account, declared, role)
        return [parse_member(f"serviceAccount:{account.email}") for account in found]

    def _role(self, declared: GcpDeclared, value: Any) -> str:
        if isinstance(value, str):
            return value
        names = [self._roles[at].name for at in declared.refers("role") if at in self._roles]
        return names[0] if len(names) == 1 else _UNKNOWN_ROLE

    def _providers(self) -> dict[str, list[Provider]]:
        """The providers that the plan declares, by pool; one whose name has no project's number yet is left out."""
        found: dict[str, list[Provider]] = {}
        for each in self._declared.values():
            if each.resource.type == _PROVIDER and text(each.values.get("name")).startswith("projects/"):
                try:
                    provider = parse_provider(_provider_payload(each.values))
                except ValueError:
                    continue
                found.setdefault(provider.pool, []).append(provider)
        return found


def _provider_payload(values: Mapping[str, Any]) -> dict[str, Any]:
    """The payload of IAM's API, of the arguments of a provider."""
    oidc = [mapping(each) for each in listed(values.get("oidc"))]
    aws = [mapping(each) for each in listed(values.get("aws"))]
    return {
        "name": values["name"],
        "disabled": values.get("disabled") is True,
        "attributeMapping": mapping(values.get("attribute_mapping")),
        "attributeCondition": text(values.get("attribute_condition")),
        **({"oidc": {"issuerUri": text(oidc[0].get("issuer_uri"))}} if oidc else {}),
        **({"aws": {"accountId": text(aws[0].get("account_id"))}} if aws else {}),
    }


def _custom_role(declared: GcpDeclared) -> Role:
    permissions = declared.values.get("permissions")
    is_known = isinstance(permissions, list) and all(isinstance(each, str) for each in permissions)
    parent = text(declared.values.get("org_id"))
    place = f"organizations/{parent}" if parent else f"projects/{declared.project or UNKNOWN_PROJECT}"
    name = text(declared.values.get("name")) or f"{place}/roles/{text(declared.values.get('role_id')) or declared.at}"
    return Role(name=name, permissions=counted(permissions) if is_known and isinstance(permissions, list) else None)


def _condition(value: Any) -> Expression | None:
    """A condition, as a block or as the API has it; one that is not known decides of everything."""
    block = value[0] if isinstance(value, list) and value else value
    if block is UNKNOWN or mapping(block).get("expression") is UNKNOWN:
        return Expression(expression="unknown")
    expression = text(mapping(block).get("expression"))
    return Expression(expression=expression) if expression else None


def _give(account: GcpAccount, declared: GcpDeclared, role: str) -> None:
    account.given.append(declared)
    account.gives.setdefault(declared.at, []).append(role)


def given_by(account: GcpAccount) -> bool:
    """Whether something gives the account rights or keys that the change brings."""
    return any(each.resource.effect != "unchanged" for each in (*account.given, *account.keys))

"""An AWS organization: its accounts, and the service control policies that stand over each.

Facts about the calls are from the API reference of AWS Organizations.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Annotated, Any, TypeVar

from msgspec import Meta, Struct, structs

from connectors.aws.client.reading import expect, parsed, read_each
from connectors.aws.client.session import AwsClient, AwsSession, call, pages, permission_of
from connectors.aws.settings import AwsSettings
from connectors.aws.spec import GUARDRAILS, MEMBER_ROLE, MEMBERS
from connectors.core.contract import Meter, Scope, SectionReading, own_words
from scanner.errors import SourceError
from scanner.model import Coverage

ACTIVE = "ACTIVE"
PAGE_SIZE = 20
CONTROLS = "SERVICE_CONTROL_POLICY"

S = TypeVar("S", bound=Struct)

Guardrails = tuple[tuple[Any, ...], ...]
"""The policy documents (parsed JSON) that limit an account, level by level."""


class Member(Struct, frozen=True, kw_only=True, rename="pascal"):
    """``Account`` of Organizations. Its id becomes part of the ARN of the role that is assumed in it."""

    id: Annotated[str, Meta(pattern=r"^[0-9]{12}\Z")]
    arn: str = ""
    name: str | None = None
    email: str | None = None
    state: str | None = None
    status: str | None = None
    """The name of ``state`` until September 2026."""
    paths: tuple[str, ...] = ()

    @property
    def account_state(self) -> str:
        """ACTIVE, SUSPENDED, PENDING_CLOSURE and so on; accounts that do not say are taken for active."""
        return self.state or self.status or ACTIVE

    @property
    def is_management(self) -> bool:
        """Whether the organization is run from it: its id is in the ARN of every account."""
        return f"::{self.id}:account/" in self.arn

    @property
    def parents(self) -> tuple[str, ...] | None:
        """Root and organizational units above it, outermost first; None if the answer does not say."""
        found = tuple(part for path in self.paths[:1] for part in path.split("/") if part.startswith(("r-", "ou-")))
        return found or None


class _OrganizationNamed(Struct, frozen=True, kw_only=True, rename="pascal"):
    """A root, an organizational unit, an account or a policy's summary: only which one it is."""

    id: str


class _Target(Struct, frozen=True, kw_only=True, rename="pascal"):
    target_id: str


class _Control(Struct, frozen=True, kw_only=True):
    document: Any
    targets: tuple[str, ...]


def read_members(client: AwsClient, section: SectionReading) -> Iterator[Member]:
    """The organization's accounts, page by page. Raises SourceError at the page that fails."""
    for page in pages(client, "list_accounts", page_size=PAGE_SIZE, expecting=("Accounts",)):
        yield from parsed(section, page.get("Accounts", ()), Member, name="Id")


def read_guardrails(
    client: AwsClient, members: Sequence[Member], section: SectionReading
) -> Mapping[str, Guardrails | None]:
    """By account: the service control policies on its root, on each unit above it and on itself; None: not known.

    The management account has none: it is exempt. Where nothing is attached (which AWS prevents while such policies are
    switched on) there is no limit. All or nothing: what limits leave that are known in part is unknown. Raises
    SourceError.
    """
    attached = _attached(client, section)
    parents = {member.id: member.parents for member in members}
    if attached and None in parents.values():
        parents |= _walk(client)
    guardrails: dict[str, Guardrails | None] = {}
    for member in members:
        above = parents[member.id]
        if member.is_management or not attached:
            guardrails[member.id] = ()
        elif above is None:
            section.malformed(member.id, "its place in the organization is unknown")
            guardrails[member.id] = None
        else:
            levels = tuple(tuple(attached[place]) for place in (*above, member.id) if place in attached)
            guardrails[member.id] = None if any(None in level for level in levels) else levels
    return guardrails


def _attached(client: AwsClient, section: SectionReading) -> Mapping[str, list[Any]]:
    """The documents on each root, unit and account, in the order of their policies' ids; None: no JSON."""
    ids = sorted(
        policy.id for policy in _rows(client, "list_policies", "Policies", _OrganizationNamed, Filter=CONTROLS)
    )
    controls = read_each(ids, partial(_control, client), of="service control policies")
    if controls.error is not None:
        raise controls.error
    attached: dict[str, list[Any]] = defaultdict(list)
    for policy, control in sorted(controls.answers.items()):
        section.found()
        if control.document is None:
            section.malformed(policy, "its content is not JSON")
        for target in control.targets:
            attached[target].append(control.document)
    return attached


def _control(client: AwsClient, policy: str) -> _Control:
    answer = call(client, "describe_policy", expecting="Policy", PolicyId=policy)
    targets = _rows(client, "list_targets_for_policy", "Targets", _Target, PolicyId=policy)
    return _Control(
        document=_document(answer["Policy"].get("Content")), targets=tuple(target.target_id for target in targets)
    )


def _document(content: Any) -> Any:
    try:
        return json.loads(content)
    except (TypeError, ValueError, RecursionError):
        return None


def _walk(client: AwsClient) -> dict[str, tuple[str, ...] | None]:
    """The units above each account, from the tree: two listings for each root and unit."""
    found: dict[str, tuple[str, ...] | None] = {}
    waiting: list[tuple[str, ...]] = [(root.id,) for root in _rows(client, "list_roots", "Roots", _OrganizationNamed)]
    while waiting:
        way = waiting.pop()
        accounts = _rows(client, "list_accounts_for_parent", "Accounts", _OrganizationNamed, ParentId=way[-1])
        found |= dict.fromkeys((account.id for account in accounts), way)
        units = _rows(
            client, "list_organizational_units_for_parent", "OrganizationalUnits", _OrganizationNamed, ParentId=way[-1]
        )
        waiting += [(*way, unit.id) for unit in units]
    return found


def _rows(client: AwsClient, method: str, member: str, shape: type[S], **parameters: Any) -> Iterator[S]:
    """Every row of a paged listing. Raises SourceError also at a row that does not fit."""
    permission = permission_of(client, method)
    for page in pages(client, method, page_size=PAGE_SIZE, expecting=(member,), **parameters):
        for row in page.get(member, ()):
            yield expect(row, shape, permission)


# --- Accounts of a source ---


class Account(Struct, frozen=True, kw_only=True):
    """An account as the context of its scopes.

    ``role``: the ARN of the role that is assumed in it; None: the source's own credentials are its. ``is_own``: they
    are, and serve where the role is refused. ``guardrails``: the service control policies over it; None: unread.
    ``name``, ``email``: as the organization has them.
    """

    id: str
    partition: str
    role: str | None = None
    is_own: bool = True
    guardrails: Guardrails | None = ()
    name: str | None = None
    email: str | None = None


def own_account(session: AwsSession, meter: Meter) -> Account:
    """The account that the source's credentials belong to. Raises SourceError."""
    sts = session.client("sts", session.home_region, meter)
    caller = call(sts, "get_caller_identity")
    account, arn = caller.get("Account", ""), caller.get("Arn", "")
    if not (account.isdigit() and arn.startswith("arn:")):
        raise SourceError("sts:GetCallerIdentity: its response contains no account id")
    return Account(id=account, partition=arn.split(":")[1])


class AwsOrganization:
    """The accounts of an organization, as its settings choose them."""

    def __init__(self, own: Account, session: AwsSession, settings: AwsSettings, nowhere: Scope) -> None:
        self._own = own
        self._session = session
        self._settings = settings
        self._nowhere = nowhere
        """The scope that represents all of the source's."""

    def scopes(self, meter: Meter) -> Iterator[Scope | Coverage]:
        """One for each account that is to be entered; a Coverage for each other, and for what could not be listed."""
        if self._settings.named_accounts:
            members = [Member(id=account) for account in self._settings.named_accounts]
            guardrails: Mapping[str, Guardrails | None] = dict.fromkeys(self._settings.named_accounts, ())
            yield self._not_asked(MEMBERS)
            yield self._not_asked(GUARDRAILS)
        else:
            members = []
            yield self._list(members, meter)
            guardrails = {}
            yield self._limits(members, guardrails, meter)
        for member in {member.id: member for member in members}.values():
            yield self._left_out(member) or self._scope(member, guardrails.get(member.id))

    def _not_asked(self, section: str) -> Coverage:
        return structs.replace(self._nowhere, id=self._own.id).coverage(section, "off", detail="accounts are named")

    def _list(self, members: list[Member], meter: Meter) -> Coverage:
        """Add what could be listed; where not all could, the own account at least."""
        with self._nowhere.section(MEMBERS, meter=meter) as section:
            client = self._session.client("organizations", self._session.home_region, meter)
            members.extend(read_members(client, section))
        coverage = section.coverage
        if not coverage.is_gap:
            return structs.replace(coverage, scope=self._own.id)
        if self._own.id not in {member.id for member in members}:
            members.append(Member(id=self._own.id))
        return coverage

    def _limits(self, members: Sequence[Member], guardrails: dict[str, Guardrails | None], meter: Meter) -> Coverage:
        """Add the service control policies over each account, None where they are unread."""
        with structs.replace(self._nowhere, id=self._own.id).section(GUARDRAILS, meter=meter) as section:
            client = self._session.client("organizations", self._session.home_region, meter)
            guardrails |= read_guardrails(client, members, section)
        return section.coverage

    def _left_out(self, member: Member) -> Coverage | None:
        """The coverage of an account that is not entered; None for all others."""
        scope = structs.replace(self._nowhere, id=member.id)
        if member.id in self._settings.skipped_accounts:
            return scope.coverage(MEMBER_ROLE, "off", detail="skip_accounts names it")
        if member.account_state != ACTIVE:
            state = own_words(member.account_state.lower().replace("_", " "))
            gap = scope.coverage(MEMBER_ROLE, "skipped", detail=f"the account is {state}: nothing in it can be read")
            return structs.replace(gap, permission=None)
        return None

    def _scope(self, member: Member, guardrails: Guardrails | None) -> Scope:
        partition, role = self._own.partition, self._settings.organization_role
        context = Account(
            id=member.id,
            partition=partition,
            role=f"arn:{partition}:iam::{member.id}:role/{role}",
            is_own=member.id == self._own.id,
            guardrails=() if member.is_management else guardrails,
            name=member.name,
            email=member.email,
        )
        return structs.replace(self._nowhere, id=member.id, context=context)

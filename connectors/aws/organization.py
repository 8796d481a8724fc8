"""An AWS organization: its accounts, and the service control policies that stand over each.

Facts about the calls are from the API reference of AWS Organizations.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Annotated, Any, TypeVar

from msgspec import Meta, Struct

from connectors.aws.fetch import expect, read_each
from connectors.aws.reading import parsed
from connectors.aws.session import Client, call, pages, permission_of
from connectors.base import SectionReading

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
    """What ``state`` was called until September 2026."""
    paths: tuple[str, ...] = ()

    @property
    def standing(self) -> str:
        """ACTIVE, SUSPENDED, PENDING_CLOSURE and so on; accounts that do not say are taken for active."""
        return self.state or self.status or ACTIVE

    @property
    def is_management(self) -> bool:
        """Whether the organization is run from it: its id is in the ARN of every account."""
        return f"::{self.id}:account/" in self.arn

    @property
    def parents(self) -> tuple[str, ...] | None:
        """Root and organizational units above it, outermost first; None where the answer does not tell."""
        found = tuple(part for path in self.paths[:1] for part in path.split("/") if part.startswith(("r-", "ou-")))
        return found or None


class _Named(Struct, frozen=True, kw_only=True, rename="pascal"):
    """A root, an organizational unit, an account or a policy's summary: only which one it is."""

    id: str


class _Target(Struct, frozen=True, kw_only=True, rename="pascal"):
    target_id: str


class _Control(Struct, frozen=True, kw_only=True):
    document: Any
    targets: tuple[str, ...]


def read_members(client: Client, section: SectionReading) -> Iterator[Member]:
    """The organization's accounts, page by page. Raises SourceError at the page that fails."""
    for page in pages(client, "list_accounts", page_size=PAGE_SIZE, expecting=("Accounts",)):
        yield from parsed(section, page.get("Accounts", ()), Member, name="Id")


def read_guardrails(
    client: Client, members: Sequence[Member], section: SectionReading
) -> Mapping[str, Guardrails | None]:
    """By account: the service control policies on its root, on each unit above it and on itself; None: not known.

    The management account has none: it is exempt. Where nothing is attached (AWS sees to it that something is, unless
    such policies are switched off) nothing limits. All or nothing: of limits known in part nobody can say what they
    leave. Raises SourceError.
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
            section.malformed(member.id, "its place in the organization is not told")
            guardrails[member.id] = None
        else:
            levels = tuple(tuple(attached[place]) for place in (*above, member.id) if place in attached)
            guardrails[member.id] = None if any(None in level for level in levels) else levels
    return guardrails


def _attached(client: Client, section: SectionReading) -> Mapping[str, list[Any]]:
    """The documents on each root, unit and account, in the order of their policies' ids; None: no JSON."""
    ids = sorted(policy.id for policy in _rows(client, "list_policies", "Policies", _Named, Filter=CONTROLS))
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


def _control(client: Client, policy: str) -> _Control:
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


def _walk(client: Client) -> dict[str, tuple[str, ...] | None]:
    """What is above each account, from the tree: two listings for each root and unit."""
    found: dict[str, tuple[str, ...] | None] = {}
    waiting: list[tuple[str, ...]] = [(root.id,) for root in _rows(client, "list_roots", "Roots", _Named)]
    while waiting:
        way = waiting.pop()
        accounts = _rows(client, "list_accounts_for_parent", "Accounts", _Named, ParentId=way[-1])
        found |= dict.fromkeys((account.id for account in accounts), way)
        units = _rows(client, "list_organizational_units_for_parent", "OrganizationalUnits", _Named, ParentId=way[-1])
        waiting += [(*way, unit.id) for unit in units]
    return found


def _rows(client: Client, method: str, member: str, shape: type[S], **parameters: Any) -> Iterator[S]:
    """Every row of a paged listing. Raises SourceError also at a row that does not fit."""
    permission = permission_of(client, method)
    for page in pages(client, method, page_size=PAGE_SIZE, expecting=(member,), **parameters):
        for row in page.get(member, ()):
            yield expect(row, shape, permission)

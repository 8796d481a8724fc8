"""Which accounts a source reads, and what is to be known before each of them is entered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct, structs

from connectors.aws.organization import ACTIVE, Guardrails, Member, read_guardrails, read_members
from connectors.aws.session import AwsSession, call
from connectors.aws.settings import AwsSettings
from connectors.aws.spec import GUARDRAILS, MEMBER_ROLE, MEMBERS
from connectors.base import Meter, Scope, own_words
from scanner.errors import SourceError
from scanner.model import Coverage


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
        raise SourceError("sts:GetCallerIdentity: its answer names no account")
    return Account(id=account, partition=arn.split(":")[1])


class Organization:
    """The accounts of an organization, as its settings choose them."""

    def __init__(self, own: Account, session: AwsSession, settings: AwsSettings, nowhere: Scope) -> None:
        self._own = own
        self._session = session
        self._settings = settings
        self._nowhere = nowhere
        """The scope that stands for all of the source's."""

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
        """Why an account is not entered, if it is not."""
        scope = structs.replace(self._nowhere, id=member.id)
        if member.id in self._settings.skipped_accounts:
            return scope.coverage(MEMBER_ROLE, "off", detail="skip_accounts names it")
        if member.standing != ACTIVE:
            state = own_words(member.standing.lower().replace("_", " "))
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

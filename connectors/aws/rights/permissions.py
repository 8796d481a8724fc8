"""Each user's and role's policies, resolved to documents and judged, every distinct one once (pure)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct, structs

from connectors.aws.client.payloads import AttachedPolicy, Boundary, GroupDetail, InlinePolicy, PolicyDetail
from connectors.aws.rights.agent_facts import agent_facts
from connectors.aws.rights.allowed import allowed_actions
from connectors.aws.rights.assume import roles_elsewhere
from connectors.aws.rights.consequences import consequences_in, with_policies
from connectors.aws.rights.model_calls import model_signals
from connectors.aws.rights.patterns import action_matches
from connectors.aws.rights.policy import parse_statements
from connectors.aws.rights.privilege import UNDER_A_CONDITION, Effective, Limit, Verdict, is_admin, judge
from connectors.aws.rights.reach import AppliedPolicy, AwsReachDocument, sources_in, sum_up
from connectors.aws.rights.vocabulary import Vocabulary, published_policies
from scanner.model import (
    UNKNOWN_PRIVILEGE,
    Consequence,
    Grant,
    Privilege,
    PrivilegeLevel,
    Signal,
    Way,
    with_administration,
)

GUARDRAILS_UNREAD = "the organisation's service control policies could not all be read: it may be less"

_OF_AWS = re.compile(r"arn:[^:]+:iam::aws:policy/(?:.*/)?([^/]+)")
_SERVICE_LINKED = ":role/aws-service-role/"


class Permissions(Struct, frozen=True, kw_only=True, gc=False):
    """All that is known of what a principal may do. ``missing``: what could change it and could not be read.

    ``could_be_less``: whether some of that might take rights away.
    ``published``: in words, which of AWS's policies are judged by what AWS has published, not by what was listed.
    ``is_guarded``: whether all that the organisation denies it is known; otherwise the level is the most it can be.
    ``boundary`` and the organisation's ``guardrails`` limit it. ``verdict``: of what could be read; None: nothing was.
    ``allowed``: the high-consequence actions of what could be read; None: nothing was. ``amounts_to``: its level.
    ``elsewhere``: roles in other accounts that it is allowed to assume, if they let it. ``ways``: whom it can become,
    make an admin or take over in its own, see :mod:`connectors.aws.rights.targets` and
    :mod:`connectors.aws.rights.methods`. ``actions``: what each policy leaves it, see
    :mod:`connectors.aws.rights.allowed`; None: nothing was read, or what was not could take some of it away.
    ``of_agents``: attributes, see :mod:`connectors.aws.rights.agent_facts`.
    """

    held: tuple[AppliedPolicy, ...] = ()
    boundary: AwsReachDocument | None = None
    guardrails: tuple[Limit, ...] = ()
    verdict: Verdict | None = None
    effective: Effective = Effective()
    elsewhere: tuple[Way, ...] = ()
    ways: tuple[Way, ...] = ()
    allowed: tuple[Consequence, ...] | None = None
    privilege: Privilege = UNKNOWN_PRIVILEGE
    amounts_to: PrivilegeLevel = "unknown"
    grants: tuple[Grant, ...] = ()
    signals: tuple[Signal, ...] = ()
    missing: tuple[str, ...] = ()
    could_be_less: bool = False
    published: tuple[str, ...] = ()
    is_guarded: bool = True
    actions: Mapping[str, list[str]] | None = None
    of_agents: Mapping[str, Any] = {}

    @property
    def is_whole(self) -> bool:
        """Whether nothing that could change it went unread."""
        return not self.missing

    @property
    def actions_unread(self) -> tuple[str, ...]:
        """What could change its actions and was not read, in words."""
        return self.missing if self.is_guarded else (*self.missing, GUARDRAILS_UNREAD)

    @property
    def documents(self) -> tuple[AwsReachDocument, ...]:
        """The documents that could be read."""
        return tuple(held.document for held in self.held if held.document is not None)

    @property
    def consequences(self) -> tuple[Consequence, ...] | None:
        """The high-consequence actions; None where nothing could be read."""
        return None if self.allowed is None else with_administration(self.privilege, self.allowed)

    @property
    def granted_services(self) -> list[str] | None:
        """The services of which its policies allow something, by the prefix of their actions.

        None where a policy went unread, or one names all services or all but some.
        """
        allowed = [one for document in self.documents for one in document.statements if one.allow]
        services = {action.partition(":")[0].lower() for one in allowed for action in one.actions}
        if self.missing or any(one.not_actions for one in allowed) or any("*" in one or "?" in one for one in services):
            return None
        return sorted(services)

    def judged(
        self,
        words: Vocabulary,
        itself: tuple[str, ...] = (),
        itself_if: tuple[str, ...] = (),
        unread: Mapping[str, str] | None = None,
    ) -> Permissions:
        """The same with its privilege.

        ``itself``: in words, how it makes itself an admin, and ``itself_if`` under a condition. ``unread``: what is
        missing of the targets of its methods, by their kind.
        """
        if self.verdict is None:
            return self
        found = self.verdict.render(sources_in(self.held, words), unread)
        if found.level != "admin" and itself:
            found = Privilege(level="escalation", evidence=(*itself, *found.evidence))
        elif found.level != "admin" and itself_if:
            reasons = (f"can make itself an admin, {UNDER_A_CONDITION}: {reason}" for reason in itself_if)
            found = Privilege(level="high", evidence=(*reasons, *found.evidence))
        amounts_to = found.level
        if self.missing and found.level == "admin" and not self.could_be_less:
            found = Privilege(level="admin", evidence=(*found.evidence, *self.missing))
        elif self.missing:
            rest = f"what could be read amounts to {found.level}"
            found = Privilege(level="unknown", evidence=(*self.missing, rest, *found.evidence))
        if self.published:
            found = Privilege(level=found.level, evidence=(*found.evidence, *self.published))
        if found.level != "unknown" and found.evidence and not self.is_guarded:
            found = Privilege(level=found.level, evidence=(*found.evidence, GUARDRAILS_UNREAD))
        return structs.replace(self, privilege=found, amounts_to=amounts_to)


class _PermissionJudged(NamedTuple):
    """The privilege of a set of policies, independent of the holder."""

    verdict: Verdict
    effective: Effective
    elsewhere: tuple[Way, ...]
    allowed: tuple[Consequence, ...]


class PolicyLibrary:
    """The account's policies and groups, from which a principal's permissions follow.

    ``guardrails``: the service control policies of each level above the account; None: there are some, unread.
    """

    def __init__(
        self,
        policies: Iterable[PolicyDetail],
        groups: Iterable[GroupDetail],
        *,
        words: Vocabulary,
        account: str,
        guardrails: tuple[tuple[Any, ...], ...] | None = (),
    ) -> None:
        self._words = words
        self._account = account
        self._documents: dict[bytes, AwsReachDocument] = {}
        self._judged: dict[tuple[Any, ...], _PermissionJudged] = {}
        self._actions_of: dict[tuple[Any, ...], dict[str, list[str]] | None] = {}
        self.malformed: list[tuple[str, str]] = []
        """Policies whose document could not be understood, and why."""
        policies = tuple(policies)
        self._managed = {policy.arn: self._document(policy.arn, policy.document) for policy in policies}
        self._cut_down = {policy.arn for policy in policies if policy.cut_down}
        self.versions = {
            policy.arn: tuple(filter(None, map(self._readable, policy.others)))
            for policy in policies
            if _name_of_aws(policy.arn) is None
        }
        """By policy of the account, its versions that are not in force, as far as they could be read."""
        levels = [[self._document("service control policy", each) for each in level] for level in guardrails or ()]
        # A level that was read in part is reported as missing, and limits nothing here.
        self._guardrails = tuple(
            tuple(each for each in level if each is not None) for level in levels if None not in level
        )
        self._guardrails_read = guardrails is not None and len(self._guardrails) == len(levels)
        self.groups = {
            group.group_name: tuple(
                self._held(
                    group.arn, group.group_policy_list, group.attached_managed_policies, f"group:{group.group_name}"
                )
            )
            for group in groups
        }
        """The policies of each group, by its name."""

    def permissions(
        self,
        arn: str,
        inline: Sequence[InlinePolicy],
        attached: Sequence[AttachedPolicy],
        boundary: Boundary | None,
        groups: Sequence[str] = (),
    ) -> Permissions:
        """The rights of one user or role, from its own policies and those of its groups."""
        held = list(self._held(arn, inline, attached, "direct"))
        for group in groups:
            held += self.groups.get(group, ())
        held.sort(key=lambda each: (each.name, each.via))
        limit, of_boundary = (None, "")
        if boundary is not None:
            limit, of_boundary = self._managed_document(boundary.permissions_boundary_arn)
        exempt = _SERVICE_LINKED in arn  # no service control policy binds a service-linked role
        missing = [f"group {group} could not be read" for group in groups if group not in self.groups]
        if boundary is not None and limit is None:
            missing.append(f"the permissions boundary {boundary.permissions_boundary_arn} could not be read")
        could_be_less = bool(missing) or any(each.may_deny for each in held if each.document is None)
        missing += [f"policy {each.name} ({each.via}) could not be read" for each in held if each.document is None]
        limits_in_part = bool(of_boundary) or (
            boundary is not None and boundary.permissions_boundary_arn in self._cut_down
        )
        guardrails = () if exempt else self._guardrails
        judged = self._verdict(held, limit, guardrails)
        return Permissions(
            held=tuple(held),
            boundary=limit,
            guardrails=guardrails,
            verdict=judged.verdict,
            effective=judged.effective,
            elsewhere=judged.elsewhere,
            allowed=with_policies(judged.allowed, held, self._words),
            grants=tuple(self._grant(each) for each in held),
            signals=model_signals(held),
            missing=tuple(missing),
            could_be_less=could_be_less,
            actions=None if could_be_less or limits_in_part else self._actions(held, limit, guardrails),
            of_agents=agent_facts(
                held, (*guardrails, *(() if limit is None else ((limit,),))), self._account, is_whole=not could_be_less
            ),
            published=tuple(sorted({of_boundary, *(each.published for each in held)} - {""})),
            is_guarded=self._guardrails_read or exempt,
        ).judged(self._words)

    def _held(
        self, owner: str, inline: Iterable[InlinePolicy], attached: Iterable[AttachedPolicy], via: str
    ) -> Iterable[AppliedPolicy]:
        for own in inline:
            document = self._document(f"{owner} {own.policy_name}", own.policy_document)
            yield AppliedPolicy(name=own.policy_name, via="inline" if via == "direct" else via, document=document)
        for policy in attached:
            document, published = self._managed_document(policy.policy_arn)
            name = _name_of_aws(policy.policy_arn)
            may_deny = name is None or any(
                action_matches(pattern, name) for pattern in self._words.tables.aws_policies_that_deny
            )
            yield AppliedPolicy(
                name=policy.policy_name,
                via=via,
                arn=policy.policy_arn,
                document=document,
                may_deny=may_deny,
                published=published,
                cut_down=bool(published) or policy.policy_arn in self._cut_down,
            )

    def _managed_document(self, arn: str) -> tuple[AwsReachDocument | None, str]:
        """A managed policy's document; where the listing lacks one of AWS's, the published one, and its version."""
        document = self._managed.get(arn)
        known = published_policies().policies.get(name) if document is None and (name := _name_of_aws(arn)) else None
        if known is None:
            return document, ""
        version = f"policy {name} is judged by its version {known.version}, published by {published_policies().as_of}"
        return self._document(arn, {"Statement": known.statements}), version

    def _readable(self, payload: Any) -> AwsReachDocument | None:
        """A document that matters only where it can be understood."""
        try:
            parse_statements(payload)
        except ValueError:
            return None
        return self._document("", payload)

    def _document(self, name: str, payload: Any) -> AwsReachDocument | None:
        content = msgspec.json.encode(payload, order="sorted")
        known = self._documents.get(content)
        if known is not None:
            return known
        try:
            statements = parse_statements(payload)
        except ValueError as error:
            self.malformed.append((name, str(error)))
            return None
        document = sum_up(statements, number=len(self._documents), words=self._words, account=self._account)
        self._documents[content] = document
        return document

    def _grant(self, held: AppliedPolicy) -> Grant:
        document = held.document
        if document is None:
            return Grant(name=held.name, via=held.via)
        admin = is_admin(document.certain, document.certain.without(document.denied), self._words)
        return Grant(name=held.name, via=held.via, resource=document.resource, admin=admin)

    def _actions(
        self, held: Sequence[AppliedPolicy], boundary: AwsReachDocument | None, guardrails: tuple[Limit, ...]
    ) -> dict[str, list[str]] | None:
        read = [(each, each.document) for each in held if each.document is not None]
        named = tuple((each.name, document.number, each.arn * each.cut_down) for each, document in read)
        key = (named, None if boundary is None else boundary.number, bool(guardrails))
        if key not in self._actions_of:
            limits = (*guardrails, *(() if boundary is None else ((boundary,),)))
            self._actions_of[key] = allowed_actions(held, limits)
        return self._actions_of[key]

    def _verdict(
        self, held: Sequence[AppliedPolicy], boundary: AwsReachDocument | None, guardrails: tuple[Limit, ...]
    ) -> _PermissionJudged:
        documents = {each.document.number: each.document for each in held if each.document is not None}
        key = (tuple(sorted(documents)), None if boundary is None else boundary.number, bool(guardrails))
        if key not in self._judged:
            own, words = tuple(documents.values()), self._words
            limits = (*guardrails, *(() if boundary is None else ((boundary,),)))
            verdict, effective = judge(own, words, limits)
            self._judged[key] = _PermissionJudged(
                verdict,
                effective,
                roles_elsewhere(own, limits, self._account, words),
                consequences_in(own, limits, effective, words, self._account),
            )
        return self._judged[key]


def _name_of_aws(arn: str) -> str | None:
    """The name of a managed policy that AWS itself has written, whose ARN names no account; None for others."""
    named = _OF_AWS.fullmatch(arn)
    return named[1] if named else None


def unread(reason: str) -> Permissions:
    """The permissions of a principal whose policies were not read at all."""
    return Permissions(privilege=Privilege(level="unknown", evidence=(reason,)), missing=(reason,))

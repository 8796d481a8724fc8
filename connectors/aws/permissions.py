"""Each user's and role's policies, resolved to documents and judged, every distinct one once (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from connectors.aws.payloads import AttachedPolicy, Boundary, GroupDetail, InlinePolicy, PolicyDetail
from connectors.aws.policy import Document, parse_statements, sum_up
from connectors.aws.privilege import combine, is_admin, judge
from connectors.aws.vocabulary import Vocabulary
from scanner.model import Grant, Privilege, Signal

_MODEL_CALLS = "bedrock:invokemodel"
POLICIES_NAMED = 3


class Held(Struct, frozen=True, kw_only=True, gc=False):
    """One policy that speaks for a principal; ``document`` is None where it could not be read or understood."""

    name: str
    via: str
    document: Document | None


class Permissions(Struct, frozen=True, kw_only=True, gc=False):
    """All that is known of what a principal may do. ``is_whole``: nothing that could change it went unread."""

    held: tuple[Held, ...]
    boundary: Document | None
    privilege: Privilege
    grants: tuple[Grant, ...]
    signals: tuple[Signal, ...]
    is_whole: bool

    @property
    def documents(self) -> tuple[Document, ...]:
        """The documents that could be read."""
        return tuple(held.document for held in self.held if held.document is not None)


class PolicyLibrary:
    """The account's policies and groups, from which a principal's permissions follow."""

    def __init__(
        self, policies: Iterable[PolicyDetail], groups: Iterable[GroupDetail], *, words: Vocabulary, account: str
    ) -> None:
        self._words = words
        self._account = account
        self._documents: dict[bytes, Document] = {}
        self._judged: dict[tuple[tuple[int, ...], int | None], Privilege] = {}
        self.malformed: list[tuple[str, str]] = []
        """Policies whose document could not be understood, and why."""
        self._managed = {policy.arn: self._document(policy.arn, policy.document) for policy in policies}
        self._groups = {
            group.group_name: tuple(
                self._held(
                    group.arn, group.group_policy_list, group.attached_managed_policies, f"group:{group.group_name}"
                )
            )
            for group in groups
        }

    def permissions(
        self,
        arn: str,
        inline: Sequence[InlinePolicy],
        attached: Sequence[AttachedPolicy],
        boundary: Boundary | None,
        groups: Sequence[str] = (),
    ) -> Permissions:
        """What one user or role may do, from its own policies and its groups'."""
        held = list(self._held(arn, inline, attached, "direct"))
        missing = [f"group {group} could not be read" for group in groups if group not in self._groups]
        for group in groups:
            held += self._groups.get(group, ())
        limit = None if boundary is None else self._managed.get(boundary.permissions_boundary_arn)
        if boundary is not None and limit is None:
            missing.append(f"the permissions boundary {boundary.permissions_boundary_arn} could not be read")
        missing += [f"policy {each.name} ({each.via}) could not be read" for each in held if each.document is None]
        held.sort(key=lambda each: (each.name, each.via))
        return Permissions(
            held=tuple(held),
            boundary=limit,
            privilege=self._privilege(held, limit, missing),
            grants=tuple(self._grant(each) for each in held),
            signals=_model_signals(held),
            is_whole=not missing,
        )

    def _held(
        self, owner: str, inline: Iterable[InlinePolicy], attached: Iterable[AttachedPolicy], via: str
    ) -> Iterable[Held]:
        for own in inline:
            document = self._document(f"{owner} {own.policy_name}", own.policy_document)
            yield Held(name=own.policy_name, via="inline" if via == "direct" else via, document=document)
        for policy in attached:
            yield Held(name=policy.policy_name, via=via, document=self._managed.get(policy.policy_arn))

    def _document(self, name: str, payload: Any) -> Document | None:
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

    def _grant(self, held: Held) -> Grant:
        document = held.document
        if document is None:
            return Grant(name=held.name, via=held.via)
        admin = is_admin(document.certain, document.denied, self._words)
        return Grant(name=held.name, via=held.via, resource=document.resource, admin=admin)

    def _privilege(self, held: Sequence[Held], boundary: Document | None, missing: Sequence[str]) -> Privilege:
        documents = {each.document.number: each.document for each in held if each.document is not None}
        key = (tuple(sorted(documents)), None if boundary is None else boundary.number)
        if key not in self._judged:
            self._judged[key] = judge(combine(tuple(documents.values()), boundary), self._words)
        judged = self._judged[key]
        if missing:
            rest = f"what could be read amounts to {judged.level}"
            return Privilege(level="unknown", evidence=(*missing, rest, *judged.evidence))
        if judged.level == "normal":
            return judged
        sources = self._sources(held, judged)
        return Privilege(level=judged.level, evidence=(*judged.evidence, sources))

    def _sources(self, held: Sequence[Held], judged: Privilege) -> str:
        """Which policies that comes from: those that alone are as bad, else all of them together."""
        alone = [
            each
            for each in held
            if each.document is not None and judge(combine((each.document,), None), self._words).level == judged.level
        ]
        names = [f"{each.name} ({each.via})" for each in alone or held]
        more = f" and {len(names) - POLICIES_NAMED} more" if len(names) > POLICIES_NAMED else ""
        return (
            f"from policy {', '.join(names[:POLICIES_NAMED])}{more}"
            if alone
            else (f"from {', '.join(names[:POLICIES_NAMED])}{more} together")
        )


def _model_signals(held: Iterable[Held]) -> tuple[Signal, ...]:
    naming = sorted(
        {
            f"policy {each.name} names {pattern}"
            for each in held
            if each.document is not None
            for statement in each.document.statements
            if statement.allow and not statement.not_actions
            for pattern in statement.actions
            if pattern.lower().startswith(_MODEL_CALLS)
        }
    )
    return tuple(Signal(says="agent", sort="permission", strength="weak", evidence=evidence) for evidence in naming[:1])


def unread(reason: str) -> Permissions:
    """The permissions of a principal whose policies were not read at all."""
    return Permissions(
        held=(),
        boundary=None,
        privilege=Privilege(level="unknown", evidence=(reason,)),
        grants=(),
        signals=(),
        is_whole=False,
    )

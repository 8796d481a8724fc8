"""``can_assume`` links inside one account: both the trust policy and, where it takes one, the identity's own (pure)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from connectors.aws.globs import has_wildcard, resource_matches
from connectors.aws.policy import Document, allows
from connectors.aws.vocabulary import Vocabulary
from scanner.model import Link, Trust

ASSUME_ROLE = "sts:AssumeRole"


class Holder(Struct, frozen=True, kw_only=True, gc=False):
    """An identity and the policies that speak for it."""

    arn: str
    documents: tuple[Document, ...]
    boundary: Document | None
    is_admin: bool

    @property
    def policies(self) -> tuple[int, ...]:
        """Equal for identities whose policies are equal."""
        numbers = sorted({document.number for document in self.documents})
        return (*numbers, -1 if self.boundary is None else self.boundary.number)


def assume_links(
    holders: Sequence[Holder], trusts: Mapping[str, tuple[Trust, ...]], words: Vocabulary
) -> dict[str, tuple[Link, ...]]:
    """The links of each identity that can assume a role of its own account, by its ARN.

    An administrator's links to roles that trust the whole account are left out: it can make itself any role.
    """
    found: dict[str, dict[str, Link]] = defaultdict(dict)
    for holder, role, trust in _named(holders, trusts):
        # The trust policy suffices here; only an explicit deny of its own can stop it.
        if not _denied(holder, role, words):
            found[holder.arn][role] = Link(
                relation="can_assume", target=role, evidence=f"named in the trust policy{_how_far(trust)}"
            )
    open_roles = {
        role: next(trust for trust in trusted if _own_account(trust))
        for role, trusted in trusts.items()
        if any(map(_own_account, trusted))
    }
    reachable = _Reachable(open_roles, words)
    for holder in holders:
        if not holder.is_admin:
            for role, evidence in reachable.by(holder).items():
                if role != holder.arn:
                    found[holder.arn].setdefault(role, Link(relation="can_assume", target=role, evidence=evidence))
    return {arn: tuple(links[role] for role in sorted(links)) for arn, links in found.items()}


class _Reachable:
    """The roles that trust the whole account, as far as a holder's own policies reach.

    Only the roles that a statement's resources can mean are decided about: most policies name a few, and what a
    pattern covers, or a set of policies allows, is worked out once.
    """

    def __init__(self, roles: Mapping[str, Trust], words: Vocabulary) -> None:
        self._roles = roles
        self._words = words
        self._bit = words.bits((ASSUME_ROLE,))
        self._covered: dict[str, tuple[str, ...]] = {}
        self._answers: dict[tuple[int, ...], dict[str, str]] = {}

    def by(self, holder: Holder) -> dict[str, str]:
        """Evidence by role, for every role that the holder may assume."""
        if holder.policies not in self._answers:
            decided = {
                role: allows(holder.documents, holder.boundary, ASSUME_ROLE, role, self._words)
                for role in sorted(self._candidates(holder))
            }
            self._answers[holder.policies] = {
                role: self._evidence(role, answer) for role, answer in decided.items() if answer != "no"
            }
        return self._answers[holder.policies]

    def _candidates(self, holder: Holder) -> set[str]:
        found: set[str] = set()
        for document in holder.documents:
            if document.possible.somewhere & self._bit:
                for statement in document.statements:
                    if statement.allow and statement.action_bits(self._words) & self._bit:
                        found.update(*map(self._covers, ("*",) if statement.not_resources else statement.resources))
        return found

    def _covers(self, pattern: str) -> tuple[str, ...]:
        if not has_wildcard(pattern):
            return (pattern,) if pattern in self._roles else ()
        if pattern not in self._covered:
            self._covered[pattern] = tuple(role for role in self._roles if resource_matches(pattern, role))
        return self._covered[pattern]

    def _evidence(self, role: str, answer: str) -> str:
        maybe = ", under a condition" if answer == "maybe" else ""
        trusted = f"the role trusts the account{_how_far(self._roles[role])}"
        return f"its policies allow {ASSUME_ROLE} on it{maybe}, and {trusted}"


def _named(holders: Sequence[Holder], trusts: Mapping[str, tuple[Trust, ...]]) -> Iterable[tuple[Holder, str, Trust]]:
    by_arn = {holder.arn: holder for holder in holders}
    by_role_name = {holder.arn.rpartition("/")[2]: holder for holder in holders if ":role/" in holder.arn}
    for role, trusted in trusts.items():
        for trust in trusted:
            if trust.kind == "principal" and trust.external is False:
                _, is_session, session = trust.principal.partition(":assumed-role/")
                name = session.partition("/")[0]
                holder = by_role_name.get(name) if is_session else by_arn.get(trust.principal)
                if holder is not None:
                    yield holder, role, trust


def _own_account(trust: Trust) -> bool:
    return trust.kind == "account" and trust.external is False


def _denied(holder: Holder, role: str, words: Vocabulary) -> bool:
    """Whether an unconditional Deny of its own, or of its boundary, covers the role."""
    bit = words.bits((ASSUME_ROLE,))
    documents = holder.documents if holder.boundary is None else (*holder.documents, holder.boundary)
    return any(
        not statement.allow
        and not statement.conditional
        and statement.action_bits(words) & bit
        and statement.covers(role)
        for document in documents
        if (document.denied | document.hindered) & bit
        for statement in document.statements
    )


def _how_far(trust: Trust) -> str:
    return "" if trust.restriction == "none" else ", under a condition"

"""``can_assume`` links inside one account: both the trust policy and, where it takes one, the identity's own (pure).

A role of another account takes both sides' word. The account knows its own: :func:`roles_elsewhere`; the two are put
together when all accounts have been read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from connectors.aws.decide import Limit, allows, denied, patterns_left
from connectors.aws.globs import arn_parts, has_wildcard, resource_matches
from connectors.aws.policy import speaking_of
from connectors.aws.reach import Document, Reach
from connectors.aws.sources import Held
from connectors.aws.trust import account_of
from connectors.aws.vocabulary import Vocabulary
from scanner.model import Link, PrivilegeLevel, Trust

ASSUME_ROLE = "sts:AssumeRole"


class Holder(Struct, frozen=True, kw_only=True, gc=False):
    """An identity, the policies that speak for it, and what they come to: ``certain``, without any condition.

    ``held``: the same policies with their names, for evidence.
    """

    arn: str
    held: tuple[Held, ...] = ()
    documents: tuple[Document, ...] = ()
    limits: tuple[Limit, ...] = ()
    level: PrivilegeLevel = "normal"
    certain: Reach = Reach()

    @property
    def policies(self) -> tuple[tuple[int, ...], ...]:
        """Equal for identities whose policies are equal."""
        return tuple(tuple(sorted({each.number for each in group})) for group in (self.documents, *self.limits))


class Candidates:
    """Identities that a pattern of ARNs may mean: most policies name a few, and each pattern is worked out once."""

    def __init__(self, arns: Iterable[str]) -> None:
        self._arns = frozenset(arns)
        self._covered: dict[str, frozenset[str]] = {}

    def of(self, holder: Holder, action: int, words: Vocabulary) -> frozenset[str]:
        """Those that the holder's allowances of an action (its bit) speak of."""
        found: frozenset[str] = frozenset()
        for document in holder.documents:
            if document.possible.somewhere & action:
                for statement in speaking_of(document.statements, action, words):
                    if statement.allow:
                        patterns = ("*",) if statement.not_resources else statement.resources
                        found = found.union(*map(self._covers, patterns))
        return found

    def _covers(self, pattern: str) -> frozenset[str]:
        if not has_wildcard(pattern):
            return self._arns & {pattern}
        if pattern not in self._covered:
            self._covered[pattern] = frozenset(arn for arn in self._arns if resource_matches(pattern, arn))
        return self._covered[pattern]


def assume_links(
    holders: Sequence[Holder], trusts: Mapping[str, tuple[Trust, ...]], words: Vocabulary
) -> dict[str, tuple[Link, ...]]:
    """The links of each identity that can assume a role of its own account, by its ARN.

    An administrator's links to roles that trust the whole account are left out: it can make itself any role.
    """
    bit = words.bits((ASSUME_ROLE,))
    found: dict[str, dict[str, Link]] = defaultdict(dict)
    for holder, role, trust in _named(holders, trusts):
        # The trust policy suffices here, within what the identity is limited to; its own deny can stop it.
        if not denied(holder.documents, bit, role, words) and _within_limits(holder, bit, role, words):
            found[holder.arn][role] = Link(
                relation="can_assume", target=role, evidence=f"named in the trust policy{_how_far(trust)}"
            )
    open_roles = {
        role: own[0]
        for role, trusted in trusts.items()
        if (own := [trust for trust in trusted if _is_own_account(trust, role)])
    }
    reachable = _Reachable(open_roles, words)
    for holder in holders:
        if holder.level != "admin":
            for role, evidence in reachable.by(holder).items():
                if role != holder.arn:
                    found[holder.arn].setdefault(role, Link(relation="can_assume", target=role, evidence=evidence))
    return {arn: tuple(links[role] for role in sorted(links)) for arn, links in found.items()}


class _Reachable:
    """The roles that trust the whole account, as far as a holder's own policies reach."""

    def __init__(self, roles: Mapping[str, Trust], words: Vocabulary) -> None:
        self._roles = roles
        self._words = words
        self._bit = words.bits((ASSUME_ROLE,))
        self._candidates = Candidates(roles)
        self._answers: dict[tuple[tuple[int, ...], ...], dict[str, str]] = {}

    def by(self, holder: Holder) -> dict[str, str]:
        """Evidence by role, for every role that the holder may assume."""
        if holder.policies not in self._answers:
            decided = {
                role: allows(holder.documents, holder.limits, self._bit, role, self._words)
                for role in sorted(self._candidates.of(holder, self._bit, self._words))
            }
            self._answers[holder.policies] = {
                role: self._evidence(role, answer) for role, answer in decided.items() if answer != "no"
            }
        return self._answers[holder.policies]

    def _evidence(self, role: str, answer: str) -> str:
        maybe = ", under a condition" if answer == "maybe" else ""
        trusted = f"the role trusts the account{_how_far(self._roles[role])}"
        return f"its policies allow {ASSUME_ROLE} on it{maybe}, and {trusted}"


def roles_elsewhere(
    documents: Sequence[Document], limits: Sequence[Limit], account: str, words: Vocabulary
) -> tuple[str, ...]:
    """Patterns of roles in other accounts that policies allow to assume, sorted; those roles must agree as well."""
    action = words.bits((ASSUME_ROLE,))
    left = patterns_left(documents, limits, action, words, certainly=False)
    return tuple(sorted({pattern for pattern in left if arn_parts(pattern)[4] != account}))


def _named(holders: Sequence[Holder], trusts: Mapping[str, tuple[Trust, ...]]) -> Iterable[tuple[Holder, str, Trust]]:
    by_arn = {holder.arn: holder for holder in holders}
    by_role_name = {holder.arn.rpartition("/")[2]: holder for holder in holders if ":role/" in holder.arn}
    for role, trusted in trusts.items():
        for trust in trusted:
            if trust.kind == "principal" and account_of(trust.principal) == account_of(role):
                _, is_session, session = trust.principal.partition(":assumed-role/")
                name = session.partition("/")[0]
                holder = by_role_name.get(name) if is_session else by_arn.get(trust.principal)
                if holder is not None:
                    yield holder, role, trust


def _is_own_account(trust: Trust, role: str) -> bool:
    return trust.kind == "account" and account_of(trust.principal) == account_of(role)


def _within_limits(holder: Holder, action: int, role: str, words: Vocabulary) -> bool:
    """Whether its limits let it. What a trust policy grants to a user by name, its boundary can only deny."""
    is_user = ":user/" in holder.arn
    return all(
        not denied(limit, action, role, words) if is_user else allows(limit, (), action, role, words) != "no"
        for limit in holder.limits
    )


def _how_far(trust: Trust) -> str:
    return "" if trust.restriction == "none" else ", under a condition"

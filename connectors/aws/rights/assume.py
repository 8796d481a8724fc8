"""``can_assume`` links inside one account: both the trust policy and, where it takes one, the identity's own (pure).

A role of another account takes both policies. The account knows its own side: :func:`roles_elsewhere`; the two are put
together when all accounts have been read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

from msgspec import Struct

from connectors.aws.rights.policy import Answer, statements_on
from connectors.aws.rights.privilege import Limit, allows, denied, patterns_left
from connectors.aws.rights.reach import Document, Held, Reach, sources_in
from connectors.aws.rights.trusted_principals import ASSUME_ROLE, Caller, RoleTrust, session_of
from connectors.aws.rights.vocabulary import Vocabulary, arn_parts, has_wildcard, resource_matches
from scanner.model import Link, PrivilegeLevel, Way

UNLESS_DENIED = "unless the condition of a deny is met"
MAX_LINKED_ROLES = 100
"""With more roles than this that trust their whole account, a principal that may assume any gets no link to each."""
_HOW_FAR: Mapping[Answer, str] = {"yes": "", "maybe": ", under a condition"}


class Holder(Caller, frozen=True, kw_only=True, gc=False):
    """An identity, the policies that apply to it, and what they amount to.

    ``certain``: without any condition; ``possible``: should every condition be met.

    ``held``: the same policies with their names, for evidence.
    """

    held: tuple[Held, ...] = ()
    documents: tuple[Document, ...] = ()
    limits: tuple[Limit, ...] = ()
    level: PrivilegeLevel = "normal"
    certain: Reach = Reach()
    possible: Reach = Reach()

    @property
    def policies(self) -> tuple[tuple[int, ...], ...]:
        """Equal for identities whose policies are equal."""
        return tuple(tuple(sorted({each.number for each in group})) for group in (self.documents, *self.limits))


class Candidates:
    """Identities that a pattern of ARNs may match: most policies name a few, and each pattern is resolved once."""

    def __init__(self, arns: Iterable[str]) -> None:
        self._arns = frozenset(arns)
        self._covered: dict[str, frozenset[str]] = {}

    def of(self, holder: Holder, action: int, words: Vocabulary) -> frozenset[str]:
        """Those that the holder's allow statements for an action (its bit) name."""
        found: frozenset[str] = frozenset()
        for document in holder.documents:
            if document.possible.somewhere & action:
                for statement in statements_on(document.statements, action, words):
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


class Ways(Struct, frozen=True, kw_only=True):
    """``can_assume`` links by ARN of who has them; ``uncertain``: those that only a conditional Allow would give."""

    links: Mapping[str, tuple[Link, ...]]
    uncertain: Mapping[str, tuple[Link, ...]]


def assume_ways(holders: Sequence[Holder], trusts: Mapping[str, RoleTrust], words: Vocabulary) -> Ways:
    """The roles of its own account that each identity can assume; ``trusts`` by the role's ARN.

    An administrator's links to roles that trust the whole account are left out: it can make itself any role. Where
    over :data:`MAX_LINKED_ROLES` trust it, a principal that may assume any role gets links only to those that lead to
    an administrator: all of them would be as many as there are roles. Of many that trust anyone, these come first.
    """
    bit = words.bits((ASSUME_ROLE,))
    found: dict[str, dict[str, Link]] = defaultdict(dict)
    uncertain: dict[str, dict[str, Link]] = defaultdict(dict)
    for holder, trust in _named(holders, trusts):
        # The trust policy suffices here, within what the identity is limited to; its own deny can stop it.
        answer = trust.trusts_named(holder)
        if answer != "no" and _may_follow(holder, trust.role, words):
            evidence = f"named in the trust policy{_HOW_FAR[answer]}"
            found[holder.arn][trust.role] = Link(relation="can_assume", target=trust.role, evidence=evidence)
    able = {holder.arn for holder in holders if holder.level in ("admin", "escalation")}
    public = sorted(
        (trust for trust in trusts.values() if trust.is_public),
        key=lambda trust: (trust.role not in able, trust.role),
    )
    for holder in holders:
        if public and holder.level != "admin":
            for link in islice(_links_by_public_trust(holder, public, words), MAX_LINKED_ROLES):
                found[holder.arn].setdefault(link.target, link)
    reachable = _Reachable({role: trust for role, trust in trusts.items() if trust.is_open}, words)
    few = len(reachable.trusts) <= MAX_LINKED_ROLES
    for holder in holders:
        if holder.level != "admin":
            for link, is_sure in reachable.by(holder):
                reach = holder.certain if is_sure else holder.possible
                if link.target != holder.arn and (few or link.target in able or not reach.wide & bit):
                    (found if is_sure else uncertain)[holder.arn].setdefault(link.target, link)
    return Ways(links=_sorted(found), uncertain=_sorted(uncertain))


def _links_by_public_trust(holder: Holder, public: Iterable[RoleTrust], words: Vocabulary) -> Iterator[Link]:
    """Links to roles that trust anyone (``*``): as where it is named, the trust policy suffices inside the account."""
    for trust in public:
        answer = trust.trusts_as_anyone(holder) if trust.role != holder.arn else "no"
        if answer != "no" and _may_follow(holder, trust.role, words):
            evidence = (
                f"its trust policy allows any principal and, in its own account, needs no other{_HOW_FAR[answer]}"
            )
            yield Link(relation="can_assume", target=trust.role, evidence=evidence)


def _sorted(found: Mapping[str, Mapping[str, Link]]) -> dict[str, tuple[Link, ...]]:
    return {arn: tuple(links[role] for role in sorted(links)) for arn, links in found.items()}


class _Reachable:
    """The roles that trust the whole account, as far as a holder's own policies reach."""

    def __init__(self, trusts: Mapping[str, RoleTrust], words: Vocabulary) -> None:
        self.trusts = trusts
        self._open_to_all = {role for role, trust in trusts.items() if trust.is_open_to_all}
        self._words = words
        self._bit = words.bits((ASSUME_ROLE,))
        self._candidates = Candidates(trusts)
        self._answers: dict[tuple[tuple[int, ...], ...], dict[str, tuple[str, bool]]] = {}

    def by(self, holder: Holder) -> Iterator[tuple[Link, bool]]:
        """A link to every role that the holder may assume, and whether its own policies allow that for certain."""
        if holder.policies not in self._answers:
            decided = {
                role: self._allowed(holder, role)
                for role in sorted(self._candidates.of(holder, self._bit, self._words))
            }
            self._answers[holder.policies] = {role: answer for role, answer in decided.items() if answer is not None}
        for role, (allowed, is_sure) in self._answers[holder.policies].items():
            answer: Answer = "yes" if role in self._open_to_all else self.trusts[role].trusts_through_account(holder)
            if answer != "no":
                by = "" if is_sure else sources_in(holder.held, self._words)(self._bit)
                evidence = f"{allowed}, and the role trusts the account{_HOW_FAR[answer]}{by}"
                yield Link(relation="can_assume", target=role, evidence=evidence), is_sure

    def _allowed(self, holder: Holder, role: str) -> tuple[str, bool] | None:
        """The evidence of its own policies, and whether they allow it without a condition; None if not at all."""
        answer = allows(holder.documents, holder.limits, self._bit, role, self._words)
        if answer == "no":
            return None
        is_sure = allows(holder.documents, holder.limits, self._bit, role, self._words, weak_denies=False) == "yes"
        how = "" if answer == "yes" else f", {UNLESS_DENIED}" if is_sure else _HOW_FAR["maybe"]
        return f"its policies allow {ASSUME_ROLE} on it{how}", is_sure


def roles_elsewhere(
    documents: Sequence[Document], limits: Sequence[Limit], account: str, words: Vocabulary
) -> tuple[Way, ...]:
    """Roles of other accounts that policies allow to assume, certainly or under a condition; the roles must agree."""
    action = words.bits((ASSUME_ROLE,))
    certain, possible = (
        {
            pattern
            for pattern in patterns_left(documents, limits, action, words, certainly=certainly)
            if arn_parts(pattern)[4] != account
        }
        for certainly in (True, False)
    )
    ways = (certain, False), (possible - certain, True)
    return tuple(Way(kind="assume", on=tuple(sorted(on)), conditional=conditional) for on, conditional in ways if on)


def _named(holders: Sequence[Holder], trusts: Mapping[str, RoleTrust]) -> Iterator[tuple[Holder, RoleTrust]]:
    by_arn = {holder.arn: holder for holder in holders}
    by_role_name = {holder.arn.rpartition("/")[2]: holder for holder in holders if not holder.is_user}
    for trust in trusts.values():
        for principal in sorted(trust.named):
            name = session_of(principal)
            holder = by_arn.get(principal) if name is None else by_role_name.get(name)
            if holder is not None:
                yield holder, trust


def _may_follow(holder: Holder, role: str, words: Vocabulary) -> bool:
    """Whether nothing denies it where the trust policy alone suffices.

    What a trust policy grants to a user, its boundary can only deny.
    """
    action = words.bits((ASSUME_ROLE,))
    return not denied(holder.documents, action, role, words) and all(
        not denied(limit, action, role, words) if holder.is_user else allows(limit, (), action, role, words) != "no"
        for limit in holder.limits
    )

"""``can_assume`` links inside one account: both the trust policy and, where it takes one, the identity's own (pure).

A role of another account takes both policies. The account knows its own side: :func:`roles_elsewhere`; the two are put
together when all accounts have been read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import NamedTuple, TypeAlias

from msgspec import Struct

from connectors.aws.rights.holders import AwsCandidates, AwsHolder, Policies
from connectors.aws.rights.patterns import arn_parts, has_variable
from connectors.aws.rights.policy import Answer
from connectors.aws.rights.privilege import ANSWERS, Limit, allows, denied, patterns_left
from connectors.aws.rights.reach import AwsReachDocument, sources_in
from connectors.aws.rights.trusted_principals import RoleTrust, session_of
from connectors.aws.rights.vocabulary import ASSUME_ROLE, Vocabulary
from scanner.model import Link, Way

UNLESS_DENIED = "unless the condition of a deny is met"
MAX_LINKED_ROLES = 100
"""Up to this many roles that one kind of permission leads to are linked one by one; more of them are a way."""
_AND_TRUSTED = "and the role trusts the account"
_HOW_FAR: Mapping[Answer, str] = {"yes": "", "maybe": ", under a condition", "no": ""}


_Found: TypeAlias = tuple[AwsHolder, Answer, Link]
"""A link of a holder, and how sure it is."""


class Ways(Struct, frozen=True, kw_only=True):
    """By ARN of who has them: ``can_assume`` links, and ways: to very many roles, or under a condition.

    ``unlinked``: of how many identities not every role is linked that trusts anyone.
    """

    links: Mapping[str, tuple[Link, ...]]
    ways: Mapping[str, tuple[Way, ...]]
    unlinked: int


def assume_ways(holders: Sequence[AwsHolder], trusts: Mapping[str, RoleTrust], words: Vocabulary) -> Ways:
    """The roles of its own account that each identity can assume; ``trusts`` by the role's ARN.

    An administrator's ways to roles that trust the whole account are left out: it can make itself any role. Of many
    roles that trust anyone, :data:`MAX_LINKED_ROLES` are linked, administrators first.
    """
    found: dict[str, dict[str, Link]] = defaultdict(dict)
    uncertain: dict[str, dict[str, Link]] = defaultdict(dict)
    ways: dict[str, tuple[Way, ...]] = {}
    reachable = _Reachable({role: trust for role, trust in trusts.items() if trust.is_open}, words)
    public, unlinked = _links_by_public_trust(holders, trusts, words)
    for holder, answer, link in chain(_links_by_name(holders, trusts, words), public, reachable.links(holders)):
        if answer != "no" and link.target != holder.arn:
            (found if answer == "yes" else uncertain)[holder.arn].setdefault(link.target, link)
    for holder in holders:
        maybe = uncertain.get(holder.arn, {})
        left = [maybe[target] for target in sorted(maybe) if target not in found.get(holder.arn, {})]
        if each := (*reachable.ways(holder), *conditional_ways(left)):
            ways[holder.arn] = each
    return Ways(
        links={arn: tuple(links[role] for role in sorted(links)) for arn, links in found.items()},
        ways=ways,
        unlinked=unlinked,
    )


def conditional_ways(links: Iterable[Link]) -> Iterator[Way]:
    """Ways to the targets of these links, under a condition: those with the same evidence together."""
    same: defaultdict[str, list[str]] = defaultdict(list)
    for link in links:
        same[link.evidence].append(link.target)
    for evidence, targets in same.items():
        yield Way(kind="become", on=tuple(targets), by=evidence, conditional=True)


def _both(*answers: Answer) -> Answer:
    return min(answers, key=ANSWERS.index)


def _links_by_name(
    holders: Sequence[AwsHolder], trusts: Mapping[str, RoleTrust], words: Vocabulary
) -> Iterator[_Found]:
    """Links to roles that name a holder: the trust policy suffices, within what the holder is limited to."""
    for holder, trust in _named(holders, trusts):
        answer = _both(trust.trusts_named(holder), _may_follow(holder, trust.role, words))
        evidence = f"named in the trust policy{_HOW_FAR[answer]}"
        yield holder, answer, Link(relation="can_assume", target=trust.role, evidence=evidence)


def _links_by_public_trust(
    holders: Sequence[AwsHolder], trusts: Mapping[str, RoleTrust], words: Vocabulary
) -> tuple[list[_Found], int]:
    """Links to roles that trust anyone (``*``): as where it is named, the trust policy suffices inside the account.

    And how many holders have further ones, beyond :data:`MAX_LINKED_ROLES`.
    """
    public = [trust for trust in trusts.values() if trust.is_public]
    admins = {holder.arn for holder in holders if public and holder.level == "admin"}
    public.sort(key=lambda trust: (trust.role not in admins, trust.role))
    found, unlinked = list[_Found](), 0
    for holder in holders if public else ():
        if holder.level != "admin":
            links = _links_to_public(holder, public, words)
            found += islice(links, MAX_LINKED_ROLES)
            unlinked += next(links, None) is not None
    return found, unlinked


def _links_to_public(holder: AwsHolder, public: Iterable[RoleTrust], words: Vocabulary) -> Iterator[_Found]:
    for trust in public:
        answer = trust.trusts_as_anyone(holder) if trust.role != holder.arn else "no"
        answer = answer if answer == "no" else _both(answer, _may_follow(holder, trust.role, words))
        if answer != "no":
            evidence = (
                f"its trust policy allows any principal and, in its own account, needs no other{_HOW_FAR[answer]}"
            )
            yield holder, answer, Link(relation="can_assume", target=trust.role, evidence=evidence)


class _Reached(NamedTuple):
    """What a set of policies may assume: roles that trust every principal of the account, and those that trust some."""

    to_all: tuple[tuple[str, Answer], ...]
    ways: tuple[Way, ...]
    to_some: tuple[tuple[str, Answer], ...]


_NOTHING = _Reached((), (), ())


class _Reachable:
    """The roles that trust the whole account, as far as a holder's own policies reach."""

    def __init__(self, trusts: Mapping[str, RoleTrust], words: Vocabulary) -> None:
        self._trusts = trusts
        self._open_to_all = frozenset(role for role, trust in trusts.items() if trust.is_open_to_all)
        self._words = words
        self._bit = words.bits((ASSUME_ROLE,))
        self._candidates = AwsCandidates(trusts)
        self._answers: dict[Policies, _Reached] = {}

    def links(self, holders: Iterable[AwsHolder]) -> Iterator[_Found]:
        """A link to every role that a holder may assume, but for those that ways lead to."""
        for holder in holders:
            reached = self._by(holder)
            decided: list[tuple[str, Answer, Answer]] = [(role, own, "yes") for role, own in reached.to_all]
            decided += [(role, own, self._trusts[role].trusts_through_account(holder)) for role, own in reached.to_some]
            for role, own, theirs in decided:
                if theirs != "no":
                    yield holder, _both(own, theirs), self._link(holder, role, own, theirs)

    def ways(self, holder: AwsHolder) -> tuple[Way, ...]:
        """Ways to very many roles."""
        return self._by(holder).ways

    def _by(self, holder: AwsHolder) -> _Reached:
        if holder.level == "admin" or not holder.possible.somewhere & self._bit:
            return _NOTHING
        if holder.policies not in self._answers:
            self._answers[holder.policies] = self._reached(holder)
        return self._answers[holder.policies]

    def _reached(self, holder: AwsHolder) -> _Reached:
        sure = self._candidates.allowed(holder, self._bit, self._words)
        maybe = self._candidates.allowed(holder, self._bit, self._words, met=True) - sure
        if any(
            has_variable(pattern) for each in holder.documents for one in each.statements for pattern in one.resources
        ):
            left = self._candidates.of(holder, self._bit, self._words) - sure - maybe
            maybe |= {role for role in left if self._allowed(holder, role) != "no"}
        to_all: list[tuple[str, Answer]] = []
        ways: list[Way] = []
        answers: tuple[tuple[frozenset[str], Answer], ...] = ((sure, "yes"), (maybe, "maybe"))
        for roles, answer in answers:
            every = roles & self._open_to_all
            if len(every) <= MAX_LINKED_ROLES:
                to_all += [(role, answer) for role in sorted(every)]
                continue
            on, but = self._candidates.named(every, self._candidates.patterns(holder, self._bit, self._words))
            allowed = f"its policies allow {ASSUME_ROLE} on it{_HOW_FAR[answer]}"
            by = f"{allowed}, {_AND_TRUSTED}{self._sources(holder, answer)}"
            ways.append(Way(kind="become", on=on, but=but, by=by, conditional=answer == "maybe"))
        to_some = [(role, answer) for roles, answer in answers for role in sorted(roles - self._open_to_all)]
        return _Reached(to_all=tuple(to_all), ways=tuple(ways), to_some=tuple(to_some))

    def _link(self, holder: AwsHolder, role: str, own: Answer, theirs: Answer) -> Link:
        how = _HOW_FAR[own]
        if own == "yes" and self._allowed(holder, role, weak_denies=True) != "yes":
            how = f", {UNLESS_DENIED}"
        evidence = (
            f"its policies allow {ASSUME_ROLE} on it{how}, {_AND_TRUSTED}{_HOW_FAR[theirs]}{self._sources(holder, own)}"
        )
        return Link(relation="can_assume", target=role, evidence=evidence)

    def _sources(self, holder: AwsHolder, answer: Answer) -> str:
        return "" if answer == "yes" else sources_in(holder.held, self._words)(self._bit)

    def _allowed(self, holder: AwsHolder, role: str, *, weak_denies: bool = False) -> Answer:
        return allows(holder.documents, holder.limits, self._bit, role, self._words, weak_denies=weak_denies)


def roles_elsewhere(
    documents: Sequence[AwsReachDocument], limits: Sequence[Limit], account: str, words: Vocabulary
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


def _named(holders: Sequence[AwsHolder], trusts: Mapping[str, RoleTrust]) -> Iterator[tuple[AwsHolder, RoleTrust]]:
    by_arn = {holder.arn: holder for holder in holders}
    by_role_name = {holder.arn.rpartition("/")[2]: holder for holder in holders if not holder.is_user}
    for trust in trusts.values():
        for principal in sorted(trust.named):
            name = session_of(principal)
            holder = by_arn.get(principal) if name is None else by_role_name.get(name)
            if holder is not None:
                yield holder, trust


def _may_follow(holder: AwsHolder, role: str, words: Vocabulary) -> Answer:
    """Whether nothing denies it where the trust policy alone suffices.

    What a trust policy grants to a user, its boundary can only deny.
    """
    action = words.bits((ASSUME_ROLE,))
    answers: list[Answer] = ["no" if denied(holder.documents, action, role, words) else "yes"]
    for limit in holder.limits:
        if holder.is_user:
            answers.append("no" if denied(limit, action, role, words) else "yes")
        else:
            answers.append(allows(limit, (), action, role, words, weak_denies=False))
    return _both(*answers)

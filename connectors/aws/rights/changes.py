"""What becomes of users and roles whose policies, groups and boundaries somebody changes (pure).

Any policy that is given to a user or role makes it an admin, unless it has a boundary or a deny. For those that do, the
changes are tried out: what is done to them, and what they can do to themselves after that.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Literal, NamedTuple, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from connectors.aws.rights.holders import AwsHolder, as_user
from connectors.aws.rights.policy import parse_statements
from connectors.aws.rights.privilege import METHODS_NAMED, Effective, allows, combine, is_admin
from connectors.aws.rights.reach import AppliedPolicy, AwsReachDocument, sources_in, sum_up
from connectors.aws.rights.vocabulary import Changed, Vocabulary
from scanner.text import few

_MOST_STATES = 1_024
"""The most combinations of groups, versions and removals that are tried. IAM allows a user ten groups."""
_MOST_APART = 3
"""Up to this many policies that deny something are taken away in every combination; of more, each, or all of them."""
IT, ITS_GROUP, ITS_POLICY = "on {}", "on a group that it is in", "on a policy that it has"
NOBODY: frozenset[str] = frozenset()

_Effect: TypeAlias = Literal["grant", "join", "switch", "unbind", "rid"]
_Place: TypeAlias = tuple[str, str, str]
"""A policy of a user or role: how it has it, its ARN or nothing, its name."""
May: TypeAlias = Callable[[str, str], bool]
"""Whether an action is allowed on an ARN."""


class Group(Struct, frozen=True, kw_only=True, gc=False):
    """A group of users: its ARN, its policies, the ARNs of its users."""

    arn: str
    held: tuple[AppliedPolicy, ...] = ()
    members: frozenset[str] = frozenset()

    @property
    def via(self) -> str:
        """How its users have its policies."""
        return f"group:{self.arn.rpartition('/')[2]}"


class State(NamedTuple):
    """A user or role after some changes. ``granted``: any policy was given to it. ``bound``: it has its boundary.

    ``removable``: policies that can be taken away from it.
    """

    held: tuple[AppliedPolicy, ...]
    groups: tuple[str, ...]
    granted: bool = False
    bound: bool = True
    removable: frozenset[_Place] = frozenset()

    @property
    def key(self) -> tuple[object, ...]:
        """Equal for equal states, and cheap to compare."""
        held = frozenset((_place(one), None if one.document is None else one.document.number) for one in self.held)
        return held, self.groups, self.granted, self.bound, self.removable


class Step(NamedTuple):
    """A change of a user or role. ``where``: what it is made on, with ``{}`` for whom.

    ``held``, ``groups``: what it has and where it is afterwards, if that changes; ``removable``: what can be taken away
    from it then.
    """

    effect: _Effect
    action: str
    where: str
    held: tuple[AppliedPolicy, ...] = ()
    groups: tuple[str, ...] = ()
    removable: frozenset[_Place] = frozenset()

    def after(self, state: State) -> State:
        """The state that follows from one."""
        return State(
            held=self.held or state.held,
            groups=self.groups or state.groups,
            granted=state.granted or self.effect == "grant",
            bound=state.bound and self.effect != "unbind",
            removable=state.removable | self.removable,
        )


def _place(held: AppliedPolicy) -> _Place:
    return held.via, held.arn, held.name


def state_of(holder: AwsHolder) -> State:
    """A user or role as it is."""
    return State(held=holder.held, groups=holder.groups)


class Changes:
    """The users and roles of an account, and what becomes of them by changes."""

    def __init__(
        self,
        holders: Sequence[AwsHolder],
        groups: Sequence[Group],
        versions: Mapping[str, tuple[AwsReachDocument, ...]],
        words: Vocabulary,
        account: str,
    ) -> None:
        self.words, self.tables, self.versions = words, words.tables.changes, versions
        self.bits = words.bits(self.tables.every)
        self.groups = {one.arn: one for one in groups}
        protected = (one.arn.partition(":role/")[0] for one in holders if words.is_protected(one.arn))
        self.protected = tuple(
            f"{start}:{path}*" for start in dict.fromkeys(protected) for path in words.tables.protected_roles
        )
        self.holders = {one.arn: one for one in holders if not words.is_protected(one.arn)}
        everyone = self.holders.values()
        everything = parse_statements({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}})
        self._all = sum_up(everything, number=-1, words=words, account=account)
        self._raising = words.bits(self.tables.raising)
        self._most = combine((self._all,), next((one.guardrails for one in everyone), ()), words).certain
        self._is_open = bool(self._most.everything & self._raising)
        self._sums: dict[tuple[frozenset[int], int | None], Effective] = {}
        self._known: dict[tuple[object, ...], bool] = {}
        self.special = frozenset(
            one.arn for one in everyone if (one.boundary is not None or any(map(self._refuses, one.held)))
        )
        self.plain = frozenset(self.holders) - self.special if self._is_open else NOBODY
        self.unsure = frozenset(one.arn for one in everyone if one.may_be_less)

    def _refuses(self, held: AppliedPolicy) -> bool:
        """Whether a policy denies something that an admin has."""
        return held.document is not None and bool(held.document.denied.somewhere & self.words.dangerous_iam)

    # --- What one can do to itself ---

    def own(self, holder: AwsHolder, *, met: bool = False) -> tuple[str, ...]:
        """How a holder makes itself an admin, as text, the plainest first. ``met``: conditions count as met."""
        if holder.arn not in self.holders or (met and not holder.has_conditions):
            return ()
        state = state_of(holder)
        found: defaultdict[_Effect, dict[tuple[str, str], None]] = defaultdict(dict)
        for step in self.steps_on(holder, state, self._may_by_itself(holder, state, met=met)):
            if self.rises(holder, step.after(state), met=met):
                found[step.effect][step.action, step.where] = None
        sorts: tuple[tuple[_Effect, ...], ...] = (("grant",), ("join", "switch"), ("unbind", "rid"))
        steps = next((best for sort in sorts if (best := [step for effect in sort for step in found[effect]])), [])
        return tuple(made_by(holder, steps, "itself", self.words))

    def _may_by_itself(self, holder: AwsHolder, state: State, *, met: bool) -> May:
        effective = self._effective(holder, state)
        reach = (effective.possible if met else effective.certain).somewhere
        documents = self._documents(state)
        if holder.is_user:
            documents = tuple(as_user(each, holder.arn.rpartition("/")[2]) for each in documents)
        limits = holder.limits if state.bound else holder.guardrails

        def may(action: str, arn: str) -> bool:
            bit = self.words.bits((action,))
            if not bit & reach:
                return False
            return allows(documents, limits, bit, arn, self.words, weak_denies=False, met=met) == "yes"

        return may

    # --- Changes of one user or role ---

    def steps_on(self, target: AwsHolder, state: State, may: May) -> Iterator[Step]:
        """The changes of a user or role in that state that somebody may make."""
        yield from self._given(target, state, may)
        yield from self._lifted(target, state, may)
        for action in self.tables.switch["policy"]:
            for each in self._of_the_account(state):
                if self.versions[each.arn] and may(action, each.arn):
                    yield from self.switches(state, each.arn)
        if target.is_user:
            yield from self._joined(state, may)

    def _given(self, target: AwsHolder, state: State, may: May) -> Iterator[Step]:
        for action in self.tables.grant[target.kind]:
            if may(action, target.arn):
                yield Step("grant", action, IT)
        for action in self.tables.grant["group"]:
            if any(may(action, group) for group in state.groups):
                yield Step("grant", action, ITS_GROUP)
        for action in self.tables.grant["policy"]:
            written = frozenset(_place(each) for each in self._of_the_account(state) if may(action, each.arn))
            if written:
                yield Step("grant", action, ITS_POLICY, removable=written)

    def _lifted(self, target: AwsHolder, state: State, may: May) -> Iterator[Step]:
        if target.boundary is not None and state.bound:
            for action in self.tables.unbind[target.kind]:
                if may(action, target.arn):
                    yield Step("unbind", action, IT)
        for action, on, gone in self._taking_away(target, state):
            if may(action, on):
                yield Step("rid", action, IT if on == target.arn else ITS_GROUP, removable=gone)

    def _joined(self, state: State, may: May) -> Iterator[Step]:
        for action in self.tables.join["group"]:
            for group in self.groups.values():
                if group.arn not in state.groups and may(action, group.arn):
                    by = self.by_group(group, may)
                    if by or self.is_worth_joining(group):
                        step = self.joining(state, group)
                        yield step._replace(effect="grant", action=f"{action} + {by}") if by else step

    def by_group(self, group: Group, may: May) -> str:
        """The action that gives any policy to a group, of those that somebody may take; empty: none."""
        on_group = (action for action in self.tables.grant["group"] if may(action, group.arn))
        policies = [each.arn for each in group.held if each.arn in self.versions]
        on_policy = (action for action in self.tables.grant["policy"] for arn in policies if may(action, arn))
        return next(on_group, "") or next(on_policy, "")

    def joining(self, state: State, group: Group) -> Step:
        """That it becomes a member of a group."""
        places = set(map(_place, state.held))
        held = (*state.held, *(each for each in group.held if _place(each) not in places))
        groups = tuple(sorted({*state.groups, group.arn}))
        return Step("join", self.tables.join["group"][0], f"on {group.arn}", held=held, groups=groups)

    def switches(self, state: State, policy: str) -> Iterator[Step]:
        """That another version of a policy of it comes into force."""
        for version in self.versions[policy]:
            held = tuple(replace(each, document=version) if each.arn == policy else each for each in state.held)
            yield Step("switch", self.tables.switch["policy"][0], ITS_POLICY, held=held)

    def is_worth_joining(self, group: Group) -> bool:
        """Whether its policies allow something that changes rights."""
        return any(each.document is not None and each.document.possible.somewhere & self.bits for each in group.held)

    def _of_the_account(self, state: State) -> list[AppliedPolicy]:
        """Its policies that the account has written, and that others may have, too."""
        return [each for each in state.held if each.arn in self.versions]

    def _taking_away(self, target: AwsHolder, state: State) -> Iterator[tuple[str, str, frozenset[_Place]]]:
        """The actions that take away policies that deny something, each with what it is made on."""
        refusing = [each for each in state.held if self._refuses(each)]
        if not refusing:
            return
        groups = {self.groups[arn].via: arn for arn in state.groups if arn in self.groups}
        for on in (target.arn, *groups.values()):
            kind: Changed = target.kind if on == target.arn else "group"
            mine = [each for each in refusing if groups.get(each.via, target.arn) == on]
            inline, managed = (frozenset(_place(each) for each in mine if bool(each.arn) is it) for it in (False, True))
            for table, gone in (
                (self.tables.delete, inline),
                (self.tables.detach, managed),
                (self.tables.leave, inline | managed),
            ):
                if gone:
                    yield from ((action, on, gone) for action in table.get(kind, ()))

    # --- Whether one is an admin after some changes ---

    def rises(self, target: AwsHolder, state: State, *, met: bool = False) -> bool:
        """Whether a user or role is an admin then, or can make itself one. ``met``: conditions count as met."""
        if state.granted and target.arn in self.plain:
            return True
        key = (target.arn, state.key, met)
        if key not in self._known:
            self._known[key] = self._leads_up(target, state, met=met)
        return self._known[key]

    def _leads_up(self, target: AwsHolder, state: State, *, met: bool) -> bool:
        seen = {state.key}
        waiting = [state]
        while waiting:
            state = waiting.pop()
            if self._is_admin(target, state, met=met):
                return True
            for following in self._following(target, state, met=met):
                if following.key not in seen and len(seen) < _MOST_STATES:
                    seen.add(following.key)
                    waiting.append(following)
        return False

    def _is_admin(self, target: AwsHolder, state: State, *, met: bool) -> bool:
        found = self._effective(target, state)
        granted, left = (found.granted_if, found.possible) if met else (found.granted, found.certain)
        return self._is_open and is_admin(granted, left, self.words, self._most)

    def _following(self, target: AwsHolder, state: State, *, met: bool) -> Iterator[State]:
        """The states that it can bring about itself. What can but help is done at once, and then nothing else."""
        better, apart = state, []
        for step in self.steps_on(target, state, self._may_by_itself(target, state, met=met)):
            if step.effect in ("join", "switch"):
                apart.append(step.after(state))
            else:
                better = step.after(better)
        if better.key != state.key:
            yield better
            return
        yield from apart
        removable = [each for each in state.held if _place(each) in state.removable and self._refuses(each)]
        sizes = range(1, len(removable) + 1) if len(removable) <= _MOST_APART else (1, len(removable))
        for size in sizes:
            for gone in combinations(removable, size):
                yield state._replace(held=tuple(each for each in state.held if each not in gone))

    def _documents(self, state: State) -> tuple[AwsReachDocument, ...]:
        documents = tuple(held.document for held in state.held if held.document is not None)
        return (*documents, self._all) if state.granted else documents

    def _effective(self, holder: AwsHolder, state: State) -> Effective:
        bound = holder.boundary.number if holder.boundary is not None and state.bound else None
        documents = {each.number: each for each in self._documents(state)}
        key = frozenset(documents), bound
        if key not in self._sums:
            limits = holder.limits if state.bound else holder.guardrails
            self._sums[key] = combine(tuple(documents.values()), limits, self.words)
        return self._sums[key]


def made_by(holder: AwsHolder, steps: Iterable[tuple[str, str]], it: str, words: Vocabulary) -> Iterator[str]:
    """Actions and where they are made, as text, with the policies that allow them. ``it``: whom they change."""
    actions: defaultdict[str, list[str]] = defaultdict(list)
    for action, where in steps:
        actions[where].append(action)
    for where, some in actions.items():
        named = [part for action in some[:METHODS_NAMED] for part in action.split(" + ")]
        sources = sources_in(holder.held, words)(words.bits(named))
        yield f"{few(some, METHODS_NAMED)} {where.replace('{}', it)}{sources}"

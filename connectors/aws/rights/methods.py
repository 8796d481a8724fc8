"""Who can give whom the rights of an admin inside one account (pure).

Whoever may do so with itself can make itself an admin. Whoever may do so with another holds a *method*, which is an
attack path for anyone who controls both: see :mod:`scanner.access.control`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from msgspec import Struct

from connectors.aws.rights.changes import (
    IT,
    ITS_GROUP,
    ITS_POLICY,
    NOBODY,
    Changes,
    Group,
    State,
    Step,
    made_by,
    state_of,
)
from connectors.aws.rights.holders import AwsCandidates, AwsHolder, Policies
from connectors.aws.rights.privilege import METHODS_NAMED
from connectors.aws.rights.reach import AwsReachDocument
from connectors.aws.rights.vocabulary import Changed, Vocabulary
from scanner.model import Way
from scanner.text import few


class Made(Struct, frozen=True, kw_only=True):
    """By ARN: how it makes itself an admin, as text, for certain or under a condition; and its methods on others."""

    itself: Mapping[str, tuple[str, ...]] = {}
    itself_if: Mapping[str, tuple[str, ...]] = {}
    others: Mapping[str, tuple[Way, ...]] = {}


def made_in(
    holders: Sequence[AwsHolder],
    groups: Sequence[Group],
    versions: Mapping[str, tuple[AwsReachDocument, ...]],
    words: Vocabulary,
    account: str,
) -> Made:
    """Who can make itself or others admins. ``versions``: by policy of the account, its versions not in force."""
    tried = Changes(holders, groups, versions, words, account)
    search = _MethodSearch(tried)
    itself: dict[str, tuple[str, ...]] = {}
    itself_if: dict[str, tuple[str, ...]] = {}
    others: dict[str, tuple[Way, ...]] = {}
    alike: defaultdict[Policies, list[AwsHolder]] = defaultdict(list)
    for holder in holders:
        if holder.level != "admin" and holder.possible.somewhere & tried.bits:
            alike[holder.policies].append(holder)
    for same in alike.values():
        sure = search.methods(same[0])
        maybe = search.methods(same[0], met=True, besides=sure)
        for holder in same:
            if own := tried.own(holder):
                itself[holder.arn] = own
            elif own := tried.own(holder, met=True):
                itself_if[holder.arn] = own
            if sure or maybe:
                ways = (*search.ways(holder, sure), *search.ways(holder, maybe, conditional=True))
                others[holder.arn] = ways
    return Made(itself=itself, itself_if=itself_if, others=others)


class _Method(NamedTuple):
    """A change by which policies make admins of these."""

    action: str
    where: str
    on: frozenset[str]


_Allowed: TypeAlias = Mapping[tuple[Changed, str], frozenset[str]]
"""What policies allow an action on, by the kind of that and the action."""


def _common(some: frozenset[str], others: frozenset[str]) -> frozenset[str]:
    """What both have, without a copy where that is all of one."""
    both = some & others
    return some if len(both) == len(some) else both


def _union(some: frozenset[str], others: frozenset[str]) -> frozenset[str]:
    return some | others if others else some


class _MethodSearch:
    """The methods on others, resolved once for each distinct reach of the policies that allow them."""

    def __init__(self, tried: Changes) -> None:
        self._tried, self._words, self._tables = tried, tried.words, tried.tables
        arns: Mapping[Changed, Iterable[str]] = {
            "user": (one.arn for one in tried.holders.values() if one.is_user),
            "role": (one.arn for one in tried.holders.values() if not one.is_user),
            "group": tried.groups,
            "policy": tried.versions,
        }
        self._candidates = {kind: AwsCandidates(each, tried.protected) for kind, each in arns.items()}
        self._having: defaultdict[str, set[str]] = defaultdict(set)
        for one in tried.holders.values():
            for held in one.held:
                if held.arn in tried.versions:
                    self._having[held.arn].add(one.arn)
        self._found: dict[tuple[object, ...], tuple[_Method, ...]] = {}
        self._together: dict[tuple[str, frozenset[str]], frozenset[str]] = {}
        self._risen: dict[tuple[str, bool], frozenset[str]] = {}

    def methods(self, holder: AwsHolder, *, met: bool = False, besides: Sequence[_Method] = ()) -> tuple[_Method, ...]:
        """The methods that a holder's policies allow. ``met``: conditions count as met, but for ``besides``."""
        if met and not holder.has_conditions and not self._tried.unsure:
            return ()
        reach = (holder.possible if met else holder.certain).somewhere
        allowed: dict[tuple[Changed, str], frozenset[str]] = {}
        for table in (getattr(self._tables, name) for name in self._tables.__struct_fields__):
            for kind, actions in table.items():
                for action in actions:
                    if (bit := self._words.bits((action,))) & reach:
                        on = self._candidates[kind].allowed(holder, bit, self._words, met=met)
                        if on:
                            allowed[kind, action] = on
        key = (met, tuple(sorted(allowed)), *(allowed[each] for each in sorted(allowed)))
        if key not in self._found:
            self._found[key] = tuple(self._methods(allowed, met=met))
        if not met:
            return self._found[key]
        known = NOBODY.union(*(each.on for each in besides))
        return tuple(each._replace(on=left) for each in self._found[key] if (left := each.on - known))

    def _methods(self, allowed: _Allowed, *, met: bool) -> Iterator[_Method]:
        plain, left_out = self._tried.plain, NOBODY if met else self._tried.unsure
        granting = [*self._granting(allowed), *self._by_joining(allowed)]
        raised, lifted = self._special_by(allowed, granting, met=met)
        found = [each._replace(on=_union(_common(each.on, plain), _common(each.on, raised))) for each in granting]
        found += [_Method(names, IT, frozenset(on)) for names, on in sorted(lifted.items())]
        joinable = sorted(allowed.get(("group", self._tables.join["group"][0]), ()))
        found += [
            _Method(
                self._tables.join["group"][0],
                f"on {few(groups, METHODS_NAMED)}",
                self._risen_by_joining(groups, met=met),
            )
            for groups in (*((arn,) for arn in joinable), *([tuple(joinable)] if len(joinable) > 1 else []))
        ]
        found += [
            _Method(self._tables.switch["policy"][0], f"on {arn}", self._risen_by_switching(arn, met=met))
            for arn in sorted(allowed.get(("policy", self._tables.switch["policy"][0]), ()))
        ]
        return (each._replace(on=on) for each in found if (on := each.on - left_out if left_out else each.on))

    def _granting(self, allowed: _Allowed) -> Iterator[_Method]:
        """The methods that give any policy, with all that have it then, whatever holds them back."""
        for kind, actions in self._tables.grant.items():
            for action in actions:
                if on := allowed.get((kind, action)):
                    yield _Method(action, *self._whom(kind, on))

    def _by_joining(self, allowed: _Allowed) -> Iterator[_Method]:
        """The methods that make users members of a group that any policy can be given to."""

        def may(action: str, arn: str) -> bool:
            return arn in allowed.get(("group", action), ()) or arn in allowed.get(("policy", action), ())

        users = self._candidates["user"].all
        for action in self._tables.join["group"] if users else ():
            for arn in sorted(allowed.get(("group", action), ())):
                if by := self._tried.by_group(self._tried.groups[arn], may):
                    yield _Method(f"{action} + {by}", f"on {arn}", users)
                    return

    def _whom(self, kind: Changed, on: frozenset[str]) -> tuple[str, frozenset[str]]:
        """Where a policy is given, and who has it then."""
        if kind in ("user", "role"):
            return IT, on
        where = ITS_GROUP if kind == "group" else ITS_POLICY
        if (kind, on) not in self._together:
            having = (
                self._having.get(arn, NOBODY) if kind == "policy" else self._tried.groups[arn].members for arn in on
            )
            self._together[kind, on] = NOBODY.union(*having).intersection(self._tried.holders)
        return where, self._together[kind, on]

    def _special_by(
        self, allowed: _Allowed, granting: Sequence[_Method], *, met: bool
    ) -> tuple[frozenset[str], Mapping[str, set[str]]]:
        """Those with a boundary or deny that a policy makes admins; and by actions those that takes more."""
        if not self._tried.special:
            return NOBODY, {}
        by_action: defaultdict[str, frozenset[str]] = defaultdict(frozenset)
        for (_, action), arns in allowed.items():
            by_action[action] |= arns

        def may(action: str, arn: str) -> bool:
            return arn in by_action[action]

        raised: set[str] = set()
        lifted: defaultdict[str, set[str]] = defaultdict(set)
        direct = (on for (kind, _), on in allowed.items() if kind in ("user", "role"))
        members = (self._whom(kind, on)[1] for (kind, _), on in allowed.items() if kind in ("group", "policy"))
        touched = NOBODY.union(*direct, *members, *(each.on for each in granting))
        for arn in sorted(self._tried.special & touched):
            target = self._tried.holders[arn]
            state = state_of(target)
            steps = list(self._tried.steps_on(target, state, may))
            grants = [step for step in steps if step.effect == "grant"]
            for step in grants:
                state = step.after(state)
            if grants and self._tried.rises(target, state, met=met):
                raised.add(arn)
                continue
            lifts = [step for step in steps if step.effect in ("unbind", "rid")]
            for step in lifts:
                state = step.after(state)
            if lifts and self._rises_anew(target, state, met=met):
                lifted[" + ".join(step.action for step in (*lifts[:1], *grants[:1]))].add(arn)
        return frozenset(raised), lifted

    def _rises_anew(self, target: AwsHolder, state: State, *, met: bool) -> bool:
        """Whether somebody becomes an admin by what is done to it, and not by itself alone."""
        return self._tried.rises(target, state, met=met) and (
            state.granted or not self._tried.rises(target, state_of(target), met=met)
        )

    def _risen_by_joining(self, arns: Sequence[str], *, met: bool) -> frozenset[str]:
        """Those who are admins as members of all of these groups; of several, but for those whom one makes it."""
        groups = [one for one in map(self._tried.groups.__getitem__, arns) if self._tried.is_worth_joining(one)]
        if not groups or (len(arns) > 1 and len(groups) == 1):
            return NOBODY
        apart = NOBODY.union(*(self._risen_by_joining((arn,), met=met) for arn in arns if len(arns) > 1))

        def joining(state: State) -> Iterator[Step]:
            for group in groups:
                step = self._tried.joining(state, group)
                state = step.after(state)
            yield step

        users = (one for one in self._candidates["user"].all if any(one not in group.members for group in groups))
        return self._risen_by("".join(arns), users, joining, met=met) - apart

    def _risen_by_switching(self, arn: str, *, met: bool) -> frozenset[str]:
        return self._risen_by(arn, self._having[arn], lambda state: self._tried.switches(state, arn), met=met)

    def _risen_by(
        self, by: str, arns: Iterable[str], steps: Callable[[State], Iterable[Step]], *, met: bool
    ) -> frozenset[str]:
        """Those whom one of these steps makes admins. ``by``: the group or policy that is changed."""
        if (by, met) not in self._risen:
            found = set()
            for target in map(self._tried.holders.__getitem__, arns):
                state = state_of(target)
                if any(self._rises_anew(target, step.after(state), met=met) for step in steps(state)):
                    found.add(target.arn)
            self._risen[by, met] = frozenset(found)
        return self._risen[by, met]

    def ways(self, holder: AwsHolder, methods: Iterable[_Method], *, conditional: bool = False) -> Iterator[Way]:
        """The methods of a holder, those with the same targets together."""
        same: defaultdict[frozenset[str], list[tuple[str, str]]] = defaultdict(list)
        for each in methods:
            same[each.on].append((each.action, each.where))
        for targets, steps in same.items():
            by = ", ".join(made_by(holder, steps, "it", self._words))
            for kind in ("user", "role"):
                candidates = self._candidates[kind]
                some = targets & candidates.all
                if some:
                    bits = self._words.bits(action for action, where in steps if where == IT and " " not in action)
                    on, but = candidates.named(some, candidates.patterns(holder, bits, self._words))
                    yield Way(kind="make_admin", on=on, but=but, by=by, conditional=conditional)

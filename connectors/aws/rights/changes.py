"""Who can give whom the rights of an admin inside one account, by changing policies, groups and boundaries (pure).

Whoever may do so with itself can make itself an admin. Whoever may do so with another holds a *method*, which is an
attack path for anyone who controls both: see :mod:`scanner.access.control`.

Any policy that is given to a user or role counts for it, unless it has a boundary or a deny. For those that do, the
changes are tried out: what is done to them, and what they can do to themselves after that.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Literal, NamedTuple, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from connectors.aws.rights.holders import Candidates, Holder, Policies, as_user
from connectors.aws.rights.policy import parse_statements
from connectors.aws.rights.privilege import METHODS_NAMED, Effective, allows, combine, is_admin
from connectors.aws.rights.reach import Document, Held, sources_in, sum_up
from connectors.aws.rights.vocabulary import Changed, Vocabulary
from scanner.model import Way
from scanner.text import few

_MOST_APART = 3
"""Up to this many policies that deny something are taken away in every combination; of more, each, or all of them."""
_IT, _ITS_GROUP, _ITS_POLICY = "on {}", "on a group that it is in", "on a policy that it has"
_NOBODY: frozenset[str] = frozenset()

_Effect: TypeAlias = Literal["grant", "join", "switch", "unbind", "rid"]
_Place: TypeAlias = tuple[str, str, str]
"""A policy of a user or role: how it has it, its ARN or nothing, its name."""
_May: TypeAlias = Callable[[str, str], bool]
"""Whether an action is allowed on an ARN."""


class Group(Struct, frozen=True, kw_only=True, gc=False):
    """A group of users: its ARN, its policies, the ARNs of its users."""

    arn: str
    held: tuple[Held, ...] = ()
    members: frozenset[str] = frozenset()

    @property
    def via(self) -> str:
        """How its users have its policies."""
        return f"group:{self.arn.rpartition('/')[2]}"


class Made(Struct, frozen=True, kw_only=True):
    """By ARN: how it makes itself an admin, as text, for certain or under a condition; and its methods on others."""

    itself: Mapping[str, tuple[str, ...]] = {}
    itself_if: Mapping[str, tuple[str, ...]] = {}
    others: Mapping[str, tuple[Way, ...]] = {}


def changes_in(
    holders: Sequence[Holder],
    groups: Sequence[Group],
    versions: Mapping[str, tuple[Document, ...]],
    words: Vocabulary,
    account: str,
) -> Made:
    """Who can make itself or others admins. ``versions``: by policy of the account, its versions not in force."""
    tried = _Tried(holders, groups, versions, words, account)
    search = _Search(tried)
    itself: dict[str, tuple[str, ...]] = {}
    itself_if: dict[str, tuple[str, ...]] = {}
    others: dict[str, tuple[Way, ...]] = {}
    alike: defaultdict[Policies, list[Holder]] = defaultdict(list)
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


class _State(NamedTuple):
    """A user or role after some changes. ``granted``: any policy was given to it. ``bound``: it has its boundary.

    ``removable``: policies that can be taken away from it.
    """

    held: tuple[Held, ...]
    groups: tuple[str, ...]
    granted: bool = False
    bound: bool = True
    removable: frozenset[_Place] = frozenset()

    @property
    def key(self) -> tuple[object, ...]:
        """Equal for equal states, and cheap to compare."""
        held = frozenset((_place(one), None if one.document is None else one.document.number) for one in self.held)
        return held, self.groups, self.granted, self.bound, self.removable


class _Step(NamedTuple):
    """A change of a user or role. ``where``: what it is made on, with ``{}`` for whom.

    ``held``, ``groups``: what it has and where it is afterwards, if that changes; ``removable``: what can be taken away
    from it then.
    """

    effect: _Effect
    action: str
    where: str
    held: tuple[Held, ...] = ()
    groups: tuple[str, ...] = ()
    removable: frozenset[_Place] = frozenset()

    def after(self, state: _State) -> _State:
        """The state that follows from one."""
        return _State(
            held=self.held or state.held,
            groups=self.groups or state.groups,
            granted=state.granted or self.effect == "grant",
            bound=state.bound and self.effect != "unbind",
            removable=state.removable | self.removable,
        )


def _place(held: Held) -> _Place:
    return held.via, held.arn, held.name


def _state(holder: Holder) -> _State:
    """A user or role as it is."""
    return _State(held=holder.held, groups=holder.groups)


class _Tried:
    """The users and roles of an account, and what becomes of them by changes."""

    def __init__(
        self,
        holders: Sequence[Holder],
        groups: Sequence[Group],
        versions: Mapping[str, tuple[Document, ...]],
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
        self.special = frozenset(one.arn for one in everyone if self._is_special(one))
        self.plain = frozenset(self.holders) - self.special if self._is_open else _NOBODY
        self.unsure = frozenset(one.arn for one in everyone if one.may_be_less)

    def _is_special(self, holder: Holder) -> bool:
        return holder.boundary is not None or any(map(self._refuses, holder.held))

    def _refuses(self, held: Held) -> bool:
        """Whether a policy denies something that an admin has."""
        return held.document is not None and bool(held.document.denied.somewhere & self.words.dangerous_iam)

    # --- What one can do to itself ---

    def own(self, holder: Holder, *, met: bool = False) -> tuple[str, ...]:
        """How a holder makes itself an admin, as text, the plainest first. ``met``: conditions count as met."""
        if holder.arn not in self.holders or (holder.may_be_less and not met):
            return ()
        if met and not holder.has_conditions and not holder.may_be_less:
            return ()
        state = _state(holder)
        found: defaultdict[_Effect, dict[tuple[str, str], None]] = defaultdict(dict)
        for step in self.steps_on(holder, state, self._may_by_itself(holder, state, met=met)):
            if self.rises(holder, step.after(state), met=met):
                found[step.effect][step.action, step.where] = None
        sorts: tuple[tuple[_Effect, ...], ...] = (("grant",), ("join", "switch"), ("unbind", "rid"))
        steps = next((best for sort in sorts if (best := [step for effect in sort for step in found[effect]])), [])
        return tuple(made_by(holder, steps, "itself", self.words))

    def _may_by_itself(self, holder: Holder, state: _State, *, met: bool) -> _May:
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

    def steps_on(self, target: Holder, state: _State, may: _May) -> Iterator[_Step]:
        """The changes of a user or role in that state that somebody may make."""
        yield from self._given(target, state, may)
        yield from self._lifted(target, state, may)
        for action in self.tables.switch["policy"]:
            for each in self._of_the_account(state):
                if self.versions[each.arn] and may(action, each.arn):
                    yield from self.switches(state, each.arn)
        if target.is_user:
            yield from self._joined(state, may)

    def _given(self, target: Holder, state: _State, may: _May) -> Iterator[_Step]:
        for action in self.tables.grant[target.kind]:
            if may(action, target.arn):
                yield _Step("grant", action, _IT)
        for action in self.tables.grant["group"]:
            if any(may(action, group) for group in state.groups):
                yield _Step("grant", action, _ITS_GROUP)
        for action in self.tables.grant["policy"]:
            written = frozenset(_place(each) for each in self._of_the_account(state) if may(action, each.arn))
            if written:
                yield _Step("grant", action, _ITS_POLICY, removable=written)

    def _lifted(self, target: Holder, state: _State, may: _May) -> Iterator[_Step]:
        if target.boundary is not None and state.bound:
            for action in self.tables.unbind[target.kind]:
                if may(action, target.arn):
                    yield _Step("unbind", action, _IT)
        for action, on, gone in self._taking_away(target, state):
            if may(action, on):
                yield _Step("rid", action, _IT if on == target.arn else _ITS_GROUP, removable=gone)

    def _joined(self, state: _State, may: _May) -> Iterator[_Step]:
        for action in self.tables.join["group"]:
            for group in self.groups.values():
                if group.arn not in state.groups and may(action, group.arn):
                    by = self.by_group(group, may)
                    if by or self.is_worth_joining(group):
                        step = self.joining(state, group)
                        yield step._replace(effect="grant", action=f"{action} + {by}") if by else step

    def by_group(self, group: Group, may: _May) -> str:
        """The action that gives any policy to a group, of those that somebody may take; empty: none."""
        on_group = (action for action in self.tables.grant["group"] if may(action, group.arn))
        policies = [each.arn for each in group.held if each.arn in self.versions]
        on_policy = (action for action in self.tables.grant["policy"] for arn in policies if may(action, arn))
        return next(on_group, "") or next(on_policy, "")

    def joining(self, state: _State, group: Group) -> _Step:
        """That it becomes a member of a group."""
        places = set(map(_place, state.held))
        held = (*state.held, *(each for each in group.held if _place(each) not in places))
        groups = tuple(sorted({*state.groups, group.arn}))
        return _Step("join", self.tables.join["group"][0], f"on {group.arn}", held=held, groups=groups)

    def switches(self, state: _State, policy: str) -> Iterator[_Step]:
        """That another version of a policy of it comes into force."""
        for version in self.versions[policy]:
            held = tuple(replace(each, document=version) if each.arn == policy else each for each in state.held)
            yield _Step("switch", self.tables.switch["policy"][0], _ITS_POLICY, held=held)

    def is_worth_joining(self, group: Group) -> bool:
        """Whether its policies allow something that changes rights."""
        return any(each.document is not None and each.document.possible.somewhere & self.bits for each in group.held)

    def _of_the_account(self, state: _State) -> list[Held]:
        """Its policies that the account has written, and that others may have, too."""
        return [each for each in state.held if each.arn in self.versions]

    def _taking_away(self, target: Holder, state: _State) -> Iterator[tuple[str, str, frozenset[_Place]]]:
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

    def rises(self, target: Holder, state: _State, *, met: bool = False) -> bool:
        """Whether a user or role is an admin then, or can make itself one. ``met``: conditions count as met."""
        if state.granted and target.arn in self.plain:
            return True
        key = (target.arn, state.key, met)
        if key not in self._known:
            self._known[key] = self._leads_up(target, state, met=met)
        return self._known[key]

    def _leads_up(self, target: Holder, state: _State, *, met: bool) -> bool:
        seen = {state.key}
        waiting = [state]
        while waiting:
            state = waiting.pop()
            if self._is_admin(target, state, met=met):
                return True
            for following in self._following(target, state, met=met):
                if following.key not in seen:
                    seen.add(following.key)
                    waiting.append(following)
        return False

    def _is_admin(self, target: Holder, state: _State, *, met: bool) -> bool:
        found = self._effective(target, state)
        granted, left = (found.granted_if, found.possible) if met else (found.granted, found.certain)
        return self._is_open and is_admin(granted, left, self.words, self._most)

    def _following(self, target: Holder, state: _State, *, met: bool) -> Iterator[_State]:
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

    def _documents(self, state: _State) -> tuple[Document, ...]:
        documents = tuple(held.document for held in state.held if held.document is not None)
        return (*documents, self._all) if state.granted else documents

    def _effective(self, holder: Holder, state: _State) -> Effective:
        bound = holder.boundary.number if holder.boundary is not None and state.bound else None
        documents = {each.number: each for each in self._documents(state)}
        key = frozenset(documents), bound
        if key not in self._sums:
            limits = holder.limits if state.bound else holder.guardrails
            self._sums[key] = combine(tuple(documents.values()), limits, self.words)
        return self._sums[key]


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


class _Search:
    """The methods on others, resolved once for each distinct reach of the policies that allow them."""

    def __init__(self, tried: _Tried) -> None:
        self._tried, self._words, self._tables = tried, tried.words, tried.tables
        arns: Mapping[Changed, Iterable[str]] = {
            "user": (one.arn for one in tried.holders.values() if one.is_user),
            "role": (one.arn for one in tried.holders.values() if not one.is_user),
            "group": tried.groups,
            "policy": tried.versions,
        }
        self._candidates = {kind: Candidates(each, tried.protected) for kind, each in arns.items()}
        self._having: defaultdict[str, set[str]] = defaultdict(set)
        for one in tried.holders.values():
            for held in one.held:
                if held.arn in tried.versions:
                    self._having[held.arn].add(one.arn)
        self._found: dict[tuple[object, ...], tuple[_Method, ...]] = {}
        self._together: dict[tuple[str, frozenset[str]], frozenset[str]] = {}
        self._risen: dict[tuple[str, bool], frozenset[str]] = {}

    def methods(self, holder: Holder, *, met: bool = False, besides: Sequence[_Method] = ()) -> tuple[_Method, ...]:
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
        known = _NOBODY.union(*(each.on for each in besides))
        return tuple(each._replace(on=left) for each in self._found[key] if (left := each.on - known))

    def _methods(self, allowed: _Allowed, *, met: bool) -> Iterator[_Method]:
        plain, left_out = self._tried.plain, _NOBODY if met else self._tried.unsure
        granting = [*self._granting(allowed), *self._by_joining(allowed)]
        raised, lifted = self._special_by(allowed, granting, met=met)
        found = [each._replace(on=_union(_common(each.on, plain), _common(each.on, raised))) for each in granting]
        found += [_Method(names, _IT, frozenset(on)) for names, on in sorted(lifted.items())]
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
            return _IT, on
        where = _ITS_GROUP if kind == "group" else _ITS_POLICY
        if (kind, on) not in self._together:
            having = (
                self._having.get(arn, _NOBODY) if kind == "policy" else self._tried.groups[arn].members for arn in on
            )
            self._together[kind, on] = _NOBODY.union(*having).intersection(self._tried.holders)
        return where, self._together[kind, on]

    def _special_by(
        self, allowed: _Allowed, granting: Sequence[_Method], *, met: bool
    ) -> tuple[frozenset[str], Mapping[str, set[str]]]:
        """Those with a boundary or deny that a policy makes admins; and by actions those that takes more."""
        if not self._tried.special:
            return _NOBODY, {}
        by_action: defaultdict[str, frozenset[str]] = defaultdict(frozenset)
        for (_, action), arns in allowed.items():
            by_action[action] |= arns

        def may(action: str, arn: str) -> bool:
            return arn in by_action[action]

        raised: set[str] = set()
        lifted: defaultdict[str, set[str]] = defaultdict(set)
        direct = (on for (kind, _), on in allowed.items() if kind in ("user", "role"))
        members = (self._whom(kind, on)[1] for (kind, _), on in allowed.items() if kind in ("group", "policy"))
        touched = _NOBODY.union(*direct, *members, *(each.on for each in granting))
        for arn in sorted(self._tried.special & touched):
            target = self._tried.holders[arn]
            state = _state(target)
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

    def _rises_anew(self, target: Holder, state: _State, *, met: bool) -> bool:
        """Whether somebody becomes an admin by what is done to it, and not by itself alone."""
        return self._tried.rises(target, state, met=met) and (
            state.granted or not self._tried.rises(target, _state(target), met=met)
        )

    def _risen_by_joining(self, arns: Sequence[str], *, met: bool) -> frozenset[str]:
        """Those who are admins as members of all of these groups; of several, but for those whom one makes it."""
        groups = [one for one in map(self._tried.groups.__getitem__, arns) if self._tried.is_worth_joining(one)]
        if not groups or (len(arns) > 1 and len(groups) == 1):
            return _NOBODY
        apart = _NOBODY.union(*(self._risen_by_joining((arn,), met=met) for arn in arns if len(arns) > 1))

        def joining(state: _State) -> Iterator[_Step]:
            for group in groups:
                step = self._tried.joining(state, group)
                state = step.after(state)
            yield step

        users = (one for one in self._candidates["user"].all if any(one not in group.members for group in groups))
        return self._risen_by("".join(arns), users, joining, met=met) - apart

    def _risen_by_switching(self, arn: str, *, met: bool) -> frozenset[str]:
        return self._risen_by(arn, self._having[arn], lambda state: self._tried.switches(state, arn), met=met)

    def _risen_by(
        self, by: str, arns: Iterable[str], steps: Callable[[_State], Iterable[_Step]], *, met: bool
    ) -> frozenset[str]:
        """Those whom one of these steps makes admins. ``by``: the group or policy that is changed."""
        if (by, met) not in self._risen:
            found = set()
            for target in map(self._tried.holders.__getitem__, arns):
                state = _state(target)
                if any(self._rises_anew(target, step.after(state), met=met) for step in steps(state)):
                    found.add(target.arn)
            self._risen[by, met] = frozenset(found)
        return self._risen[by, met]

    def ways(self, holder: Holder, methods: Iterable[_Method], *, conditional: bool = False) -> Iterator[Way]:
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
                    bits = self._words.bits(action for action, where in steps if where == _IT and " " not in action)
                    on, but = candidates.named(some, candidates.patterns(holder, bits, self._words))
                    yield Way(kind="make_admin", on=on, but=but, by=by, conditional=conditional)


def made_by(holder: Holder, steps: Iterable[tuple[str, str]], it: str, words: Vocabulary) -> Iterator[str]:
    """Actions and where they are made, as text, with the policies that allow them. ``it``: whom they change."""
    actions: defaultdict[str, list[str]] = defaultdict(list)
    for action, where in steps:
        actions[where].append(action)
    for where, some in actions.items():
        named = [part for action in some[:METHODS_NAMED] for part in action.split(" + ")]
        sources = sources_in(holder.held, words)(words.bits(named))
        yield f"{few(some, METHODS_NAMED)} {where.replace('{}', it)}{sources}"

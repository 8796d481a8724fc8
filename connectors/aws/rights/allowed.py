"""The actions that each policy of a principal leaves it, as patterns (pure).

What is left is what its denies, its boundary and the organisation's policies do not take away. An action counts if it
is allowed on anything, also under a condition. A deny takes away what it denies without a condition, and on all that
the policy allows it on. So nothing that is allowed is left out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files

import msgspec

from connectors.aws.rights.policy import Statement
from connectors.aws.rights.privilege import Limit, leaves, refuses
from connectors.aws.rights.reach import AppliedPolicy
from scanner.matching.actions import Actions, common, covers, has_wildcard, meets

_AS_WRITTEN = 60
"""The most patterns of one policy; of a longer one, the services."""
_STEPS = 3_000
"""The most comparisons of patterns that may meet: ordinary policies need some hundreds."""


class _TooManyError(Exception):
    """Comparing would take too long."""


def allowed_actions(
    held: Sequence[AppliedPolicy],
    limits: Sequence[Limit],
) -> dict[str, list[str]] | None:
    """The actions that each policy leaves, by its name, if it was read; None where they are too many to compare.

    Of a policy whose document is cut down, there are the services, too.
    """
    documents = [each.document for each in held if each.document is not None]
    everything = (*documents, *(each for limit in limits for each in limit))
    denials = [one for document in everything for one in document.statements if not one.allow and not one.conditional]
    left = _Left(denials, [[one for each in limit for one in each.statements if one.allow] for limit in limits])
    found: defaultdict[str, set[Actions]] = defaultdict(set)
    try:
        for each in held:
            if each.document is None:
                continue
            found.setdefault(each.name, set())
            for statement in each.document.statements:
                if statement.allow:
                    found[each.name].update(left.of(statement))
            if each.cut_down:
                found[each.name].update(left.of_services(_services().get(each.arn.rpartition("/")[2], ())))
    except _TooManyError:
        return None
    return {name: [str(one) for one in _short(actions)] for name, actions in sorted(found.items())}


class _Left:
    """What denials and limits leave of an allowance."""

    def __init__(self, denials: Sequence[Statement], limits: Sequence[Sequence[Statement]]) -> None:
        self._denials = denials
        # A limit that allows everything on everything limits nothing.
        self._limits = [limit for limit in limits if not any(map(_is_all, limit))]
        self._steps = 0

    def of(self, statement: Statement) -> Iterator[Actions]:
        """Yield the actions that are left of the statement's."""
        left = [Actions("*", statement.actions)] if statement.not_actions else [*map(Actions, statement.actions)]
        return self._of(left, ("*",) if statement.not_resources else statement.resources)

    def of_services(self, services: Iterable[str]) -> Iterator[Actions]:
        """Yield what is left of some actions of each service, which are not listed."""
        return self._of([Actions(f"{service}:*", unlisted=True) for service in services], ("*",))

    def _of(self, left: list[Actions], resources: Sequence[str]) -> Iterator[Actions]:
        for limit in self._limits:
            near = [one for one in limit if any(leaves(one, pattern) for pattern in resources)]
            left = [part for actions in left for one in near for part in self._named_by(actions, one)]
        for denial in self._denials:
            if all(refuses(denial, pattern) for pattern in resources):
                left = [part for actions in left for part in self._without(actions, denial)]
        return (one for one in dict.fromkeys(left) if not any(covers(gone, one.pattern) for gone in one.but))

    def _named_by(self, actions: Actions, statement: Statement) -> Iterator[Actions]:
        """Yield those of the actions that the statement names."""
        if statement.not_actions:
            yield from self._but(actions, statement.actions)
        else:
            yield from self._only(actions, statement.actions)

    def _without(self, actions: Actions, statement: Statement) -> Iterator[Actions]:
        """Yield those of the actions that the statement does not name."""
        if statement.not_actions:
            yield from self._only(actions, statement.actions)
        else:
            yield from self._but(actions, statement.actions)

    def _only(self, actions: Actions, patterns: Sequence[str]) -> Iterator[Actions]:
        for pattern in self._near(actions, patterns):
            shared = common(actions.pattern, pattern)
            if shared is None:
                raise _TooManyError
            for one in shared:
                yield Actions(one, actions.but, actions.unlisted and one == actions.pattern)

    def _but(self, actions: Actions, patterns: Sequence[str]) -> Iterator[Actions]:
        less = self._near(actions, patterns)
        if not any(covers(pattern, actions.pattern) for pattern in less):
            yield Actions(actions.pattern, tuple(sorted({*actions.but, *less})), actions.unlisted)

    def _near(self, actions: Actions, patterns: Sequence[str]) -> list[str]:
        """The patterns that may name some of the actions."""
        found = [pattern for pattern in patterns if meets(pattern, actions.pattern)]
        self._steps += len(found)
        if self._steps > _STEPS:
            raise _TooManyError
        return found


@cache
def _services() -> Mapping[str, tuple[str, ...]]:
    """The services of which each of AWS's own policies allows something, by the policy's name."""
    data = files("connectors.aws.rights").joinpath("aws_services.json").read_bytes()
    return msgspec.json.decode(data, type=dict[str, tuple[str, ...]])


def _is_all(statement: Statement) -> bool:
    everything = "*" in statement.actions and not statement.not_actions
    return everything and "*" in statement.resources and not statement.not_resources


def _short(found: Iterable[Actions]) -> list[Actions]:
    """The actions without those that others contain; of a long list, its services."""
    by_service: defaultdict[str | None, list[Actions]] = defaultdict(list)
    for one in sorted(found):
        by_service[one.service].append(one)
    if sum(map(len, by_service.values())) > _AS_WRITTEN:
        anywhere = by_service.pop(None, [])
        services = (Actions(f"{service}:*", unlisted=True) for service in by_service)
        listed = [one for each in by_service.values() for one in each]
        whole = {one for one in listed if one == Actions(f"{one.service}:*")}
        return sorted({*anywhere, *whole, *(one for one in services if Actions(one.pattern) not in whole)})
    every = [one for each in by_service.values() for one in each]
    wide = [one for one in every if has_wildcard(one.pattern) and not one.but and not one.unlisted]
    return [one for one in every if not any(one is not other and covers(other.pattern, one.pattern) for other in wide)]

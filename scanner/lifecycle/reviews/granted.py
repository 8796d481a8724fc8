"""What each grant of an identity allows, what of it was used, and since when that is known. Pure.

The workbook, the served page and JSON all show what is derived here. Nothing counts as unused unless a log or the
provider would have recorded its use: otherwise it is unknown, with the reason.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta

from msgspec import Struct
from msgspec.structs import replace

from scanner.matching.actions import Actions, covers, has_wildcard, parsed
from scanner.model import Assessment, Grant, Identity
from scanner.model.attributes import ALLOWED_ACTIONS, ROLES_USED, SERVICES_LAST_USED, SERVICES_UNUSED, SERVICES_USED
from scanner.model.reviews import GrantUse
from scanner.text import few

_NAMED = 3
_UNUSED = ("never_used", "dormant")
_ROLES_DAYS = 90
"""The days that ROLES_USED is about."""


def grants_used(one: Assessment, scanned: date) -> tuple[GrantUse, ...]:
    """Return the grants of an identity with their use, those of an admin first. ``scanned``: the day of the scan."""
    identity = one.identity
    seen = _Seen(one, scanned)
    grants = sorted(identity.grants, key=lambda grant: (not grant.admin, grant.name, grant.via, grant.resource or ""))
    return tuple(seen.use_of(grant) for grant in dict.fromkeys(grants))


class _Service(Struct, frozen=True):
    """What a provider keeps of the use of a service. ``last``: the last day, if it keeps that."""

    used: bool
    last: date | None = None


class _Seen:
    """What is known of the use of one identity."""

    def __init__(self, one: Assessment, scanned: date) -> None:
        self._one, self._identity, self._scanned = one, one.identity, scanned
        self._allowed = {grant: _allowed_by(grant, one.identity) for grant in one.identity.grants}
        self._days: defaultdict[str, dict[str, date]] = defaultdict(dict)
        for service in () if one.activity is None else one.activity.services:
            for action, day in service.last_days.items():
                self._days[service.service.lower()][f"{service.service}:{action}"] = day
        self._kept = _kept(one.identity)

    def use_of(self, grant: Grant) -> GrantUse:
        """The grant with its use."""
        allows = self._allowed[grant]
        shown = GrantUse(
            name=grant.name,
            via=grant.via,
            resource=grant.resource,
            admin=grant.admin,
            allows=None if allows is None else tuple(map(str, allows)),
        )
        if self._one.usage.state in _UNUSED and self._one.usage.last_used_at is None:
            return replace(shown, used=(), since=self._since(self._identity.use_tracked_days))
        if allows is None:
            return self._by_role(shown)
        if not allows:  # other policies take all of it away
            return replace(shown, used=())
        return self._by_actions(shown, allows)

    def _by_role(self, shown: GrantUse) -> GrantUse:
        """The use of a grant of which no actions are known: what the provider says of it as a whole."""
        said = self._identity.attributes.get(ROLES_USED)
        start = f"{shown.name}: "
        of_it = [text.removeprefix(start) for text in _texts(said) if text.startswith(start)]
        if of_it:
            used = tuple(text for text in of_it if not text.startswith("0 "))
            return replace(
                shown, used=used, since=self._since(_ROLES_DAYS), unknown="the day of the last use" if used else None
            )
        unread = "permissions" in self._identity.unread
        why = "not all of its policies could be read" if unread else "the source does not say which actions it allows"
        last = self._one.usage.last_used_at
        if self._one.usage.state == "dormant" and last is not None:
            why += f", and the identity was last used on {last:%Y-%m-%d}"
        return replace(shown, unknown=why)

    def _by_actions(self, shown: GrantUse, allows: Sequence[Actions]) -> GrantUse:
        used = self._used(allows)
        services = sorted({actions.service for actions in allows}, key=lambda service: service or "")
        kept = [self._kept.get(service) if service else None for service in services]
        if kept and all(each is not None and not each.used for each in kept) and not used:
            return replace(shown, used=(), since=self._since(self._identity.use_tracked_days))
        seen = {action.partition(":")[0].lower() for action in used}
        for service, each in zip(services, kept, strict=True):
            if service and each is not None and each.used and service not in seen:
                used[f"{service}: some actions"] = each.last
        is_all = all(str(actions) in used and not has_wildcard(actions.pattern) for actions in allows)
        why = None if is_all else self._why_not_all(allows, services, kept)
        days = [day for day in used.values() if day is not None]
        activity = self._one.activity
        from_logs = activity is not None and activity.covered_days > 0
        return replace(
            shown,
            used=None if why and not used else tuple(sorted(used)),
            last_used=max(days, default=None),
            since=activity.covered_from if activity is not None and from_logs else None,
            days=activity.covered_days if activity is not None and from_logs else None,
            unknown=why,
        )

    def _used(self, allows: Sequence[Actions]) -> dict[str, date | None]:
        """The actions of the logs that these name, with their last day."""
        found: dict[str, date | None] = {}
        for actions in allows:
            if not actions.unlisted:
                found.update((action, day) for action, day in self._acts(actions.service) if _names(actions, action))
        return found

    def _acts(self, service: str | None) -> Iterator[tuple[str, date]]:
        """The actions of a service, or all, that the logs have."""
        if service is not None:
            yield from self._days.get(service, {}).items()
        else:
            for of in self._days.values():
                yield from of.items()

    def _why_not_all(
        self, allows: Sequence[Actions], services: Sequence[str | None], kept: Sequence[_Service | None]
    ) -> str | None:
        """Why there may be more use than is known; None if there is none."""
        activity = self._one.activity
        if activity is None or not activity.covered_days:
            if kept and all(each is not None for each in kept):
                return "the provider keeps which services were used, and not which actions"
            return "no audit log of it was read" if activity is None else "no day of its audit log was read in full"
        if None in services:
            return "no log shows the use of every service"
        named = sorted(filter(None, services))
        if unseen := [service for service in named if service in activity.unlogged_services]:
            return f"no log shows all use of {few(unseen, _NAMED)}"
        acts = {service: self._days[service] for service in named if service in self._days}
        if some := sorted(
            {actions.service or "" for actions in allows if actions.unlisted and actions.service in acts}
        ):
            return f"which actions of {few(some, _NAMED)} it allows is not known"
        stray = sorted(action for days in acts.values() for action in days if not self._is_allowed(action))
        return f"which grant allows {few(stray, _NAMED)} is not known" if stray else None

    def _is_allowed(self, action: str) -> bool:
        return any(_names(actions, action) for allowed in self._allowed.values() for actions in allowed or ())

    def _since(self, days: int | None) -> date | None:
        return None if days is None else self._scanned - timedelta(days=days)


def _names(actions: Actions, action: str) -> bool:
    return covers(actions.pattern, action) and not any(covers(pattern, action) for pattern in actions.but)


def _allowed_by(grant: Grant, identity: Identity) -> tuple[Actions, ...] | None:
    """The actions that a grant allows; None if that is unknown. A grant may be an action itself."""
    allowed = identity.attributes.get(ALLOWED_ACTIONS)
    if isinstance(allowed, Mapping):
        given = allowed.get(grant.name)
        return None if given is None else tuple(parsed(text) for text in _texts(given))
    return None


def _texts(value: object) -> list[str]:
    return [text for text in value if isinstance(text, str)] if isinstance(value, list | tuple) else []


def _kept(identity: Identity) -> dict[str, _Service]:
    """What the provider keeps of the use of services, by service."""
    days = identity.attributes.get(SERVICES_LAST_USED)
    found = {service.lower(): _Service(used=False) for service in _texts(identity.attributes.get(SERVICES_UNUSED))}
    for service in _texts(identity.attributes.get(SERVICES_USED)):
        last = days.get(service) if isinstance(days, Mapping) else None
        found[service.lower()] = _Service(used=True, last=_day(last))
    return found


def _day(value: object) -> date | None:
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None

"""Objects of the OCSF schema, made from Muster's records. Unknown attributes are left out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias

import msgspec

from reports.phrases import joined
from scanner.matching.keys import habits
from scanner.model import Assessment, Credential, Finding, Identity, NatureVerdictName, ScanInfo, Severity
from scanner.model.providers import Cloud
from scanner.rules.wording import plain

VERSION = "1.6.0"
LISTED = 100
"""Maximum grants and credentials of the identity in the event of a finding, which thousands of findings repeat."""
Object: TypeAlias = dict[str, Any]

SEVERITIES: Mapping[Severity, tuple[int, str]] = {
    "info": (1, "Informational"),
    "low": (2, "Low"),
    "medium": (3, "Medium"),
    "high": (4, "High"),
    "critical": (5, "Critical"),
}
_OTHER = 99
_NATURES: Mapping[NatureVerdictName, tuple[int, str]] = {
    "human": (1, "User"),
    "non_human": (4, "Service"),
    "mixed": (_OTHER, "a person and a machine"),
    "unknown": (0, "Unknown"),
}


def known(**attributes: Any) -> Object:
    """The attributes that have a value; an empty list has none."""
    return {name: value for name, value in attributes.items() if value not in (None, [], {}, "")}


def millis(moment: datetime | None) -> int | None:
    """Milliseconds since 1970, the schema's unit of time."""
    return None if moment is None else round(moment.timestamp() * 1000)


def metadata(scan: ScanInfo, uid: str, profiles: Iterable[str]) -> Object:
    """About the event itself. ``uid``: stable for the same subject in the same scan."""
    return known(
        version=VERSION,
        uid=f"{scan.id}:{uid}",
        correlation_uid=scan.id,
        profiles=list(profiles),
        product={"name": "Muster", "vendor_name": "Muster", "version": scan.version},
    )


def cloud(identity: Identity | None) -> Object:
    """The attributes of the profile ``cloud``; none outside clouds."""
    its_cloud = None if identity is None else habits(identity.provider).cloud
    if identity is None or its_cloud is None:
        return {}
    return {"cloud": {"provider": its_cloud.name, "account": account(identity)}}


def account(identity: Identity) -> Object:
    """The account, for the scope of the identity."""
    its_cloud = habits(identity.provider).cloud or Cloud(name=identity.provider, account=identity.provider)
    return known(uid=identity.scope, type_id=its_cloud.account_type, type=its_cloud.account)


def profiles_of(identity: Identity | None) -> list[str]:
    """The profiles an event about it has."""
    return ["cloud"] if cloud(identity) else []


def user(judged: Assessment, named: Iterable[Credential]) -> Object:
    """An identity as the schema's user, machines included, with these credentials."""
    identity = judged.identity
    type_id, kind = _NATURES[judged.nature.verdict]
    return known(
        uid=identity.key,
        uid_alt=identity.unique_id,
        name=identity.name,
        display_name=identity.display_name,
        type_id=type_id,
        type=kind,
        domain=identity.scope,
        account=account(identity),
        programmatic_credentials=_credentials(named),
    )


def concerned(identity: Identity, credential: str | None) -> Sequence[Credential]:
    """The credential with this key; otherwise its first credentials."""
    return [one for one in identity.credentials if one.key == credential] or identity.credentials[:LISTED]


def left_out(identity: Identity, named: Sequence[Credential]) -> Object:
    """The number of its credentials and grants that the event of a finding leaves out."""
    return known(
        credentials_left_out=len(identity.credentials) - len(named) or None,
        grants_left_out=len(identity.grants[LISTED:]) or None,
    )


def activity(identity: Identity, named: Iterable[Credential]) -> Object:
    """When it was used, and with which client."""
    return known(last_seen_time=millis(identity.last_used_at), programmatic_credentials=_credentials(named))


def seen(finding: Finding) -> Object:
    """The times of a day's events in a finding, and their ids in the audit log."""
    first, last = (_moment(finding.evidence.get(name)) for name in ("first_at", "last_at"))
    return known(
        first_seen_time=millis(first),
        last_seen_time=millis(last),
        related_events=[{"uid": plain(uid)} for uid in finding.evidence.get("event_ids") or ()],
    )


def evidences(finding: Finding, actor: Object) -> list[Object]:
    """The activity on that day: one evidence per action, with its count; only ``actor`` if no action is named."""
    actions = finding.evidence.get("actions")
    if not isinstance(actions, Mapping) or not actions:
        return [{"actor": {"user": actor}}]
    return [{"actor": {"user": actor}, **_call(plain(name), times)} for name, times in sorted(actions.items())]


def _call(action: str, times: Any) -> Object:
    service, colon, operation = action.partition(":")
    api = {"operation": operation, "service": {"name": service}} if colon and service else {"operation": action}
    return {"api": api, "data": {"count": times}}


def _moment(value: Any) -> datetime | None:
    """A time of the evidence, which a store gives back as text."""
    try:
        return msgspec.convert(value, datetime | None)
    except msgspec.ValidationError:
        return None


def permissions(judged: Assessment, finding: Finding) -> list[Object]:
    """The judged privilege, then the first grants.

    A finding about unused permissions has the number of services.
    """
    level = judged.privilege
    unused: Object = {}
    if finding.rule == "permissions_unused":
        match finding.evidence:
            case {"granted": int(granted), "used": int(used)}:
                unused = {"unused_services_count": granted - used}
    verdict = known(name=level.level, type="effective privilege", desc=joined(level.evidence), is_applied=True)
    grants = judged.identity.grants[:LISTED]
    return [
        {"policy": verdict, **unused},
        *({"policy": known(name=grant.name, type=grant.via, desc=grant.resource, is_applied=True)} for grant in grants),
    ]


def observables(pairs: Iterable[tuple[str, int, str, str | None]]) -> list[Object]:
    """Values to search by: the attribute's path, its type with its name, the value."""
    return [
        {"name": path, "type_id": number, "type": kind, "value": value} for path, number, kind, value in pairs if value
    ]


def observed(
    judged: Assessment, named: Iterable[Credential], user: str = "user"
) -> Iterator[tuple[str, int, str, str | None]]:
    """The observables of an identity. ``user``: the path of the user in the event."""
    yield f"{user}.uid", 31, "User Object: uid", judged.identity.key
    yield f"{user}.name", 4, "User Name", judged.identity.name
    for credential in named:
        yield f"{user}.programmatic_credentials.uid", 19, "User Credential ID", credential.id


def tags(facts: Iterable[tuple[str, str]]) -> list[Object]:
    """Facts as the schema's key-value objects."""
    return [{"name": name, "value": value} for name, value in facts]


def _credentials(named: Iterable[Credential]) -> list[Object]:
    """The credentials: public ids, never values."""
    return [known(uid=one.id, type=one.kind, last_used_time=millis(one.last_used_at)) for one in named]

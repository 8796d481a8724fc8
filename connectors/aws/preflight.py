"""Whether the credentials suffice: the cheapest call for each permission, its answer thrown away."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from connectors.aws.client.errors import NotReady, NotTaken, is_nowhere
from connectors.aws.client.session import IN_FLIGHT, AwsClient, AwsSession, call, enter
from connectors.aws.organization import ACTIVE, CONTROLS, Account, own_account, read_members
from connectors.aws.settings import AwsSettings
from connectors.aws.spec import (
    CREATORS,
    GUARDRAILS,
    LAST_ACCESSED,
    MEMBER_ROLE,
    MEMBERS,
    OF_ORGANIZATIONS,
    SPEC,
    SSH_KEYS,
)
from connectors.aws.workloads.catalog import BY_SECTION, TAGS_SERVICE, TYPES, wanted
from connectors.core.contract import Check, Gone, Meter, Scope, Section
from connectors.core.reading import read_all
from scanner.errors import NotOffered, SourceError
from scanner.model import EVERY_SCOPE
from scanner.text import counted

REFUSALS_NAMED = 10
"""Maximum number of accounts that are named because they refuse the role; the rest are counted."""

# No user has it, and none need: permission is decided before existence.
_PROBE_USER = {"UserName": "muster-preflight"}
_PARAMETERS: Mapping[str, Mapping[str, Any]] = {
    "ec2:DescribeLaunchTemplateVersions": {"Versions": ["$Default"]},
    "iam:GetLoginProfile": _PROBE_USER,
    "iam:ListAccessKeys": _PROBE_USER,
    "iam:ListServiceSpecificCredentials": {"AllUsers": True},
    "iam:ListSigningCertificates": _PROBE_USER,
    "iam:ListSSHPublicKeys": _PROBE_USER,
    "organizations:ListPolicies": {"Filter": CONTROLS},
}
# Services by the name that their permissions begin with, where they are the SDK's by another, or several.
_SERVICES = {("tag", TAGS_SERVICE), *((one.permissions[0].partition(":")[0], one.service) for one in TYPES)}
_ONE_ROW = ("MaxItems", "MaxResults", "maxResults")
# By optional section, the setting that asks for it; what is optional of a region is asked for by name.
_OPTIONS = {
    SSH_KEYS: "ssh_keys",
    LAST_ACCESSED: "service_last_accessed",
    CREATORS: "creators",
}


def check_source(session: AwsSession, settings: AwsSettings) -> Iterator[Check]:
    """The caller, the accounts that it can enter, and a check for each permission that can be tried.

    Calls that need the name of an existing resource are not tried. Permissions in an organization's accounts are tried
    in the first account that can be entered.
    """
    meter = Meter()
    try:
        own = own_account(session, meter)
    except SourceError as error:
        yield Check(name="credentials", ok=False, detail=str(error), fix=error.hint)
        return
    yield Check(name="credentials", ok=True, detail=f"account {own.id}")
    inside: AwsSession | None = session
    if settings.organization_role is not None:
        if not settings.named_accounts:
            yield from _permissions(session, meter, [SPEC.section(MEMBERS), SPEC.section(GUARDRAILS)])
        inside, checks = _entered(session, settings, own, meter)
        yield from checks
    if inside is not None:
        yield from _permissions(inside, meter, _wanted(settings))


def _wanted(settings: AwsSettings) -> list[Section]:
    """The sections that are read in an account."""
    off = {*OF_ORGANIZATIONS, *(BY_SECTION.keys() - wanted(settings.named_resources))}
    off |= {section for section, setting in _OPTIONS.items() if not getattr(settings, setting)}
    return [section for section in SPEC.sections if section.name not in off]


def services_of(prefix: str) -> Collection[str]:
    """The SDK's names of the services whose permissions have this prefix."""
    return sorted(service for begins, service in _SERVICES if begins == prefix) or [prefix]


def _entered(
    session: AwsSession, settings: AwsSettings, own: Account, meter: Meter
) -> tuple[AwsSession | None, list[Check]]:
    """The session of the first account whose role can be assumed, and what to report about the others."""
    try:
        accounts = settings.named_accounts or _members(session, meter)
    except SourceError:
        accounts = (own.id,)
    tried = [account for account in accounts if account not in settings.skipped_accounts]

    def entered(account: str) -> AwsSession:
        role = f"arn:{own.partition}:iam::{account}:role/{settings.organization_role}"
        return enter(session, role, settings, meter)

    outcomes = dict(read_all(entered, tried, IN_FLIGHT))
    inside = [outcome for outcome in outcomes.values() if isinstance(outcome, AwsSession)]
    refusals = {
        account: outcome
        for account, outcome in outcomes.items()
        if isinstance(outcome, SourceError) and account != own.id
    }
    return (inside[0] if inside else session if own.id in outcomes else None), list(_of_role(len(inside), refusals))


def _of_role(entered: int, refusals: Mapping[str, SourceError]) -> Iterator[Check]:
    more = len(refusals) - REFUSALS_NAMED
    words = (
        f", and {counted(more, 'more account refuses', 'more accounts refuse')} it than are named here"
        if more > 0
        else ""
    )
    yield Check(
        name=MEMBER_ROLE,
        ok=not refusals,
        detail=f"it can be assumed in {counted(entered, 'account', 'accounts')}{words}",
    )
    for account, refusal in list(refusals.items())[:REFUSALS_NAMED]:
        yield Check(name=f"account {account}", ok=False, detail=str(refusal), fix=refusal.hint)


def _members(session: AwsSession, meter: Meter) -> tuple[str, ...]:
    client = session.client("organizations", session.home_region, meter)
    aside = Scope(source="", spec=SPEC, id=EVERY_SCOPE).section(MEMBERS)
    return tuple(member.id for member in read_members(client, aside) if member.account_state == ACTIVE)


def _permissions(session: AwsSession, meter: Meter, sections: Sequence[Section]) -> Iterator[Check]:
    lost: dict[str, list[str]] = {}
    for section in sections:
        for permission in section.permissions:
            lost.setdefault(permission, []).append(section.without)

    def check(permission: str) -> Check | None:
        probe = _probe(session, meter, permission)
        return probe and _try(*probe, permission, lost[permission])

    for permission, outcome in read_all(check, tuple(lost), IN_FLIGHT):
        if isinstance(outcome, SourceError):
            yield Check(name=permission, ok=False, detail=str(outcome), fix=outcome.hint)
        elif outcome is not None:
            yield outcome


def _probe(session: AwsSession, meter: Meter, permission: str) -> tuple[AwsClient, str, Mapping[str, Any]] | None:
    """The call that is answered, or refused, for the same reason as the section's own; None: there is none."""
    prefix, _, operation = permission.partition(":")
    for service in services_of(prefix):
        client = session.client(service, session.home_region, meter)
        method = next((name for name, api in client.meta.method_to_api_mapping.items() if api == operation), None)
        if method is None:
            continue
        takes = client.meta.service_model.operation_model(operation).input_shape
        parameters = dict(_PARAMETERS.get(permission, {}))
        if takes is None:
            return client, method, parameters
        if set(takes.required_members) <= parameters.keys():
            size = next((name for name in _ONE_ROW if name in takes.members and not parameters), None)
            if size is not None:
                parameters[size] = max(1, takes.members[size].metadata.get("min", 1))
            return client, method, parameters
    return None


def _try(client: AwsClient, method: str, parameters: Mapping[str, Any], permission: str, lost: Sequence[str]) -> Check:
    try:
        call(client, method, **parameters)
    except (Gone, NotReady, NotTaken):
        return Check(name=permission, ok=True, detail="allowed")
    except NotOffered:
        return Check(name=permission, ok=True, detail="not offered here")
    except SourceError as error:
        if is_nowhere(error):  # others have answered
            return Check(name=permission, ok=True, detail="not offered in this region")
        fix = f"allow {error.permission}" if error.permission else error.hint
        return Check(name=permission, ok=False, detail=f"{error}: {'; '.join(dict.fromkeys(lost))}", fix=fix)
    return Check(name=permission, ok=True, detail="allowed")

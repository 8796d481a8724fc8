"""Whether the credentials suffice: the cheapest call for each permission, its answer thrown away."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from msgspec import Struct

from connectors.aws.errors import NotReady
from connectors.aws.session import call, permission_of
from connectors.aws.spec import GROUPS, KEYS, PASSWORDS, POLICIES, REGIONS, REPORT, ROLES, ROOT, SECRETS, SPEC, USERS
from connectors.base import Check, Gone
from scanner.errors import NotOffered, SourceError

# No user has it, and none need: permission is decided before existence.
_NOBODY = "muster-preflight"


class Probe(Struct, frozen=True, kw_only=True):
    """A call that is answered, or refused, for the same reason as the section's own."""

    service: str
    method: str
    parameters: dict[str, Any] = {}
    sections: tuple[str, ...]


PROBES = (
    Probe(
        service="iam",
        method="get_account_authorization_details",
        parameters={"MaxItems": 1},
        sections=(USERS, ROLES, GROUPS, POLICIES),
    ),
    Probe(service="iam", method="list_users", parameters={"MaxItems": 1}, sections=(USERS, PASSWORDS)),
    Probe(service="iam", method="list_roles", parameters={"MaxItems": 1}, sections=(ROLES,)),
    Probe(service="iam", method="generate_credential_report", sections=(REPORT,)),
    Probe(service="iam", method="get_credential_report", sections=(REPORT,)),
    Probe(service="iam", method="list_access_keys", parameters={"UserName": _NOBODY}, sections=(KEYS,)),
    Probe(service="iam", method="get_login_profile", parameters={"UserName": _NOBODY}, sections=(PASSWORDS,)),
    Probe(service="iam", method="get_account_summary", sections=(ROOT,)),
    Probe(service="ec2", method="describe_regions", sections=(REGIONS,)),
    Probe(service="secretsmanager", method="list_secrets", parameters={"MaxResults": 1}, sections=(SECRETS,)),
)


def check_sections(client_for: Callable[[str], Any]) -> Iterator[Check]:
    """A line for each permission; ``client_for`` gives a client of a service.

    Not probed: iam:GetAccessKeyLastUsed, which AWS refuses for keys that do not exist, whatever is allowed.
    """
    for probe in PROBES:
        try:
            yield _try(probe, client_for(probe.service))
        except SourceError as error:
            yield Check(name=probe.service, ok=False, detail=str(error), fix=error.hint)


def _try(probe: Probe, client: Any) -> Check:
    permission = permission_of(client, probe.method)
    try:
        call(client, probe.method, **probe.parameters)
    except (Gone, NotReady):
        return Check(name=permission, ok=True, detail="allowed")
    except NotOffered:
        return Check(name=permission, ok=True, detail="not offered here")
    except SourceError as error:
        lost = "; ".join(dict.fromkeys(SPEC.section(section).without for section in probe.sections))
        fix = f"allow {error.permission}" if error.permission else error.hint
        return Check(name=permission, ok=False, detail=f"{error}: {lost}", fix=fix)
    return Check(name=permission, ok=True, detail="allowed")

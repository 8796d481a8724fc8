"""Entering the accounts of an organization: a role is assumed in each."""

from __future__ import annotations

from typing import Any

from connectors.aws.errors import translated
from connectors.aws.session import AwsSession, call
from connectors.aws.settings import AwsSettings
from connectors.base import Meter
from scanner.errors import Denied

_REFUSED = "let the trust policy of that role name the caller (with the same external_id), and the caller assume it"


def enter(own: AwsSession, role: str, settings: AwsSettings, meter: Meter) -> AwsSession:
    """The session of the account that the role (an ARN) is in. Raises SourceError, Denied where it is refused.

    Its credentials last an hour and are renewed; ``meter`` counts that, too.
    """
    return own.entering(lambda: _credentials(own, role, settings, meter))


def _credentials(own: AwsSession, role: str, settings: AwsSettings, meter: Meter) -> dict[str, str]:
    external = {} if settings.external_id is None else {"ExternalId": settings.external_id}
    sts = own.client("sts", own.home_region, meter)
    try:
        answer = call(
            sts,
            "assume_role",
            expecting="Credentials",
            RoleArn=role,
            RoleSessionName=settings.session_name,
            **external,
        )
    except Denied as error:
        raise Denied(f"{error} on {role}", permission=error.permission, hint=_REFUSED) from error
    with translated("sts:AssumeRole"):
        given: dict[str, Any] = answer["Credentials"]
        return {
            "access_key": given["AccessKeyId"],
            "secret_key": given["SecretAccessKey"],
            "token": given["SessionToken"],
            "expiry_time": given["Expiration"].isoformat(),
        }

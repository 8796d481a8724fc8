"""``userIdentity`` of CloudTrail's records: who acted, by which credentials, on which host.

Source of the shapes: CloudTrail's user guide, "CloudTrail userIdentity element"; of a pod's session: EKS's API
reference, "AssumeRoleForPodIdentity".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from msgspec import Struct, field

from connectors.federation import subject_target
from connectors.logs.names import plain
from scanner.model.activity import AGENT, OTHER_SUBJECT, PERSON

_SESSION_ARN = re.compile(r"arn:([a-z-]+):sts::(\d{12}):assumed-role/([^/]+)/.*", re.DOTALL)
_ACCOUNT = re.compile(r"\d{12}", re.ASCII)
_INSTANCE = re.compile(r"m?i-[0-9a-f]{8,17}", re.ASCII)
_POD = re.compile(r"eks-.+-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_CLUSTER = re.compile(r"oidc\.eks\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?/id/([0-9A-F]{32})", re.ASCII)
MCP_SERVICE = "aws-mcp.amazonaws.com"
"""AWS's MCP server. What an identity calls through it has this as ``invokedBy``, and is the identity's own act."""
_PEOPLE = frozenset({"", "user", "human", "person", "identitycenteruser"})
_AGENTS = frozenset({"agent", "aiagent", "workload", "workloadidentity"})
"""Values of ``subjectType``, in lower case and without anything but letters. Any other one is neither."""
_LONGEST_SUBJECT = 120
PODS = "pods of "
"""Prefix of the host of a pod's session; the rest is its cluster, or its role if the cluster is not reported."""


class Issuer(Struct, gc=False, frozen=True):
    """``sessionIssuer``: the role, or the user, that a session is of."""

    principal_id: str | None = field(default=None, name="principalId")
    arn: str | None = None


class Federation(Struct, gc=False, frozen=True):
    """``webIdFederationData``: who signed the token that a session was given for."""

    provider: str | None = field(default=None, name="federatedProvider")


class Session(Struct, gc=False, frozen=True):
    """``sessionContext``."""

    issuer: Issuer | None = field(default=None, name="sessionIssuer")
    ec2_role_delivery: str | int | float | None = field(default=None, name="ec2RoleDelivery")
    web: Federation | None = field(default=None, name="webIdFederationData")


class Who(Struct, gc=False, frozen=True):
    """``userIdentity``."""

    type: str | None = None
    principal_id: str | None = field(default=None, name="principalId")
    arn: str | None = None
    account_id: str | None = field(default=None, name="accountId")
    access_key_id: str | None = field(default=None, name="accessKeyId")
    user_name: str | None = field(default=None, name="userName")
    invoked_by: str | None = field(default=None, name="invokedBy")
    provider: str | None = field(default=None, name="identityProvider")
    session: Session | None = field(default=None, name="sessionContext")
    on_behalf_of: Any = field(default=None, name="onBehalfOf")


NO_CALLER, _NO_ISSUER = Who(), Issuer()


class Caller(NamedTuple):
    """The caller of an event. ``name``: as in profiles. ``key``: the id of its long-lived key.

    ``session``: the id of its temporary credentials. ``host``: the holder of these, see :func:`host_of`.
    """

    name: str
    unique_id: str = ""
    key: str = ""
    session: str = ""
    host: str = ""


def is_copy(who: Who, recipient: str | None) -> bool:
    """Whether it is the copy that the owner of what was called is given; the caller's account has another."""
    account = who.account_id
    return (
        recipient is not None
        and account is not None
        and account != recipient
        and who.invoked_by is None
        and _ACCOUNT.fullmatch(account) is not None  # not "ANONYMOUS_PRINCIPAL"
    )


def caller_of(who: Who) -> Caller:
    """The caller in ``userIdentity``; for a session, its issuer."""
    arn, principal, account, user = who.arn or "", who.principal_id or "", who.account_id or "", who.user_name or ""
    key, provider = who.access_key_id or "", who.provider or ""
    issuer = (who.session.issuer if who.session else None) or _NO_ISSUER
    unique_id = principal.partition(":")[0]
    long_lived = plain(key, 40) if key.startswith("AKIA") else ""
    temporary = key[:40] if key.startswith("ASIA") else ""
    match who.type:
        case "AssumedRole" | "FederatedUser":
            issued_by, issuer_id = issuer.arn or "", issuer.principal_id or ""
            if not issued_by and (found := _SESSION_ARN.fullmatch(arn)):
                # Without the path, which a session's ARN lacks: the unique id finds the role all the same.
                issued_by, issuer_id = f"arn:{found[1]}:iam::{found[2]}:role/{found[3]}", issuer_id or unique_id
            unique_id = issuer_id or (unique_id if who.type == "AssumedRole" else "")
            name = issued_by or arn or principal
        case "WebIdentityUser":
            name, unique_id = subject_target(provider.partition("oidc-provider/")[2] or provider, user or principal), ""
        case "SAMLUser":
            name, unique_id = f"{provider}#{user or principal}", ""
        case "Root":
            name, unique_id = arn or f"arn:aws:iam::{account}:root", ""
        case "IdentityCenterUser":
            name, unique_id = f"identitycenter:{principal or user}", ""
        case "AWSAccount":
            known = _ACCOUNT.fullmatch(account) is not None
            name, unique_id = (f"{account}:{unique_id}" if unique_id else account) if known else "anonymous", ""
        case "AWSService":
            name, unique_id = who.invoked_by or "aws", ""
        case _:
            name = arn or principal or user or who.invoked_by or "unknown"
    return Caller(plain(name), plain(unique_id, 64), long_lived, temporary, host_of(who))


def on_behalf_of(who: Who) -> str:
    """The principal that a session acted on behalf of, as a value of ``on_behalf_of``; empty if the record has none.

    A user of Identity Center who calls directly acts on behalf of nobody.
    """
    said = who.on_behalf_of
    if not isinstance(said, Mapping) or who.type == "IdentityCenterUser":
        return ""
    subject, user = _text(said, "subject"), _text(said, "userId")
    directory = _text(said, "issuer") if subject else _text(said, "identityStoreArn").rpartition("/")[2]
    if not (subject or user):
        return ""
    sort = "".join(filter(str.isalpha, _text(said, "subjectType").lower()))
    prefix = PERSON if sort in _PEOPLE else AGENT if sort in _AGENTS else OTHER_SUBJECT
    named = plain(subject or user, _LONGEST_SUBJECT)
    return f"{prefix}{plain(directory, _LONGEST_SUBJECT)}#{named}" if directory else f"{prefix}{named}"


def _text(said: Mapping[str, Any], name: str) -> str:
    text = said.get(name)
    return text if isinstance(text, str) else ""


def host_of(who: Who) -> str:
    """The host that a session's credentials are for: an instance's id, ``instance``, pods of a cluster; else empty."""
    role, _, name = (who.principal_id or "").partition(":")
    if _INSTANCE.fullmatch(name):
        return name
    if who.session is not None and who.session.ec2_role_delivery is not None:
        return "instance"
    provider = who.session.web.provider if who.session is not None and who.session.web is not None else None
    if provider and (cluster := _CLUSTER.search(provider)):
        return PODS + cluster[1]
    return PODS + role if _POD.fullmatch(name) else ""

"""Members of bindings in every form that Google documents, and the kinds of service accounts by e-mail (pure).

Source: the IAM documentation of service agents and of the types of service accounts. The order of forms matters: the
address of a service agent looks like that of an account in a project of Google.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal, TypeAlias

from msgspec import Struct, structs

AccountKind: TypeAlias = Literal["user_managed", "default", "google_agent", "service_agent", "foreign"]

AGENTS: frozenset[AccountKind] = frozenset({"google_agent", "service_agent"})
"""Kinds that Google manages."""
LISTED: frozenset[AccountKind] = frozenset({"user_managed", "default"})
"""Kinds that are listed in their project."""

# Domains of service agents from before the form gcp-sa-NAME.
_OLDER_AGENTS = (
    "bigquery-encryption", "cloud-filer", "cloud-memcache-sa", "cloud-ml", "cloud-redis", "cloud-tpu",
    "cloudcomposer-accounts", "cloudservices", "compute-system", "container-analysis", "container-engine-robot",
    "containerregistry", "dataflow-service-producer-prod", "datafusion", "dataproc-accounts", "dlp-api",
    "endpoints-portal", "firebase-rules", "gae-api-prod", "gcf-admin-robot", "genomics-api", "gs-project-accounts",
    "remotebuildexecution", "serverless-robot-prod", "service-consumer-management", "service-networking",
    "sourcerepo-service-accounts", "storage-transfer-service", "toolresults", "websecurityscanner",
)  # fmt: skip
_FORMS: tuple[tuple[AccountKind, re.Pattern[str]], ...] = (
    ("default", re.compile(r"(?P<number>\d+)-compute@developer\.gserviceaccount\.com")),
    (
        "default",
        re.compile(r"(?:(?P<domain>[a-z0-9.-]+\.[a-z]+)\.)?(?P<project>[a-z][a-z0-9-]*)@appspot\.gserviceaccount\.com"),
    ),
    ("google_agent", re.compile(r"(?P<number>\d+)@(?:cloudservices|cloudbuild)\.gserviceaccount\.com")),
    (
        "service_agent",
        re.compile(
            r"(?:(?:service|project|bq)-(?:org-|folder-)?)?(?P<number>\d+)@(?:gcp-sa-[a-z0-9-]+|"
            rf"{'|'.join(_OLDER_AGENTS)})\.iam\.gserviceaccount\.com"
        ),
    ),
    (
        "user_managed",
        re.compile(r"[^@]+@(?P<project>[a-z][a-z0-9-]*)(?:\.(?P<domain>[a-z0-9.-]+))?\.iam\.gserviceaccount\.com"),
    ),
)


class GcpMemberAccount(Struct, frozen=True, kw_only=True, gc=False):
    """The parts of a service account's e-mail. It names its project by ``project`` (the id) or ``number``.

    The service agent of an organization or folder has the number of that.
    """

    kind: AccountKind
    project: str | None = None
    number: str | None = None


@lru_cache(maxsize=65536)
def account_of(email: str) -> GcpMemberAccount:
    """The account of an e-mail; ``foreign`` if it has none of Google's forms."""
    for kind, form in _FORMS:
        if found := form.fullmatch(email):
            parts = found.groupdict()
            project, domain = parts.get("project"), parts.get("domain")
            named = f"{domain}:{project}" if domain else project
            return GcpMemberAccount(kind=kind, project=named, number=parts.get("number"))
    return GcpMemberAccount(kind="foreign")


# --- Members of bindings ---
#
# Source: the IAM documentation of principal identifiers. ``parse_member`` takes any text, and ``str`` gives it back.

MemberKind: TypeAlias = Literal[
    "service_account",
    "kubernetes",
    "pool_principal",
    "pool_set",
    "agent",
    "resource_set",
    "person",
    "group",
    "anyone",
    "role_holders",
    "other",
]

MACHINES: frozenset[MemberKind] = frozenset(
    {"service_account", "kubernetes", "pool_principal", "pool_set", "agent", "resource_set"}
)
"""Kinds that represent identities that are not human."""

_DELETED = "deleted:"
_UID = "?uid="
_POOLS = r"(?P<pool>projects/[^/]+/locations/global/workloadIdentityPools/[^/]+)"
_MEMBERS_FORMS: tuple[tuple[MemberKind, re.Pattern[str]], ...] = (
    ("kubernetes", re.compile(r"serviceAccount:(?P<pool>.+\.svc\.id\.goog)\[(?P<subject>[^\]]+)\]")),
    (
        "pool_principal",
        re.compile(rf"principal://iam\.googleapis\.com/{_POOLS}/(?P<selector>[^/]+)/(?P<subject>.+)"),
    ),
    (
        "pool_set",
        re.compile(rf"principalSet://iam\.googleapis\.com/{_POOLS}/(?P<selector>\*|[^/]+(?=/))(?:/(?P<subject>.+))?"),
    ),
    ("agent", re.compile(r"principal://agents\.(?P<pool>[^/]+)/resources/(?P<subject>.+)")),
    (
        "resource_set",
        re.compile(
            r"principalSet://cloudresourcemanager\.googleapis\.com/(?P<pool>(?:projects|folders|organizations)/[^/]+)"
            r"(?:/type/(?P<selector>ServiceAccount|ServiceAgent))?"
        ),
    ),
    ("person", re.compile(r"principal(?:Set)?://iam\.googleapis\.com/locations/global/workforcePools/.+")),
)
_BY_PREFIX: dict[str, MemberKind] = {
    "serviceAccount": "service_account",
    "user": "person",
    "domain": "person",
    "group": "group",
    "projectOwner": "role_holders",
    "projectEditor": "role_holders",
    "projectViewer": "role_holders",
}


class GcpMember(Struct, frozen=True, kw_only=True, gc=False):
    """The member of a binding. ``text``: without ``deleted:`` and the unique id, which have fields of their own.

    ``id``: an e-mail, or the whole principal string. ``pool``: the workload identity pool that it belongs to, or the
    resource whose accounts it represents. ``selector``: ``subject``, ``group``, ``attribute.NAME`` or ``*`` of a pool,
    ``ServiceAccount`` or ``ServiceAgent`` of a resource; ``subject``: the selector's value.
    """

    kind: MemberKind
    text: str
    id: str
    pool: str | None = None
    selector: str | None = None
    subject: str | None = None
    is_deleted: bool = False
    uid: str | None = None

    def __str__(self) -> str:
        """The member as written in the policy."""
        uid = "" if self.uid is None else f"{_UID}{self.uid}"
        return f"{_DELETED if self.is_deleted else ''}{self.text}{uid}"


def parse_member(text: str) -> GcpMember:
    """Parse any text as a member; an unknown form is ``other``."""
    is_deleted = text.startswith(_DELETED)
    named = text.removeprefix(_DELETED)
    named, mark, uid = named.partition(_UID) if is_deleted else (named, "", "")
    return structs.replace(_named(named), is_deleted=is_deleted, uid=uid if mark else None)


def _named(text: str) -> GcpMember:
    for kind, form in _MEMBERS_FORMS:
        if found := form.fullmatch(text):
            identified = text.partition(":")[2] if kind == "kubernetes" else text
            parts = found.groupdict()
            return GcpMember(
                kind=kind,
                text=text,
                id=identified,
                pool=parts.get("pool"),
                selector=parts.get("selector", "subject" if "subject" in parts else None),
                subject=parts.get("subject"),
            )
    if text in ("allUsers", "allAuthenticatedUsers"):
        return GcpMember(kind="anyone", text=text, id=text)
    prefix, _, rest = text.partition(":")
    kind = _BY_PREFIX.get(prefix, "other")
    return GcpMember(kind=kind, text=text, id=text if kind == "other" else rest)

"""What the e-mail address of a service account tells: whose it is, and whether Google itself answers for it (pure).

Source: the IAM documentation of service agents and of the types of service accounts. Order matters: an agent's
address looks like that of an account in a project of Google's.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal, TypeAlias

from msgspec import Struct

AccountKind: TypeAlias = Literal["user_managed", "default", "google_agent", "service_agent", "foreign"]

AGENTS: frozenset[AccountKind] = frozenset({"google_agent", "service_agent"})
"""Kinds that Google itself answers for."""
LISTED: frozenset[AccountKind] = frozenset({"user_managed", "default"})
"""Kinds that their project lists."""

# Domains of service agents that are older than the form gcp-sa-NAME.
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


class Account(Struct, frozen=True, kw_only=True, gc=False):
    """A service account's e-mail address, taken apart. It names its project by ``project`` (the id) or ``number``.

    An agent of an organisation or folder has the number of that.
    """

    kind: AccountKind
    project: str | None = None
    number: str | None = None


@lru_cache(maxsize=65536)
def account_of(email: str) -> Account:
    """What that address tells; ``foreign`` is one of none of Google's forms."""
    for kind, form in _FORMS:
        if found := form.fullmatch(email):
            parts = found.groupdict()
            project, domain = parts.get("project"), parts.get("domain")
            named = f"{domain}:{project}" if domain else project
            return Account(kind=kind, project=named, number=parts.get("number"))
    return Account(kind="foreign")

"""Full resource names of Google Cloud, as in Cloud Asset Inventory and audit logs.

Source: cloud.google.com/asset-inventory/docs/asset-names.
"""

from __future__ import annotations

import re

_LOCATED = re.compile(r"projects/[^/]+/(?P<rest>locations/[^/]+/[^/]+/[^/]+)")
_IAM = "//iam.googleapis.com"
_ACCOUNTS = ".iam.gserviceaccount.com"


def account_key(project: str, email: str) -> str:
    """The key of a service account; ``project`` is the id of the one it lives in, and may be a pattern."""
    return f"{_IAM}/projects/{project}/serviceAccounts/{email}"


def service_agent_key(email: str) -> str:
    """The key of a service agent: it lives in a project of Google's, so that no right in one of ours reaches it."""
    return account_key("-", email)


def secret_key(project: str, secret: str) -> str:
    """The key of a stored secret."""
    return stored_key(project, f"secrets/{secret}")


def stored_key(project: str, path: str) -> str:
    """The same by the name within the project: ``secrets/S``, or ``locations/L/secrets/S``."""
    return f"//secretmanager.googleapis.com/projects/{project}/{path}"


def engine_key(project: str, location: str, engine: str) -> str:
    """The key of an agent engine."""
    return f"//aiplatform.googleapis.com/projects/{project}/locations/{location}/reasoningEngines/{engine}"


def located_key(host: str, project: str, name: str) -> str:
    """The key of a thing in a location, by its resource name, which may have the project's number; ``project``: the id.

    Raises ValueError for a name that is none of such a thing.
    """
    found = _LOCATED.fullmatch(name)
    if found is None:
        raise ValueError(f"{name!r} is not a resource name")
    return f"//{host}/projects/{project}/{found['rest']}"


def project_of_account(email: str) -> str | None:
    """The id of the project whose name a user-managed account's e-mail carries; None for all others.

    ``name@P.iam.gserviceaccount.com`` is of ``P``, ``name@P.example.com.iam.gserviceaccount.com`` of ``example.com:P``.
    """
    domain = email.partition("@")[2]
    if not domain.endswith(_ACCOUNTS):
        return None
    project, _, organization = domain.removesuffix(_ACCOUNTS).partition(".")
    if not project or project.startswith("gcp-sa-"):
        return None
    return f"{organization}:{project}" if organization else project


def last_segment(name: str) -> str:
    """The end of a resource name: ``projects/1/secrets/s`` is about ``s``."""
    return name.rpartition("/")[2]

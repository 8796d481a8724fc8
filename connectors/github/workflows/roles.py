"""The identities elsewhere that a workflow names, as keys of the connectors of those systems. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from urllib.parse import urlsplit

from connectors.github.workflows.jobs import GithubRole
from connectors.planned.shapes import key_of

_DEFAULT_MOUNT = "jwt"


def targets_of(role: GithubRole) -> Iterator[str]:
    """Yield the keys of the identities of a role, as far as the file resolves them."""
    as_key = _AS_KEY.get((role.system, role.input), _as_named)
    yield from (as_key(role, named) for named in role.value.texts if named)


def _known(role: GithubRole, name: str) -> str | None:
    """The value of another input of the same step, if it is known and unambiguous."""
    value = role.given.get(name)
    return value.texts[0] if value is not None and value.is_whole and len(value.texts) == 1 else None


def _as_named(_role: GithubRole, named: str) -> str:
    return named


def _google_account(_role: GithubRole, named: str) -> str:
    return key_of(named)


def _google_provider(_role: GithubRole, named: str) -> str:
    return f"//iam.googleapis.com/{named}" if named.startswith("projects/") else named


def _azure_client(role: GithubRole, named: str) -> str:
    """``azure://TENANT/applications/CLIENT``; the client id alone if the tenant is unknown."""
    tenant = _known(role, "tenant-id")
    return f"azure://{tenant.lower()}/applications/{named.lower()}" if tenant else named.lower()


def _vault_role(role: GithubRole, named: str) -> str:
    """``vault://HOST/auth/MOUNT/role/NAME``, in the step's namespace; the name alone if the address is unknown."""
    host = urlsplit(_known(role, "url") or "").netloc
    if not host:
        return named
    scope = "/".join(filter(None, (host, (_known(role, "namespace") or "").strip("/"))))
    mount = (_known(role, "path") or _DEFAULT_MOUNT).strip("/")
    return f"vault://{scope}/auth/{mount}/role/{named}"


_AS_KEY: Mapping[tuple[str, str], Callable[[GithubRole, str], str]] = {
    ("gcp", "service_account"): _google_account,
    ("gcp", "workload_identity_provider"): _google_provider,
    ("azure", "client-id"): _azure_client,
    ("vault", "role"): _vault_role,
}

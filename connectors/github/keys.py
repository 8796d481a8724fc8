"""The keys of what belongs to an organization, and the addresses that depend on where GitHub runs."""

from __future__ import annotations

from typing import Final

PUBLIC: Final = "github.com"
_RESIDENT: Final = ".ghe.com"


def root(host: str, login: str) -> str:
    """Prefix of all keys of an organization: ``github:ORG``, on other hosts than github.com ``github:HOST/ORG``."""
    return f"github:{login}" if host == PUBLIC else f"github:{host}/{login}"


def repository(host: str, full_name: str) -> str:
    """The key of a repository, which those of its keys, secrets and workflows begin with. ``full_name``: OWNER/NAME."""
    return root(host, full_name)


def workflow(host: str, full_name: str, path: str) -> str:
    """The key of a workflow. ``path``: from the root of the repository."""
    return f"{repository(host, full_name)}/{path}"


def stored_secret(owner: str, name: str, *, store: str = "actions") -> str:
    """The key of a stored secret. ``owner``: the key of organization or repository; of an environment see below."""
    return f"{owner}/{store}/secrets/{name}"


def environment_secret(owner: str, environment: str, name: str) -> str:
    """The key of a secret of an environment. ``owner``: the key of its repository."""
    return f"{owner}/environments/{environment}/secrets/{name}"


def is_server(host: str) -> bool:
    """Whether it is an Enterprise Server, and not GitHub's own service."""
    return host != PUBLIC and not host.endswith(_RESIDENT)


def issuer(host: str) -> str:
    """The issuer of workflows' tokens, as trusts name it: without a scheme."""
    if is_server(host):
        return f"{host}/_services/token"
    return "token.actions.githubusercontent.com" if host == PUBLIC else f"token.actions.{host}"

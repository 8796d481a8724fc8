"""Every request that this connector can send, with its policy line.

The least-privilege policy, the sections' permissions, the preflight and the advice on a denial are generated from this
table; the client accepts no other request. None returns the value of a secret.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal
from urllib.parse import quote

from msgspec import Struct

from connectors.base import Malformed

Method = Literal["GET", "LIST", "POST"]
_CAPABILITY: dict[Method, str] = {"GET": "read", "LIST": "list", "POST": "update"}
_NESTED = frozenset({"mount", "folder"})
"""Placeholders that may contain slashes. In any other, a slash would lead to another path."""


SAMPLE = "muster-sample"


class Endpoint(Struct, frozen=True):
    """A request. ``path`` has places for ``{mount}``, ``{folder}`` and ``{name}``; POST ones only look something up.

    ``replaces``: those that a server which offers this one need not be asked; OpenBao has such, Vault has not.
    """

    method: Method
    path: str
    sudo: bool = False
    replaces: tuple[Endpoint, ...] = ()

    def route(self, **places: str) -> str:
        """The path with names from the server filled in. Raises Malformed for one that would lead elsewhere."""
        return self.path.format(**{place: _quoted(place, name) for place, name in places.items()})

    def sample(self, mount: str) -> str:
        """A path that it could be, to ask the server about; listings end in a slash, as it sees them."""
        return self.path.format(mount=mount, name=SAMPLE, folder=SAMPLE) + ("/" if self.method == "LIST" else "")

    def pattern(self, mount: str = "+") -> str:
        """The path in a policy."""
        return self.path.format(mount=mount, name="+", folder="*")

    @property
    def capabilities(self) -> tuple[str, ...]:
        """The capabilities that a policy must allow on it."""
        return (_CAPABILITY[self.method], "sudo") if self.sudo else (_CAPABILITY[self.method],)

    def line(self, mount: str = "MOUNT", namespace: str = "") -> str:
        """The line of a policy that allows it, as seen from the namespace the policy is in."""
        path = f"{namespace}/{self.pattern(mount)}" if namespace else self.pattern(mount)
        allowed = ", ".join(f'"{capability}"' for capability in self.capabilities)
        return f'path "{_escaped(path)}" {{ capabilities = [{allowed}] }}'


def lines(endpoints: Iterable[Endpoint], mount: str = "MOUNT", namespace: str = "") -> tuple[str, ...]:
    """The lines for several endpoints."""
    return tuple(endpoint.line(mount, namespace) for endpoint in endpoints)


def _quoted(place: str, name: str) -> str:
    segments = name.strip("/").split("/") if place in _NESTED else [name]
    if place == "folder" and name == "":
        return ""
    if any(segment in ("", ".", "..") or "/" in segment for segment in segments):
        raise Malformed(f"{name!r} is skipped: it would lead to another path")
    return "/".join(quote(segment, safe="", errors="surrogatepass") for segment in segments)


def _escaped(path: str) -> str:
    return path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


SEAL_STATUS = Endpoint("GET", "sys/seal-status")
"""Takes no permission."""
OWN_TOKEN = Endpoint("GET", "auth/token/lookup-self")
OWN_CAPABILITIES = Endpoint("POST", "sys/capabilities-self")

NAMESPACES = Endpoint("LIST", "sys/namespaces")
AUTH_MOUNTS = Endpoint("GET", "sys/auth")
SECRET_MOUNTS = Endpoint("GET", "sys/mounts")
POLICIES = Endpoint("LIST", "sys/policies/acl")
POLICY = Endpoint("GET", "sys/policies/acl/{name}")
POLICIES_WITH_TEXT = Endpoint("LIST", "sys/policies/detailed/acl", replaces=(POLICIES, POLICY))
"""OpenBao only: all of them in one answer."""
ENTITIES = Endpoint("LIST", "identity/entity/id")
ENTITY = Endpoint("GET", "identity/entity/id/{name}")
GROUPS = Endpoint("LIST", "identity/group/id")
GROUP = Endpoint("GET", "identity/group/id/{name}")
TOKEN_ACCESSORS = Endpoint("LIST", "auth/token/accessors", sudo=True)
TOKEN = Endpoint("POST", "auth/token/lookup-accessor")
AUDIT_DEVICES = Endpoint("GET", "sys/audit", sudo=True)
AUDIT_HASH = Endpoint("POST", "sys/audit-hash/{name}")
"""What an audit device makes of a text: the audit log's reader asks for accessors only."""

LOGIN_CONFIG = Endpoint("GET", "auth/{mount}/config")
SECRET_IDS = Endpoint("LIST", "auth/{mount}/role/{name}/secret-id")
SECRET_ID = Endpoint("POST", "auth/{mount}/role/{name}/secret-id-accessor/lookup")

KV2_NAMES = Endpoint("LIST", "{mount}/metadata/{folder}")
KV2_WITH_AGES = Endpoint("LIST", "{mount}/detailed-metadata/{folder}", replaces=(KV2_NAMES,))
"""OpenBao only: names and dates of a folder in one answer."""
KV1_NAMES = Endpoint("LIST", "{mount}/{folder}")
"""Only listed: reading a path would return the secret."""

"""The table of all requests, each with its line in a policy.

The least-privilege policy, the sections' permissions, the preflight and the hints on denials are generated from this
table; the client accepts no other request. No request returns a secret's value.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal
from urllib.parse import quote

from msgspec import Struct

from connectors.core.contract import Malformed

Method = Literal["GET", "LIST", "POST"]
_CAPABILITY: dict[Method, str] = {"GET": "read", "LIST": "list", "POST": "update"}
_NESTED = frozenset({"mount", "folder"})
"""Placeholders that may contain slashes. In any other, a slash would lead to another path."""


SAMPLE = "muster-sample"


class Endpoint(Struct, frozen=True):
    """A request. Placeholders of ``path``: ``{mount}``, ``{folder}``, ``{name}``. Every POST is a look-up.

    ``replaces``: requests that are not needed if the server offers this one, as OpenBao may and Vault does not.
    """

    method: Method
    path: str
    sudo: bool = False
    replaces: tuple[Endpoint, ...] = ()

    def route(self, **places: str) -> str:
        """The path with names from the server filled in. Raises Malformed for a name that would change the path."""
        return self.path.format(**{place: _quoted(place, name) for place, name in places.items()})

    def sample(self, mount: str) -> str:
        """An example of its path, to check capabilities on. A listing ends in a slash, as the server evaluates it."""
        return self.path.format(mount=mount, name=SAMPLE, folder=SAMPLE) + ("/" if self.method == "LIST" else "")

    def pattern(self, mount: str = "+") -> str:
        """The path in a policy, with wildcards."""
        return self.path.format(mount=mount, name="+", folder="*")

    @property
    def capabilities(self) -> tuple[str, ...]:
        """The capabilities that the request needs."""
        return (_CAPABILITY[self.method], "sudo") if self.sudo else (_CAPABILITY[self.method],)

    def line(self, mount: str = "MOUNT", namespace: str = "") -> str:
        """The line of a policy that allows it. ``namespace``: relative to the namespace of the policy."""
        path = f"{namespace}/{self.pattern(mount)}" if namespace else self.pattern(mount)
        allowed = ", ".join(f'"{capability}"' for capability in self.capabilities)
        return f'path "{_escaped(path)}" {{ capabilities = [{allowed}] }}'


def lines(endpoints: Iterable[Endpoint], mount: str = "MOUNT", namespace: str = "") -> tuple[str, ...]:
    """The policy lines of several endpoints."""
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
"""Needs no permission."""
SIGN_IN = Endpoint("POST", "auth/{mount}/login")
"""Needs no permission. hvac sends it."""
OWN_TOKEN = Endpoint("GET", "auth/token/lookup-self")
OWN_CAPABILITIES = Endpoint("POST", "sys/capabilities-self")

NAMESPACES = Endpoint("LIST", "sys/namespaces")
AUTH_MOUNTS = Endpoint("GET", "sys/auth")
SECRET_MOUNTS = Endpoint("GET", "sys/mounts")
POLICIES = Endpoint("LIST", "sys/policies/acl")
POLICY = Endpoint("GET", "sys/policies/acl/{name}")
POLICIES_WITH_TEXT = Endpoint("LIST", "sys/policies/detailed/acl", replaces=(POLICIES, POLICY))
"""OpenBao only: all policies in one answer."""
ENTITIES = Endpoint("LIST", "identity/entity/id")
ENTITY = Endpoint("GET", "identity/entity/id/{name}")
GROUPS = Endpoint("LIST", "identity/group/id")
GROUP = Endpoint("GET", "identity/group/id/{name}")
TOKEN_ACCESSORS = Endpoint("LIST", "auth/token/accessors", sudo=True)
TOKEN = Endpoint("POST", "auth/token/lookup-accessor")
AUDIT_DEVICES = Endpoint("GET", "sys/audit", sudo=True)
AUDIT_HASH = Endpoint("POST", "sys/audit-hash/{name}")
"""The hash of a text in an audit device; the reader of audit logs requests it for accessors only."""

LOGIN_CONFIG = Endpoint("GET", "auth/{mount}/config")
SECRET_IDS = Endpoint("LIST", "auth/{mount}/role/{name}/secret-id")
SECRET_ID = Endpoint("POST", "auth/{mount}/role/{name}/secret-id-accessor/lookup")

KV2_NAMES = Endpoint("LIST", "{mount}/metadata/{folder}")
KV2_WITH_AGES = Endpoint("LIST", "{mount}/detailed-metadata/{folder}", replaces=(KV2_NAMES,))
"""OpenBao only: names and dates of a folder in one answer."""
KV1_NAMES = Endpoint("LIST", "{mount}/{folder}")
"""Only listed: reading a path would return the secret."""

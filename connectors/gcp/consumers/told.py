"""What a resource tells of itself as a consumer, whatever it is; the payloads of each API come down to this (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Literal, Protocol

from msgspec import Struct

from connectors.gcp.places import ProjectRef

_AUTH = "https://www.googleapis.com/auth/"


class Told(Struct, frozen=True, kw_only=True, gc=False):
    """What is taken of a resource.

    ``accounts``: e-mails, maybe within resource names. ``secrets``: resource names of secrets, or bare names of those
    in the resource's own project. ``acts``: that it is declared to be an agent, or a server of tools for agents.
    ``code_in``: the bucket from which it takes what it runs.
    """

    name: str
    accounts: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    created_at: datetime | None = None
    created_by: str | None = None
    labels: Mapping[str, str] = {}
    attributes: Mapping[str, Any] = {}
    acts: Literal["agent", "mcp_server"] | None = None
    code_in: str = ""


class Consumer(Protocol):
    """The payload of one sort of resource."""

    def told(self, project: ProjectRef, /) -> Told | None:
        """What it tells; None for what has ended and will not run again. ``project``: the one that it is in."""
        ...


def default_compute(project: ProjectRef) -> str:
    """The account that most of what runs in a project gets without being given one."""
    return f"{project.number}-compute@developer.gserviceaccount.com"


def default_app_engine(project: ProjectRef) -> str:
    """The same for App Engine and functions of the first generation."""
    domain, _, name = project.id.rpartition(":")
    return f"{domain}.{name}@appspot.gserviceaccount.com" if domain else f"{name}@appspot.gserviceaccount.com"


def known(**facts: Any) -> dict[str, Any]:
    """The facts that are there."""
    return {name: fact for name, fact in facts.items() if fact not in (None, "", [], ())}


def short_scopes(scopes: Iterable[str]) -> list[str]:
    """OAuth scopes, which limit what an account may do from there, by their last words."""
    return sorted({scope.removeprefix(_AUTH) for scope in scopes})

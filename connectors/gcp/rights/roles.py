"""Roles, with their relevant permissions (pure)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterable, Mapping
from concurrent.futures import Future
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import msgspec
from msgspec import Struct

from connectors.gcp.client.session import GcpSession
from connectors.gcp.rights.vocabulary import counted, vocabulary


class Role(Struct, frozen=True, kw_only=True, gc=False):
    """A role. ``permissions``: the relevant ones; None if they could not be read.

    A deleted or disabled role has none: its bindings have no effect.
    """

    name: str
    permissions: frozenset[str] | None = None


class RolePayload(Struct, frozen=True, kw_only=True, rename="camel"):
    """A role of the IAM API."""

    name: str
    included_permissions: tuple[str, ...] = ()
    deleted: bool = False
    stage: str = ""


def parse_role(payload: Any) -> Role:
    """Parse a role of ``roles.get`` or of a listing with ``view=FULL``. Raises ValueError."""
    return role_of(msgspec.convert(payload, RolePayload))


def role_of(role: RolePayload) -> Role:
    """The role with its relevant permissions. Source: the IAM API's Role and RoleLaunchStage."""
    is_off = role.deleted or role.stage == "DISABLED"
    return Role(name=role.name, permissions=frozenset() if is_off else counted(role.included_permissions))


def parent_of(role: str) -> str:
    """The parent of a role: ``organizations/1``, ``projects/acme``, or empty for a predefined role."""
    return role.rpartition("roles/")[0].rstrip("/")


class GcpRoles:
    """The roles that were read, by name. The permissions of some others are known from ``privilege.toml``."""

    def __init__(self, roles: Iterable[Role] = ()) -> None:
        self._roles: Mapping[str, Role] = {role.name: role for role in roles}

    def __getitem__(self, name: str) -> Role:
        known = self._roles.get(name)
        if known is not None and known.permissions is not None:
            return known
        return Role(name=name, permissions=vocabulary().known_role(name))


# --- Roles and ancestor policies shared by the units of one source ---
#
# Each is requested once in a session, even if many projects are read one by one.

T = TypeVar("T")


class Library:
    """Answers that all threads share. ``roles``: those that were read, by name."""

    def __init__(self) -> None:
        self.roles: dict[str, Role] = {}
        self._lock = threading.Lock()
        self._answers: dict[Hashable, Future[Any]] = {}

    def once(self, key: Hashable, ask: Callable[[], T], shared: Callable[[], None] | None = None) -> T:
        """The answer, or the error, of ``ask``, which is called once for each name; other threads wait for it.

        ``shared``: called if another thread has called ``ask``.
        """
        with self._lock:
            is_first = key not in self._answers
            answer: Future[T] = self._answers.setdefault(key, Future())
        if is_first:
            try:
                answer.set_result(ask())
            except BaseException as error:  # noqa: BLE001  # those who wait must not wait for ever
                answer.set_exception(error)
        elif shared is not None:
            shared()
        return answer.result()


_LIBRARIES: WeakKeyDictionary[GcpSession, Library] = WeakKeyDictionary()
_MAKING = threading.Lock()


def library_of(session: GcpSession) -> Library:
    """The library of a session."""
    with _MAKING:
        return _LIBRARIES.setdefault(session, Library())

"""What several units of one source ask for: roles, and the policies of what lies above projects.

Each is asked for once a session, however many projects are read one by one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from connectors.gcp.rights.roles import Role
from connectors.gcp.session import GcpSession

T = TypeVar("T")


class Library:
    """Answers that were got already, for every thread. ``roles``: those that were read, by name."""

    def __init__(self) -> None:
        self.roles: dict[str, Role] = {}
        self._lock = threading.Lock()
        self._answers: dict[Hashable, Future[Any]] = {}

    def once(self, key: Hashable, ask: Callable[[], T], shared: Callable[[], None] | None = None) -> T:
        """The answer, which others wait for that want it too; a refusal is one as well. Raises what ``ask`` raises.

        ``shared``: called where another had asked already.
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

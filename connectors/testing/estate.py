"""The healthy provider that the tests of a connector describe."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from connectors.core.contract import Connector
from connectors.testing.server import Asked, Json, Reply

WAIT = 1
"""Seconds in ``Retry-After`` of a refusal for load."""
NOT_FOUND = 404
_NAMES = ("name", "login", "slug", "title", "description", "display_name", "displayName", "label")


class Estate(Struct, frozen=True, kw_only=True):
    """A healthy provider: its answers, its secret, and what the checks may change.

    ``make``: returns the connector for the provider at a URL.
    ``answers``: JSON or a :class:`Reply` by path, or by path and query. Include at least two identities and one listing
    with a second page. ``{url}`` is replaced by the address of the provider.
    ``secret``: the credential that the connector sends.
    ``names``: keys whose text, or list of texts, a user of the provider chooses.
    ``maps``: keys of objects whose own keys a user of the provider chooses.
    ``unread``: keys whose values must not appear in any record.
    ``paged``: False if no listing of the provider has pages.
    ``waits``: False if the provider sends no ``Retry-After`` when it throttles.
    ``patience``: seconds after which the checks end a reading whose provider never ends an answer.
    ``spare``: operations whose failure alone is no gap, because other requests return the same records or a section is
    off and states why.

    Override ``operation`` where one path serves everything, as in GraphQL, and ``refusal`` and ``throttled`` where the
    provider has its own form of error.
    """

    make: Callable[[str], Connector]
    answers: Mapping[str, Json]
    secret: str
    names: Sequence[str] = _NAMES
    maps: Sequence[str] = ("labels", "tags", "annotations")
    unread: Sequence[str] = ("secret", "token", "password", "private_key", "value_of_it")
    paged: bool = True
    waits: bool = True
    patience: float = 2.0
    spare: Sequence[str] = ()

    def healthy(self, asked: Asked) -> Reply:
        """The healthy answer to a request; 404 if ``answers`` has none."""
        found = self.answers.get(asked.target, self.answers.get(asked.path))
        if found is None:
            return Reply(status=NOT_FOUND, body={"message": "Not Found"})
        return found if isinstance(found, Reply) else Reply(body=found)

    def operation(self, asked: Asked) -> str:
        """The name of the operation requested; the same for all pages of a listing."""
        return asked.path

    def refusal(self, asked: Asked, message: str) -> Reply:
        """The answer to a request that the credentials are not permitted to make. It quotes ``message``."""
        del asked  # for subclasses whose answer depends on it
        return Reply(status=403, body={"message": message})

    def throttled(self, asked: Asked) -> Reply:
        """The answer when the rate limit is exceeded, with ``Retry-After`` unless ``waits`` is False."""
        del asked  # for subclasses whose answer depends on it
        return Reply(status=429, body={}, headers={"Retry-After": str(WAIT)})

"""The fake of GitHub, held to GitHub's published descriptions.

Answers are validated against GitHub's OpenAPI description, requests against its paths and parameters. GraphQL is
executed over GitHub's schema. A request that GitHub does not have, or without its version, fails the test.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from connectors.testing import Asked, Reply, Server
from scanner.demo.fakes.github.organization import Organization, user
from scanner.demo.fakes.github.server import Answers, WrongQuery
from tests.servers.trackers.described import Description, Undescribed

__all__ = ["GithubServer", "Organization", "served", "user"]

PUBLISHED = Path(__file__).parent / "published"
REST = Description(PUBLISHED / "rest.json")
VERSION = "2022-11-28"
TOKEN = "ghp_token"


class GithubServer(Answers):
    """The organization, served. ``counted``: by path, the requests that GitHub counts.

    ``faults``: asked before every answer; what it gives is answered instead. ``wrong``: what GitHub would not do.
    ``scopes``: of the token, if it is a classic one.
    """

    def __init__(self, organization: Organization, *, token: str = TOKEN, per_page: int = 100) -> None:
        super().__init__(organization, token=token, per_page=per_page)
        self.faults: Callable[[Asked], Reply | None] = lambda _: None
        self.wrong: list[str] = []
        self.counted: Counter[str] = Counter()
        self.scopes: str | None = None
        self._lock = threading.Lock()

    def __call__(self, asked: Asked) -> Reply:
        try:
            return self.faults(asked) or self._reply(asked)
        except (Undescribed, WrongQuery) as error:
            self.wrong.append(str(error))
            return Reply(status=500, body={"message": str(error)})

    def _reply(self, asked: Asked) -> Reply:
        headers = {name.lower(): value for name, value in asked.headers.items()}
        if headers.get("x-github-api-version") != VERSION:
            raise Undescribed(f"{asked.path} was asked without the version")
        if asked.path == "/rate_limit":
            return Reply(body={}, headers={} if self.scopes is None else {"X-OAuth-Scopes": self.scopes})
        if asked.path != "/graphql":
            REST.check_request(asked.method, asked.path, parse_qs(asked.query), None)
        found = self.answer(asked.target, headers, asked.body)
        if found.status in (200, 201) and asked.path != "/graphql":
            REST.check_answer(asked.method, asked.path, found.status, found.body)
        if found.status not in (304, 401):
            with self._lock:
                self.counted[asked.path] += 1
        body = b"" if found.body is None else found.body
        return Reply(status=found.status, body=body, headers=found.headers)


@contextmanager
def served(organization: Organization, **facts: Any) -> Iterator[tuple[GithubServer, str]]:
    """The organization and its address. Fails where something was asked that GitHub does not have."""
    github = GithubServer(organization, **facts)
    with Server(github, most=None) as server:
        yield github, server.url
    assert github.wrong == [], github.wrong

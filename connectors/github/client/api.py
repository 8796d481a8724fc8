"""The client for GitHub on top of :mod:`connectors.core.http`: versions, sign-in, GraphQL, and the meaning of errors.

Only requests in the table are sent, and answers are decoded into the fields of payloads.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from urllib.parse import quote

from msgspec import Raw, Struct

from connectors.core.contract import Meter, SectionReading, own_words
from connectors.core.paging import link_header
from connectors.core.rates import RateLimit
from connectors.core.refusals import is_throttled, refusal
from connectors.exposed import Alert
from connectors.github.client import payloads as p
from connectors.github.client import requests as r
from connectors.github.client.requests import API_VERSION, PER_PAGE, GithubPermission, GithubRequest
from connectors.github.settings import GithubSettings
from scanner.errors import Denied, NotOffered, SourceError, Throttled, Unreachable

if TYPE_CHECKING:
    from requests import Response

    from connectors.core.http import Client
    from connectors.github.client.sign_in import AppToken

T = TypeVar("T")

RATE = 15.0
"""Requests per second after GitHub has throttled; its limit is 900 per minute."""
BATCHES = (50, 20, 5, 1)
"""Repositories in one query of GraphQL; fewer if GitHub takes too long."""
ENTERPRISE = "enterprise"
_NOT_FOUND, _FORBIDDEN = 404, 403
_UPGRADE = ("upgrade to", "not available for your plan", "is not enabled for this organization", "saml")
"""GitHub's message for a feature that the organization does not have."""

SHAPES: Mapping[str, tuple[str, Any]] = {
    request.path: (request.at, shape)
    for request, shape in (
        (r.INSTALLATIONS, list[p.Installation]),
        (r.ACCESS_TOKENS, list[p.AccessToken]),
        (r.AUTHORIZATIONS, list[p.Authorization]),
        (r.MEMBERS, list[p.Account]),
        (r.OUTSIDE, list[p.Account]),
        (r.RUNNER_GROUPS, list[p.RunnerGroup]),
        (r.RUNNERS, list[p.Runner]),
        (r.HOSTED_RUNNERS, list[p.HostedRunner]),
        (r.ACTIONS_POLICY, p.ActionsPolicy),
        (r.WORKFLOW_POLICY, p.WorkflowPolicy),
        (r.RUNNER_POLICY, p.RunnerPolicy),
        (r.FORK_APPROVAL, p.ForkApproval),
        (r.FORK_POLICY, p.ForkPolicy),
        (r.ROLES, list[p.Role]),
        (r.ROLE_USERS, list[p.RoleHolder]),
        (r.PRIVATE_REGISTRIES, list[p.Registry]),
        (r.DEPLOY_KEYS, list[p.DeployKey]),
        (r.ORG_SECRETS, list[p.SecretName]),
        (r.DEPENDABOT_SECRETS, list[p.SecretName]),
        (r.AGENT_SECRETS, list[p.SecretName]),
        (r.REPOSITORY_SECRETS, list[p.SecretName]),
        (r.REPOSITORY_DEPENDABOT_SECRETS, list[p.SecretName]),
        (r.REPOSITORY_AGENT_SECRETS, list[p.SecretName]),
        (r.CODESPACES_SECRETS, list[p.SecretName]),
        (r.TOKEN_REPOSITORIES, list[p.RepositoryName]),
        (r.ENVIRONMENT_SECRETS, list[p.SecretName]),
        (r.ORG_VARIABLES, list[p.Variable]),
        (r.VARIABLE_REPOSITORIES, list[p.RepositoryName]),
        (r.REPOSITORY_VARIABLES, list[p.Variable]),
        (r.ENVIRONMENT_VARIABLES, list[p.Variable]),
        (r.ORG_SUBJECT, p.SubjectRow),
        (r.CLAIMED_PROPERTIES, list[p.ClaimedProperty]),
        (r.REPOSITORY_SUBJECT, p.SubjectRow),
        (r.PROPERTIES, list[p.Properties]),
        (r.AGENT_POLICY, p.AgentPolicy),
        (r.AGENT_REPOSITORIES, list[p.RepositoryName]),
        (r.AGENT_CONFIGURATION, p.AgentConfiguration),
        (r.AGENT_TASKS, list[p.Task]),
        (r.ORG_HOOKS, list[p.Hook]),
        (r.SECRET_ALERTS, list[Alert]),
        (r.REPOSITORY_HOOKS, list[p.Hook]),
    )
}
"""The shapes of cached answers."""
_SHARED = frozenset(
    one.path
    for one in (
        r.REPOSITORY_SECRETS,
        r.REPOSITORY_DEPENDABOT_SECRETS,
        r.REPOSITORY_AGENT_SECRETS,
        r.ENVIRONMENT_SECRETS,
        r.REPOSITORY_VARIABLES,
        r.REPOSITORY_SUBJECT,
    )
)
"""Requests for each repository that many answer alike: with an empty list, which says how many rows there are, or with
GitHub's own form of subjects."""
_CHECK = "check organization and endpoint_url (of an Enterprise Server: https://HOST/api/v3), and what may read it"
_ACCEPT = "application/vnd.github+json"


class Api(Protocol):
    """The API: GitHub, or files."""

    @property
    def shows_all(self) -> bool:
        """Whether all repositories are visible, as far as known after an answer."""
        ...

    def one(self, request: GithubRequest, shape: type[T], **places: str) -> T:
        """One answer. Raises SourceError."""
        ...

    def rows(self, request: GithubRequest, row: type[T], section: SectionReading, **places: str) -> Iterator[T]:
        """The rows of a listing; a malformed row is a gap of the section. Raises SourceError."""
        ...

    def query(self, text: str, variables: Mapping[str, Any], permission: GithubPermission) -> Answered:
        """The answer to a query of GraphQL. Raises SourceError."""
        ...

    def close(self) -> None:
        """Close the connections."""
        ...


class Answered(Struct, frozen=True):
    """The result of a query. ``errors``: why parts of it are null."""

    data: Any
    errors: tuple[SourceError, ...] = ()


class GithubApi:
    """See ``Api``. Threads share it. ``plan``: the plan of the organization; None if unknown."""

    def __init__(self, settings: GithubSettings, meter: Meter, plan: str | None = None) -> None:
        from connectors.github.client.kept import KeptAnswers
        from connectors.github.client.sign_in import AppToken, GithubSignIn, Limits

        self._settings, self._plan = settings, plan
        whose = f"{settings.host}/{settings.organization}"
        self._kept = KeptAnswers(settings.cache, whose, SHAPES, _SHARED, self._signed_with)
        limits = Limits(meter, settings.max_calls)

        def client(token: Callable[[], str], renew: Callable[[], bool] = lambda: False) -> Client:
            return _client(settings, meter, GithubSignIn(token, renew, limits), limits, self._kept)

        self.app: AppToken | None = None
        self._token = ""
        if settings.app_id is not None:
            self.app = AppToken(settings, client)
            self.client = client(self.app, self.app.renew)
        else:
            token = settings.secret.resolve()
            self._token = token
            self.client = client(lambda: token)

    @property
    def shows_all(self) -> bool:
        """See ``Api``. The repositories of a token are unknown."""
        return self.app is None or self.app.selection != "selected"

    def one(self, request: GithubRequest, shape: type[T], **places: str) -> T:
        """See ``Api``."""
        return self._for(request).get(request.path, shape, params=request.params, **places)

    def rows(self, request: GithubRequest, row: type[T], section: SectionReading, **places: str) -> Iterator[T]:
        """See ``Api``."""
        params = {**({"per_page": PER_PAGE} if request.is_paged else {}), **request.params}
        return self._for(request).rows(
            request.path, row, section, at=request.at, paging=link_header, params=params, **places
        )

    def pages(self, request: GithubRequest, params: Mapping[str, str], **places: str) -> Iterator[Sequence[Raw]]:
        """The rows of a listing as they came, page by page. Raises SourceError."""
        client, path = self._for(request), request.path.format(**{name: quote(text) for name, text in places.items()})
        asked = {"per_page": PER_PAGE, **params}
        for page in client.pages(path, paging=link_header, params=asked, route=request.path):
            yield page.rows

    def query(self, text: str, variables: Mapping[str, Any], permission: GithubPermission) -> Answered:
        """See ``Api``."""
        asks = self.client.with_options(
            refusal=partial(self._refusal, GithubRequest(path="/graphql", permission=permission))
        )
        body = {"query": text, "variables": variables}
        answer = asks.get(self._settings.graphql, p.GraphqlAnswer, body=body)
        return answered(answer, permission)

    def close(self) -> None:
        """See ``Api``."""
        self._kept.write()
        self.client.close()

    def _signed_with(self) -> str:
        """The headers in GitHub's ETags, as it joins them."""
        from connectors.github.client.sign_in import bearer

        return f"{_ACCEPT}:{bearer(self._token if self.app is None else self.app.held)}:"

    def _for(self, request: GithubRequest) -> Client:
        return self.client.with_options(refusal=partial(self._refusal, request))

    def _refusal(self, request: GithubRequest, response: Response) -> SourceError:
        """The error for a status other than 200.

        The organization was read, so a missing resource is hidden or not offered.
        """
        error = refusal(response)
        if response.status_code not in (_NOT_FOUND, _FORBIDDEN) or is_throttled(response):
            return error
        if request == r.ORGANIZATION and response.status_code == _NOT_FOUND:
            missing = f"{self._settings.api} shows no organization {self._settings.organization}"
            return Denied(missing, hint=_CHECK, permission=request.permission.line)
        words = own_words(error)
        lacks = any(one in words.lower() for one in _UPGRADE)
        if lacks or (response.status_code == _NOT_FOUND and self._is_lacking(request)):
            return NotOffered(f"{request.path}: not available for this organization")
        return Denied(f"{request.path}: {words}", permission=request.permission.line)

    def _is_lacking(self, request: GithubRequest) -> bool:
        """Whether its plan lacks this feature."""
        on_server = self._settings.api.endswith("/api/v3")
        is_smaller = not on_server and self._plan is not None and not self._plan.startswith(ENTERPRISE)
        return (is_smaller and request.plan.startswith(ENTERPRISE)) or (on_server and request.plan.endswith("cloud"))


def answered(answer: p.GraphqlAnswer, permission: GithubPermission) -> Answered:
    """The content of the envelope. Raises SourceError if there are only errors."""
    errors = tuple(_error(one, permission) for one in answer.errors or ())
    data = answer.data
    if not isinstance(data, dict) or not any(value is not None for value in data.values()):
        raise errors[0] if errors else Unreachable("a query of GraphQL brought no answer")
    return Answered(data, errors)


def _error(error: p.GraphqlError, permission: GithubPermission) -> SourceError:
    words = own_words(error.message)
    if error.type in ("FORBIDDEN", "INSUFFICIENT_SCOPES", "NOT_FOUND"):
        return Denied(f"GraphQL: {words}", permission=permission.line)
    if error.type == "RATE_LIMITED":
        return Throttled(f"GraphQL: {words}", hint="scan again later")
    return Unreachable(f"GraphQL: {words}")


def _client(settings: GithubSettings, meter: Meter, sign_in: Any, limits: Any, kept: Any) -> Client:
    from connectors.core.http import Client

    return Client(
        settings.api,
        headers={
            "Accept": _ACCEPT,
            "X-GitHub-Api-Version": API_VERSION,
            "User-Agent": "muster",
        },
        sign_in=sign_in,
        meter=meter,
        rate=RateLimit(RATE, burst=RATE),
        attempts=settings.max_attempts,
        backoff=settings.backoff,
        timeout=settings.timeout,
        ca_file=settings.ca_file,
        insecure_http=settings.insecure_http,
        workers=settings.workers,
        on_response=limits.note,
        cache=kept,
    )

"""What an answer means to a scan: the state, the words, the permission that is missing."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.azure.client.errors import ClosedToUs, ExpiredPage, NoLicence, NotSignedIn, NotTaken, of_answer
from connectors.core.contract import Gone
from scanner.errors import Denied, SourceError, Throttled, Unreachable
from scanner.text import printable


class Answer(msgspec.Struct, frozen=True):
    status_code: int
    content: bytes


def _error(status: int, name: str = "", **inner: Any) -> Answer:
    body = {"error": {"code": name, "message": "words", "innererror": inner}}
    return Answer(status, msgspec.json.encode(body))


@pytest.mark.parametrize(
    ("answer", "kind", "state"),
    [
        (_error(401, "InvalidAuthenticationToken"), NotSignedIn, "failed"),
        (_error(403, "Authorization_RequestDenied"), Denied, "denied"),
        (_error(403, "AuthorizationFailed"), Denied, "denied"),
        (_error(403, "Forbidden"), Denied, "denied"),
        (_error(403, "Forbidden", code="ForbiddenByFirewall"), ClosedToUs, "failed"),
        (_error(403, "Forbidden", code="ForbiddenByConnection"), ClosedToUs, "failed"),
        (_error(403, "Authentication_RequestFromNonPremiumTenantOrB2CTenant"), NoLicence, "not_offered"),
        (_error(400, "Request_UnsupportedQuery"), NotTaken, "failed"),
        (_error(404, "Request_ResourceNotFound"), Gone, "failed"),
        (_error(410, "Gone"), Gone, "failed"),
        (_error(429, "TooManyRequests"), Throttled, "failed"),
        (_error(500, "InternalServerError"), Unreachable, "failed"),
        (_error(501, "NotImplemented"), NotTaken, "failed"),
        (_error(405, "MethodNotAllowed"), NotTaken, "failed"),
        (_error(504), Unreachable, "failed"),
        (_error(302), Unreachable, "failed"),
        (_error(204), Unreachable, "failed"),
        (_error(409, "Conflict"), SourceError, "failed"),
        (Answer(403, b"<html>"), Denied, "denied"),
        (Answer(403, b'{"code": "AuthorizationFailed", "message": "words"}'), Denied, "denied"),
    ],
)
def test_each_answer_has_its_state(answer: Answer, kind: type[SourceError], state: str) -> None:
    """As the services' error references have them."""
    error = of_answer(answer, "GET /servicePrincipals", "Application.Read.All")

    assert type(error) is kind
    assert error.status == state
    assert error.permission == ("Application.Read.All" if kind is Denied else None)
    assert "GET /servicePrincipals" in str(error)


def test_a_bad_request_for_a_later_page_means_that_its_link_has_expired() -> None:
    """For the first page it means something else."""
    assert type(of_answer(_error(400, "Any"), "GET /x", "", next_page=True)) is ExpiredPage
    assert type(of_answer(_error(400, "Any"), "GET /x", "")) is NotTaken


_NAMES = st.sampled_from(["error", "code", "message", "innererror"])
_BODIES = st.recursive(
    st.none() | st.integers() | st.text(), lambda inner: st.dictionaries(_NAMES, inner) | st.lists(inner)
)


@given(st.integers(100, 599), st.binary() | _BODIES.map(msgspec.json.encode))
def test_whatever_a_server_says_becomes_an_error(status: int, content: bytes) -> None:
    """On one line that a terminal can show."""
    error = of_answer(Answer(status, content), "GET /x", "Right")

    assert isinstance(error, SourceError)
    assert str(error) == printable(str(error))

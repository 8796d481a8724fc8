"""Policy documents for tests of what they amount to."""

from __future__ import annotations

from typing import Any

from connectors.aws.rights.policy import parse_statements
from connectors.aws.rights.privilege import Verdict, judge
from connectors.aws.rights.reach import Document, sum_up
from connectors.aws.rights.vocabulary import vocabulary

ACCOUNT = "123456789012"
WORDS = vocabulary()
IF = {"Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}}
"""Makes a statement conditional."""


def allow(action: Any, resource: Any = "*", **more: Any) -> dict[str, Any]:
    """An Allow statement."""
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: Any, resource: Any = "*", **more: Any) -> dict[str, Any]:
    """A Deny statement."""
    return {**allow(action, resource, **more), "Effect": "Deny"}


def doc(*statements: dict[str, Any], number: int = 0) -> Document:
    """A document of these statements."""
    return sum_up(parse_statements({"Statement": list(statements)}), number=number, words=WORDS, account=ACCOUNT)


def verdict(
    *documents: Document,
    boundary: Document | None = None,
    guardrails: tuple[tuple[Document, ...], ...] = (),
) -> Verdict:
    """The verdict over these documents together."""
    return judge(documents, WORDS, (*guardrails, *(() if boundary is None else ((boundary,),))))[0]

"""What a reviewer reads of an identity's permissions."""

from __future__ import annotations

from typing import Any

import pytest

from scanner.lifecycle.reviews.opening import OpeningFacts
from scanner.model import Grant, Privilege
from tests.factories import make_assessment, make_identity, make_result

READER, ALL = Grant(name="reader", via="inline"), Grant(name="Z-all", via="direct", admin=True)


@pytest.mark.parametrize(
    ("facts", "may"),
    [
        ({"grants": (READER,)}, "normal; granted: reader"),
        ({"grants": (READER, ALL)}, "normal; granted: Z-all, reader"),
        (
            {"grants": (READER,), "attributes": {"allowed_actions": {"reader": ["s3:Get*"]}}},
            "normal; granted: reader",
        ),
        ({}, "normal"),
    ],
)
def test_what_is_granted_stands_beside_the_level(facts: dict[str, Any], may: str) -> None:
    one = make_assessment(make_identity(privilege=Privilege(level="normal"), **facts))

    assert OpeningFacts(make_result(one)).of(one).may == may

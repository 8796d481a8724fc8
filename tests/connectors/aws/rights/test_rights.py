"""Whether policies speak for an action at all: a reason to ask AWS about a user, and nothing more."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.aws.client.payloads import AttachedPolicy, InlinePolicy
from connectors.aws.rights.account_rights import may_do
from connectors.aws.rights.permissions import Permissions, PolicyLibrary
from connectors.aws.rights.vocabulary import vocabulary
from tests.connectors.aws.estate import arn
from tests.servers.moto_server import ACCOUNT

PULL, PUSH = "codecommit:GitPull", "codecommit:GitPush"


def permissions(*statements: dict[str, Any], attached: tuple[AttachedPolicy, ...] = ()) -> Permissions:
    """Those of a user with these statements."""
    library = PolicyLibrary((), (), words=vocabulary(), account=ACCOUNT)
    inline = InlinePolicy(policy_name="own", policy_document={"Statement": list(statements)})
    return library.permissions(arn("user", "u"), (inline,), attached, None)


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        pytest.param({"Action": "codecommit:GitPull"}, True, id="named"),
        pytest.param({"Action": ["s3:*", "CodeCommit:git*"]}, True, id="by a pattern"),
        pytest.param({"Action": "*"}, True, id="everything"),
        pytest.param({"Action": "codecommit:List*"}, False, id="others of the service"),
        pytest.param({"NotAction": "iam:*"}, True, id="all but others"),
        pytest.param({"NotAction": "codecommit:*"}, False, id="all but these"),
        pytest.param({"Action": "*", "Effect": "Deny"}, False, id="a deny allows nothing"),
    ],
)
def test_a_statement_speaks_for_an_action(statement: dict[str, Any], expected: bool) -> None:
    """Whatever its resource."""
    found = permissions({"Effect": "Allow", "Resource": "arn:aws:codecommit:*:*:x", **statement})

    assert may_do(found, PULL, PUSH) is expected


def test_one_policy_unread_may_say_anything() -> None:
    """A user of whom not all is known is asked about."""
    assert may_do(permissions(attached=(AttachedPolicy(policy_name="p", policy_arn=arn("policy", "p")),)), PULL)
    assert not may_do(permissions(), PULL)


@pytest.mark.parametrize(
    ("statements", "services"),
    [
        ([{"Action": ["s3:GetObject", "S3:Put*", "sqs:*"]}], ["s3", "sqs"]),
        ([{"Action": "s3:*"}, {"Action": "iam:*", "Effect": "Deny"}], ["s3"]),
        ([{"Action": "*"}], None),
        ([{"Action": "s3*:Get*"}], None),
        ([{"NotAction": "iam:*"}], None),
    ],
)
def test_services_of_which_something_is_allowed(statements: list[dict[str, Any]], services: list[str] | None) -> None:
    found = permissions(*({"Effect": "Allow", "Resource": "*", **statement} for statement in statements))

    assert found.granted_services == services


def test_a_policy_unread_may_grant_any_service() -> None:
    unread = AttachedPolicy(policy_name="p", policy_arn=arn("policy", "p"))

    assert (
        permissions({"Effect": "Allow", "Action": "s3:*", "Resource": "*"}, attached=(unread,)).granted_services is None
    )

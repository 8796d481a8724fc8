"""What AWS's own policies are known to do where a listing lacks their documents, and what stays unknown."""

from __future__ import annotations

from importlib.resources import files

import pytest

from connectors.aws.client.payloads import AttachedPolicy, Boundary, InlinePolicy, PolicyDetail, PolicyVersion
from connectors.aws.rights.patterns import action_matches
from connectors.aws.rights.permissions import Permissions, PolicyLibrary
from connectors.aws.rights.vocabulary import published_policies
from tests.connectors.aws.rights.policies import ACCOUNT, WORDS, allow, doc, verdict
from tests.connectors.aws.rights.published_policies import document_of, matters, published, written

USER = f"arn:aws:iam::{ACCOUNT}:user/ada"


def aws(name: str, partition: str = "aws") -> str:
    """The ARN of one of AWS's own policies."""
    return f"arn:{partition}:iam::aws:policy/{name}"


def permissions(*attached: str, allowed: str | None = None, boundary: str | None = None) -> Permissions:
    """What a user with these policies may do, of whose documents none was listed, and an inline one."""
    policies = [AttachedPolicy(policy_name=arn.rpartition("/")[2], policy_arn=arn) for arn in attached]
    own = [] if allowed is None else [InlinePolicy(policy_name="own", policy_document={"Statement": [allow(allowed)]})]
    limit = None if boundary is None else Boundary(permissions_boundary_arn=boundary)
    return PolicyLibrary((), (), words=WORDS, account=ACCOUNT).permissions(USER, own, policies, limit)


@pytest.mark.parametrize(
    ("attached", "level"),
    [
        (aws("AdministratorAccess"), "admin"),
        (aws("AdministratorAccess", "aws-cn"), "admin"),
        (aws("IAMFullAccess"), "admin"),
        (aws("PowerUserAccess"), "high"),
        (aws("AWSLambda_FullAccess"), "high"),
        (aws("job-function/SystemAdministrator"), "high"),
        (aws("service-role/AmazonEC2RoleforSSM"), "unknown"),
        (aws("ReadOnlyAccess"), "unknown"),
        (aws("MadeUpAccess"), "unknown"),
        (f"arn:aws:iam::{ACCOUNT}:policy/PowerUserAccess", "unknown"),
        (f"arn:aws:iam::{ACCOUNT}:policy/AdministratorAccess", "unknown"),
    ],
)
def test_an_arn_that_only_aws_can_give_says_what_the_policy_does(attached: str, level: str) -> None:
    """Attached, an administrator's policy needs no document; a policy of the account's own may be called anything."""
    assert permissions(attached).privilege.level == level


def test_a_boundary_that_allows_everything_takes_nothing_away() -> None:
    """Nor is it unknown."""
    bounded = permissions(allowed="*", boundary=aws("AdministratorAccess"))

    assert (bounded.privilege.level, bounded.is_whole) == ("admin", True)
    assert permissions(allowed="*", boundary=aws("ReadOnlyAccess")).privilege.level == "unknown"


@pytest.mark.parametrize(
    ("unread", "level"),
    [
        (aws("ReadOnlyAccess"), "admin"),
        (aws("job-function/ViewOnlyAccess"), "admin"),
        (aws("AWSDenyAll"), "unknown"),
        (aws("AWSCompromisedKeyQuarantineV3"), "unknown"),
        (f"arn:aws:iam::{ACCOUNT}:policy/own", "unknown"),
    ],
)
def test_what_can_but_add_leaves_an_administrator_one(unread: str, level: str) -> None:
    """Only a policy that may deny puts it uncertain; in any case it is shown that it could not be read."""
    found = permissions(unread, allowed="*")

    assert found.privilege.level == level
    assert f"policy {unread.rpartition('/')[2]} (direct) could not be read" in found.privilege.evidence
    assert not found.is_whole
    some = permissions(unread, allowed="iam:PutUserPolicy").judged(WORDS, ("iam:PutUserPolicy on itself",))
    assert (some.privilege.level, some.amounts_to) == ("unknown", "escalation")


def test_the_list_of_awss_own_denies_is_whole() -> None:
    """Each of AWS's policies that denies something in IAM is among the patterns."""
    denying = set()
    for number, (name, policy) in enumerate(published().items()):
        document = document_of(policy["Document"]["Statement"], number)
        if (document.denied.somewhere | document.hindered) & WORDS.iam:
            denying.add(name)

    tables = WORDS.tables
    listed = {name for name in denying if any(action_matches(each, name) for each in tables.aws_policies_that_deny)}
    assert {"AWSDenyAll", "AWSCompromisedKeyQuarantine"} <= denying
    assert listed == denying


def test_the_table_of_published_policies_is_made_from_what_aws_published() -> None:
    """Written anew by ``python -m tests.connectors.aws.rights.published_policies``, nothing in it differs."""
    shipped = files("connectors.aws.rights").joinpath("aws_policies.json").read_text(encoding="utf-8")

    assert shipped == written()


def test_what_the_table_leaves_out_of_a_policy_changes_nothing() -> None:
    """The same reach as the whole document, no matter whose; and no policy of consequence is left out."""
    shipped = published_policies().policies
    for name, policy in shipped.items():
        whole, short = document_of(published()[name]["Document"]["Statement"]), document_of(policy.statements)
        assert (short.certain, short.possible, short.denied) == (whole.certain, whole.possible, whole.denied), name
        assert matters(policy.statements), name
    rest = {name: each["Document"]["Statement"] for name, each in published().items() if name not in shipped}
    assert {published()[name]["Path"] for name, statements in rest.items() if matters(statements)} == {
        "/aws-service-role/"
    }


def test_a_published_document_limits_as_a_boundary_does_and_is_reported() -> None:
    """The evidence says that the listing lacked the document, and of which version and day the one is that counted."""
    bounded = permissions(allowed="*", boundary=aws("PowerUserAccess"))
    power = document_of(published()["PowerUserAccess"]["Document"]["Statement"], number=1)

    assert bounded.privilege.level == verdict(doc(allow("*")), boundary=power).level == "high"
    assert bounded.privilege.evidence[-1] == (
        f"policy PowerUserAccess is judged by its version {published()['PowerUserAccess']['DefaultVersionId']}, "
        f"published by {published_policies().as_of}"
    )


def test_a_document_that_was_listed_counts_before_the_published_one() -> None:
    """AWS may have changed the policy since."""
    detail = PolicyDetail(
        arn=aws("PowerUserAccess"),
        policy_version_list=(
            PolicyVersion(is_default_version=True, document={"Statement": [allow("logs:GetLogEvents")]}),
        ),
    )
    attached = [AttachedPolicy(policy_name="PowerUserAccess", policy_arn=detail.arn)]
    found = PolicyLibrary((detail,), (), words=WORDS, account=ACCOUNT).permissions(USER, (), attached, None)

    assert (found.privilege.level, found.privilege.evidence) == ("normal", ())

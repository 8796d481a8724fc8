"""What a reviewer reads of each grant: what it allows, what of it was used, and when; unknown where nothing says it."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.review_grants import grant_rows
from scanner.lifecycle.reviews.granted import grants_used
from scanner.lifecycle.reviews.opening import OpeningFacts
from scanner.model import Assessment, Grant, UsageVerdict
from scanner.model.activity import Activity, ServiceUse
from tests.factories import NOW, days_ago, make_assessment, make_identity, make_result

TODAY = NOW.date()
LAST = date(2026, 11, 20)
READ, WRITE = Grant(name="read", via="inline"), Grant(name="write", via="group:ops", resource="arn:aws:s3:::b/*")
ALLOWED = {"read": ["sqs:Get*", "ec2:Describe*"], "write": ["sqs:SendMessage"]}


def acting(services: dict[str, dict[str, date]], *, unlogged: tuple[str, ...] = (), days: int = 90) -> Activity:
    """Actions by service with their last day."""
    used = (
        ServiceUse(
            service=name, actions=tuple(actions), events=1, first_at=days_ago(9), last_at=days_ago(1), last_days=actions
        )
        for name, actions in services.items()
    )
    since = days_ago(90).date() if days else None
    return Activity(
        covered_from=since, covered_to=TODAY, covered_days=days, services=tuple(used), unlogged_services=unlogged
    )


def judged(allowed: Any = ALLOWED, **facts: Any) -> Assessment:
    """An identity with the grants ``read`` and ``write``."""
    attributes = {**({} if allowed is None else {"allowed_actions": allowed}), **facts.pop("attributes", {})}
    verdicts = {name: facts.pop(name) for name in ("activity", "usage") if name in facts}
    return make_assessment(make_identity(grants=(READ, WRITE), attributes=attributes, **facts), **verdicts)


def use(one: Assessment) -> dict[str, tuple[tuple[str, ...] | None, date | None, str | None]]:
    """Of each grant, what was used, the last day, and why that is not all."""
    return {found.name: (found.used, found.last_used, found.unknown) for found in grants_used(one, TODAY)}


NOTHING = ((), None, None)
SEEN = {"sqs": {"GetQueueUrl": LAST}}
ADVISED = {"services_used": ["sqs"], "services_unused": ["ec2"], "services_last_used": {"sqs": "2026-11-20"}}
NEVER = UsageVerdict(state="never_used", window_days=90, evidence="")
DORMANT = UsageVerdict(state="dormant", last_used_at=days_ago(300), window_days=90, evidence="")
NO_LOG = "no audit log of it was read"
ALL = "no log shows the use of every service"
UNSAID = "the source does not say which actions it allows"


@pytest.mark.parametrize(
    ("one", "read", "write"),
    [
        (judged(activity=acting(SEEN)), (("sqs:GetQueueUrl",), LAST, None), NOTHING),
        (judged(activity=acting({})), NOTHING, NOTHING),
        (judged(activity=acting({}, days=0)), (None, None, "no day of its audit log was read in full"), None),
        (judged(), (None, None, NO_LOG), (None, None, NO_LOG)),
        (
            judged(activity=acting(SEEN, unlogged=("sqs",))),
            (("sqs:GetQueueUrl",), LAST, "no log shows all use of sqs"),
            (None, None, "no log shows all use of sqs"),
        ),
        (  # a call that no grant is known to allow may be one of any
            judged(activity=acting({"sqs": {"PurgeQueue": LAST}})),
            (None, None, "which grant allows sqs:PurgeQueue is not known"),
            (None, None, "which grant allows sqs:PurgeQueue is not known"),
        ),
        (judged({"read": ["*"], "write": []}, activity=acting({})), (None, None, ALL), NOTHING),
        (  # all that it allows was used
            judged(activity=acting({"sqs": {"SendMessage": LAST}}, unlogged=("sqs",))),
            (None, None, "no log shows all use of sqs"),
            (("sqs:SendMessage",), LAST, None),
        ),
        (
            judged({"read": ["ec2: some actions"], "write": ["sqs:*"]}, activity=acting({"ec2": {"RunTask": LAST}})),
            (None, None, "which actions of ec2 it allows is not known"),
            NOTHING,
        ),
        (judged({"read": ["sqs:Get*"]}, activity=acting(SEEN)), (("sqs:GetQueueUrl",), LAST, None), None),
        (
            judged({"read": ["* but sqs:*"], "write": ["sqs:*"]}, activity=acting(SEEN)),
            (None, None, ALL),
            (("sqs:GetQueueUrl",), LAST, None),
        ),
        (  # what the provider keeps of services
            judged(attributes=ADVISED),
            (("sqs: some actions",), LAST, "the provider keeps which services were used, and not which actions"),
            (("sqs: some actions",), LAST, "the provider keeps which services were used, and not which actions"),
        ),
        (judged({"read": ["ec2:*"]}, attributes=ADVISED), NOTHING, None),
        (judged(usage=NEVER), NOTHING, NOTHING),
        (judged(None), (None, None, UNSAID), None),
        (judged(None, unread=("permissions",)), (None, None, "not all of its policies could be read"), None),
        (
            judged(None, usage=DORMANT),
            (None, None, f"{UNSAID}, and the identity was last used on {days_ago(300):%Y-%m-%d}"),
            None,
        ),
        (
            judged(None, attributes={"roles_used": ["read: 3 of 40 permissions used", "write: 0 permissions used"]}),
            (("3 of 40 permissions used",), None, "the day of the last use"),
            NOTHING,
        ),
        (judged("junk", attributes={"roles_used": 1, "services_last_used": {"s": 2}, "services_used": 3}), None, None),
    ],
)  # fmt: skip
def test_unused_is_only_what_would_have_been_seen(one: Assessment, read: Any, write: Any) -> None:
    """Everything else is unknown, with the reason."""
    found = use(one)

    assert set(found) == {"read", "write"}
    assert read is None or found["read"] == read
    assert write is None or found["write"] == write


def test_words_say_of_each_grant_what_the_data_says() -> None:
    """One row for each grant."""
    one = judged(activity=acting(SEEN, days=89))

    read, write = grant_rows(OpeningFacts(make_result(one)).of(one))

    assert (read.grant, read.allows, read.used, read.last_used) == (
        "read", "sqs:Get*, ec2:Describe*", "sqs:GetQueueUrl", "2026-11-20",
    )  # fmt: skip
    assert (write.on, write.used) == (" (group:ops) on arn:aws:s3:::b/*", "nothing")
    assert write.last_used == f"not since {days_ago(90):%Y-%m-%d} (89 days read)"


@given(
    st.dictionaries(st.sampled_from(["read", "write"]), st.lists(st.text(max_size=12), max_size=4) | st.integers()),
    st.dictionaries(st.text("abs:*", max_size=4), st.dictionaries(st.text(max_size=4), st.just(LAST), max_size=2)),
    st.booleans(),
)
def test_any_policy_and_log_has_an_answer(allowed: Any, services: Any, is_unlogged: bool) -> None:
    """A grant without a known use always has a reason; what is used was in the log."""
    activity = acting(services, unlogged=tuple(services) if is_unlogged else ())

    for used, last, unknown in use(judged(allowed, activity=activity)).values():
        assert used is not None or unknown
        assert (last is None) is not bool(used)

"""The credential report, and the join of its nameless key slots with the keys' ids."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from connectors.aws.client.credential_report import KeySlot, ReportRow, match_slots, parse_report
from connectors.aws.client.payloads import AccessKey, AwsAccount
from connectors.aws.identities.root import root_identity
from connectors.aws.identities.users import UserFacts

HEADING = (
    "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,password_next_rotation,"
    "mfa_active,access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,"
    "access_key_1_last_used_region,access_key_1_last_used_service,access_key_2_active,access_key_2_last_rotated,"
    "access_key_2_last_used_date,access_key_2_last_used_region,access_key_2_last_used_service,cert_1_active,"
    "cert_1_last_rotated,cert_2_active,cert_2_last_rotated"
)
ROOT = (
    "<root_account>,arn:aws:iam::123456789012:root,2020-01-01T00:00:00+00:00,not_supported,"
    "2026-11-01T10:00:00+00:00,not_supported,not_supported,true,true,2020-02-02T00:00:00+00:00,"
    "2026-10-01T00:00:00+00:00,us-east-1,s3,false,N/A,N/A,N/A,N/A,false,N/A,false,N/A"
)
USER = (
    "svc,arn:aws:iam::123456789012:user/svc,2020-01-01T00:00:00+00:00,FALSE,N/A,N/A,N/A,false,"
    "TRUE,2024-01-02T03:04:05+00:00,2026-11-20T01:00:00+00:00,eu-west-1,sts,"
    "false,2023-01-01T00:00:00+00:00,N/A,N/A,N/A,false,N/A,true,2020-01-01T00:00:00+00:00"
)
T = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)
USED = datetime(2026, 11, 20, tzinfo=UTC)


def report(*lines: str) -> bytes:
    """A report of these lines."""
    return "\n".join([HEADING, *lines, ""]).encode()


def test_columns_are_read_by_name() -> None:
    """Slots, flags in any case, dates and "none" as the report writes them."""
    row = parse_report(report(USER)).rows["arn:aws:iam::123456789012:user/svc"]

    assert (row.password_enabled, row.mfa_active, row.certificate_active) == (False, False, True)
    assert [(slot.active, slot.rotated_at) for slot in row.slots] == [
        (True, T),
        (False, datetime(2023, 1, 1, tzinfo=UTC)),
    ]
    assert row.last_used_at == datetime(2026, 11, 20, 1, tzinfo=UTC)


def test_the_root_user_comes_from_its_own_row() -> None:
    """Its keys have no ids to be known; of a password that the report does not support, none is made up."""
    root = parse_report(report(ROOT, USER)).root

    identity = root_identity(root, {}, AwsAccount(source="prod", account="123456789012"))

    assert identity.key == "arn:aws:iam::123456789012:root"
    assert [(c.kind, c.id, c.enabled) for c in identity.credentials] == [
        ("access_key", "root-key-1", True),
    ]
    assert identity.last_used_at == datetime(2026, 11, 1, 10, tzinfo=UTC)
    assert identity.attributes == {"mfa_active": True, "active_keys": 1}


@pytest.mark.parametrize(
    ("cell", "passwords", "attribute"),
    [("true", [True], True), ("false", [], False), ("not_supported", [], None)],
)
def test_the_root_user_has_the_password_that_the_report_says(
    cell: str, passwords: list[bool], attribute: bool | None
) -> None:
    """Unknown is neither there nor absent: no credential, and no attribute."""
    root = parse_report(report(ROOT.replace("not_supported", cell, 1))).root

    identity = root_identity(root, {}, AwsAccount(source="prod", account="123456789012"))

    assert [c.enabled for c in identity.credentials if c.kind == "password"] == passwords
    assert identity.attributes.get("console_password") is attribute


@pytest.mark.parametrize(
    ("summary", "passwords", "attribute"),
    [({"AccountPasswordPresent": 1}, [True], True), ({"AccountPasswordPresent": 0}, [], False), ({}, [], None)],
    ids=str,
)
def test_the_root_user_has_the_password_that_the_summary_counts(
    summary: dict[str, int], passwords: list[bool], attribute: bool | None
) -> None:
    """Where the report has no row for it; a summary without that count says nothing."""
    identity = root_identity(None, summary, AwsAccount(source="prod", account="123456789012"))

    assert [c.enabled for c in identity.credentials if c.kind == "password"] == passwords
    assert identity.attributes.get("console_password") is attribute


@pytest.mark.parametrize(
    ("row", "summary", "names", "tracked"),
    [
        pytest.param(ROOT, {}, [], 3650, id="the report has none"),
        pytest.param(ROOT.replace("false,N/A,false,N/A", "true,2020-01-01T00:00:00+00:00,false,N/A"), {},
                     ["root-certificate"], None, id="the report has one"),
        pytest.param(None, {"AccountSigningCertificatesPresent": 1}, ["root-certificate"], None, id="the summary has"),
        pytest.param(None, {"AccountSigningCertificatesPresent": 0}, [], None, id="the summary has none"),
    ],
)  # fmt: skip
def test_the_root_user_s_signing_certificate_is_a_credential(
    row: str | None, summary: dict[str, int], names: list[str], tracked: int | None
) -> None:
    """Of its use there is no record: with one, "no use" would mean nothing."""
    root = parse_report(report(row)).root if row else None

    identity = root_identity(root, summary, AwsAccount(source="prod", account="123456789012"))

    assert [one.id for one in identity.credentials if one.kind == "certificate"] == names
    assert identity.use_tracked_days == tracked


@pytest.mark.parametrize(
    ("cells", "active", "any_at_all"),
    [
        ("false,N/A,false,N/A", False, False),
        ("false,2020-01-01T00:00:00+00:00,false,N/A", False, True),
        ("false,N/A,TRUE,N/A", True, True),
    ],
)
def test_certificates_are_counted_whether_active_or_not(cells: str, active: bool, any_at_all: bool) -> None:
    """One that is switched off is listed as well."""
    line = USER.replace("false,N/A,true,2020-01-01T00:00:00+00:00", cells)

    (row,) = parse_report(report(line)).rows.values()

    assert (row.certificate_active, row.certificates) == (active, any_at_all)


def test_the_root_user_s_arn_has_its_partition() -> None:
    """China and GovCloud are worlds of their own; without a report row its use is unknown."""
    summary = {"AccountAccessKeysPresent": 1, "AccountMFAEnabled": 0}

    identity = root_identity(None, summary, AwsAccount(source="prod", account="1" * 12, partition="aws-cn"))

    assert identity.key == "arn:aws-cn:iam::111111111111:root"
    assert [credential.id for credential in identity.credentials] == ["root-key-1"]
    assert (identity.attributes["mfa_active"], identity.use_tracked_days) == (False, None)


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "no column"), (b"user,arn\nx,y\n", "no column"), (b"\xff\xfe", "not CSV")],
    ids=["empty", "other columns", "not text"],
)
def test_what_is_no_report_is_refused(content: bytes, reason: str) -> None:
    """It is never a report without users."""
    with pytest.raises(ValueError, match=reason):
        parse_report(content)


CUT = USER.replace("true,2020-01-01T00:00:00+00:00", "false,N/")
"""A report that was cut within its last cell: no certificate, and no row either."""


@pytest.mark.parametrize("line", ["short,row", USER + ",more", USER.replace("2024-01-02", "yesterday"), CUT])
def test_a_bad_row_costs_itself_alone(line: str) -> None:
    """The other rows are read; the bad one is named."""
    parsed = parse_report(report(line, USER.replace("svc", "other")))

    assert list(parsed.rows) == ["arn:aws:iam::123456789012:user/other"]
    assert len(parsed.malformed) == 1


def key(name: str, *, at: datetime = T, active: bool = True) -> AccessKey:
    """A listed key."""
    return AccessKey(access_key_id=name, status="Active" if active else "Inactive", create_date=at)


def slot(*, at: datetime = T, active: bool = True, used: datetime | None = None) -> KeySlot:
    """A slot of the report."""
    return KeySlot(active=active, rotated_at=at, last_used_at=used)


LATER = T + timedelta(days=1)


@pytest.mark.parametrize(
    ("keys", "slots", "uses"),
    [
        ([key("A")], [slot(used=USED)], {"A": USED}),
        ([key("A", at=T.replace(microsecond=9))], [slot(used=USED)], {"A": USED}),
        ([key("A"), key("B", at=LATER)], [slot(at=LATER, used=USED), slot()], {"A": None, "B": USED}),
        ([key("A"), key("B", active=False)], [slot(active=False, used=USED), slot()], {"A": None, "B": USED}),
        ([key("A"), key("B")], [slot(used=USED), slot(used=USED)], {"A": USED, "B": USED}),
        ([key("A"), key("B")], [slot(used=USED), slot()], None),
        ([key("A", at=LATER)], [slot(used=USED)], None),
        ([key("A"), key("B")], [slot()], None),
        ([], [slot()], {}),
    ],
    ids=[
        "to the second", "fractions do not count", "by date", "by status", "same use", "cannot be told apart",
        "status was changed", "newer than the report", "deleted since",
    ],
)  # fmt: skip
def test_slots_are_joined_only_for_certain(
    keys: list[AccessKey], slots: list[KeySlot], uses: dict[str, datetime | None] | None
) -> None:
    """A key gets a slot's use only where no other slot could be its own."""
    matched = match_slots(keys, slots)

    assert (None if matched is None else {name: use.last_used_at for name, use in matched.items()}) == uses


@pytest.mark.parametrize(
    ("facts", "enabled"),
    [
        (UserFacts(password=True), True),
        (UserFacts(password=False, keys=(key("A"),)), True),
        (UserFacts(password=False, keys=(key("A", active=False),)), False),
        (UserFacts(password=False, keys=()), False),
        (UserFacts(password=None, keys=()), None),
        (UserFacts(password=False, keys=None), None),
        (UserFacts(row=ReportRow(
            user="u", arn="arn:u", password_enabled=False, password_changed_at=None, password_last_used_at=None,
            mfa_active=None, slots=(), certificate_active=True), password=False), True),
    ],
)  # fmt: skip
def test_a_user_is_enabled_by_what_it_can_sign_in_with(facts: UserFacts, enabled: bool | None) -> None:
    """A password, an active key or certificate; with something unread and nothing found, it is unknown."""
    assert facts.enabled is enabled


@pytest.mark.parametrize("name", ["a,b", "a,b,c", ",", "arn"])
def test_names_with_commas_are_put_together_again(name: str) -> None:
    """A name may hold commas, and the report does not say whether it quotes them."""
    arn = f"arn:aws:iam::123456789012:user/{name}"
    line = USER.replace("arn:aws:iam::123456789012:user/svc", arn).replace("svc,", f"{name},", 1)

    parsed = parse_report(report(line))

    assert (parsed.malformed, [(row.user, row.arn) for row in parsed.rows.values()]) == ((), [(name, arn)])

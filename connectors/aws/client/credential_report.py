"""The IAM credential report, and which of its key slots is which access key (pure).

Columns are read by name. ``N/A`` means "there is none" and "never used"; the report may be four hours old.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from connectors.aws.client.payloads import AccessKey, AccessKeyLastUsed, to_second, utc

ROOT = "<root_account>"
_COLUMNS = frozenset({"user", "arn", "password_enabled", "access_key_1_active", "access_key_2_active"})
_SLOTS = (1, 2)
_NO_DATE = frozenset({"", "n/a", "no_information", "not_supported"})


class KeySlot(Struct, frozen=True, kw_only=True, gc=False):
    """An access key in the report, which has no key id."""

    active: bool
    rotated_at: datetime | None = None
    last_used_at: datetime | None = None
    last_used_service: str | None = None
    last_used_region: str | None = None


class ReportRow(Struct, frozen=True, kw_only=True, gc=False):
    """The row of a user. ``password_enabled``: None for the root user, for which the report does not include it."""

    user: str
    arn: str
    created_at: datetime | None = None
    password_enabled: bool | None
    password_changed_at: datetime | None
    password_last_used_at: datetime | None
    mfa_active: bool | None
    slots: tuple[KeySlot, ...]
    certificate_active: bool
    certificates: bool = False
    """Whether the user has signing certificates, active or not."""

    def is_about(self, created_at: datetime | None) -> bool:
        """Whether the row can describe the user created at that time: names of deleted users may be reused."""
        unknown = self.created_at is None or created_at is None
        return unknown or to_second(self.created_at) == to_second(utc(created_at))

    @property
    def last_used_at(self) -> datetime | None:
        """The newest use of the password or a key; None: never used since records began."""
        uses = [self.password_last_used_at, *(slot.last_used_at for slot in self.slots)]
        return max((use for use in uses if use is not None), default=None)

    @property
    def active_keys(self) -> int:
        """The number of active keys."""
        return sum(slot.active for slot in self.slots)


class Report(Struct, frozen=True, kw_only=True, gc=False):
    """A parsed report: rows by ARN, the row of the root user, and the rows that could not be read."""

    rows: Mapping[str, ReportRow]
    root: ReportRow | None
    malformed: tuple[tuple[str, str], ...] = ()


def parse_report(content: bytes) -> Report:
    """Parse the CSV of a report. Raises ValueError if it is not a report; ``malformed`` lists single bad rows."""
    try:
        headings, *lines = list(csv.reader(io.StringIO(content.decode("utf-8"), newline=""), strict=True)) or [[]]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"the credential report is not CSV: {error}") from error
    missing = sorted(_COLUMNS - set(headings))
    if missing:
        raise ValueError(f"the credential report has no column {missing[0]}")
    rows: dict[str, ReportRow] = {}
    root: ReportRow | None = None
    malformed: list[tuple[str, str]] = []
    for line in filter(None, lines):
        try:
            row = _row(dict(zip(headings, _rejoined(line, len(headings)), strict=True)))
        except ValueError as error:
            malformed.append((line[0], str(error)))
            continue
        if row.user == ROOT:
            root = row
        else:
            rows[row.arn] = row
    return Report(rows=rows, root=root, malformed=tuple(malformed))


def _rejoined(line: list[str], width: int) -> list[str]:
    """The cells of a row. A user name, and so its ARN, may contain commas; later cells do not."""
    if len(line) <= width:
        return line
    begins = next((at for at, cell in enumerate(line) if cell.startswith("arn:")), 1)
    after = len(line) - (width - 2)
    return [",".join(line[:begins]), ",".join(line[begins:after]), *line[after:]]


def _row(cells: Mapping[str, str]) -> ReportRow:
    if not cells["arn"].startswith("arn:"):
        raise ValueError("it has no ARN")
    return ReportRow(
        user=cells["user"],
        arn=cells["arn"],
        created_at=_moment(cells.get("user_creation_time")),
        password_enabled=_flag(cells["password_enabled"]),
        password_changed_at=_moment(cells.get("password_last_changed")),
        password_last_used_at=_moment(cells.get("password_last_used")),
        mfa_active=_flag(cells.get("mfa_active", "")),
        slots=tuple(slot for number in _SLOTS if (slot := _slot(cells, number)) is not None),
        certificate_active=any(_flag(cells.get(f"cert_{number}_active", "")) for number in _SLOTS),
        certificates=any(_has_certificate(cells, number) for number in _SLOTS),
    )


def _slot(cells: Mapping[str, str], number: int) -> KeySlot | None:
    prefix = f"access_key_{number}_"
    active = _flag(cells[f"{prefix}active"]) is True
    rotated_at = _moment(cells.get(f"{prefix}last_rotated"))
    if not active and rotated_at is None:
        return None
    return KeySlot(
        active=active,
        rotated_at=rotated_at,
        last_used_at=_moment(cells.get(f"{prefix}last_used_date")),
        last_used_service=_known(cells.get(f"{prefix}last_used_service")),
        last_used_region=_known(cells.get(f"{prefix}last_used_region")),
    )


def _has_certificate(cells: Mapping[str, str], number: int) -> bool:
    active, since = cells.get(f"cert_{number}_active", ""), cells.get(f"cert_{number}_last_rotated")
    return _flag(active) is True or _moment(since) is not None


def _flag(cell: str) -> bool | None:
    return {"true": True, "false": False}.get(cell.lower())


def _known(cell: str | None) -> str | None:
    return None if cell is None or cell.lower() in _NO_DATE else cell


def _moment(cell: str | None) -> datetime | None:
    known = _known(cell)
    if known is None:
        return None
    return utc(datetime.fromisoformat(known))  # raises ValueError, which makes the row malformed


# --- Access keys: ids from the listing, use from the credential report (pure) ---
#
# The report has no key ids. A slot's rotation date equals its key's creation date until the key's status is changed;
# keys that cannot be distinguished are left unmatched and looked up one by one.


class KeyUse(Struct, frozen=True, kw_only=True, gc=False):
    """The last use of a key; all None: never used since records began."""

    last_used_at: datetime | None = None
    service: str | None = None
    region: str | None = None


def match_slots(keys: Sequence[AccessKey], slots: Sequence[KeySlot]) -> dict[str, KeyUse] | None:
    """The use of each key by its id; None if even one of them is uncertain."""
    keys_at, slots_at = _by_second(keys), _slots_by_second(slots)
    uses: dict[str, KeyUse] = {}
    for second, created in keys_at.items():
        matched = _pair(created, slots_at.get(second, []))
        if matched is None:
            return None
        uses |= matched
    return uses


def _pair(keys: Sequence[AccessKey], slots: Sequence[KeySlot]) -> dict[str, KeyUse] | None:
    """Match keys and slots of the same second: one of each, or distinguished by status, or all with the same use."""
    if len(keys) != len(slots):
        return None
    uses = [
        KeyUse(last_used_at=slot.last_used_at, service=slot.last_used_service, region=slot.last_used_region)
        for slot in slots
    ]
    if all(use == uses[0] for use in uses):
        return {key.access_key_id: uses[0] for key in keys}
    by_status = {slot.active: use for slot, use in zip(slots, uses, strict=True)}
    statuses = {is_active(key) for key in keys}
    if len(by_status) == len(slots) and statuses == set(by_status):
        return {key.access_key_id: by_status[is_active(key)] for key in keys}
    return None


def is_active(key: AccessKey) -> bool:
    """Whether AWS accepts requests signed with the key."""
    return key.status.lower() == "active"


def use_of_answer(answer: AccessKeyLastUsed) -> KeyUse:
    """The use that GetAccessKeyLastUsed returns; ``N/A`` in it is "none"."""
    used = answer.last_used_date is not None
    return KeyUse(
        last_used_at=utc(answer.last_used_date),
        service=answer.service_name if used else None,
        region=answer.region if used and answer.region != "N/A" else None,
    )


def _by_second(keys: Iterable[AccessKey]) -> dict[datetime | None, list[AccessKey]]:
    found = defaultdict(list)
    for key in keys:
        found[to_second(utc(key.create_date))].append(key)
    return found


def _slots_by_second(slots: Iterable[KeySlot]) -> dict[datetime | None, list[KeySlot]]:
    found = defaultdict(list)
    for slot in slots:
        if slot.rotated_at is not None:
            found[to_second(slot.rotated_at)].append(slot)
    return found

"""Users' second factors: what sorts of devices they have. Virtual ones in one listing; others for each user.

An emulator sends the seeds of virtual devices along; they are left out as soon as they arrive.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from msgspec import Struct

from connectors.aws.fetch import expect, read_each
from connectors.aws.payloads import UserDetail
from connectors.aws.reading import PAGE_SIZE, Reading
from connectors.aws.session import pages, permission_of
from connectors.aws.spec import MFA_DEVICES
from scanner.model import Coverage

_LIST_ALL, _LIST_ONE = "list_virtual_mfa_devices", "list_mfa_devices"
_SORTS = ((":mfa/", "virtual"), (":u2f/", "passkey"))


class _User(Struct, frozen=True, kw_only=True, rename="pascal"):
    arn: str | None = None


class _Device(Struct, frozen=True, kw_only=True, rename="pascal"):
    """IAM ``MFADevice``, and ``VirtualMFADevice`` without its seed and picture."""

    serial_number: str
    user: _User = _User()

    @property
    def sort(self) -> str:
        """What it is; a hardware token is known by a bare serial number."""
        return next((sort for part, sort in _SORTS if part in self.serial_number), "hardware")


class SecondFactors:
    """The sorts of devices by the ARN of who has them."""

    def __init__(self) -> None:
        self._sorts: defaultdict[str, set[str]] = defaultdict(set)
        self._asked: set[str] = set()

    def of(self, arn: str) -> tuple[str, ...] | None:
        """What sorts of devices somebody has; None where that is not known."""
        known = arn in self._sorts or arn in self._asked
        return tuple(sorted(self._sorts.get(arn, ()))) if known else None

    def read(self, account: Reading, having: Sequence[UserDetail]) -> Iterator[Coverage]:
        """``having``: users who have, or may have, a device; those without a virtual one are asked about singly."""
        with account.section(MFA_DEVICES) as section:
            virtual = account.rows(
                section, _LIST_ALL, "VirtualMFADevices", _Device, name="SerialNumber", AssignmentStatus="Assigned"
            )
            for device in virtual:
                if device.user.arn is not None:
                    self._sorts[device.user.arn].add(device.sort)
            arns = {user.user_name: user.arn for user in having if user.arn not in self._sorts}
            read = read_each(arns, lambda name: _devices(account, name), of="users' second factors")
            for name, devices in read.answers.items():
                section.found(len(devices))
                self._asked.add(arns[name])
                if devices:
                    self._sorts[arns[name]].update(device.sort for device in devices)
            if read.error is not None:
                section.lost(read.error)
        yield section.coverage


def _devices(account: Reading, user: str) -> list[_Device]:
    permission = f"{permission_of(account.client, _LIST_ONE)} of {user}"
    found: list[_Device] = []
    for page in pages(account.client, _LIST_ONE, page_size=PAGE_SIZE, expecting=("MFADevices",), UserName=user):
        found += [expect(row, _Device, permission) for row in page.get("MFADevices", ())]
    return found

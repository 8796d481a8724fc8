"""Graph's reports of last use: their fields, and the last use as far as their retention shows it (pure).

Source: the reference pages of Microsoft Graph beta, whose samples differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Self

from msgspec import Struct


class Activity(Struct, frozen=True, kw_only=True, rename="camel"):
    """A ``signInActivity``. The last sign-in may have failed; successful ones are not always reported."""

    last_sign_in_date_time: Any = None
    last_successful_sign_in_date_time: Any = None


class PrincipalActivity(Struct, frozen=True, kw_only=True, rename="camel"):
    """A ``servicePrincipalSignInActivity``: the use of one client id in this tenant."""

    app_id: str
    last_sign_in_activity: Activity | None = None
    application_authentication_client_sign_in_activity: Activity | None = None
    application_authentication_resource_sign_in_activity: Activity | None = None
    delegated_client_sign_in_activity: Activity | None = None
    delegated_resource_sign_in_activity: Activity | None = None


class CredentialActivity(Struct, frozen=True, kw_only=True, rename="camel"):
    """An ``appCredentialSignInActivity``: the use of one key of an application for one resource."""

    key_id: str
    sign_in_activity: Activity | None = None


# --- Sign-in reports and their retention (pure) ---


class Sign(Struct, frozen=True, kw_only=True):
    """The latest use. ``used_as``: client or resource, if reported; ``succeeded_at``: the latest success."""

    at: datetime
    used_as: str | None = None
    succeeded_at: datetime | None = None


class UseRecord(Struct, frozen=True, kw_only=True):
    """The latest use by id in lower case. ``reach``: number of days for which the report is complete; None: unknown.

    ``unread``: the report could not be read to its end, for example without a licence. Graph also reports that of
    tenants with a licence, so earlier knowledge is kept. Microsoft does not document how far the reports reach back.
    They have the latest use of each id, so they are assumed to be complete since the oldest use in them. An id that is
    not in them was not used in this time.
    """

    uses: Mapping[str, Sign] = {}
    reach: int | None = None
    unread: bool = False

    @classmethod
    def of(cls, signs: Iterable[tuple[str, Sign]], now: datetime, *, whole: bool) -> Self:
        """A record from all signs of each id.

        ``whole``: the report was read to its end; otherwise absence proves nothing.
        """
        uses: dict[str, Sign] = {}
        oldest: datetime | None = None
        for key, sign in signs:
            known = uses.get(key)
            uses[key] = sign if known is None or known.at < sign.at else known
            oldest = sign.at if oldest is None else min(oldest, sign.at)
        return cls(
            uses=uses, reach=max(0, (now - oldest).days) if whole and oldest is not None else None, unread=not whole
        )

    def sign(self, *ids: str | None) -> Sign | None:
        """The latest use under any of these ids."""
        known = [self.uses[one.lower()] for one in ids if one and one.lower() in self.uses]
        return max(known, key=lambda one: one.at, default=None)

    def last(self, *ids: str | None) -> datetime | None:
        """The time of the latest use."""
        one = self.sign(*ids)
        return one.at if one else None

    def shown_only(self) -> UseRecord:
        """The same record, with absence proving nothing."""
        return UseRecord(uses=self.uses, unread=self.unread)

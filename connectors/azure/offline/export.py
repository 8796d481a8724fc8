"""The content of a folder of files: the lists of a tenant, and what could not be used."""

from __future__ import annotations

import re
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct, field

from connectors.azure.client.payloads import moment
from connectors.azure.keys import subscription_of
from connectors.azure.offline import recognise as r
from connectors.azure.offline.recognise import Row
from connectors.azure.offline.shapes import moments
from connectors.core.file_names import named_in, without

EVER = datetime.min.replace(tzinfo=UTC)
GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_NEUTRAL = frozenset({
    "assignment", "assignments", "az", "azure", "certificate", "certificates", "credential", "credentials", "deny",
    "empty", "export", "federated", "for", "identity", "identities", "key", "keys", "keyvault", "list", "of", "secret",
    "secrets", "subscription", "vault", "vaults",
})  # fmt: skip
"""Words beside the name of what a list is of."""
_MICROSOFT_GRAPH = "00000003-0000-0000-c000-000000000000"


class Export(Struct, kw_only=True):
    """Rows by list, and of each list by id in lower case. ``whole``: the lists that are complete.

    ``related``: by the object's id and the relation in lower case, rows by id; a key for every list that was found.
    ``unusable``: files, by their names in the folder, and what is wrong with them. ``unknown``: files in which nothing
    is recognised; ``empty``: files with an empty list of unknown type. ``files``: number of files used. ``dated_at``:
    the newest date in them; ``written_at``: when the newest was written. ``id``: unique.
    """

    rows: dict[str, dict[str, Row]] = field(default_factory=lambda: defaultdict(dict))
    whole: set[str] = field(default_factory=set)
    related: dict[tuple[str, str], dict[str, Row]] = field(default_factory=dict)
    unusable: list[tuple[str, str]] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)
    files: int = 0
    dated_at: datetime | None = None
    written_at: datetime = EVER
    id: str = field(default_factory=lambda: uuid.uuid4().hex)

    def of(self, name: str) -> Sequence[Row]:
        """The rows of a list."""
        return list(self.rows[name].values()) if name in self.rows else []

    def row(self, name: str, id_: str) -> Row | None:
        """One row of a list, by its id in lower case."""
        return self.rows[name].get(id_) if name in self.rows else None

    def names_empty(self, word: str, name: str) -> bool:
        """Whether an empty list is in a file whose path has the word, and this name as a whole."""
        wanted = (name.lower(),)
        return any(named_in(path, wanted, _NEUTRAL) and word in without(path, wanted[0]) for path in self.empty)

    @property
    def as_of(self) -> datetime:
        """The date up to which the files describe the tenant. Files' own dates are lost where they are copied."""
        return self.dated_at or self.written_at

    @property
    def tenant(self) -> str | None:
        """The most frequent tenant, in lower case."""
        registered = {str(row.get("appId")).lower() for row in self.of(r.APPLICATIONS)}
        here = (row for row in self.of(r.SERVICE_PRINCIPALS) if str(row.get("appId")).lower() in registered)
        accounts = self.of(r.SUBSCRIPTIONS)
        reported = [
            *(row.get("tenantId") for row in (*accounts, *(row for row in accounts if row.get("isDefault")))),
            *map(_tenant, self.of(r.RESOURCES)),
            *(row.get("appOwnerOrganizationId") for row in here),
        ]
        guids = Counter(one.lower() for one in reported if isinstance(one, str) and GUID.fullmatch(one))
        return next((one for one, _ in guids.most_common(1)), None)

    def gone(self) -> frozenset[str]:
        """Deleted service principals: they have a right that is older than a complete list without them.

        A list counts as complete if it has Microsoft Graph, which every tenant has.
        """
        principals = self.rows.get(r.SERVICE_PRINCIPALS, {})
        has_graph = any(str(row.get("appId")).lower() == _MICROSOFT_GRAPH for row in principals.values())
        if r.SERVICE_PRINCIPALS not in self.whole or not has_graph:
            return frozenset()
        newest = max((at for row in principals.values() for at in moments(row)), default=EVER)
        given = (_given(row) for row in self.of(r.ROLE_ASSIGNMENTS))
        return frozenset(holder for holder, at in given if at is not None and at <= newest) - principals.keys()

    @property
    def subscriptions(self) -> Iterator[str]:
        """Those that a file mentions, in lower case, as often as they occur."""
        for name in (r.RESOURCES, r.IDENTITY_FEDERATION):
            yield from filter(None, (subscription_of(str(row.get("id"))) for row in self.of(name)))
        yield from filter(None, (subscription_of(scope_of(row)) for row in self.of(r.ROLE_ASSIGNMENTS)))


def scope_of(row: Row) -> str:
    """The scope of a role assignment."""
    reported = flat(row).get("scope")
    return reported if isinstance(reported, str) else ""


def flat(row: Row) -> Row:
    """A row of the resource manager with its properties beside its id."""
    inner = row.get("properties")
    return {**row, **inner} if isinstance(inner, Mapping) else row


def _tenant(row: Row) -> Any:
    """The tenant of a resource's identity."""
    for place in (row, row.get("identity"), row.get("properties")):
        if isinstance(place, Mapping) and place.get("tenantId"):
            return place["tenantId"]
    return None


def _given(row: Row) -> tuple[str, datetime | None]:
    """The holder of a role assignment and its date; None if the holder is no service principal."""
    reported = flat(row)
    is_principal = reported.get("principalType") == "ServicePrincipal"
    return str(reported.get("principalId")).lower(), moment(reported.get("createdOn")) if is_principal else None

"""The lists of a scan: their columns, facets and orders, as the page shows them (reports/html/views.js)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from msgspec import Struct

from reports.states import Axis
from scanner.serve.index.questions import ListName

OWNERS, IDENTITY, SUGGESTED = "(owners)", "(identity)", "(suggested)"
"""Hidden columns: the owners of a row, the row of its identity, and who is to be asked whether it is theirs."""


class ListSpec(Struct, frozen=True, kw_only=True, dict=True):
    """A list.

    ``texts``: columns whose cells differ from row to row. ``numbers``: columns of numbers. ``coded``: the others, which
    have few values. ``facets``: coded columns whose values can be chosen and are counted. ``sorts``: columns that the
    list can be sorted by. ``axes``: columns whose values are states, in the order of these. ``own``: the columns of the
    list's default order, descending with a minus; then by key. ``searched``: columns in which a text is searched.
    ``borrowed``: columns of the identity that a row is about, by the name here; texts are searched there as well.
    ``hidden``: coded columns that are no cells. ``in_order``: the text column that equals the keys, and is searched by
    its beginning. ``ranks``: the column of numbers that counts all rows; for a limited question it counts the rows of
    the limit.
    """

    texts: tuple[str, ...]
    numbers: tuple[str, ...] = ()
    coded: tuple[str, ...]
    facets: tuple[str, ...]
    sorts: tuple[str, ...]
    axes: Mapping[str, Axis] = {}
    own: tuple[str, ...] = ()
    searched: tuple[str, ...]
    borrowed: Mapping[str, str] = {}
    hidden: tuple[str, ...] = (OWNERS,)
    in_order: str = ""
    ranks: str = ""

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The names of a row's cells."""
        return (*self.texts, *self.numbers, *self.coded)

    @cached_property
    def ranked(self) -> tuple[str, ...]:
        """The text columns that the list can be sorted by, which need ranks."""
        return tuple(name for name in self.sorts if name in self.texts and name != self.in_order)


LISTS: Mapping[ListName, ListSpec] = {
    "identities": ListSpec(
        texts=("key", "name", "display_name"),
        coded=(
            "provider", "source", "scope", "kind", "registry", "provisional", "ownership", "reason", "owner", "team",
            "is_leaving", "usage", "privilege", "severity", "agent", "nature", "abandoned", "rechecked",
        ),
        facets=(
            "severity", "registry", "ownership", "usage", "privilege", "provider", "agent", "source", "scope", "kind",
            "owner", "team", "reason", "abandoned", "rechecked",
        ),
        sorts=(
            "severity", "name", "kind", "provider", "scope", "registry", "ownership", "usage", "privilege", "agent",
            "owner",
        ),
        axes={
            "severity": "severity", "registry": "registry", "ownership": "ownership", "usage": "usage",
            "privilege": "privilege", "agent": "agent",
        },
        own=("severity", "privilege", "-abandoned"),
        hidden=(OWNERS, SUGGESTED),
        searched=("key", "name", "owner", "scope"),
    ),
    "agents": ListSpec(
        texts=("key", "name"),
        numbers=("keys",),
        coded=(
            "provider", "source", "scope", "kind", "registry", "provisional", "ownership", "owner", "team",
            "is_leaving", "usage", "privilege", "severity", "rechecked", "runs_as", "tools", "servers", "sponsor",
            "person", "exposure",
        ),
        facets=(
            "severity", "exposure", "registry", "ownership", "usage", "privilege", "person", "provider", "source",
            "scope", "kind", "sponsor", "owner", "team",
        ),
        sorts=(
            "severity", "name", "exposure", "provider", "runs_as", "privilege", "usage", "tools", "keys", "sponsor",
            "owner", "person", "registry",
        ),
        axes={
            "severity": "severity", "registry": "registry", "ownership": "ownership", "usage": "usage",
            "privilege": "privilege", "exposure": "exposure",
        },
        own=("severity", "privilege"),
        searched=("runs_as", "tools", "servers", "sponsor"),
        borrowed={
            name: name for name in (
                "key", "name", "provider", "source", "scope", "kind", "registry", "provisional", "ownership", "owner",
                "team", "is_leaving", "usage", "privilege", "severity", "rechecked", OWNERS,
            )
        },
    ),
    "findings": ListSpec(
        texts=("fingerprint", "subject", "key", "credential", "entry"),
        numbers=("first_seen",),
        coded=(
            "severity", "title", "rule", "about", "owner", "state", "status", "rechecked", "acknowledged", "explained",
            "provider", "source", "scope", "team", "agent", "controls",
        ),
        facets=(
            "severity", "rule", "state", "status", "explained", "provider", "team", "owner", "source", "scope", "agent",
            "rechecked",
        ),
        sorts=("severity", "title", "subject", "rule", "owner", "fingerprint", "first_seen"),
        axes={"severity": "severity", "state": "finding", "explained": "explained", "agent": "agent"},
        own=("severity", "rule", IDENTITY),
        searched=("credential", "entry", "title", "rule", "owner", "controls"),
        borrowed={
            "subject": "name", "key": "key", "provider": "provider", "source": "source", "scope": "scope",
            "team": "team", "agent": "agent", OWNERS: OWNERS,
        },
        in_order="fingerprint",
    ),
    "entries": ListSpec(
        texts=("id", "name", "declared", "origin"),
        numbers=("count",),
        coded=("kind", "state", "status", "owner", "provider", "scope", "rechecked"),
        facets=("state", "status", "kind", "owner", "rechecked"),
        sorts=("state", "id", "name", "kind", "owner", "status", "count", "origin"),
        axes={"state": "entry"},
        own=("state",),
        searched=("id", "name", "declared", "owner", "origin"),
    ),
    "credentials": ListSpec(
        texts=("id", "holder", "name"),
        numbers=("created", "expires", "last_used"),
        coded=("kind", "provider", "source", "scope", "owner", "team", "age", "state"),
        facets=("kind", "state", "age", "provider", "source", "scope", "owner", "team"),
        sorts=("kind", "id", "name", "state", "age", "created", "expires", "last_used", "owner"),
        axes={"age": "age"},
        own=("created",),
        searched=("id", "kind", "owner", "scope"),
        borrowed={
            "name": "name", "holder": "key", "provider": "provider", "source": "source", "scope": "scope",
            "team": "team", "owner": "owner", OWNERS: OWNERS,
        },
    ),
    "exposed": ListSpec(
        texts=("key", "id", "identity", "name", "place", "commit"),
        numbers=("rank", "last_used", "exposed"),
        coded=(
            "owner", "state", "privilege", "verified", "public", "priority", "committer", "provider", "scope", "source",
            "reading",
        ),
        facets=(
            "state", "privilege", "priority", "verified", "public", "provider", "source", "scope", "owner", "committer",
        ),
        sorts=("rank", "id", "name", "state", "privilege", "owner", "last_used", "place", "committer", "exposed"),
        axes={"privilege": "privilege"},
        own=("rank",),
        ranks="rank",
        searched=("id", "identity", "name", "owner", "place", "committer", "commit"),
    ),
    "changes": ListSpec(
        texts=("key", "name", "before", "after", "identity", "cause"),
        coded=(
            "change", "subject", "provider", "source", "scope", "kind", "aspect", "reach_grew", "severity", "rule",
            "ask", "next_step", "caveat", "appeared", "became_admin",
        ),
        facets=("change", "subject", "aspect", "reach_grew", "provider", "scope", "source", "kind"),
        sorts=("change", "name", "subject", "kind", "scope", "aspect", "before", "after", "ask"),
        axes={"change": "change"},
        searched=("name", "key", "identity", "before", "after", "ask", "scope"),
    ),
    "coverage": ListSpec(
        texts=("detail",),
        numbers=("identities", "calls"),
        coded=("source", "provider", "scope", "section", "status", "gap", "permission", "kinds"),
        facets=("gap", "status", "source", "provider", "section"),
        sorts=("status", "section", "source", "scope", "identities", "calls", "detail", "permission"),
        axes={"status": "coverage"},
        own=("-gap",),
        searched=("source", "scope", "section", "status", "detail", "permission"),
    ),
}  # fmt: skip
"""Times are minutes since 1970 in UTC. ``expires`` is ``never`` if the provider reports that. ``about``: whether a
finding's ``key`` is that of an ``identity`` of this scan or of an ``entry``; None for anything else."""

"""The lists of a scan: their columns, facets and orders, as the page shows them (reports/html/views.js)."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from reports.states import Axis
from scanner.serve.index.questions import ListName


class ListSpec(Struct, frozen=True, kw_only=True):
    """A list.

    ``columns``: names of the cells of a row. ``facets``: columns whose values can be chosen and are counted. ``sorts``:
    columns that it can be sorted by. ``axes``: columns whose values are states, in the order of these. ``own``: the
    columns of the list's own order, those with a minus descending; then the order of the rows' keys.
    """

    columns: tuple[str, ...]
    facets: tuple[str, ...]
    sorts: tuple[str, ...]
    axes: Mapping[str, Axis] = {}
    own: tuple[str, ...] = ()


LISTS: Mapping[ListName, ListSpec] = {
    "identities": ListSpec(
        columns=(
            "key", "name", "display_name", "provider", "source", "scope", "kind", "registry", "provisional",
            "ownership", "reason", "owner", "team", "is_leaving", "usage", "privilege", "severity", "agent", "nature",
            "abandoned", "rechecked",
        ),
        facets=(
            "severity", "registry", "ownership", "usage", "privilege", "provider", "agent", "source", "scope", "kind",
            "owner", "team", "reason", "abandoned", "rechecked",
        ),
        sorts=(
            "severity", "name", "kind", "provider", "scope", "registry", "ownership", "usage", "privilege", "agent",
            "owner",
        ),
        axes={axis: axis for axis in ("severity", "registry", "ownership", "usage", "privilege", "agent")},
        own=("severity", "privilege", "-abandoned"),
    ),
    "findings": ListSpec(
        columns=(
            "fingerprint", "severity", "title", "rule", "subject", "key", "identity", "credential", "entry", "owner",
            "status", "first_seen", "rechecked", "acknowledged", "explained", "provider", "source", "scope", "team",
            "agent",
        ),
        facets=(
            "severity", "rule", "status", "explained", "provider", "team", "owner", "source", "scope", "agent",
            "rechecked",
        ),
        sorts=("severity", "title", "subject", "rule", "owner", "fingerprint"),
        axes={"severity": "severity", "explained": "explained", "agent": "agent"},
        own=("severity", "rule", "key"),
    ),
    "entries": ListSpec(
        columns=(
            "id", "name", "kind", "state", "status", "owner", "provider", "scope", "declared", "count", "origin",
            "rechecked",
        ),
        facets=("state", "status", "kind", "owner", "rechecked"),
        sorts=("state", "id", "name", "kind", "owner", "status", "count", "origin"),
        axes={"state": "entry"},
        own=("state",),
    ),
    "credentials": ListSpec(
        columns=(
            "holder", "kind", "id", "name", "provider", "source", "scope", "owner", "team", "age", "state", "created",
            "expires", "last_used",
        ),
        facets=("kind", "state", "age", "provider", "source", "scope", "owner", "team"),
        sorts=("kind", "id", "name", "state", "age", "created", "expires", "last_used", "owner"),
        axes={"age": "age"},
        own=("created",),
    ),
    "changes": ListSpec(
        columns=(
            "subject", "change", "key", "name", "provider", "source", "scope", "kind", "aspect", "before", "after",
            "reach_grew", "identity", "ask", "next_step", "caveat",
        ),
        facets=("change", "subject", "aspect", "reach_grew", "provider", "scope", "source", "kind"),
        sorts=("change", "name", "subject", "kind", "scope", "aspect", "before", "after", "ask"),
        axes={"change": "change"},
    ),
    "coverage": ListSpec(
        columns=(
            "source", "provider", "scope", "section", "status", "gap", "identities", "calls", "detail", "permission",
            "kinds",
        ),
        facets=("gap", "status", "source", "provider", "section"),
        sorts=("status", "section", "source", "scope", "identities", "calls", "detail", "permission"),
        axes={"status": "coverage"},
        own=("-gap",),
    ),
}  # fmt: skip
"""Times are minutes since 1970 in UTC. ``expires`` is ``never`` where the provider says so. A finding's ``identity`` is
the key of an identity, or the text of an assignment's holder."""

"""Whom each identity can become, once everything has been read: the joins of this package in their order. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from scanner.links.assignments import Held, with_assignments, with_doubt
from scanner.links.federation import with_federation
from scanner.links.takeovers import with_takeovers
from scanner.model import Coverage, Identity, Workload


def with_reach(
    identities: Sequence[Identity],
    held: Held,
    workloads: Iterable[Workload],
    coverage: Iterable[Coverage],
    others: Sequence[Identity] = (),
) -> tuple[Identity, ...]:
    """The identities with the rights that they hold, doubt where those could not be told, and whom they can become.

    ``others``: known of old, from places that were not read this time; they keep what they have.
    """
    entitled = with_doubt(with_assignments(identities, held, others), coverage, held)
    return with_takeovers(with_federation(entitled, others), workloads, held)

"""The content of a planned change: identities after the change, and their places.

Readers of plans and templates (``connectors/planned``) make these records; ``scanner/lifecycle/gate`` judges them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

from msgspec import Struct

from scanner.model.blast_radius import BlastRadius
from scanner.model.discovered import Identity, StoredSecret, Workload
from scanner.model.judged import Assessment
from scanner.model.rights import Assignment

PlanFormat: TypeAlias = Literal["terraform", "cloudformation", "kubernetes", "github_actions", "pattern"]
"""``pattern``: no file, but a pattern of names that matched none, or met what it does not follow."""

Effect: TypeAlias = Literal["created", "changed", "imported", "unchanged", "deleted"]
"""What the change does with an identity. ``changed`` includes an identity that only gets other rights."""

Computed: TypeAlias = Literal["name", "permissions", "trusts", "credentials"]
"""A part of an identity that only deploying determines. ``name``: its registry verdict is unchecked. ``permissions``:
its privilege is unknown, and at least what the known part allows."""


class PlannedPlace(Struct, frozen=True, kw_only=True, gc=False):
    """Where a change declares something.

    ``resource``: a Terraform address, a logical id, ``Kind/namespace/name``, or ``jobs.ID``. ``line``: from 1; None if
    the file has no lines, such as a Terraform plan.
    """

    file: str
    resource: str
    line: int | None = None


class Giver(Struct, frozen=True, kw_only=True, gc=False):
    """A resource that the change adds or changes, and that gives an identity rights. ``grants``: the names of these.

    Empty: they could not be named, as those of a membership.
    """

    place: PlannedPlace
    grants: tuple[str, ...] = ()


class PlannedIdentity(Struct, frozen=True, kw_only=True, gc=False):
    """An identity that a change creates, changes, or gives rights to.

    ``identity``: as it would be after the change. Its key is the id at the provider where the account is known, else
    ``planned:`` and the resource. ``before``: as it is before, if the file says (a plan's prior state) or the store
    knows; None for a new identity, and if nothing is known of it. ``places``: first the identity's own, then those
    of what gives it rights or credentials. ``givers``: those of them that the change adds or changes, without
    credentials. ``credentials_at``: by key of a credential, the place that creates it.
    ``account_known``: False if neither the file nor the store says which account it would be in; then it is matched by
    name.
    """

    identity: Identity
    effect: Effect
    places: tuple[PlannedPlace, ...]
    before: Identity | None = None
    computed: frozenset[Computed] = frozenset()
    givers: tuple[Giver, ...] = ()
    credentials_at: Mapping[str, PlannedPlace] = {}
    account_known: bool = True


class Unread(Struct, frozen=True, kw_only=True, gc=False):
    """A resource that would add an identity, rights or a credential, but could not be evaluated: a gap."""

    place: PlannedPlace
    reason: str


class Plan(Struct, frozen=True, kw_only=True):
    """The planned changes of one file. ``file``: as named on the command line. ``resources``: how many it declares."""

    file: str
    format: PlanFormat
    resources: int = 0
    identities: tuple[PlannedIdentity, ...] = ()
    workloads: tuple[Workload, ...] = ()
    secrets: tuple[StoredSecret, ...] = ()
    assignments: tuple[Assignment, ...] = ()
    unread: tuple[Unread, ...] = ()


PLANNED = "planned"
"""The attribute of a planned identity with the effect of the change: see :func:`planned_attribute`."""

BLAST_RADIUS = "blast_radius"
"""Its member with the blast radius after the change, as a sentence; absent if normal."""
DECLARES = "declares"
"""Its member with the same as the cells of an entry, in the words that are compared."""


def planned_attribute(planned: PlannedIdentity) -> Mapping[str, object]:
    """Effect, place and computed parts as JSON values, for reports that show attributes."""
    place = planned.places[0]
    at = {"file": place.file, "resource": place.resource} | ({} if place.line is None else {"line": place.line})
    return {"effect": planned.effect, **at, "computed": sorted(planned.computed)}


class PlannedChange(Struct, frozen=True, kw_only=True, gc=False):
    """A planned identity with its verdicts after the change, and before it: None if it is new or nothing is known.

    ``blast_radius``: after the change, as a sentence, and ``radius`` what it says; None if normal.
    """

    planned: PlannedIdentity
    after: Assessment
    before: Assessment | None = None
    blast_radius: str | None = None
    radius: BlastRadius | None = None

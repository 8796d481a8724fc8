"""The contract of plans and templates: resources in a file, and planners that understand them.

``files`` reads a file of any format into :class:`Resource` records; a provider's :class:`Planner` turns the resources
of its types into planned identities (``scanner/model/planned.py``), with the same parsing and the same evaluation of
rights as its connector. Planners are found by entry point, group ``muster.planners``, by provider. The only I/O is
reading the named files.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, ClassVar, Final, Protocol

from msgspec import Struct

from scanner.catalog import Catalog
from scanner.model import Assignment, Identity, StoredSecret, Workload
from scanner.model.planned import Effect, PlanFormat, PlannedIdentity, PlannedPlace, Unread


class _Unknown:
    """A value that is unknown before deployment, in place of a text, a number, a list or a block.

    A value that the format marks as sensitive is dropped, and replaced by this as well.
    """

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = _Unknown()


class Resource(Struct, frozen=True, kw_only=True, gc=False):
    """One resource that a file declares.

    ``type``: as the format names it: ``aws_iam_role``, ``data.aws_iam_role`` (a data source), ``AWS::IAM::Role``,
    ``rbac.authorization.k8s.io/RoleBinding``, ``core/ServiceAccount``, ``github_actions/job``.
    ``values``: its arguments after the change; what only deploying determines is :data:`UNKNOWN`. Of a deleted
    resource: as before. ``before``: its arguments before the change; None for a new one, and where the format has no
    state. ``account``: the provider's account, subscription or project it would be in, where the file says.
    ``partition``, ``region``: as ``account``, such as ``aws-cn``. ``refers``: by the path of an argument (``role``,
    ``statement.0.resources``), the resources of the file that its value comes from, so that an attachment to a role
    that does not exist yet finds its role. In a plan such a value is unknown; a template's has ``${LOGICAL_ID}``,
    ``${LOGICAL_ID.ATTRIBUTE}`` or ``${AWS::AccountId}`` in its place. ``given``: the arguments that a plan's
    configuration gives; the provider fills in others by itself, and until then they are unknown, too. None where the
    file does not say.
    """

    type: str
    place: PlannedPlace
    format: PlanFormat
    effect: Effect
    values: Mapping[str, Any]
    before: Mapping[str, Any] | None = None
    account: str | None = None
    partition: str | None = None
    region: str | None = None
    refers: Mapping[str, tuple[str, ...]] = {}
    given: frozenset[str] | None = None


class FileResources(Struct, frozen=True, kw_only=True):
    """The resources in one file. ``problems``: its unreadable parts; the rest was read.

    ``nested``: templates that it brings, with theirs.
    """

    file: str
    format: PlanFormat
    resources: tuple[Resource, ...] = ()
    problems: tuple[Unread, ...] = ()
    nested: tuple[FileResources, ...] = ()


class Known(Protocol):
    """Facts of the latest scan in the store about the accounts of a change. Without a store: none."""

    def expect(self, keys: Collection[str]) -> None:
        """Announce the keys that will be needed, so that they are looked up together."""
        ...

    def identity(self, key: str) -> Identity | None:
        """The identity with that key from the last scan, with its rights and trusts."""
        ...

    def named(self, provider: str, name: str) -> Sequence[Identity]:
        """Identities of that name at the provider, for files without an account."""
        ...


class Planned(Struct, frozen=True, kw_only=True):
    """The result of a planner for the resources of one file."""

    identities: tuple[PlannedIdentity, ...] = ()
    workloads: tuple[Workload, ...] = ()
    secrets: tuple[StoredSecret, ...] = ()
    assignments: tuple[Assignment, ...] = ()
    unread: tuple[Unread, ...] = ()


class Planner(Protocol):
    """Understands the resources of one provider. ``types``: glob patterns of the resource types that it reads."""

    provider: ClassVar[str]
    types: ClassVar[tuple[str, ...]]

    def planned(self, resources: Sequence[Resource], known: Known) -> Planned:
        """The planned identities of these resources.

        Never raises for their content: resources that cannot be evaluated are unread.
        """
        ...


def planner_catalog() -> Catalog:
    """The installed planners, by provider."""
    return Catalog("muster.planners", "planner")


def planned_key(place: PlannedPlace) -> str:
    """Return the key of an identity, workload or secret whose id at the provider is still unknown."""
    return f"planned:{place.resource}"


def is_known(*values: object) -> bool:
    """Whether all values are known before deployment."""
    return not any(value is UNKNOWN for value in values)


def texts(values: Iterable[object]) -> tuple[str, ...]:
    """The known texts among the values."""
    return tuple(value for value in values if isinstance(value, str))

"""The operations whose answers the readers ask for, as the SDK's models describe them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from msgspec import Struct

from connectors.aws.preflight import services_of
from connectors.aws.spec import SPEC
from connectors.aws.workloads.catalog import TYPES
from connectors.aws.workloads.declarations import AwsDeclarationListing, Detail

_READS = ("Get", "List", "Describe", "BatchGet", "Lookup")
TOKENS = ("NextToken", "nextToken", "Marker", "NextMarker", "PaginationToken")
MORE = ("IsTruncated", "isTruncated")
PAGING = frozenset({*TOKENS, *MORE})
"""Members about pages."""
_GLOBAL = frozenset({"iam", "organizations", "sts"})
_OF_THE_ACCOUNT = frozenset({"DescribeRegions", "LookupEvents"})

# Parameters that say of what something is asked. Those of regional services are declared with their types.
_RESOURCES: Mapping[str, frozenset[str]] = {
    "iam": frozenset({"UserName", "OpenIDConnectProviderArn", "SAMLProviderArn", "AccessKeyId", "Arn", "JobId"}),
    "organizations": frozenset({"PolicyId", "ParentId"}),
}


class Operation(Struct, frozen=True, kw_only=True):
    """An operation: the parameters it takes and the shape (botocore's) of its answer.

    ``service`` as the SDK and the command line call it.
    """

    service: str
    name: str
    takes: frozenset[str]
    shape: Any

    @property
    def command(self) -> str:
        """Its name on the command line."""
        from botocore import xform_name

        return f"{self.service} {xform_name(self.name, '-')}"

    @property
    def is_listing(self) -> bool:
        """Whether its answer is rows and nothing else."""
        return all(shape.type_name == "list" for name, shape in self.shape.members.items() if name not in PAGING)

    def is_single(self, resources: Mapping[str, str]) -> bool:
        """Whether its answer is facts about one thing; else several documents may make up one answer."""
        return bool(resources) and not self.is_listing and not self.name.startswith("List")

    @property
    def is_global(self) -> bool:
        """Whether its answer is the same in each region, or covers all of them."""
        return self.service in _GLOBAL or self.name in _OF_THE_ACCOUNT

    @property
    def resource_parameters(self) -> frozenset[str]:
        """The parameters that name what it is about, if any."""
        return _RESOURCES.get(self.service, frozenset()) & self.takes | _by().get(
            (self.service, self.name), frozenset()
        )

    def resources_of(self, parameters: Mapping[str, Any]) -> dict[str, str]:
        """The resources of a call, by those parameters."""
        return {
            name: value
            for name, value in parameters.items()
            if name in self.resource_parameters and isinstance(value, str)
        }


def goes_on(document: Mapping[str, Any]) -> bool:
    """Whether a page says that there is another."""
    return any(document.get(name) for name in PAGING)


@cache
def service_model(service: str) -> Any:
    """The SDK's model of a service. Raises UnknownServiceError where the installed one is older than it."""
    from botocore.model import ServiceModel

    return ServiceModel(_loader().load_service_model(service, "service-2"), service)


def operation_of(model: Any, name: str) -> Operation:
    """One of the operations of a service's model."""
    described = model.operation_model(name)
    takes = frozenset(described.input_shape.members if described.input_shape else ())
    return Operation(service=model.service_name, name=name, takes=takes, shape=described.output_shape)


@cache
def operations() -> Sequence[Operation]:
    """Every operation of any section, in the sections' order, that the installed SDK has."""
    permissions = dict.fromkeys(permission for section in SPEC.sections for permission in section.permissions)
    found: list[Operation] = []
    for permission in permissions:
        prefix, _, name = permission.partition(":")
        if not name.startswith(_READS):
            continue
        for service in services_of(prefix):
            if service not in _known_services():
                continue
            model = service_model(service)
            if name in model.operation_names:
                found.append(operation_of(model, name))
    return tuple(found)


@cache
def batches() -> Mapping[tuple[str, str], tuple[str, str]]:
    """Operations that take several ids at once: the parameter that lists them, the rows' member."""
    details = [(one.service, detail) for one in TYPES for detail in one.details if detail.batch]
    return {(service, detail.operation): (detail.ids, detail.at) for service, detail in details}


@cache
def _by() -> Mapping[tuple[str, str], frozenset[str]]:
    """By service and operation: what the declarations of resources say that its parameters are filled with."""
    calls: list[tuple[str, AwsDeclarationListing | Detail]] = []
    for one in TYPES:
        calls += [(one.service, one.listing), *((one.service, detail) for detail in one.details)]
    return {(service, call.operation): frozenset(call.by) for service, call in calls}


@cache
def _loader() -> Any:
    from botocore.loaders import create_loader

    return create_loader()


@cache
def _known_services() -> frozenset[str]:
    return frozenset(_loader().list_available_services("service-2"))

"""Cloud Run services and jobs of API versions 2 and 1, which has Knative's structure (pure).

Source: the Cloud Run Admin API's v2 Service and Job, and v1 Service and Job. Of variables, only the names of the
secrets that they take their values from are read.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from msgspec import Struct, field

from connectors.core.reading import Moment, in_utc
from connectors.gcp.keys import last_segment
from connectors.gcp.units import ProjectRef
from connectors.gcp.workloads.records import Details, default_compute

_ACTS: dict[str, Literal["agent", "mcp_server"]] = {
    "FUNCTIONAL_TYPE_AGENT": "agent",
    "FUNCTIONAL_TYPE_MCP_SERVER": "mcp_server",
}


class _Secret(Struct, frozen=True, kw_only=True):
    secret: str = ""


class _ValueSource(Struct, frozen=True, kw_only=True, rename="camel"):
    secret_key_ref: _Secret = _Secret()


class _Variable(Struct, frozen=True, kw_only=True, rename="camel"):
    value_source: _ValueSource = _ValueSource()


class _Container(Struct, frozen=True, kw_only=True):
    env: list[_Variable] = []


class _Volume(Struct, frozen=True, kw_only=True):
    secret: _Secret = _Secret()


class _Template(Struct, frozen=True, kw_only=True, rename="camel"):
    service_account: str = ""
    containers: list[_Container] = []
    volumes: list[_Volume] = []

    def secrets(self) -> Iterator[str]:
        for container in self.containers:
            yield from (one.value_source.secret_key_ref.secret for one in container.env)
        yield from (one.secret.secret for one in self.volumes)


class _Run(Struct, kw_only=True, rename="camel"):
    name: str
    labels: dict[str, str] = {}
    create_time: Moment | None = None
    creator: str = ""
    functional_type: str = ""

    def _details(self, template: _Template, project: ProjectRef) -> Details:
        return Details(
            name=last_segment(self.name),
            accounts=(template.service_account or default_compute(project),),
            secrets=tuple(filter(None, template.secrets())),
            created_at=in_utc(self.create_time),
            created_by=self.creator or None,
            labels=self.labels,
            acts=_ACTS.get(self.functional_type),
        )


class RunService(_Run, kw_only=True):
    """A service, version 2."""

    template: _Template = _Template()

    def details(self, project: ProjectRef) -> Details:
        """See ``Consumer.details``."""
        return self._details(self.template, project)


class _Execution(Struct, frozen=True, kw_only=True):
    template: _Template = _Template()


class RunJob(_Run, kw_only=True):
    """A job, version 2."""

    template: _Execution = _Execution()

    def details(self, project: ProjectRef) -> Details:
        """See ``Consumer.details``."""
        return self._details(self.template.template, project)


# --- Version 1 of the API ---

_CREATOR = "serving.knative.dev/creator"
_SECRETS = "run.googleapis.com/secrets"
"""The annotation that maps names to secrets of other projects: ``alias:projects/1/secrets/s,…``."""


class _Metadata(Struct, frozen=True, kw_only=True, rename="camel"):
    name: str = ""
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    creation_timestamp: Moment | None = None


class _RunNamed(Struct, frozen=True, kw_only=True):
    name: str = ""


class _ValueFrom(Struct, frozen=True, kw_only=True, rename="camel"):
    secret_key_ref: _RunNamed = _RunNamed()


class _VariableV1(Struct, frozen=True, kw_only=True, rename="camel"):
    value_from: _ValueFrom = _ValueFrom()


class _ContainerV1(Struct, frozen=True, kw_only=True):
    env: list[_VariableV1] = []


class _SecretV1(Struct, frozen=True, kw_only=True, rename="camel"):
    secret_name: str = ""


class _VolumeV1(Struct, frozen=True, kw_only=True):
    secret: _SecretV1 = _SecretV1()


class _Pod(Struct, frozen=True, kw_only=True, rename="camel"):
    account: str = field(name="serviceAccountName", default="")
    containers: list[_ContainerV1] = []
    volumes: list[_VolumeV1] = []


class _PodTemplate(Struct, frozen=True, kw_only=True):
    metadata: _Metadata = _Metadata()
    spec: _Pod = _Pod()


class _ServiceSpec(Struct, frozen=True, kw_only=True):
    template: _PodTemplate = _PodTemplate()


class _Tasks(Struct, frozen=True, kw_only=True):
    template: _PodTemplate = _PodTemplate()


class _ExecutionV1(Struct, frozen=True, kw_only=True):
    metadata: _Metadata = _Metadata()
    spec: _Tasks = _Tasks()


class _JobSpec(Struct, frozen=True, kw_only=True):
    template: _ExecutionV1 = _ExecutionV1()


class RunServiceV1(Struct, kw_only=True):
    """A service, version 1."""

    metadata: _Metadata
    spec: _ServiceSpec = _ServiceSpec()

    def details(self, project: ProjectRef) -> Details:
        """See ``Consumer.details``."""
        return _details_v1(self.metadata, self.spec.template.metadata, self.spec.template.spec, project)


class RunJobV1(Struct, kw_only=True):
    """A job, version 1."""

    metadata: _Metadata
    spec: _JobSpec = _JobSpec()

    def details(self, project: ProjectRef) -> Details:
        """See ``Consumer.details``."""
        execution = self.spec.template
        return _details_v1(self.metadata, execution.metadata, execution.spec.template.spec, project)


def _details_v1(own: _Metadata, template: _Metadata, pod: _Pod, project: ProjectRef) -> Details:
    behind = dict(one.strip().partition(":")[::2] for one in template.annotations.get(_SECRETS, "").split(","))
    named = [one.value_from.secret_key_ref.name for container in pod.containers for one in container.env]
    named += [one.secret.secret_name for one in pod.volumes]
    return Details(
        name=own.name,
        accounts=(pod.account or default_compute(project),),
        secrets=tuple(behind.get(name) or name for name in named if name),
        created_at=in_utc(own.creation_timestamp),
        created_by=own.annotations.get(_CREATOR),
        labels=own.labels,
    )

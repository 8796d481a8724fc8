"""Cloud Functions of both generations (pure).

Source: the Cloud Functions API's v2 Function, for both generations, and v1 CloudFunction. Default accounts differ.
"""

from __future__ import annotations

from msgspec import Struct

from connectors.core.reading import Moment, in_utc
from connectors.gcp.keys import last_segment
from connectors.gcp.units import ProjectRef
from connectors.gcp.workloads.records import Details, default_app_engine, default_compute, known

FIRST = "GEN_1"


class _Secret(Struct, frozen=True, kw_only=True, rename="camel"):
    project_id: str = ""
    secret: str = ""

    @property
    def name(self) -> str:
        return f"projects/{self.project_id}/secrets/{self.secret}" if self.project_id else self.secret


class _Config(Struct, frozen=True, kw_only=True, rename="camel"):
    service_account_email: str = ""
    secret_environment_variables: list[_Secret] = []
    secret_volumes: list[_Secret] = []


class Function(Struct, kw_only=True, rename="camel"):
    """A function of either generation."""

    name: str
    labels: dict[str, str] = {}
    create_time: Moment | None = None
    environment: str = ""
    service_config: _Config = _Config()

    def details(self, project: ProjectRef) -> Details:
        """See ``Consumer.details``."""
        config = self.service_config
        default = default_app_engine(project) if self.environment == FIRST else default_compute(project)
        return Details(
            name=last_segment(self.name),
            accounts=(config.service_account_email or default,),
            secrets=_names(config.secret_environment_variables, config.secret_volumes),
            created_at=in_utc(self.create_time),
            labels=self.labels,
            attributes=known(generation="1" if self.environment == FIRST else "2"),
        )


class CloudFunction(Struct, kw_only=True, rename="camel"):
    """A function of the first generation."""

    name: str
    labels: dict[str, str] = {}
    service_account_email: str = ""
    secret_environment_variables: list[_Secret] = []
    secret_volumes: list[_Secret] = []

    def details(self, project: ProjectRef) -> Details:
        """See ``Consumer.details``."""
        return Details(
            name=last_segment(self.name),
            accounts=(self.service_account_email or default_app_engine(project),),
            secrets=_names(self.secret_environment_variables, self.secret_volumes),
            labels=self.labels,
            attributes=known(generation="1"),
        )


def _names(*places: list[_Secret]) -> tuple[str, ...]:
    return tuple(one.name for place in places for one in place if one.secret)

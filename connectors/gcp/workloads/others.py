"""Other resources that run or make calls as a service account: pipelines, builds, notebooks, models, apps (pure).

Source: each API's own resource, as in Cloud Asset Inventory.
"""

from __future__ import annotations

from msgspec import Struct

from connectors.core.reading import Moment, in_utc
from connectors.gcp.keys import last_segment
from connectors.gcp.units import ProjectRef
from connectors.gcp.workloads.compute import AttachedAccount, account_or_default
from connectors.gcp.workloads.records import Details, default_app_engine, default_compute, known, short_scopes

_ENDED = frozenset(f"JOB_STATE_{state}" for state in ("DONE", "FAILED", "CANCELLED", "UPDATED", "DRAINED"))


class _Environment(Struct, frozen=True, kw_only=True, rename="camel"):
    service_account_email: str = ""


class DataflowJob(Struct, kw_only=True, rename="camel"):
    """A Dataflow job, which is listed long after it has ended."""

    name: str
    current_state: str = ""
    create_time: Moment | None = None
    labels: dict[str, str] = {}
    environment: _Environment = _Environment()

    def details(self, project: ProjectRef) -> Details | None:
        """See ``Consumer.details``."""
        if self.current_state in _ENDED:
            return None
        return Details(
            name=self.name,
            accounts=(account_or_default(self.environment.service_account_email, project),),
            created_at=in_utc(self.create_time),
            labels=self.labels,
        )


class _OtherTarget(Struct, frozen=True, kw_only=True, rename="camel"):
    oauth_token: _Environment = _Environment()
    oidc_token: _Environment = _Environment()


class SchedulerJob(Struct, kw_only=True, rename="camel"):
    """A job of Cloud Scheduler; without an account, its calls are not authenticated."""

    name: str
    state: str = ""
    http_target: _OtherTarget = _OtherTarget()

    def details(self, _project: ProjectRef) -> Details:
        """See ``Consumer.details``."""
        target = self.http_target
        tokens = (target.oauth_token.service_account_email, target.oidc_token.service_account_email)
        return Details(
            name=last_segment(self.name),
            accounts=tuple(filter(None, tokens)),
            attributes=known(state=self.state),
        )


class _Node(Struct, frozen=True, kw_only=True, rename="camel"):
    service_account: str = ""


class _ComposerConfig(Struct, frozen=True, kw_only=True, rename="camel"):
    node_config: _Node = _Node()
    dag_gcs_prefix: str = ""


class ComposerEnvironment(Struct, kw_only=True, rename="camel"):
    """A Cloud Composer environment. It runs the DAGs in a bucket: ``gs://BUCKET/dags``."""

    name: str
    create_time: Moment | None = None
    labels: dict[str, str] = {}
    config: _ComposerConfig = _ComposerConfig()

    def details(self, project: ProjectRef) -> Details:
        """See ``Consumer.details``."""
        bucket = self.config.dag_gcs_prefix.removeprefix("gs://").partition("/")[0]
        return Details(
            code_in=bucket,
            attributes=known(code_in=bucket),
            name=last_segment(self.name),
            accounts=(account_or_default(self.config.node_config.service_account, project),),
            created_at=in_utc(self.create_time),
            labels=self.labels,
        )


class BuildTrigger(Struct, kw_only=True, rename="camel"):
    """A trigger of Cloud Build. The default account is a setting of the project."""

    name: str = ""
    id: str = ""
    create_time: Moment | None = None
    disabled: bool = False
    service_account: str = ""

    def details(self, _project: ProjectRef) -> Details:
        """See ``Consumer.details``."""
        return Details(
            name=self.name or self.id,
            accounts=tuple(filter(None, (self.service_account,))),
            created_at=in_utc(self.create_time),
            attributes=known(
                disabled=self.disabled or None,
                account=None if self.service_account else "the project's default for builds",
            ),
        )


class NotebookV1(Struct, kw_only=True, rename="camel"):
    """A notebook instance, version 1."""

    name: str
    labels: dict[str, str] = {}
    create_time: Moment | None = None
    creator: str = ""
    service_account: str = ""

    def details(self, project: ProjectRef) -> Details:
        """See ``Consumer.details``."""
        return _notebook(self, (AttachedAccount(email=self.service_account),), project)


class _Setup(Struct, frozen=True, kw_only=True, rename="camel"):
    service_accounts: list[AttachedAccount] = []


class Notebook(Struct, kw_only=True, rename="camel"):
    """A notebook instance, version 2."""

    name: str
    labels: dict[str, str] = {}
    create_time: Moment | None = None
    creator: str = ""
    gce_setup: _Setup = _Setup()

    def details(self, project: ProjectRef) -> Details:
        """See ``Consumer.details``."""
        return _notebook(self, tuple(self.gce_setup.service_accounts) or (AttachedAccount(),), project)


def _notebook(row: NotebookV1 | Notebook, accounts: tuple[AttachedAccount, ...], project: ProjectRef) -> Details:
    return Details(
        name=last_segment(row.name),
        accounts=tuple(account_or_default(one.email, project) for one in accounts),
        created_at=in_utc(row.create_time),
        created_by=row.creator or None,
        labels=row.labels,
    )


class Endpoint(Struct, kw_only=True, rename="camel"):
    """An endpoint of Vertex AI; a model without an account runs as a service agent."""

    name: str
    display_name: str = ""
    labels: dict[str, str] = {}
    create_time: Moment | None = None
    deployed_models: list[_Node] = []

    def details(self, _project: ProjectRef) -> Details:
        """See ``Consumer.details``."""
        return Details(
            name=self.display_name.strip() or last_segment(self.name),
            accounts=tuple(one.service_account for one in self.deployed_models if one.service_account),
            created_at=in_utc(self.create_time),
            labels=self.labels,
        )


class AppEngineVersion(Struct, kw_only=True, rename="camel"):
    """A version of an App Engine service: ``apps/APP/services/SERVICE/versions/ID``."""

    name: str
    id: str = ""
    service_account: str = ""
    create_time: Moment | None = None
    created_by: str = ""
    serving_status: str = ""

    def details(self, project: ProjectRef) -> Details:
        """See ``Consumer.details``."""
        service = self.name.partition("/services/")[2].partition("/")[0]
        version = self.id or last_segment(self.name)
        return Details(
            name=f"{service}/{version}" if service else version,
            accounts=(self.service_account or default_app_engine(project),),
            created_at=in_utc(self.create_time),
            created_by=self.created_by or None,
            attributes=known(state=self.serving_status),
        )


class Workflow(Struct, kw_only=True, rename="camel"):
    """A workflow of Workflows."""

    name: str
    labels: dict[str, str] = {}
    create_time: Moment | None = None
    service_account: str = ""

    def details(self, project: ProjectRef) -> Details:
        """See ``Consumer.details``."""
        return Details(
            name=last_segment(self.name),
            accounts=(self.service_account or default_compute(project),),
            created_at=in_utc(self.create_time),
            labels=self.labels,
        )


class _Machines(Struct, frozen=True, kw_only=True, rename="camel"):
    service_account: str = ""
    service_account_scopes: list[str] = []


class _ClusterConfig(Struct, frozen=True, kw_only=True, rename="camel"):
    gce_cluster_config: _Machines = _Machines()


class DataprocCluster(Struct, kw_only=True, rename="camel"):
    """A Dataproc cluster."""

    cluster_name: str
    labels: dict[str, str] = {}
    config: _ClusterConfig | None = None

    def details(self, project: ProjectRef) -> Details:
        """See ``Consumer.details``. A cluster on Kubernetes has no instances of its own."""
        machines = self.config.gce_cluster_config if self.config else None
        return Details(
            name=self.cluster_name,
            accounts=(account_or_default(machines.service_account, project),) if machines else (),
            labels=self.labels,
            attributes=known(scopes=short_scopes(machines.service_account_scopes) if machines else ()),
        )

"""The connector for Kubernetes: one scope for each cluster."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import ClassVar

from connectors.core.contract import Check, DiscoveredRecord, Meter, Scope, Spec
from connectors.core.reading import require_sdk
from connectors.kubernetes.client.clouds import Clouds, require_sdks
from connectors.kubernetes.identities import records_of
from connectors.kubernetes.least_privilege import checks, manifests
from connectors.kubernetes.offline import KubernetesExport
from connectors.kubernetes.reader import KubernetesCluster, KubernetesFacts, KubernetesReader
from connectors.kubernetes.settings import KubernetesSettings
from connectors.kubernetes.spec import NAMESPACES, SPEC
from scanner.errors import SourceError
from scanner.model import EVERY_SCOPE, Coverage

_USUAL_ARGOCD = "argocd"
SYSTEM_NAMESPACE = "kube-system"
"""The namespace whose uid identifies a cluster: it exists as long as the cluster."""


class KubernetesConnector:
    """Reads service accounts, their RBAC permissions and their workloads. Never a secret's value.

    Raises MissingExtra if requests, or the SDK of a configured cloud, is not installed.
    """

    spec: ClassVar[Spec] = SPEC

    def __init__(self, source: str, settings: KubernetesSettings) -> None:
        require_sdk("requests", SPEC)
        require_sdks(settings.of_clouds.values())
        self._source = source
        self._settings = settings
        self._clouds = Clouds(settings)

    @property
    def settings(self) -> KubernetesSettings:
        """The settings of its clusters, for live logs."""
        return self._settings

    def scopes(self) -> Iterator[Scope | Coverage]:
        """See ``Connector.scopes``. A cluster without an identity is a gap: its keys would change every time."""
        for context in self._settings.wanted:
            meter = self._meter()
            nowhere = Scope(source=self._source, spec=SPEC, id=EVERY_SCOPE, part=context)
            uid = ""
            with nowhere.section("core.namespaces", meter=meter) as section, closing(self._open(context, meter)) as api:
                selector = f"metadata.name={SYSTEM_NAMESPACE}"
                system = [row.metadata for row in api.rows(NAMESPACES, section, selector)]
                uid = next((one.uid for one in system if one.name == SYSTEM_NAMESPACE), "")
                if not uid:
                    raise SourceError(f"the cluster has no identity: it lists no namespace {SYSTEM_NAMESPACE}")
            if uid:
                yield Scope(source=self._source, spec=SPEC, id=uid, context=context)
            else:
                yield section.coverage

    def discover(self, scope: Scope) -> Iterator[DiscoveredRecord]:
        """Read all sections, then yield the joined records."""
        meter, facts = self._meter(), KubernetesFacts(scope.id)
        with closing(self._open(scope.context, meter)) as api:
            facts.server = api.server
            reader = KubernetesReader(api, scope, meter, facts)
            reader.version()
            yield from reader.read(self._optional, self._settings.argocd or _USUAL_ARGOCD)
        yield from records_of(facts, self._source)

    def check(self) -> Iterator[Check]:
        """See ``Preflight.check``."""
        for record in self.scopes():
            if isinstance(record, Scope):
                with closing(self._open(record.context, self._meter())) as cluster:
                    yield Check(name="cluster", ok=True, detail=f"cluster {record.id}")
                    yield from checks(cluster, self._optional, self._settings.argocd or _USUAL_ARGOCD)
            else:
                yield Check(name="cluster", ok=False, detail=record.detail or record.status, fix=record.permission)

    @classmethod
    def base_policy(cls) -> str:
        """See ``LeastPrivilege.base_policy``."""
        return manifests()

    def policy(self) -> str:
        """See ``LeastPrivilege.policy``."""
        return manifests(self._optional)

    @property
    def _optional(self) -> frozenset[str]:
        """The optional sections that are switched on. Files are read as they are: no right is needed for them."""
        files = Path(self._settings.from_files) if self._settings.from_files is not None else None
        switches = {
            "core.secrets": self._settings.secrets or (files is not None and (files / "secrets.json").exists()),
            "aws_auth": self._settings.aws_auth or (files is not None and (files / "aws-auth.json").exists()),
            "argocd.accounts": self._settings.argocd is not None
            or (files is not None and (files / "argocd-cm.json").exists()),
        }
        return frozenset(name for name, is_on in switches.items() if is_on)

    def _meter(self) -> Meter:
        return Meter(asks=self._settings.from_files is None)

    def _open(self, context: str | None, meter: Meter) -> KubernetesCluster:
        from connectors.kubernetes.client.api import KubernetesApi
        from connectors.kubernetes.client.kubeconfig import addresses, at, in_cluster

        settings = self._settings
        if settings.from_files is not None:
            return KubernetesExport(Path(settings.from_files))
        if cluster := settings.of_clouds.get(context or ""):
            return KubernetesApi(self._clouds.address(cluster, meter), meter, settings)
        if settings.in_cluster:
            return KubernetesApi(in_cluster(), meter, settings)
        if settings.url is not None:
            return KubernetesApi(at(settings.url, settings.token.resolve(), settings.ca_file), meter, settings)
        (address,) = addresses(settings.files, [context], may_run=settings.kubeconfig is not None)
        return KubernetesApi(address, meter, settings)

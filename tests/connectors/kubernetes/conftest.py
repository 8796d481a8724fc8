"""A running API server over TLS, and the connector that reads it as the printed ClusterRole allows."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest
import trustme
import yaml
from msgspec import Struct

from connectors.core.contract import DiscoveredRecord, Meter, Scope, SectionReading
from connectors.kubernetes.connector import KubernetesConnector
from connectors.kubernetes.identities import records_of
from connectors.kubernetes.least_privilege import NAME, manifests
from connectors.kubernetes.reader import KubernetesFacts, KubernetesReader
from connectors.kubernetes.settings import KubernetesSettings
from connectors.kubernetes.spec import SPEC, KubernetesListing
from connectors.testing import LIMITS, PATIENT, read
from scanner.demo.fakes.kubernetes.authorizer import User, service_account
from scanner.demo.fakes.kubernetes.cluster import Cluster
from scanner.demo.fakes.kubernetes.server import Fault, KubernetesServer
from scanner.errors import NotOffered
from scanner.model import Coverage, Identity, Workload
from scanner.redaction.redact import SecretRef

T = TypeVar("T")
TOKEN = "token-of-the-reader"
READER = service_account("default", NAME)


class Tls(Struct, frozen=True):
    """A certificate authority of the test run."""

    authority: trustme.CA
    context: ssl.SSLContext
    ca_file: Path


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    """A server's certificate; clients may have one, too."""
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_OPTIONAL
    ca_file = tmp_path_factory.mktemp("tls") / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    return Tls(authority, context, ca_file)


class Read(Struct, frozen=True):
    """What a scan of a cluster found."""

    records: tuple[DiscoveredRecord, ...]

    @property
    def accounts(self) -> dict[str, Identity]:
        """Identities by ``namespace/name``; groups by their name."""
        return {
            f"{one.attributes['namespace']}/{one.name}" if one.kind == "service_account" else one.name: one
            for one in self.records
            if isinstance(one, Identity)
        }

    @property
    def workloads(self) -> dict[str, Workload]:
        """Workloads by kind and name."""
        return {f"{one.kind}/{one.name}": one for one in self.records if isinstance(one, Workload)}

    @property
    def coverage(self) -> dict[str, str]:
        """Status by section."""
        return {one.section: one.status for one in self.records if isinstance(one, Coverage)}

    def become(self, name: str) -> list[str]:
        """Which accounts an account can become, by their names."""
        names = {one.key: name for name, one in self.accounts.items()}
        links = self.accounts[name].links
        others = (names.get(link.target, link.target) for link in links if link.relation == "can_assume")
        return sorted(other for other in others if not other.endswith(f"/{NAME}"))


class Running(Struct):
    """Starts clusters and reads them."""

    tls: Tls
    stack: ExitStack

    def server(
        self,
        *objects: Any,
        reader: str | None = None,
        fault: Fault | None = None,
        most_on_a_page: int = 500,
        users: Mapping[str, User] | None = None,
        **cluster: Any,
    ) -> KubernetesServer:
        """A server whose reader has what ``reader`` gives, by default what ``--policy`` prints.

        ``users``: by token, by default the reader.
        """
        granted = list(yaml.safe_load_all(manifests() if reader is None else reader))
        made = KubernetesServer(
            Cluster([*objects, *granted], **cluster),
            {TOKEN: READER} if users is None else users,
            fault=fault,
            most_on_a_page=most_on_a_page,
            tls=self.tls.context,
        )
        return self.stack.enter_context(made)

    def connector(self, server: KubernetesServer, **settings: Any) -> KubernetesConnector:
        """A connector for it."""
        given = {
            "url": server.url,
            "token": SecretRef(env="KUBERNETES_TOKEN"),
            "ca_file": str(self.tls.ca_file),
            "backoff": 0.001,
        }
        return KubernetesConnector("k8s", KubernetesSettings(**{**given, **settings}))

    def read(self, *objects: Any, settings: dict[str, Any] | None = None, **server: Any) -> Read:
        """What a scan finds."""
        return self.of(self.server(*objects, **server), **(settings or {}))

    def of_cloud(self, settings: KubernetesSettings) -> Read:
        """What a scan of clusters by their names in a cloud finds."""
        found = read(KubernetesConnector("k8s", settings))
        return Read(tuple(one for one in found if not _is_reader(one)))

    def of(self, server: KubernetesServer, **settings: Any) -> Read:
        """What a scan of a server finds; a fault may be an answer without end."""
        limits = LIMITS if server.fault else PATIENT
        found = read(self.connector(server, **settings), limits=limits)
        return Read(tuple(one for one in found if not _is_reader(one)))


def _is_reader(record: DiscoveredRecord) -> bool:
    return isinstance(record, Identity) and record.name == NAME


@pytest.fixture
def clusters(tls: Tls, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    """Clusters of one test."""
    monkeypatch.setenv("KUBERNETES_TOKEN", TOKEN)
    with ExitStack() as stack:
        yield Running(tls, stack)


Scan = Callable[..., Read]


class Listed:
    """A cluster in memory, for where the wire does not matter: it is cheaper. See ``reading.Cluster``."""

    server: str | None = None

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def rows(self, listing: KubernetesListing, section: SectionReading, selector: str = "") -> Iterator[Any]:
        """The objects of a resource; of secrets, those that the selector selects."""
        wanted = selector.removeprefix("type=")
        del section
        items = [
            one
            for resource, some in self._cluster.objects.items()
            if (resource.group, resource.plural) == (listing.group, listing.plural)
            for one in some
        ]
        yield from (msgspec.convert(one, listing.shape) for one in items if wanted in ("", one.get("type")))

    def get(self, path: str, shape: type[T]) -> T:
        """The version alone."""
        if path != "/version":
            raise NotOffered(path)
        return msgspec.convert({"major": "1", "minor": str(self._cluster.minor)}, shape)

    def post(self, path: str, body: Any, shape: type[T]) -> T:
        """It answers no questions."""
        del body, shape
        raise NotOffered(path)

    def close(self) -> None:
        """Nothing to give back."""


def read_listed(*objects: Any, minor: int = 36) -> Read:
    """Reads a cluster made from manifests, without a server."""
    facts, meter = KubernetesFacts("cluster"), Meter(asks=False)
    reader = KubernetesReader(
        Listed(Cluster(objects, minor=minor)), Scope(source="k8s", spec=SPEC, id="cluster"), meter, facts
    )
    reader.version()
    coverage = list(reader.read(frozenset({"core.secrets"})))
    assert [one for one in coverage if one.is_gap] == []
    return Read((*coverage, *records_of(facts, "k8s")))


@pytest.fixture
def scan_listed() -> Scan:
    """Reads a cluster made from manifests, without a server."""
    return read_listed


@pytest.fixture
def scan(clusters: Running) -> Scan:
    """Reads a cluster made from manifests."""
    return clusters.read

"""Clusters of EKS, GKE and AKS by their names in the cloud: the address of their API, and how to sign in.

Requests: EKS's DescribeCluster, GKE's ``clusters.get``, AKS's ``managedClusters``, and ``listClusterUserCredential``
only for the certificate of the cluster's authority.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final, TypeVar

from msgspec import Struct, field

from connectors.core.contract import Meter
from connectors.core.reading import is_installed
from connectors.kubernetes.client.kubeconfig import Address, Pem, cluster_in
from connectors.kubernetes.client.signin import AwsSession, AzureSession, GoogleSession, TokenSignIn
from connectors.kubernetes.settings import Cloud, CloudCluster, KubernetesSettings
from scanner.errors import Denied, MissingExtra, SourceError
from scanner.text import printable

if TYPE_CHECKING:
    from connectors.core.http import SignIn

T = TypeVar("T")
_SDKS: Final[Mapping[Cloud, str]] = {"aws": "botocore", "gcp": "google.auth", "azure": "azure.identity"}
_ARM: Final = "https://management.azure.com"
_GKE: Final = "https://container.googleapis.com"
_AKS_API: Final = {"api-version": "2024-09-01"}
_FORBIDDEN: Final = 403


def require_sdks(clusters: Iterable[CloudCluster]) -> None:
    """Raises MissingExtra if the SDK of a cloud is not installed."""
    for cluster in clusters:
        if not is_installed(_SDKS[cluster.cloud]):
            raise MissingExtra(f"signing in to {printable(cluster.name)}", cluster.cloud)


class Clouds:
    """The sessions of a source with its clouds. Each cluster is looked up once."""

    def __init__(self, settings: KubernetesSettings) -> None:
        self._settings = settings
        self._known: dict[str, Address] = {}
        self._google = GoogleSession()
        self._azure = AzureSession(is_own_authority=settings.endpoint_url is not None)

    def address(self, cluster: CloudCluster, meter: Meter) -> Address:
        """The address of a cluster's API, its certificate authority and its sign-in. Raises SourceError."""
        if cluster.name not in self._known:
            find = {"aws": self._of_eks, "gcp": self._of_gke, "azure": self._of_aks}[cluster.cloud]
            self._known[cluster.name] = find(cluster, meter)
        return self._known[cluster.name]

    def _of_eks(self, cluster: CloudCluster, meter: Meter) -> Address:
        region, name = cluster.parts["region"], cluster.parts["name"]
        own = self._settings.endpoint_url
        session = AwsSession(self._settings.profile, region)
        eks, sts = (own or session.host(service) for service in ("eks", "sts"))
        found = self._asked(eks, session, meter, f"/clusters/{name}", _OfEks, "eks:DescribeCluster").cluster
        if found.arn != cluster.name:
            raise SourceError(
                f"the credentials belong to another account than {printable(cluster.name)}",
                hint="set profile to one of that account",
            )
        sign_in = TokenSignIn(lambda: session.token(name, sts.rstrip("/")))
        return self._address(cluster, found.endpoint, _pem(found.certificate_authority.data), sign_in)

    def _of_gke(self, cluster: CloudCluster, meter: Meter) -> Address:
        sign_in, path = TokenSignIn(self._google.token), cluster.parts["path"].replace("/zones/", "/locations/")
        url = self._settings.endpoint_url or _GKE
        path = path.replace("/regions/", "/locations/")
        found = self._asked(url, sign_in, meter, f"/v1/{path}", _OfGke, "container.clusters.get")
        if not found.endpoint:
            raise SourceError(f"{printable(cluster.name)} has no endpoint", hint="it may still be starting")
        authority = _pem(found.master_auth.cluster_ca_certificate)
        return self._address(cluster, f"https://{found.endpoint}", authority, sign_in)

    def _of_aks(self, cluster: CloudCluster, meter: Meter) -> Address:
        url, path = self._settings.endpoint_url or _ARM, cluster.parts["path"]
        arm = TokenSignIn(lambda: self._azure.of_arm(url.rstrip("/")))
        kind = "Microsoft.ContainerService/managedClusters"
        found = self._asked(url, arm, meter, path, _OfAks, f"{kind}/read", params=_AKS_API).properties
        if not found.aad_profile.managed:
            raise SourceError(
                f"{printable(cluster.name)} takes no tokens of Entra, only its own certificates",
                hint="switch Entra authentication on, or give a kubeconfig",
            )
        host, sign_in = found.private_fqdn or found.fqdn, TokenSignIn(self._azure.of_cluster)
        if self._settings.ca_file is not None:
            return self._address(cluster, f"https://{host}", None, sign_in)
        given = self._asked(
            url, arm, meter, f"{path}/listClusterUserCredential", _Kubeconfigs,
            f"{kind}/listClusterUserCredential/action", params={**_AKS_API, "format": "exec"}, body={},
        )  # fmt: skip
        server, pem = cluster_in(_decoded(next((one.value for one in given.kubeconfigs), "")))
        return self._address(cluster, server, pem, sign_in)

    def _address(self, cluster: CloudCluster, server: str, authority: Pem | None, sign_in: SignIn) -> Address:
        """A CA file in the settings takes precedence over the certificate from the cloud."""
        own = self._settings.ca_file
        pem = authority if own is None else Pem(path=own)
        if pem is None:
            raise SourceError(f"{printable(cluster.name)} has no certificate authority", hint="give ca_file")
        return Address(name=cluster.name, server=server, authority=pem, sign_in=sign_in)

    def _asked(
        self, url: str, sign_in: SignIn, meter: Meter, path: str, shape: type[T], permission: str, **more: Any
    ) -> T:
        from connectors.core.http import Client
        from connectors.core.refusals import refusal

        def refused(response: Any) -> SourceError:
            error = refusal(response)
            return Denied(str(error), permission=permission) if response.status_code == _FORBIDDEN else error

        settings = self._settings
        made = Client(
            url,
            sign_in=sign_in,
            meter=meter,
            backoff=settings.backoff,
            timeout=settings.timeout,
            insecure_http=settings.insecure_http,
            environment=settings.endpoint_url is None,
        )
        with closing(made):
            return made.with_options(refusal=refused).get(path, shape, **more)


def _pem(text: str) -> Pem | None:
    return Pem(text=_decoded(text)) if text else None


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise SourceError("the cloud's answer has data that is not base64") from None


# --- Responses of the clouds: only the fields that are used ---


class _Authority(Struct, frozen=True):
    data: str = ""


class _Eks(Struct, frozen=True, rename="camel"):
    arn: str
    endpoint: str
    certificate_authority: _Authority = _Authority()


class _OfEks(Struct, frozen=True):
    cluster: _Eks


class _Master(Struct, frozen=True, rename="camel"):
    cluster_ca_certificate: str = ""


class _OfGke(Struct, frozen=True, rename="camel"):
    endpoint: str = ""
    master_auth: _Master = _Master()


class _Entra(Struct, frozen=True):
    managed: bool = False


class _Aks(Struct, frozen=True, rename="camel"):
    fqdn: str = ""
    private_fqdn: str | None = field(name="privateFQDN", default=None)
    aad_profile: _Entra = _Entra()


class _OfAks(Struct, frozen=True):
    properties: _Aks


class _Kubeconfig(Struct, frozen=True):
    value: str = ""


class _Kubeconfigs(Struct, frozen=True):
    """Only the cluster of each file is decoded, not its users."""

    kubeconfigs: tuple[_Kubeconfig, ...] = ()

"""The API's objects, with the fields that are kept: msgspec drops all others while it decodes.

Source: the API reference of Kubernetes 1.36, https://kubernetes.io/docs/reference/kubernetes-api/. What may hold values
(environment variables, arguments, the annotation ``last-applied-configuration``) has no field here, or is dropped by
:func:`kept`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec
from msgspec import Struct, field

from connectors.core.reading import Moment, in_utc
from scanner.errors import SourceError

LONGEST_TEXT: Final = 256
"""Characters of a label or annotation. Longer values are configuration of other programs, and may have secrets."""


class Named(Struct, frozen=True):
    """A reference by name."""

    name: str = ""


class Owner(Struct, frozen=True, kw_only=True):
    """An owner reference."""

    kind: str = ""
    name: str = ""
    uid: str = ""
    controller: bool | None = None


class Metadata(Struct, frozen=True, kw_only=True):
    """``metadata`` of an object."""

    name: str
    namespace: str = ""
    uid: str = ""
    stamped: Moment | None = field(name="creationTimestamp", default=None)
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    owners: tuple[Owner, ...] | None = field(name="ownerReferences", default=None)

    @property
    def created(self) -> datetime | None:
        """The time in UTC. None if it is unknown, or UTC cannot represent it."""
        return in_utc(self.stamped)


class Object(Struct, frozen=True, kw_only=True):
    """An object that is read by its metadata alone, such as a namespace or secret."""

    metadata: Metadata


class ServiceAccount(Object, frozen=True, kw_only=True):
    """``v1`` ServiceAccount."""

    automount: bool | None = field(name="automountServiceAccountToken", default=None)
    secrets: tuple[Named, ...] | None = None
    pulls_with: tuple[Named, ...] | None = field(name="imagePullSecrets", default=None)


class RoleRef(Struct, frozen=True, kw_only=True):
    """The role of a binding."""

    kind: str
    name: str


class Subject(Struct, frozen=True, kw_only=True):
    """A subject of a binding."""

    kind: str
    name: str
    namespace: str = ""


class Binding(Object, frozen=True, kw_only=True):
    """RoleBinding and ClusterRoleBinding."""

    role: RoleRef = field(name="roleRef")
    subjects: tuple[Subject, ...] | None = None


class Role(Object, frozen=True, kw_only=True):
    """Role and ClusterRole. ``rules`` are checked by ``rights.rules``."""

    rules: Any = None


class TokenProjection(Struct, frozen=True, kw_only=True):
    """A token that the kubelet requests and projects into a volume."""

    audience: str | None = None
    seconds: int | None = field(name="expirationSeconds", default=None)


class CertificateProjection(Struct, frozen=True, kw_only=True):
    """A certificate that the kubelet requests for the account, projects into a volume and renews."""

    signer: str = field(name="signerName", default="")
    seconds: int | None = field(name="maxExpirationSeconds", default=None)


class Projection(Struct, frozen=True, kw_only=True):
    """A source of a projected volume."""

    token: TokenProjection | None = field(name="serviceAccountToken", default=None)
    certificate: CertificateProjection | None = field(name="podCertificate", default=None)
    secret: Named | None = None


class Projected(Struct, frozen=True, kw_only=True):
    """A projected volume."""

    sources: tuple[Projection, ...] | None = None


class SecretVolume(Struct, frozen=True, kw_only=True):
    """A volume from a secret."""

    name: str = field(name="secretName", default="")


class HostPath(Struct, frozen=True, kw_only=True):
    """A folder of the node."""

    path: str = ""


class Volume(Struct, frozen=True, kw_only=True):
    """A volume of a pod."""

    projected: Projected | None = None
    secret: SecretVolume | None = None
    host: HostPath | None = field(name="hostPath", default=None)


class KeyRef(Struct, frozen=True, kw_only=True):
    """The source of a variable. There is no field for its value."""

    secret: Named | None = field(name="secretKeyRef", default=None)


class Variable(Struct, frozen=True, kw_only=True):
    """An environment variable without its value."""

    source: KeyRef | None = field(name="valueFrom", default=None)


class Variables(Struct, frozen=True, kw_only=True):
    """All keys of a secret as variables."""

    secret: Named | None = field(name="secretRef", default=None)


class Capabilities(Struct, frozen=True, kw_only=True):
    """Capabilities of Linux."""

    add: tuple[str, ...] | None = None


class Security(Struct, frozen=True, kw_only=True):
    """A container's security context."""

    privileged: bool | None = None
    capabilities: Capabilities | None = None


class Container(Struct, frozen=True, kw_only=True):
    """A container of a pod."""

    image: str = ""
    env: tuple[Variable, ...] | None = None
    env_from: tuple[Variables, ...] | None = field(name="envFrom", default=None)
    security: Security | None = field(name="securityContext", default=None)

    @property
    def capabilities(self) -> tuple[str, ...]:
        """Added capabilities."""
        added = self.security and self.security.capabilities and self.security.capabilities.add
        return added or ()


class PodSpec(Struct, frozen=True, kw_only=True):
    """The specification of a pod."""

    account: str | None = field(name="serviceAccountName", default=None)
    former_account: str | None = field(name="serviceAccount", default=None)
    automount: bool | None = field(name="automountServiceAccountToken", default=None)
    containers: tuple[Container, ...] | None = None
    first: tuple[Container, ...] | None = field(name="initContainers", default=None)
    volumes: tuple[Volume, ...] | None = None
    node: str = field(name="nodeName", default="")
    pulls_with: tuple[Named, ...] | None = field(name="imagePullSecrets", default=None)
    host_pid: bool | None = field(name="hostPID", default=None)
    host_network: bool | None = field(name="hostNetwork", default=None)
    host_ipc: bool | None = field(name="hostIPC", default=None)

    @property
    def runs_as(self) -> str:
        """The name of its service account."""
        return self.account or self.former_account or "default"


class Status(Struct, frozen=True, kw_only=True):
    """A pod's status."""

    phase: str = ""


class Pod(Object, frozen=True, kw_only=True):
    """``v1`` Pod."""

    spec: PodSpec
    status: Status = Status()


class TemplateMetadata(Struct, frozen=True, kw_only=True):
    """``metadata`` of a pod template, which has no name."""

    annotations: dict[str, str] | None = None


class Template(Struct, frozen=True, kw_only=True):
    """A pod template."""

    spec: PodSpec
    metadata: TemplateMetadata | None = None


class Templated(Struct, frozen=True, kw_only=True):
    """The specification of a workload with a pod template."""

    template: Template | None = None


class Workload(Object, frozen=True, kw_only=True):
    """Deployment, StatefulSet, DaemonSet, ReplicaSet, ReplicationController and Job."""

    spec: Templated

    @property
    def template(self) -> Template | None:
        """The template of its pods."""
        return self.spec.template


class _JobTemplate(Struct, frozen=True, kw_only=True):
    spec: Templated


class _CronSpec(Struct, frozen=True, kw_only=True):
    jobs: _JobTemplate = field(name="jobTemplate")


class CronJob(Object, frozen=True, kw_only=True):
    """``batch/v1`` CronJob."""

    spec: _CronSpec

    @property
    def template(self) -> Template | None:
        """The template of its pods."""
        return self.spec.jobs.spec.template


# --- Certificates, config maps, and information about the cluster ---


class SigningSpec(Struct, frozen=True, kw_only=True):
    """The requested signer."""

    signer: str = field(name="signerName", default="")


class SigningStatus(Struct, frozen=True, kw_only=True):
    """The certificate once it is signed, which is public: PEM, encoded in base64."""

    certificate: bytes | None = None


class SigningRequest(Object, frozen=True, kw_only=True):
    """``certificates.k8s.io/v1`` CertificateSigningRequest."""

    spec: SigningSpec = SigningSpec()
    status: SigningStatus = SigningStatus()


class ConfigMap(Object, frozen=True, kw_only=True):
    """``v1`` ConfigMap. Only some keys of ``data`` are kept."""

    data: dict[str, str] | None = None


class Mapped(Struct, frozen=True, kw_only=True):
    """A principal of AWS and its name in the cluster. ``username`` may be a template, which names no principal."""

    rolearn: str = ""
    userarn: str = ""
    username: str = ""
    groups: tuple[str, ...] | None = None


def mapped_in(data: Mapping[str, str]) -> tuple[Mapped, ...]:
    """The principals in ``aws-auth``. Raises SourceError if it has no list of principals."""
    import yaml

    found: list[Mapped] = []
    for member in ("mapRoles", "mapUsers"):
        try:
            rows = yaml.safe_load(data.get(member) or "[]")
            found += msgspec.convert(rows or [], list[Mapped])
        except (yaml.YAMLError, RecursionError, ValueError):
            raise SourceError(f"{member} of the config map aws-auth is not a list of principals") from None
    return tuple(found)


class GroupVersion(Struct, frozen=True, kw_only=True):
    """A version of an API group."""

    version: str = ""


class Group(Struct, frozen=True, kw_only=True):
    """A group of ``/apis``."""

    name: str = ""
    preferred: GroupVersion = field(name="preferredVersion", default=GroupVersion())


class Groups(Struct, frozen=True, kw_only=True):
    """``/apis``."""

    groups: tuple[Group, ...] = ()


class Discovery(Struct, frozen=True, kw_only=True):
    """``/.well-known/openid-configuration``."""

    issuer: str


class Key(Struct, frozen=True, kw_only=True):
    """A public key's id."""

    kid: str = ""


class Keys(Struct, frozen=True, kw_only=True):
    """``/openid/v1/jwks``."""

    keys: tuple[Key, ...] = ()


class Version(Struct, frozen=True, kw_only=True):
    """``/version``."""

    major: str = ""
    minor: str = ""
    build: str = field(name="gitVersion", default="")

    @property
    def number(self) -> int | None:
        """The minor version as a number; ``36+`` is 36."""
        digits = self.minor.rstrip("+")
        return int(digits) if digits.isdecimal() and digits.isascii() else None


_NEVER_KEPT = ("kubectl.kubernetes.io/last-applied-configuration",)


def kept(texts: Mapping[str, str] | None) -> dict[str, str]:
    """Labels or annotations without long values, and without those that repeat the whole object."""
    return {key: value for key, value in (texts or {}).items() if len(value) <= LONGEST_TEXT and key not in _NEVER_KEPT}

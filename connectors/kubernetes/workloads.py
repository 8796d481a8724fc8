"""Workloads: the account that each runs as, and its access to the node. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final, Literal, NamedTuple

from msgspec import Struct

from connectors.kubernetes import payloads as p
from connectors.kubernetes.rights.targets import Account
from scanner.model import Workload

_CONTROLLED: Final = frozenset({"ReplicaSet", "ReplicationController", "StatefulSet", "DaemonSet", "Job", "Deployment",
                                "CronJob"})  # fmt: skip
"""Kinds of controllers that are listed themselves, so what they own is left out."""
_VAULT_ROLE: Final = "vault.hashicorp.com/role"
ESCAPES: Final = frozenset({"SYS_ADMIN", "SYS_MODULE", "SYS_PTRACE", "SYS_RAWIO", "DAC_READ_SEARCH", "ALL"})
"""Capabilities that give a container access to its node."""
REACHES_NODE: Final = frozenset({"privileged", "hostPath", "hostPID", *ESCAPES})
"""Settings that let a workload take over its node, or read files of other workloads there."""
KINDS: Final = {
    "pods": "pod",
    "deployments": "deployment",
    "statefulsets": "statefulset",
    "daemonsets": "daemonset",
    "replicasets": "replicaset",
    "replicationcontrollers": "replicationcontroller",
    "jobs": "job",
    "cronjobs": "cronjob",
}


class Projected(NamedTuple):
    """A projected credential, which the kubelet renews: a token for an audience, or a certificate of a signer.

    ``seconds``: its lifetime.
    """

    kind: Literal["token", "certificate"]
    of: str
    seconds: int | None


class RunningWorkload(Struct, frozen=True, kw_only=True):
    """A workload. ``account``: the account it runs as. ``secrets``: names of the secrets it uses.

    ``near_node``: settings that give it access to its node. ``projected``: tokens and certificates. ``automount``: its
    ``automountServiceAccountToken``; None: the account decides. ``images``: without tags and digests. ``vault_role``:
    the role that Vault's injector signs in with.
    """

    kind: str
    metadata: p.Metadata
    account: Account
    secrets: tuple[str, ...] = ()
    near_node: tuple[str, ...] = ()
    projected: tuple[Projected, ...] = ()
    automount: bool | None = None
    images: tuple[str, ...] = ()
    vault_role: str = ""

    @property
    def title(self) -> str:
        """Kind, namespace and name."""
        return f"{self.kind} {self.metadata.namespace}/{self.metadata.name}"

    def mounts_token(self, by_account: bool | None) -> bool:
        """Whether it gets a token for the API. ``by_account``: the setting of its account, which its own overrides."""
        return next((said for said in (self.automount, by_account) if said is not None), True)


def is_mirror(metadata: p.Metadata) -> bool:
    """Whether it is the mirror of a static pod, which runs without an account."""
    return "kubernetes.io/config.mirror" in (metadata.annotations or {})


def ran_by(plural: str, row: Any) -> RunningWorkload | None:
    """The workload of an object; None if another workload owns it, or if it has no template or account."""
    metadata: p.Metadata = row.metadata
    if any(owner.controller and owner.kind in _CONTROLLED for owner in metadata.owners or ()) or is_mirror(metadata):
        return None
    template = row if isinstance(row, p.Pod) else row.template
    if template is None:
        return None
    spec: p.PodSpec = template.spec
    annotations = (template.metadata.annotations if template.metadata else None) or {}
    containers = (*(spec.containers or ()), *(spec.first or ()))
    volumes = spec.volumes or ()
    sources = [source for volume in volumes if volume.projected for source in volume.projected.sources or ()]
    return RunningWorkload(
        kind=KINDS[plural],
        metadata=metadata,
        account=(metadata.namespace, spec.runs_as),
        secrets=tuple(sorted({*_secrets(containers, volumes), *(one.name for one in spec.pulls_with or ())})),
        near_node=near_node(spec),
        projected=tuple(_projected(sources)),
        automount=spec.automount,
        images=tuple(sorted({without_tag(one.image) for one in containers if one.image})),
        vault_role=annotations.get(_VAULT_ROLE, "")[: p.LONGEST_TEXT],
    )


def near_node(spec: p.PodSpec) -> tuple[str, ...]:
    """The settings of a pod that give it access to its node."""
    containers = (*(spec.containers or ()), *(spec.first or ()))
    near = {
        "privileged": any(one.security and one.security.privileged for one in containers),
        "hostPath": any(volume.host for volume in spec.volumes or ()),
        "hostPID": spec.host_pid,
        "hostNetwork": spec.host_network,
        "hostIPC": spec.host_ipc,
    }
    added = {name.upper().removeprefix("CAP_") for one in containers for name in one.capabilities}
    return (*(name for name, is_so in near.items() if is_so), *sorted(added & ESCAPES))


def _projected(sources: Iterable[p.Projection]) -> Iterator[Projected]:
    """Tokens for an audience, and certificates. The token for the API itself, which every pod gets, is left out."""
    for source in sources:
        if source.token and source.token.audience:
            yield Projected("token", source.token.audience, source.token.seconds)
        if source.certificate and source.certificate.signer:
            yield Projected("certificate", source.certificate.signer, source.certificate.seconds)


def _secrets(containers: tuple[p.Container, ...], volumes: tuple[p.Volume, ...]) -> Iterator[str]:
    for one in containers:
        yield from (var.source.secret.name for var in one.env or () if var.source and var.source.secret)
        yield from (some.secret.name for some in one.env_from or () if some.secret)
    for volume in volumes:
        if volume.secret:
            yield volume.secret.name
        for source in (volume.projected and volume.projected.sources) or ():
            if source.secret:
                yield source.secret.name


def without_tag(image: str) -> str:
    name = image.partition("@")[0]
    head, slash, last = name.rpartition("/")
    return f"{head}{slash}{last.partition(':')[0]}"


def workload(ran: RunningWorkload, source: str, uid: str, account: str) -> Workload:
    """The workload as a record. ``account``: the key of its account."""
    metadata = ran.metadata
    attributes: dict[str, Any] = {"namespace": metadata.namespace}
    if ran.near_node:
        attributes["reaches_node_by"] = list(ran.near_node)
    for name, kind in (("token_audiences", "token"), ("certificate_signers", "certificate")):
        if of := sorted({one.of for one in ran.projected if one.kind == kind}):
            attributes[name] = of
    if ran.secrets:
        attributes["secrets"] = list(ran.secrets)
    if ran.vault_role:
        attributes["vault_role"] = ran.vault_role
    if ran.images:
        attributes["images"] = list(ran.images)
    return Workload(
        key=f"kubernetes://{uid}/{metadata.namespace}/{ran.kind}/{metadata.name}",
        provider="kubernetes",
        source=source,
        scope=uid,
        kind=ran.kind,
        name=metadata.name,
        runs_as=(account,),
        created_at=metadata.created,
        tags=p.kept(metadata.labels),
        attributes=attributes,
    )

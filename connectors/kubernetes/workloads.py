"""What runs as which account, and how close to its node. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from msgspec import Struct

from connectors.kubernetes import payloads as p
from connectors.kubernetes.rights.targets import Account
from scanner.model import Workload

_CONTROLLED: Final = frozenset({"ReplicaSet", "ReplicationController", "StatefulSet", "DaemonSet", "Job", "Deployment",
                                "CronJob"})  # fmt: skip
"""Owners of pods and of other workloads that are listed themselves."""
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


class Ran(Struct, frozen=True, kw_only=True):
    """A workload. ``account``: what it runs as. ``secrets``: names of those that it reads.

    ``near_node``: ways in which it reaches its node. ``audiences``: of projected tokens. ``automount``: whether it says
    that it wants a token; None: the account decides. ``images``: without their tags and digests.
    """

    kind: str
    metadata: p.Metadata
    account: Account
    secrets: tuple[str, ...] = ()
    near_node: tuple[str, ...] = ()
    audiences: tuple[str, ...] = ()
    automount: bool | None = None
    images: tuple[str, ...] = ()


def is_mirror(metadata: p.Metadata) -> bool:
    """Whether it shows a static pod of a node, which runs as no account."""
    return "kubernetes.io/config.mirror" in (metadata.annotations or {})


def ran_by(plural: str, row: Any) -> Ran | None:
    """The workload of an object; None for one that another workload makes, that has no template or no account."""
    metadata: p.Metadata = row.metadata
    if any(owner.controller and owner.kind in _CONTROLLED for owner in metadata.owners or ()) or is_mirror(metadata):
        return None
    spec: p.PodSpec | None = row.spec if isinstance(row, p.Pod) else row.pods
    if spec is None:
        return None
    containers = (*(spec.containers or ()), *(spec.first or ()))
    volumes = spec.volumes or ()
    near = {
        "privileged": any(one.security and one.security.privileged for one in containers),
        "hostPath": any(volume.host for volume in volumes),
        "hostPID": spec.host_pid,
        "hostNetwork": spec.host_network,
        "hostIPC": spec.host_ipc,
    }
    tokens = [
        source.token
        for volume in volumes
        if volume.projected
        for source in volume.projected.sources or ()
        if source.token
    ]
    return Ran(
        kind=KINDS[plural],
        metadata=metadata,
        account=(metadata.namespace, spec.runs_as),
        secrets=tuple(sorted(set(_secrets(containers, volumes)))),
        near_node=tuple(name for name, is_so in near.items() if is_so),
        audiences=tuple(sorted({token.audience for token in tokens if token.audience})),
        automount=spec.automount,
        images=tuple(sorted({_without_tag(one.image) for one in containers if one.image})),
    )


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


def _without_tag(image: str) -> str:
    name = image.partition("@")[0]
    head, slash, last = name.rpartition("/")
    return f"{head}{slash}{last.partition(':')[0]}"


def workload(ran: Ran, source: str, uid: str, account: str) -> Workload:
    """As a record. ``account``: the key of what it runs as."""
    metadata = ran.metadata
    attributes: dict[str, Any] = {"namespace": metadata.namespace}
    if ran.near_node:
        attributes["reaches_node_by"] = list(ran.near_node)
    if ran.audiences:
        attributes["token_audiences"] = list(ran.audiences)
    if ran.secrets:
        attributes["secrets"] = list(ran.secrets)
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

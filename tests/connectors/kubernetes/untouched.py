"""An untouched cluster: the roles and bindings of ``bootstrap.toml``, and what kubeadm runs."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.connectors.kubernetes.manifests import (
    Manifest,
    account,
    binding,
    deployment,
    group,
    namespace,
    pod,
    role,
    user,
)

_DATA = tomllib.loads(Path(__file__).with_name("bootstrap.toml").read_text())
_USUAL = {"labels": {"kubernetes.io/bootstrapping": "rbac-defaults"}}
NAMESPACES = ("default", "kube-node-lease", "kube-public", "kube-system")


def untouched() -> list[Manifest]:
    """All its objects."""
    return [*_roles(), *_bindings(), *_accounts(), *_workloads()]


def _rule(text: str) -> Manifest:
    verbs, groups, resources = text.split(" ")
    resources, _, names = resources.partition("@")
    found: Manifest = {
        "verbs": verbs.split(","),
        "apiGroups": ["" if one == "core" else one for one in groups.split(",")],
        "resources": resources.split(","),
    }
    return found | ({"resourceNames": names.split(",")} if names else {})


def _roles() -> Iterator[Manifest]:
    cluster_roles: dict[str, list[str]] = _DATA["cluster_roles"]
    put_together = {name: [text for part in parts for text in cluster_roles[part]] for name, parts in
                    _DATA["aggregated"].items()}  # fmt: skip
    controllers = {f"system:controller:{name}": rules for name, rules in _DATA["controllers"].items()}
    for name, rules in (cluster_roles | put_together | controllers).items():
        yield role(name, *map(_rule, rules), **_usual(name))
    for within, roles in _DATA["roles"].items():
        for name, rules in roles.items():
            yield role(name, *map(_rule, rules), within=within, **_usual(name))


def _usual(name: str) -> dict[str, Any]:
    """What kubeadm makes has no label."""
    return {} if name.startswith("kubeadm:") or name in ("system:coredns", "kube-proxy") else _USUAL


def _bindings() -> Iterator[Manifest]:
    for within, bindings in _DATA["bindings"].items():
        for title, subjects in bindings.items():
            name, to = title.split(" ")
            yield _labelled(binding(name, to, *map(_subject, subjects), within=within), name)
    for name in _DATA["controllers"]:
        title = f"system:controller:{name}"
        yield _labelled(binding(title, f"ClusterRole/{title}", ("kube-system", name)), title)


def _labelled(manifest: Manifest, name: str) -> Manifest:
    manifest["metadata"] |= _usual(name)
    return manifest


def _subject(text: str) -> tuple[str, str] | Manifest:
    kind, name = text.split(" ")
    if kind == "ServiceAccount":
        within, _, name = name.partition("/")
        return within, name
    return group(name) if kind == "Group" else user(name)


def _accounts() -> Iterator[Manifest]:
    for within in NAMESPACES:
        yield from () if within in ("default", "kube-system") else (namespace(within),)
        yield account(within, "default")
    for name in (*_DATA["controllers"], "coredns", "kube-proxy", "bootstrap-signer", "token-cleaner"):
        yield account("kube-system", name)


def _workloads() -> Iterator[Manifest]:
    for name in ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"):
        static = pod("kube-system", f"{name}-node-a", nodeName="node-a", hostNetwork=True)
        static["metadata"]["annotations"] = {
            "kubernetes.io/config.mirror": "0a1b",
            "kubernetes.io/config.source": "file",
        }
        yield static
    yield deployment("kube-system", "coredns", "coredns")
    yield pod("kube-system", "kube-proxy-x1", "kube-proxy", nodeName="node-a", hostNetwork=True, containers=[
        {"name": "kube-proxy", "image": "registry.example/kube-proxy", "securityContext": {"privileged": True}}
    ])  # fmt: skip

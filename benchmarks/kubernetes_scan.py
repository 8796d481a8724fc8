"""A whole `muster scan` of a cluster with 10,000 service accounts and 30,000 pods: calls, CPU and memory, both ways.

By its API and from files that `kubectl` wrote. The floor of calls is counted: a page for each 500 objects, one for each
list without any, the version, the API groups and the issuer. Pods are as large as they usually are, some 4 kB.
``python -m benchmarks kubernetes_scan 1000 3000`` reads another number of accounts and pods.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from math import ceil
from pathlib import Path
from typing import Any

from benchmarks.measure import Cost, run
from scanner.demo.fakes.kubernetes.authorizer import User
from scanner.demo.fakes.kubernetes.cluster import Cluster, Manifest
from scanner.demo.fakes.kubernetes.server import KubernetesServer

ACCOUNTS, PODS = 10_000, 30_000
IN_NAMESPACE = 50
"""Accounts of one namespace; each has a role binding in it, each third a pod without a controller."""
PAGE = 500
VARIABLE = "MUSTER_BENCHMARK_TOKEN"
EMPTY = 12
"""Lists without any object: jobs, requests of certificates and the like."""
_RBAC = "rbac.authorization.k8s.io"
_CONFIG = """\
[[source]]
name = "cluster"
type = "kubernetes"
url = "{url}"
token = {{ env = "{token}" }}
"""


def main() -> None:
    """Make the cluster, scan it both ways, and print what it took."""
    accounts, pods = map(int, sys.argv[1:3]) if len(sys.argv) > 1 else (ACCOUNTS, PODS)
    print(f"{accounts} service accounts, {pods} pods")
    with tempfile.TemporaryDirectory() as folder, _elsewhere("serve", accounts, pods) as served:
        assert served.stdin is not None
        assert served.stdout is not None
        url = served.stdout.readline().strip()
        (Path(folder) / "config.toml").write_text(_CONFIG.format(url=url, token=VARIABLE), encoding="utf-8")
        cost = _scan(accounts, Path(folder), "--config=config.toml", {VARIABLE: "benchmark"})
        served.stdin.close()
        calls, fewest = int(served.stdout.readline()), floor(accounts, pods)
        print(f"by its API: {calls} calls: {calls / fewest:.2f} × the floor of {fewest}; {_shown(cost)}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        with _elsewhere("export", accounts, pods, folder) as writing:
            if writing.wait():
                raise RuntimeError("the files could not be written")
        print(f"from files: {_shown(_scan(accounts, Path(folder), 'kubernetes:from_files=export', {}))}")


def _elsewhere(*arguments: object) -> subprocess.Popen[str]:
    """A process of its own: the peak of a child counts what its parent held when it was started."""
    command = [sys.executable, "-m", "benchmarks.kubernetes_scan", *map(str, arguments)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def floor(accounts: int, pods: int) -> int:
    """The fewest requests that list all of it."""
    spaces = ceil(accounts / IN_NAMESPACE)
    counts = (accounts, pods, accounts, accounts, spaces + 2, spaces, spaces)
    return sum(ceil(count / PAGE) for count in counts) + EMPTY


def manifests(accounts: int, pods: int) -> Iterator[Manifest]:
    """The objects of the cluster."""
    for number in range(ceil(accounts / IN_NAMESPACE)):
        space = _space(number * IN_NAMESPACE)
        yield _object("v1", "Namespace", space, labels={"team": f"team-{number % 40}"})
        rules = [{"verbs": ["get", "list", "watch"], "apiGroups": [""], "resources": ["configmaps", "pods"]}]
        yield {**_object(f"{_RBAC}/v1", "Role", "app", space), "rules": rules}
        yield {
            **_object(f"{_RBAC}/v1", "RoleBinding", "app", space),
            "roleRef": {"apiGroup": _RBAC, "kind": "Role", "name": "app"},
            "subjects": [
                {"kind": "ServiceAccount", "name": f"app-{one:05}", "namespace": space}
                for one in range(number * IN_NAMESPACE, min(accounts, (number + 1) * IN_NAMESPACE))
            ],
        }
    for number in range(accounts):
        name, space = f"app-{number:05}", _space(number)
        yield _object("v1", "ServiceAccount", name, space, labels={"app.kubernetes.io/part-of": "shop"})
        for kind in ("Deployment", "ReplicaSet"):
            owned = {"ownerReferences": [_owner("Deployment", name)]} if kind == "ReplicaSet" else {}
            yield {
                **_object("apps/v1", kind, name, space, labels={"app": name}, **owned),
                "spec": {"replicas": 3, "template": {"metadata": {"labels": {"app": name}}, "spec": _pod_spec(name)}},
            }
    for number in range(pods):
        account = number % accounts
        name, space = f"app-{account:05}", _space(account)
        owned = {"ownerReferences": [_owner("ReplicaSet", name)]} if number % 9 else {}
        yield {
            **_object("v1", "Pod", f"{name}-{number:05}", space, labels={"app": name}, **owned),
            "spec": {**_pod_spec(name), "nodeName": f"node-{number % 300:03}"},
            "status": {"phase": "Running", "conditions": _CONDITIONS, "podIP": "10.1.2.3", "qosClass": "Burstable"},
        }


_CONDITIONS = [
    {"type": kind, "status": "True", "lastProbeTime": None, "lastTransitionTime": "2026-03-01T08:00:00Z"}
    for kind in ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled")
]


def _space(number: int) -> str:
    return f"space-{number // IN_NAMESPACE:04}"


def _object(version: str, kind: str, name: str, namespace: str | None = None, **about: Any) -> Manifest:
    place = {"namespace": namespace} if namespace else {}
    fields = {"f:metadata": {"f:labels": {".": {}, "f:app": {}}}, "f:spec": {f"f:field-{one}": {} for one in range(20)}}
    managed = [{"manager": "kube-controller-manager", "operation": "Update", "apiVersion": version, "fieldsV1": fields}]
    return {
        "apiVersion": version,
        "kind": kind,
        "metadata": {"name": name, **place, "managedFields": managed, **about},
    }


def _owner(kind: str, name: str) -> Mapping[str, Any]:
    return {"apiVersion": "apps/v1", "kind": kind, "name": name, "uid": f"{kind}-{name}", "controller": True}


def _pod_spec(account: str) -> Manifest:
    variables = [
        *({"name": f"SETTING_{number}", "value": f"value-{number}"} for number in range(12)),
        {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": f"{account}-db", "key": "password"}}},
    ]
    token = {"serviceAccountToken": {"path": "token", "expirationSeconds": 3607}}
    return {
        "serviceAccountName": account,
        "containers": [
            {
                "name": "app",
                "image": "registry.example/shop/app:1.27.3",
                "env": variables,
                "ports": [{"containerPort": 8080, "protocol": "TCP"}],
                "resources": {
                    "limits": {"cpu": "1", "memory": "512Mi"},
                    "requests": {"cpu": "100m", "memory": "256Mi"},
                },
                "volumeMounts": [{"name": "access", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"}],
            }
        ],
        "volumes": [{"name": "access", "projected": {"defaultMode": 420, "sources": [token]}}],
    }


def _serve(accounts: int, pods: int) -> None:
    """Serve until the input closes; then say how often it was asked."""
    cluster = Cluster(manifests(accounts, pods))
    with KubernetesServer(cluster, {"benchmark": User("root", ("system:masters",))}) as server:
        print(server.url, flush=True)
        sys.stdin.read()
        print(len(server.asked), flush=True)


def _export(accounts: int, pods: int, folder: Path) -> None:
    """A file for each resource, as `kubectl get -A -o json` writes it."""
    (folder / "export").mkdir()
    cluster = Cluster(manifests(accounts, pods))
    for resource, objects in cluster.objects.items():
        if resource.plural in ("secrets", "configmaps", "nodes"):
            continue
        with (folder / "export" / f"{resource.plural}.json").open("w", encoding="utf-8") as file:
            json.dump({"apiVersion": "v1", "items": objects, "kind": "List"}, file, indent=4)
    answers = {"openid-configuration": {"issuer": cluster.issuer}, "jwks": {"keys": [{"kid": "one"}]},
               "version": {"major": "1", "minor": "36"}}  # fmt: skip
    for name, answer in answers.items():
        (folder / "export" / f"{name}.json").write_text(json.dumps(answer), encoding="utf-8")


def _scan(accounts: int, folder: Path, source: str, environment: Mapping[str, str]) -> Cost:
    """Raises RuntimeError where not all was found."""
    muster = str(Path(sys.executable).with_name("muster"))
    command = [muster, "scan", source, "--quiet", "-o", "json:r.json"]
    cost = run(command, environment=environment, cwd=str(folder))
    summary = json.loads((folder / "r.json").read_text(encoding="utf-8"))["summary"]
    if (summary["identities"], summary["gaps"]) != (accounts, 0):
        raise RuntimeError(f"{summary['identities']} identities were found, with {summary['gaps']} gaps")
    return cost


def _shown(cost: Cost) -> str:
    return f"wall {cost.wall:.1f} s, CPU {cost.cpu:.1f} s, peak {cost.peak:.0f} MiB"


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["serve", given, running]:
            _serve(int(given), int(running))
        case ["export", given, running, where]:
            _export(int(given), int(running), Path(where))
        case _:
            main()

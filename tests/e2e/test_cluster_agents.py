"""What a scan of a cluster's files says of its AI agents: what others could make them do, and as what they run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.cli.conftest import Muster, muster
from tests.connectors.kubernetes.manifests import account, binding, namespace, pod, role, rule
from tests.connectors.kubernetes.test_agents import GITHUB, MODEL, kagent, of_server

__all__ = ["muster"]

SYSTEM = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kube-system", "uid": "u-1"}}
USUAL = "spiffe://example.org/ns/{{ .PodMeta.Namespace }}/sa/{{ .PodSpec.ServiceAccountName }}"
SPIFFE = {"apiVersion": "spire.spiffe.io/v1alpha1", "kind": "ClusterSPIFFEID", "metadata": {"name": "all"},
          "spec": {"spiffeIDTemplate": USUAL}}  # fmt: skip
TRIAGE, QUIET = "kubernetes://u-1/bots/agent/triage", "kubernetes://u-1/bots/agent/quiet"


def _export(folder: Path) -> None:
    """One agent that reads issues of anybody and answers them, and one that reads them alone."""
    files: dict[str, tuple[Any, ...]] = {
        "namespaces": (SYSTEM, namespace("bots")),
        "serviceaccounts": (account("bots", "triage"), account("bots", "quiet")),
        "clusterroles": (role("reads-secrets", rule("get,list", "", "secrets")),),
        "clusterrolebindings": (binding("b", "ClusterRole/reads-secrets", ("bots", "triage")),),
        "pods": (pod("bots", "t-1", "triage"),),
        "agents": (
            kagent("triage", of_server("github", "get_issue", "create_issue")),
            kagent("quiet", of_server("github", "get_issue")),
        ),
        "remotemcpservers": (GITHUB,),
        "modelconfigs": (MODEL,),
        "clusterspiffeids": (SPIFFE,),
    }
    empty = "roles rolebindings deployments statefulsets daemonsets replicasets jobs cronjobs replicationcontrollers"
    for name in empty.split():
        files[name] = ()
    folder.mkdir()
    for name, objects in files.items():
        (folder / f"{name}.json").write_text(json.dumps({"kind": "List", "items": list(objects)}))


def test_an_exposed_agent_of_a_cluster(muster: Muster, tmp_path: Path) -> None:  # the imported fixture
    """The near miss has no way out."""
    _export(tmp_path / "export")
    (tmp_path / "registry.csv").write_text(
        "id,identities,owner,status\nN-1,spiffe://example.org/ns/bots/sa/triage,ada@example.com,active\n"
    )
    done = muster("scan", "kubernetes:from_files=export", "--registry", "registry.csv", "-o", "json:-")
    found = json.loads(done.out)

    identities = {one["key"]: one for one in found["identities"]}
    triage, quiet = identities[TRIAGE], identities[QUIET]
    assert [one["target"] for one in triage["links"]] == ["kubernetes://u-1/bots/serviceaccount/triage"]
    assert (triage["agent"]["exposure"], quiet["agent"]["exposure"]) == ("exposed", "none")
    (leak,) = (one for one in found["findings"] if one["rule"] == "agent_exfiltration")
    assert (leak["identity"], leak["evidence"]["opened_by"]) == (TRIAGE, "anybody")
    assert leak["evidence"]["cut"] == "take create_issue of github from it"
    assert (triage["registry"]["state"], triage["registry"]["entry"]) == ("registered", "N-1")

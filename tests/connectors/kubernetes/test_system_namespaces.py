"""Whose namespaces are exempt: those of Kubernetes, and of the vendor that a cluster shows to be its own."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.kubernetes.payloads import Metadata
from connectors.kubernetes.reader import KubernetesFacts
from connectors.kubernetes.system_namespaces import is_system_namespace

VENDORS: dict[str, dict[str, Any]] = {
    "none": {},
    "self-managed": {"issuer": "https://kubernetes.default.svc", "server": "https://10.0.0.1:6443", "build": "v1.34.1"},
    "EKS": {"issuer": "https://oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE", "build": "v1.34.1-eks-3025e55"},
    "GKE": {"issuer": "https://container.googleapis.com/v1/projects/p/locations/l/clusters/c"},
    "GKE by its version": {"build": "v1.34.1-gke.1431000"},
    "AKS": {"issuer": "https://westeurope.oic.prod-aks.azure.com/tenant/id/"},
    "AKS by its address": {"server": "https://shop-dns-1a2b3c4d.hcp.westeurope.azmk8s.io:443"},
    "OpenShift": {
        "namespaces": {"kube-system": Metadata(name="kube-system", annotations={"openshift.io/sa.scc.mcs": "s0:c1"})}
    },
    "a look-alike of GKE": {"issuer": "https://container.googleapis.com.evil.example/v1/projects/p"},
    "a namespace with the annotation": {
        "namespaces": {"openshift-x": Metadata(name="openshift-x", annotations={"openshift.io/sa.scc.mcs": "s0:c1"})}
    },
}
EVERYWHERE = {"kube-system", "kube-public", "kube-node-lease"}
NAMES = (*EVERYWHERE, "gke-x", "gmp-system", "aks-x", "openshift", "openshift-x", "kube-flannel", "shop", "my-gke-x")


@pytest.mark.parametrize(
    ("vendor", "own"),
    [
        ("none", set()),
        ("self-managed", set()),
        ("EKS", set()),
        ("GKE", {"gke-x", "gmp-system"}),
        ("GKE by its version", {"gke-x", "gmp-system"}),
        ("AKS", {"aks-x"}),
        ("AKS by its address", {"aks-x"}),
        ("OpenShift", {"openshift", "openshift-x", "kube-flannel"}),
        ("a look-alike of GKE", set()),
        ("a namespace with the annotation", set()),
    ],
)
def test_a_vendor_s_names_count_in_its_own_clusters(vendor: str, own: set[str]) -> None:
    """Whoever may create a namespace could hide accounts by its name."""
    facts = KubernetesFacts("cluster")
    for name, value in VENDORS[vendor].items():
        setattr(facts, name, value)

    assert {name for name in NAMES if is_system_namespace(name, facts)} == EVERYWHERE | own

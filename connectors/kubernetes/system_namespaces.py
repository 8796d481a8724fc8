"""Namespaces of Kubernetes itself and of the vendor of a cluster. Pure.

Whoever may create a namespace chooses its name. So a vendor's prefix counts only in a cluster of that vendor, which the
issuer, the address or the version of the API server shows.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from connectors.kubernetes.reader import KubernetesFacts
from scanner.text import issuer_name

_OF_KUBERNETES: Final = ("kube-system", "kube-public", "kube-node-lease")
_OPENSHIFT: Final = "openshift.io/sa.scc.mcs"
"""An annotation that OpenShift adds to every namespace."""
_AKS: Final = (".prod-aks.azure.com", ".azmk8s.io", ".azk8s.cn", ".aks.containerservice.azure.us")


def is_system_namespace(namespace: str, facts: KubernetesFacts) -> bool:
    """Whether Kubernetes or the vendor of the cluster made it. Without a sign of the vendor, it is not the vendor's."""
    return namespace in _OF_KUBERNETES or any(
        names.fullmatch(namespace) and is_of_vendor(facts) for names, is_of_vendor in _OF_VENDORS
    )


def _is_gke(facts: KubernetesFacts) -> bool:
    return _host(facts.issuer) == "container.googleapis.com" or "-gke." in facts.build


def _is_aks(facts: KubernetesFacts) -> bool:
    return any(_host(url).endswith(_AKS) for url in (facts.issuer, facts.server))


def _is_openshift(facts: KubernetesFacts) -> bool:
    own = (facts.namespaces[name] for name in _OF_KUBERNETES if name in facts.namespaces)
    return bool(facts.constraints) or any(_OPENSHIFT in (one.annotations or {}) for one in own)


def _host(url: str | None) -> str:
    return issuer_name(url or "").partition("/")[0].partition(":")[0]


_OF_VENDORS: Final[tuple[tuple[re.Pattern[str], Callable[[KubernetesFacts], bool]], ...]] = (
    (re.compile(r"gke-.*|gmp-.*"), _is_gke),
    (re.compile(r"aks-.*"), _is_aks),
    (re.compile(r"openshift|openshift-.*|kube-.*"), _is_openshift),
)

"""The SPIFFE ids that SPIRE gives the pods of accounts, as far as a ClusterSPIFFEID says them by itself. Pure.

Source: https://github.com/spiffe/spire-controller-manager/blob/main/docs/clusterspiffeid-crd.md
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from connectors.kubernetes.custom_agents import Selector, SpiffeId
from connectors.kubernetes.rights.targets import Account

_EXPRESSION: Final = re.compile(r"\{\{-?\s*(.*?)\s*-?\}\}")
_NAMESPACE, _ACCOUNT = ".PodMeta.Namespace", ".PodSpec.ServiceAccountName"
_ID: Final = re.compile(r"spiffe://[a-z0-9._-]{1,255}(?:/[\w.-]{1,255}){1,20}", re.ASCII)
_LONGEST: Final = 2_000
_EVERYTHING: Final = Selector()


def spiffe_id(rule: SpiffeId, account: Account, pod: Mapping[str, str], namespace: Mapping[str, str]) -> str | None:
    """The id of a pod of an account, by its labels and those of its namespace; None if it has none, or it is unknown.

    It is unknown where the template needs more than namespace and account: the trust domain is SPIRE's own setting.
    """
    spec = rule.spec
    if not ((spec.pods or _EVERYTHING).selects(pod) and (spec.namespaces or _EVERYTHING).selects(namespace)):
        return None
    wanted = {f"k8s:ns:{account[0]}", f"k8s:sa:{account[1]}"}
    if not all(_filled(text, account) in wanted for text in spec.more or ()):
        return None
    found = _filled(spec.template, account)
    return found if found is not None and _ID.fullmatch(found) else None


def is_spiffe_id(text: str) -> bool:
    """Whether it is the whole id of a workload."""
    return _ID.fullmatch(text) is not None


def _filled(template: str, account: Account) -> str | None:
    """The text of a template; None if it needs anything but the account."""
    if len(template) > _LONGEST:
        return None
    known = {_NAMESPACE: account[0], _ACCOUNT: account[1]}
    if any(one not in known for one in _EXPRESSION.findall(template)):
        return None
    return _EXPRESSION.sub(lambda found: known[found[1]], template)

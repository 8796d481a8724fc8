"""Methods of privilege escalation: the rules that each needs, its level, and the service accounts it leads to.

Sources: https://kubernetes.io/docs/concepts/security/rbac-good-practices/ and the documentation of impersonation, of
certificate signing requests, and of each controller. Methods through controllers are in ``steering.toml``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, Final, Literal, TypeAlias

from msgspec import Struct

from connectors.kubernetes.rights.rules import RBAC, Rule
from scanner.catalog import read_table
from scanner.model import PrivilegeLevel

Targets: TypeAlias = Literal["none", "named", "accounts", "pods", "nodes", "tokens", "controller"]
"""The service accounts that a method leads to: those that rules name (or all), all, those of running pods, those of
pods on nodes, those with a token that never expires, or that of a controller."""

_IN_CLUSTER: Final = frozenset(
    {"users", "groups", "nodes", "nodes/proxy", "nodes/status", "persistentvolumes", "clusterroles",
     "clusterrolebindings", "certificatesigningrequests", "certificatesigningrequests/approval", "signers",
     "mutatingwebhookconfigurations", "validatingwebhookconfigurations", "mutatingadmissionpolicies",
     "mutatingadmissionpolicybindings"}
)  # fmt: skip
"""Cluster-scoped resources, on which a RoleBinding grants nothing. A namespace, as an object, is an exception."""


class Need(Struct, frozen=True):
    """A required right: any of ``verbs`` on a resource. ``names``: a rule limited to one of these objects suffices.

    ``by_any_name``: a rule limited to any object suffices.
    """

    verbs: frozenset[str]
    group: str
    resource: str
    names: frozenset[str] = frozenset()
    by_any_name: bool = False

    @property
    def in_cluster(self) -> bool:
        """Whether only rules that apply to the whole cluster grant it."""
        return self.resource in _IN_CLUSTER

    def met_by(self, rule: Rule) -> bool:
        """Whether the rule allows it on all objects, or on one that suffices."""
        on_enough = not rule.names or self.by_any_name or not rule.names.isdisjoint(self.names)
        return on_enough and self.covered_by(rule)

    def covered_by(self, rule: Rule) -> bool:
        """Whether the rule allows it on any object."""
        return rule.covers(self.verbs, self.group, self.resource)


class Method(Struct, frozen=True, kw_only=True):
    """A method that takes all ``needs``. ``everywhere``: the level in the cluster, ``within``: in one namespace.

    ``named``: the level of rules that are limited to named objects; None: such rules do not count. ``runs``: whether it
    runs pods. ``before``: the first minor version of Kubernetes that requires more; None: none does. ``labels``: of the
    controller that it controls.
    """

    id: str
    needs: tuple[Need, ...]
    why: str
    everywhere: PrivilegeLevel
    within: PrivilegeLevel
    targets: Targets = "none"
    named: PrivilegeLevel | None = None
    runs: bool = False
    before: int | None = None
    labels: frozenset[str] = frozenset()


_WRITE: Final = "create update patch"
_CHANGE: Final = "update patch"
_READ: Final = "get list watch"


def need(verbs: str, resource: str, *names: str, by_any_name: bool = False) -> Need:
    """A need in short form: ``group/resource`` for other groups; a subresource follows after a colon."""
    group, _, plural = resource.rpartition("/")
    return Need(frozenset(verbs.split()), group, plural.replace(":", "/"), frozenset(names), by_any_name)


_Levels: TypeAlias = tuple[PrivilegeLevel, PrivilegeLevel]


def _method(name: str, needs: Need | tuple[Need, ...], why: str, levels: _Levels, **more: Any) -> Method:
    everywhere, within = levels
    needed = needs if isinstance(needs, tuple) else (needs,)
    return Method(id=name, needs=needed, why=why, everywhere=everywhere, within=within, **more)


_ADMIN: Final[_Levels] = ("admin", "admin")
_UP: Final[_Levels] = ("escalation", "escalation")
_UP_EVERYWHERE: Final[_Levels] = ("escalation", "high")
_HIGH: Final[_Levels] = ("high", "high")
_NORMAL: Final[_Levels] = ("normal", "normal")
_ADMISSION: Final = "admissionregistration.k8s.io"
_CERTIFICATES: Final = "certificates.k8s.io"
_MASTERS: Final = "system:masters"
_TEMPLATES: Final = (
    *((_WRITE, plural) for plural in ("replicationcontrollers", "batch/cronjobs")),
    *((_WRITE, f"apps/{plural}") for plural in ("deployments", "daemonsets", "statefulsets", "replicasets")),
    ("create", "batch/jobs"),
)
"""Resources with a pod template, and the verbs that set it. The template of an existing job cannot be changed."""


def _signing(*signers: str) -> tuple[Need, ...]:
    """The rights to get a certificate of one's own approved. All three: the signer then signs it by itself."""
    return (
        need("create", f"{_CERTIFICATES}/certificatesigningrequests"),
        need(_CHANGE, f"{_CERTIFICATES}/certificatesigningrequests:approval", by_any_name=True),
        need("approve", f"{_CERTIFICATES}/signers", *signers, "kubernetes.io/*"),
    )


_PLAIN: Final = (
    _method("impersonate", (need("impersonate", "users", by_any_name=True), need("impersonate", "groups", _MASTERS)),
            f"impersonate the group {_MASTERS}", _ADMIN),
    _method("impersonate",
            (need("impersonate", "serviceaccounts", by_any_name=True), need("impersonate", "groups", _MASTERS)),
            f"impersonate service accounts in the group {_MASTERS}", _ADMIN),
    _method("impersonate", need("impersonate", "users"), "impersonate any user", _UP),
    _method("impersonate_accounts", need("impersonate", "serviceaccounts"), "impersonate service accounts",
            _UP_EVERYWHERE, targets="named", named="high"),
    _method("request_tokens", need("create", "serviceaccounts:token"), "request tokens of service accounts",
            _UP_EVERYWHERE, targets="named", named="high"),
    _method("read_secrets", need(f"{_READ} patch", "secrets"), "read secrets", _HIGH, targets="tokens",
            named="normal"),  # the answer to a patch is the whole object
    _method("make_tokens", (need(_READ, "secrets"), need(_WRITE, "secrets")),
            "make a token of any service account as a secret", _UP_EVERYWHERE, targets="accounts"),
    _method("make_tokens", (need("patch", "secrets"), need("create", "secrets")),
            "make a token of any service account as a secret", _UP_EVERYWHERE, targets="accounts"),
    _method("run_pods", need("create", "pods"), "run pods as any service account", _UP_EVERYWHERE, targets="accounts",
            named="high", runs=True),
    *(
        _method("run_workloads", need(verbs, resource),
                f"run {resource.rpartition('/')[2]} as any service account", _UP_EVERYWHERE, targets="accounts",
                named="high", runs=True)
        for verbs, resource in _TEMPLATES
    ),
    _method("change_pods", need(_CHANGE, "pods"), "replace images of pods", _UP_EVERYWHERE, targets="pods",
            named="high"),
    *(
        _method("enter_pods", need(verb, f"pods:{sub}"), why, _UP_EVERYWHERE, targets="pods", named="high",
                before=before)
        for sub, why in (("exec", "run commands in pods"), ("attach", "attach to pods"))
        for verb, before in (("create", None), ("get", 35))
    ),
    _method("enter_pods", need(_CHANGE, "pods:ephemeralcontainers"), "add containers to pods", _UP_EVERYWHERE,
            targets="pods", named="high", runs=True),
    _method("kubelet", need("get create", "nodes:proxy"), "reach the kubelets of nodes", _UP, targets="nodes",
            named="high"),
    _method("sign_certificates", _signing("kubernetes.io/kube-apiserver-client"),
            "approve its own client certificate, of any name", _ADMIN),
    _method("sign_certificates", _signing("kubernetes.io/kube-apiserver-client-kubelet"),
            "approve its own certificate as a node", _UP, targets="nodes"),
    _method("host_volumes", need("create", "persistentvolumes"), "create volumes on nodes", _UP),
    _method("mutating_webhooks", need(_WRITE, f"{_ADMISSION}/mutatingwebhookconfigurations", by_any_name=True),
            "change all objects through webhooks", _UP),
    _method("mutating_policies",
            (need(_WRITE, f"{_ADMISSION}/mutatingadmissionpolicies"),
             need(_WRITE, f"{_ADMISSION}/mutatingadmissionpolicybindings")),
            "change all objects through admission policies", _UP),
    _method("validating_webhooks", need(_WRITE, f"{_ADMISSION}/validatingwebhookconfigurations", by_any_name=True),
            "see all objects through webhooks", _HIGH),
    *(
        _method("remove_webhooks", need("delete deletecollection", f"{_ADMISSION}/{plural}", by_any_name=True),
                "remove webhooks that check objects", _HIGH)
        for plural in ("mutatingwebhookconfigurations", "validatingwebhookconfigurations")
    ),
    _method("label_namespaces", need(_CHANGE, "namespaces"), "lower the Pod Security level", _HIGH),
    _method("steal_pods", need(_CHANGE, "nodes"), "move pods to a node of its choice", _HIGH),
    *(
        _method("steal_pods", (need(_CHANGE, "nodes:status"), away), "move pods to a node of its choice", _HIGH)
        for away in (need("delete", "pods"), need("create", "pods:eviction"), need(_CHANGE, "pods:status"),
                     need("delete", "nodes"))
    ),
    _method("steal_pods", need(_CHANGE, "batch/jobs"), "move jobs to a node of its choice", _HIGH),
    _method("redirect_services", need(_CHANGE, "services:status"), "redirect the traffic of services (CVE-2020-8554)",
            _HIGH),
    *(
        _method("destroy", need("delete deletecollection", plural), f"delete {what}", _NORMAL, named="normal")
        for plural, what in (
            ("persistentvolumeclaims", "volumes"),
            ("persistentvolumes", "volumes"),
            ("namespaces", "namespaces with all that is in them"),
        )
    ),
    *(
        _method("escalate", (need("escalate", f"{RBAC}/{plural}"), need(_WRITE, f"{RBAC}/{plural}")),
                f"write {plural} with more rights than its own", _UP)
        for plural in ("roles", "clusterroles")
    ),
)  # fmt: skip


class _Way(Struct, frozen=True, forbid_unknown_fields=True):
    resource: str
    why: str
    verbs: tuple[str, ...] = tuple(_WRITE.split())
    leads_to: Literal["none", "accounts", "controller"] = "none"
    runs: bool = False


class _Controller(Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    ways: tuple[_Way, ...]
    labels: frozenset[str] = frozenset()


def _steering() -> Iterator[Method]:
    table = read_table("connectors.kubernetes.rights", "steering.toml", dict[str, tuple[_Controller, ...]])
    for controller in table["controller"]:
        for way in controller.ways:
            yield _method(
                "steering",
                need(" ".join(way.verbs), way.resource),
                way.why,
                _UP_EVERYWHERE if way.runs else _HIGH,
                targets=way.leads_to,
                named="high",
                runs=way.runs,
                labels=controller.labels,
            )


OPEN_CONSTRAINTS: Final = frozenset(
    {"privileged", "anyuid", "hostaccess", "hostmount-anyuid", "hostnetwork", "hostnetwork-v2", "node-exporter"}
)
"""OpenShift's built-in security context constraints under which pods reach their node or run as root."""


@lru_cache(64)
def _using(constraints: frozenset[str]) -> Method:
    return _method(
        "openshift_scc",
        need("use", "security.openshift.io/securitycontextconstraints", *constraints),
        "run pods under privileged security context constraints",
        _HIGH,
    )


_OF_ANY_CLUSTER: Final = (*_PLAIN, *_steering())
METHODS: Final = (*_OF_ANY_CLUSTER, _using(OPEN_CONSTRAINTS))
"""Every method that depends on rules alone. Those that depend on roles, namespaces or the cloud: evaluation.py."""


class Found(Struct, frozen=True, kw_only=True):
    """A method that rules allow. ``level``: in the scope of the rules. ``rules``: those that allow it.

    ``names``: the objects that it is limited to; empty: all.
    """

    method: Method
    level: PrivilegeLevel
    rules: tuple[Rule, ...]
    names: frozenset[str] = frozenset()


class Kind(Struct, frozen=True, kw_only=True):
    """The facts of a cluster that decide what rules allow.

    ``minor``: the version of Kubernetes, 1.x. ``open_constraints``: constraints under which pods reach their node.
    """

    minor: int | None = None
    open_constraints: frozenset[str] = OPEN_CONSTRAINTS


UNKNOWN_KIND: Final = Kind()


@lru_cache(8_192)
def methods_of(wide: tuple[Rule, ...], local: tuple[Rule, ...] | None, kind: Kind = UNKNOWN_KIND) -> tuple[Found, ...]:
    """Return the methods that rules allow in the cluster; with ``local``, those that a namespace's rules add.

    ``wide``: rules for the whole cluster. ``local``: rules for one namespace.
    """
    known = (*_OF_ANY_CLUSTER, _using(kind.open_constraints))
    current = (one for one in known if one.before is None or kind.minor is None or kind.minor < one.before)
    return tuple(found for method in current if (found := _found(method, wide, local)) is not None)


def _found(method: Method, wide: tuple[Rule, ...], local: tuple[Rule, ...] | None) -> Found | None:
    met: list[tuple[Rule, ...]] = []
    own = frozenset(local or ()).difference(wide)
    for one in method.needs:
        rules = wide if one.in_cluster else (*wide, *(local or ()))
        met.append(tuple(rule for rule in rules if one.met_by(rule)))
    if all(met):
        used = tuple(dict.fromkeys(some[0] for some in met))
        if local is None or not own.isdisjoint(used):
            return Found(method=method, level=method.everywhere if local is None else method.within, rules=used)
    return _by_name(method, wide, local, own) if method.named is not None and not met[0] else None


def _by_name(
    method: Method, wide: tuple[Rule, ...], local: tuple[Rule, ...] | None, own: frozenset[Rule]
) -> Found | None:
    """The method on the objects that rules are limited to. Only methods with a single need have this form."""
    (one,) = method.needs
    rules = [rule for rule in (wide if one.in_cluster else (*wide, *(local or ()))) if one.covered_by(rule)]
    if not rules or method.named is None or (local is not None and own.isdisjoint(rules)):
        return None
    names = frozenset(name for rule in rules for name in rule.names)
    return Found(method=method, level=method.named, rules=tuple(rules[:1]), names=names)


def is_met(needs: Iterable[Need], rules: Sequence[Rule]) -> bool:
    """Whether rules meet all needs."""
    return all(any(one.met_by(rule) for rule in rules) for one in needs)

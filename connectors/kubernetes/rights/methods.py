"""Methods of privilege escalation: the rules that each needs, what it gives, and the service accounts it leads to.

Sources: https://kubernetes.io/docs/concepts/security/rbac-good-practices/ and the documentation of impersonation, of
certificate signing requests, and of each controller. Methods through controllers are in ``steering.toml``. What takes
other roles (``bind``, ``escalate``) is in ``powers.py``, what takes pods near their node in ``levels.py``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final, Literal, TypeAlias

from msgspec import Struct

from connectors.kubernetes.rights.rules import IN_CLUSTER, RBAC, KubernetesRule
from scanner.catalog import read_table
from scanner.model import PrivilegeLevel

Targets: TypeAlias = Literal["none", "named", "accounts", "pods", "nodes", "tokens", "controller"]
"""The service accounts that a method leads to: those that rules name (or all), all, those of running pods, those of
pods on nodes, those with a token that never expires, or that of a controller."""


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
        return self.resource in IN_CLUSTER

    def met_by(self, rule: KubernetesRule) -> bool:
        """Whether the rule allows it on all objects, or on one that suffices."""
        on_enough = not rule.names or self.by_any_name or not rule.names.isdisjoint(self.names)
        return on_enough and self.covered_by(rule)

    def covered_by(self, rule: KubernetesRule) -> bool:
        """Whether the rule allows it on any object."""
        return rule.covers(self.verbs, self.group, self.resource)


Outcome: TypeAlias = Literal["admin", "self", "potential", "high", "normal"]
"""What a method gives: the rights of an admin; a way to take them for oneself; others, who may be admins or not, as
their own rights decide; an action of high consequence; or an action that is worth to know alone."""

LEVELS: Final[Mapping[Outcome, PrivilegeLevel]] = {
    "admin": "admin",
    "self": "escalation",
    "potential": "high",
    "high": "high",
    "normal": "normal",
}


class KubernetesMethod(Struct, frozen=True, kw_only=True):
    """A method that takes all ``needs``. ``named``: what rules give that are limited to named objects; None: nothing.

    ``runs``: whether it runs pods. ``before``: the first minor version of Kubernetes that requires more; None: none
    does. ``labels``: of the controller that it controls. ``changes``: the objects (``group/resource``) one of which has
    to exist for rules that create none; empty: none has to.
    """

    id: str
    needs: tuple[Need, ...]
    why: str
    outcome: Outcome
    targets: Targets = "none"
    named: Outcome | None = None
    runs: bool = False
    before: int | None = None
    labels: frozenset[str] = frozenset()
    changes: str = ""


_WRITE: Final = "create update patch"
_CHANGE: Final = "update patch"
_READ: Final = "get list watch"


def need(verbs: str, resource: str, *names: str, by_any_name: bool = False) -> Need:
    """A need in short form: ``group/resource`` for other groups; a subresource follows after a colon."""
    group, _, plural = resource.rpartition("/")
    return Need(frozenset(verbs.split()), group, plural.replace(":", "/"), frozenset(names), by_any_name)


def _method(name: str, needs: Need | tuple[Need, ...], why: str, outcome: Outcome, **more: Any) -> KubernetesMethod:
    needed = needs if isinstance(needs, tuple) else (needs,)
    return KubernetesMethod(id=name, needs=needed, why=why, outcome=outcome, **more)


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
            f"impersonate the group {_MASTERS}", "admin"),
    _method("impersonate",
            (need("impersonate", "serviceaccounts", by_any_name=True), need("impersonate", "groups", _MASTERS)),
            f"impersonate service accounts in the group {_MASTERS}", "admin"),
    _method("impersonate", need("impersonate", "users"), "impersonate any user", "potential"),
    _method("impersonate_accounts", need("impersonate", "serviceaccounts"), "impersonate service accounts",
            "potential", targets="named", named="potential"),
    _method("request_tokens", need("create", "serviceaccounts:token"), "request tokens of service accounts",
            "potential", targets="named", named="potential"),
    _method("read_secrets", need(f"{_READ} patch", "secrets"), "read secrets", "high", targets="tokens",
            named="normal"),  # the answer to a patch is the whole object
    _method("make_tokens", (need(_READ, "secrets"), need(_WRITE, "secrets")),
            "make a token of any service account as a secret", "potential", targets="accounts"),
    _method("make_tokens", (need("patch", "secrets"), need("create", "secrets")),
            "make a token of any service account as a secret", "potential", targets="accounts"),
    _method("run_pods", need("create", "pods"), "run pods as any service account", "potential", targets="accounts",
            named="potential", runs=True),
    *(
        _method("run_workloads", need(verbs, resource),
                f"run {resource.rpartition('/')[2]} as any service account", "potential", targets="accounts",
                named="potential", runs=True, changes=resource if verbs != "create" else "")
        for verbs, resource in _TEMPLATES
    ),
    _method("change_pods", need(_CHANGE, "pods"), "replace images of pods", "potential", targets="pods",
            named="potential"),
    *(
        _method("enter_pods", need(verb, f"pods:{sub}"), why, "potential", targets="pods", named="potential",
                before=before)
        for sub, why in (("exec", "run commands in pods"), ("attach", "attach to pods"))
        for verb, before in (("create", None), ("get", 35))
    ),
    _method("enter_pods", need(_CHANGE, "pods:ephemeralcontainers"), "add containers to pods", "potential",
            targets="pods", named="potential", runs=True),
    _method("kubelet", need("get create", "nodes:proxy"), "reach the kubelets of nodes", "potential", targets="nodes",
            named="potential"),
    _method("sign_certificates", _signing("kubernetes.io/kube-apiserver-client"),
            "approve its own client certificate, of any name", "admin"),
    _method("node_certificates", _signing("kubernetes.io/kube-apiserver-client-kubelet"),
            "approve its own certificate as a node", "potential", targets="nodes"),
    _method("host_volumes", need("create", "persistentvolumes"), "create volumes on the disks of nodes", "potential"),
    _method("mutating_webhooks", need(_WRITE, f"{_ADMISSION}/mutatingwebhookconfigurations"),
            "change all objects through webhooks", "self", named="potential",
            changes=f"{_ADMISSION}/mutatingwebhookconfigurations"),
    _method("mutating_policies",
            (need(_WRITE, f"{_ADMISSION}/mutatingadmissionpolicies"),
             need(_WRITE, f"{_ADMISSION}/mutatingadmissionpolicybindings")),
            "change all objects through admission policies", "self"),
    _method("validating_webhooks", need(_WRITE, f"{_ADMISSION}/validatingwebhookconfigurations", by_any_name=True),
            "see all objects through webhooks", "high"),
    *(
        _method("remove_webhooks", need("delete deletecollection", f"{_ADMISSION}/{plural}", by_any_name=True),
                "remove webhooks that check objects", "high")
        for plural in ("mutatingwebhookconfigurations", "validatingwebhookconfigurations")
    ),
    _method("label_namespaces", need(_CHANGE, "namespaces"), "lower the Pod Security level", "high"),
    _method("steal_pods", need(_CHANGE, "nodes"), "move pods to a node of its choice", "high"),
    *(
        _method("steal_pods", (need(_CHANGE, "nodes:status"), away), "move pods to a node of its choice", "high")
        for away in (need("delete", "pods"), need("create", "pods:eviction"), need(_CHANGE, "pods:status"),
                     need("delete", "nodes"))
    ),
    _method("steal_pods", need(_CHANGE, "batch/jobs"), "move jobs to a node of its choice", "high"),
    _method("redirect_services", need(_CHANGE, "services:status"), "redirect the traffic of services (CVE-2020-8554)",
            "high"),
    *(
        _method("destroy", need("delete deletecollection", plural), f"delete {what}", "normal", named="normal")
        for plural, what in (
            ("persistentvolumeclaims", "volumes"),
            ("persistentvolumes", "volumes"),
            ("namespaces", "namespaces with all that is in them"),
        )
    ),
    *(
        _method("escalate", (need("escalate", f"{RBAC}/{plural}"), need(_WRITE, f"{RBAC}/{plural}")),
                f"write {plural} with more rights than its own", "potential")
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


def _steering() -> Iterator[KubernetesMethod]:
    table = read_table("connectors.kubernetes.rights", "steering.toml", dict[str, tuple[_Controller, ...]])
    for controller in table["controller"]:
        for way in controller.ways:
            yield _method(
                "steering",
                need(" ".join(way.verbs), way.resource),
                way.why,
                "high" if way.leads_to == "none" else "potential",
                targets=way.leads_to,
                named="high" if way.leads_to == "none" else "potential",
                runs=way.runs,
                labels=controller.labels,
                changes="" if way.verbs == ("create",) else way.resource,
            )


OPEN_CONSTRAINTS: Final = frozenset(
    {"privileged", "anyuid", "hostaccess", "hostmount-anyuid", "hostnetwork", "hostnetwork-v2", "node-exporter"}
)
"""OpenShift's built-in security context constraints under which pods reach their node or run as root."""


@lru_cache(64)
def _using(constraints: frozenset[str]) -> KubernetesMethod:
    return _method(
        "openshift_scc",
        need("use", "security.openshift.io/securitycontextconstraints", *constraints),
        "run pods under privileged security context constraints",
        "high",
    )


_OF_ANY_CLUSTER: Final = (*_PLAIN, *_steering())
METHODS: Final = (*_OF_ANY_CLUSTER, _using(OPEN_CONSTRAINTS))
"""Every method that depends on rules alone. Those that depend on roles, namespaces or the cloud: evaluation.py."""


class AllowedMethod(Struct, frozen=True, kw_only=True):
    """A method that rules allow. ``outcome``: by these rules. ``rules``: those that allow it.

    ``names``: the objects that it is limited to; empty: all. ``creates``: it needs no object that exists.
    """

    method: KubernetesMethod
    outcome: Outcome
    rules: tuple[KubernetesRule, ...]
    names: frozenset[str] = frozenset()
    creates: bool = True

    @property
    def roles(self) -> str:
        """The roles that allow it."""
        return ", ".join(dict.fromkeys(rule.role for rule in self.rules if rule.role))


class Kind(Struct, frozen=True, kw_only=True):
    """The facts of a cluster that decide what rules allow.

    ``minor``: the version of Kubernetes, 1.x. ``open_constraints``: constraints under which pods reach their node.
    """

    minor: int | None = None
    open_constraints: frozenset[str] = OPEN_CONSTRAINTS


UNKNOWN_KIND: Final = Kind()


@lru_cache(8_192)
def methods_of(
    wide: tuple[KubernetesRule, ...], local: tuple[KubernetesRule, ...] | None, kind: Kind = UNKNOWN_KIND
) -> tuple[AllowedMethod, ...]:
    """Return the methods that rules allow in the cluster; with ``local``, those that a namespace's rules add.

    ``wide``: rules for the whole cluster. ``local``: rules for one namespace.
    """
    known = (*_OF_ANY_CLUSTER, _using(kind.open_constraints))
    current = (one for one in known if one.before is None or kind.minor is None or kind.minor < one.before)
    return tuple(found for method in current for found in _found(method, wide, local))


def _found(
    method: KubernetesMethod, wide: tuple[KubernetesRule, ...], local: tuple[KubernetesRule, ...] | None
) -> Iterator[AllowedMethod]:
    met: list[tuple[KubernetesRule, ...]] = []
    own = frozenset(local or ()).difference(wide)
    for one in method.needs:
        rules = wide if one.in_cluster else (*wide, *(local or ()))
        met.append(tuple(rule for rule in rules if one.met_by(rule)))
    if all(met):
        # Rules that create come first: they need no object that exists.
        creates = bool(not method.changes or any(map(_creates, met[0])))
        some = sorted(met[0], key=_creates, reverse=True) if method.changes else met[0]
        used = tuple(dict.fromkeys((some[0], *(rules[0] for rules in met[1:]))))
        if local is None or not own.isdisjoint(used):
            yield AllowedMethod(method=method, outcome=method.outcome, rules=used, creates=creates)
    elif method.named is not None and not met[0]:
        yield from _by_name(method, wide, local, own)


def _creates(rule: KubernetesRule) -> bool:
    return rule.creates


def _by_name(
    method: KubernetesMethod,
    wide: tuple[KubernetesRule, ...],
    local: tuple[KubernetesRule, ...] | None,
    own: frozenset[KubernetesRule],
) -> Iterator[AllowedMethod]:
    """The method on the objects that rules are limited to. Only methods with a single need have this form."""
    (one,) = method.needs
    rules = [rule for rule in (wide if one.in_cluster else (*wide, *(local or ()))) if one.covered_by(rule)]
    if method.named is None or (local is not None and own.isdisjoint(rules)):
        return
    for creates in (True, False):
        some = tuple(rule for rule in rules if not method.changes or _creates(rule) is creates)
        if some and (creates or method.changes):
            names = frozenset(name for rule in some for name in rule.names)
            yield AllowedMethod(method=method, outcome=method.named, rules=some[:1], names=names, creates=creates)

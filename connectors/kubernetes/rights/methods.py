"""Ways to more rights: which rules a way takes, how far it leads, and which service accounts it leads to.

Sources: https://kubernetes.io/docs/concepts/security/rbac-good-practices/ and the documentation of impersonation, of
certificate signing requests, and of each controller. No published list has the controllers that act on custom
resources.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Literal, TypeAlias

from msgspec import Struct

from connectors.kubernetes.rights.rules import RBAC, Rule
from scanner.model import Privilege, PrivilegeLevel

Targets: TypeAlias = Literal["none", "named", "accounts", "running", "tokens"]
"""Service accounts that a method leads to: those that rules name (or all), all, those of running pods, those with a
token that never expires."""


class Need(Struct, frozen=True):
    """One of ``verbs`` on a resource. ``names``: objects that count also where the rule names them; empty: none do."""

    verbs: frozenset[str]
    group: str
    resource: str
    names: frozenset[str] = frozenset()

    def met_by(self, rule: Rule) -> bool:
        """Whether the rule allows it on all objects, or on one of those that count."""
        on_enough = not rule.names or not rule.names.isdisjoint(self.names)
        return on_enough and self.covered_by(rule)

    def covered_by(self, rule: Rule) -> bool:
        """Whether the rule allows it on any object."""
        if self.resource == "*":  # on anything
            return rule.covers(self.verbs, next(iter(rule.groups), ""), next(iter(rule.resources), ""))
        return rule.covers(self.verbs, self.group, self.resource)


class Method(Struct, frozen=True, kw_only=True):
    """A way up, which takes all ``needs``. ``within``: the level in one namespace, ``everywhere``: in all.

    ``by_name``: rules that name objects count, too, and lead to the accounts of these names. ``before``: the first
    minor version of Kubernetes that asks for more; None: none does.
    """

    id: str
    needs: tuple[Need, ...]
    why: str
    everywhere: PrivilegeLevel
    within: PrivilegeLevel
    targets: Targets = "none"
    by_name: bool = False
    before: int | None = None


_WRITE: Final = "create update patch"


def _need(verbs: str, resource: str, *names: str) -> Need:
    """Resources of other groups are written ``group/resource``; a subresource follows after a colon."""
    group, _, plural = resource.rpartition("/")
    return Need(frozenset(verbs.split()), group, plural.replace(":", "/"), frozenset(names))


def _method(
    name: str,
    needs: Need | tuple[Need, ...],
    why: str,
    levels: tuple[PrivilegeLevel, PrivilegeLevel],
    targets: Targets = "none",
    *,
    by_name: bool = False,
    before: int | None = None,
) -> Method:
    everywhere, within = levels
    return Method(
        id=name,
        needs=needs if isinstance(needs, tuple) else (needs,),
        why=why,
        everywhere=everywhere,
        within=within,
        targets=targets,
        by_name=by_name,
        before=before,
    )


_ADMIN: Final[tuple[PrivilegeLevel, PrivilegeLevel]] = ("admin", "normal")
_UP: Final[tuple[PrivilegeLevel, PrivilegeLevel]] = ("escalation", "escalation")
_UP_EVERYWHERE: Final[tuple[PrivilegeLevel, PrivilegeLevel]] = ("escalation", "high")
_UP_IN_CLUSTER: Final[tuple[PrivilegeLevel, PrivilegeLevel]] = ("escalation", "normal")
_HIGH: Final[tuple[PrivilegeLevel, PrivilegeLevel]] = ("high", "high")
_HIGH_IN_CLUSTER: Final[tuple[PrivilegeLevel, PrivilegeLevel]] = ("high", "normal")
_ADMISSION: Final = "admissionregistration.k8s.io"
_CERTIFICATES: Final = "certificates.k8s.io"
_CLIENT_SIGNERS: Final = ("kubernetes.io/kube-apiserver-client", "kubernetes.io/*")
_TEMPLATES: Final = (
    "replicationcontrollers",
    *(f"apps/{plural}" for plural in ("deployments", "daemonsets", "statefulsets", "replicasets")),
    *(f"batch/{plural}" for plural in ("jobs", "cronjobs")),
)
_STEERING: Final = (
    ("argoproj.io/applications", "deploy anything through Argo CD"),
    ("argoproj.io/applicationsets", "deploy anything through Argo CD"),
    ("argoproj.io/appprojects", "change what Argo CD may deploy"),
    ("argoproj.io/workflows", "run Argo workflows as any service account"),
    ("kustomize.toolkit.fluxcd.io/kustomizations", "deploy anything through Flux"),
    ("helm.toolkit.fluxcd.io/helmreleases", "deploy anything through Flux"),
    ("tekton.dev/taskruns", "run Tekton tasks as any service account"),
    ("tekton.dev/pipelineruns", "run Tekton pipelines as any service account"),
    ("external-secrets.io/externalsecrets", "have External Secrets read any secret of its stores"),
    ("external-secrets.io/pushsecrets", "have External Secrets copy secrets out of the cluster"),
    ("cert-manager.io/certificates", "have cert-manager issue certificates of any name"),
)

METHODS: Final = (
    _method("impersonate_users", (_need("impersonate", "users"), _need("impersonate", "groups")),
            "impersonate any user and group", _ADMIN),
    _method("impersonate_users", _need("impersonate", "users"), "impersonate users", _UP_IN_CLUSTER),
    _method("impersonate_groups",
            (_need("impersonate", "serviceaccounts"), _need("impersonate", "groups")),
            "impersonate service accounts in any group", _ADMIN),
    _method("impersonate_service_accounts", _need("impersonate", "serviceaccounts"),
            "impersonate service accounts", _UP, "named", by_name=True),
    _method("request_tokens", _need("create", "serviceaccounts:token"),
            "request tokens of service accounts", _UP_EVERYWHERE, "named", by_name=True),
    _method("read_secrets", _need("get list watch", "secrets"), "read secrets", _HIGH, "tokens"),
    _method("make_tokens", (_need("get list watch", "secrets"), _need(_WRITE, "secrets")),
            "make a token of any service account as a secret", _UP_EVERYWHERE, "accounts"),
    _method("run_pods", _need("create", "pods"), "run pods as any service account", _UP_EVERYWHERE, "accounts"),
    *(
        _method("run_workloads", _need(_WRITE, resource),
                f"run {resource.rpartition('/')[2]} as any service account", _UP_EVERYWHERE, "accounts")
        for resource in _TEMPLATES
    ),
    _method("change_pods", _need("update patch", "pods"), "replace images of pods", _UP_EVERYWHERE, "running"),
    _method("exec", _need("create", "pods:exec"), "run commands in pods", _UP_EVERYWHERE, "running"),
    _method("exec", _need("get", "pods:exec"), "run commands in pods", _UP_EVERYWHERE, "running", before=35),
    _method("attach", _need("create", "pods:attach"), "attach to pods", _UP_EVERYWHERE, "running"),
    _method("debug", _need("update patch", "pods:ephemeralcontainers"), "add containers to pods", _UP_EVERYWHERE,
            "running"),
    _method("kubelet", _need("get create", "nodes:proxy"), "reach the kubelets of nodes", _UP_IN_CLUSTER, "running"),
    _method("sign_certificates",
            (_need("create", f"{_CERTIFICATES}/certificatesigningrequests"),
             _need("update patch", f"{_CERTIFICATES}/certificatesigningrequests:approval"),
             _need("approve", f"{_CERTIFICATES}/signers", *_CLIENT_SIGNERS)),
            "approve its own client certificate, of any name", _ADMIN),
    _method("host_volumes", _need("create", "persistentvolumes"), "create volumes on nodes", _UP_IN_CLUSTER),
    _method("mutating_webhooks", _need(_WRITE, f"{_ADMISSION}/mutatingwebhookconfigurations"),
            "change all objects through webhooks", _UP_IN_CLUSTER),
    _method("mutating_policies",
            (_need(_WRITE, f"{_ADMISSION}/mutatingadmissionpolicies"),
             _need(_WRITE, f"{_ADMISSION}/mutatingadmissionpolicybindings")),
            "change all objects through admission policies", _UP_IN_CLUSTER),
    _method("validating_webhooks", _need(_WRITE, f"{_ADMISSION}/validatingwebhookconfigurations"),
            "see all objects through webhooks", _HIGH_IN_CLUSTER),
    _method("label_namespaces", _need("update patch", "namespaces"), "lower the Pod Security level", _HIGH),
    _method("steal_pods", (_need("update patch", "nodes:status"), _need("delete", "pods")),
            "move pods to a node of its choice", _HIGH_IN_CLUSTER),
    _method("steal_pods", (_need("update patch", "nodes"), _need("delete", "pods")),
            "move pods to a node of its choice", _HIGH_IN_CLUSTER),
    _method("steal_pods", (_need("update patch", "nodes:status"), _need("create", "pods:eviction")),
            "move pods to a node of its choice", _HIGH_IN_CLUSTER),
    _method("openshift_scc", _need("use", "security.openshift.io/securitycontextconstraints", "privileged", "anyuid",
            "hostaccess", "hostmount-anyuid", "hostnetwork", "node-exporter"),
            "run pods under privileged security context constraints", _HIGH),
    *(_method("steering", _need("create update patch", resource), why, _HIGH) for resource, why in _STEERING),
    *(
        _method("escalate", (_need("escalate", f"{RBAC}/{plural}"), _need(_WRITE, f"{RBAC}/{plural}")),
                f"write {plural} with more rights than its own", _UP)
        for plural in ("roles", "clusterroles")
    ),
    *(
        _method("constrained_impersonation",
                (_need(f"impersonate:{mode}", f"authentication.k8s.io/{resource}"),
                 _need(f"impersonate-on:{mode}:", "*")),
                f"impersonate {what}", _HIGH)
        for mode, resource, what in (
            ("user-info", "users", "users"),
            ("serviceaccount", "serviceaccounts", "service accounts"),
            ("arbitrary-node", "nodes", "nodes"),
            ("associated-node", "nodes", "its own node"),
        )
    ),
)  # fmt: skip
"""Every way that takes rules alone. What depends on other roles, namespaces and the cloud is in evaluation.py."""

ORDER: Final[tuple[PrivilegeLevel, ...]] = ("admin", "escalation", "high", "normal")


class Found(Struct, frozen=True, kw_only=True):
    """A method that rules allow. ``level``: in the scope that the rules hold in. ``rules``: those that allow it.

    ``names``: the only objects it is about; empty: all.
    """

    method: Method
    level: PrivilegeLevel
    rules: tuple[Rule, ...]
    names: frozenset[str] = frozenset()


def methods_of(rules: Sequence[Rule], *, everywhere: bool, minor: int | None = None) -> Iterator[Found]:
    """Yield the methods that rules allow which hold in all namespaces, or in one. ``minor``: of Kubernetes 1.x."""
    for method in METHODS:
        if method.before is not None and minor is not None and minor >= method.before:
            continue
        met = [_meeting(need, rules, by_name=method.by_name) for need in method.needs]
        if not all(met):
            continue
        level = method.everywhere if everywhere else method.within
        if level == "normal":
            continue
        whole = [[rule for rule in some if not rule.names or not method.by_name] for some in met]
        names = frozenset() if all(whole) else frozenset(name for rule in met[0] for name in rule.names)
        used = dict.fromkeys(some[0] for some in (whole if all(whole) else met))
        # An account that rules name may be harmless: where it leads is for its own rights to say.
        yield Found(method=method, level="high" if names else level, rules=tuple(used), names=names)


def _meeting(need: Need, rules: Iterable[Rule], *, by_name: bool) -> list[Rule]:
    """The rules that meet a need, those about all objects first."""
    met = [rule for rule in rules if need.met_by(rule) or (by_name and rule.names and need.covered_by(rule))]
    return sorted(met, key=lambda rule: bool(rule.names))


# --- The level of rules alone, as the gate needs it ---

_ROLES: Final = tuple(f"{RBAC}/{plural}" for plural in ("roles", "clusterroles"))
_BINDINGS: Final = tuple(f"{RBAC}/{plural}" for plural in ("rolebindings", "clusterrolebindings"))
BIND_ROLES = tuple(_need("bind", resource) for resource in _ROLES)
WRITE_BINDINGS = tuple(_need(_WRITE, resource) for resource in _BINDINGS)
"""Binding takes the verb on the role, and to write a binding; without the verb one binds only what one has."""

_KNOWN_ROLES: Final[dict[str, tuple[PrivilegeLevel, PrivilegeLevel, str]]] = {
    "cluster-admin": ("admin", "escalation", "cluster-admin allows * on *"),
    "admin": ("escalation", "escalation", "admin allows to impersonate service accounts and to bind roles"),
    "edit": ("escalation", "high", "edit allows to run pods, read secrets and impersonate service accounts"),
    "view": ("normal", "normal", "view allows to read all but secrets"),
}
"""Roles that each cluster has: what they give everywhere, in one namespace, and why."""


def known_role(name: str, *, everywhere: bool) -> Privilege | None:
    """Return what a role gives that each cluster has; None for any other."""
    if (found := _KNOWN_ROLES.get(name)) is None:
        return None
    level = found[0] if everywhere else found[1]
    return Privilege(level=level, evidence=(found[2],) if level != "normal" else ())


def privilege_of(rules: Sequence[Rule], *, everywhere: bool) -> Privilege:
    """Return the level of rules that are bound in all namespaces, or in one."""
    return highest(levels_of(rules, everywhere=everywhere))


def highest(found: Iterable[tuple[PrivilegeLevel, str]]) -> Privilege:
    """Return the highest level, with what gives it."""
    reasons = list(found)
    level = min((one for one, _ in reasons), key=ORDER.index, default=ORDER[-1])
    return Privilege(level=level, evidence=tuple(dict.fromkeys(why for one, why in reasons if one == level)))


def levels_of(
    rules: Sequence[Rule], *, everywhere: bool, minor: int | None = None
) -> Iterator[tuple[PrivilegeLevel, str]]:
    """Yield each level that rules give, with the reason."""
    where = "in the cluster" if everywhere else "in its namespace"
    if any(rule.allows_everything for rule in rules):
        yield ("admin" if everywhere else "escalation"), f"* on * {where}"
        return
    for found in methods_of(rules, everywhere=everywhere, minor=minor):
        named = f" ({', '.join(sorted(found.names)[:3])})" if found.names else ""
        yield found.level, f"may {found.method.why}{named} {where}"
    if any(need.met_by(rule) for need in BIND_ROLES for rule in rules) and any(
        need.met_by(rule) for need in WRITE_BINDINGS for rule in rules
    ):
        yield "escalation", f"may bind roles {where}"
    if any("*" in rule.verbs | rule.resources and not rule.names for rule in rules):
        yield "high", f"rules with * {where}"

"""The privilege level of rules, as far as they alone decide it, and the methods that lead on to others. Pure.

``escalation`` is what its holder can do to itself for certain. A method that leads to other accounts is ``high``: which
of these are powerful is decided by their own rights, along the links. Source:
https://kubernetes.io/docs/concepts/security/rbac-good-practices/
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple, TypeAlias

from connectors.kubernetes.rights.impersonation import acts_as_node, impersonable, limits
from connectors.kubernetes.rights.methods import LEVELS, UNKNOWN_KIND, AllowedMethod, Kind, methods_of, need
from connectors.kubernetes.rights.rules import RBAC, KubernetesRule, Names, Scoped, named
from connectors.kubernetes.rights.targets import NOTHING_KNOWN, Lead, Surroundings
from scanner.model import POTENTIAL, Privilege, PrivilegeLevel

ORDER: Final[tuple[PrivilegeLevel, ...]] = ("admin", "escalation", "high", "normal")
_READING: Final = frozenset({"get", "list", "watch"})
_HOLD_SECRETS: Final = frozenset(
    {"", "*", "subresources.kubevirt.io", "management.cattle.io", "oauth.openshift.io", "route.openshift.io",
     "image.openshift.io"}
)  # fmt: skip
"""Groups with an object that holds a secret, or a subresource that runs commands by ``get``: secrets and kubelets of
the core group, consoles of KubeVirt, tokens of Rancher, and OpenShift's tokens, keys of routes and pull secrets."""
_LABELS: Final = need("update patch", "namespaces")
_WRITES: Final = tuple(f"{one}bindings" for one in ("role", "clusterrole"))

_KNOWN_ROLES: Final[dict[str, tuple[PrivilegeLevel, PrivilegeLevel, str]]] = {
    "cluster-admin": ("admin", "escalation", "cluster-admin allows * on *"),
    "admin": ("high", "high", f"{POTENTIAL}admin allows to run pods, read secrets and impersonate service accounts"),
    "edit": ("high", "high", f"{POTENTIAL}edit allows to run pods, read secrets and impersonate service accounts"),
    "view": ("normal", "normal", "view allows to read all but secrets"),
}
"""Built-in roles: their level in the cluster, their level in a namespace, and the reason."""
Reason: TypeAlias = tuple[PrivilegeLevel, str]


class Weighed(NamedTuple):
    """The reasons for levels, each with its level, and the methods that lead to other accounts or can be used."""

    reasons: tuple[Reason, ...]
    leads: tuple[Lead, ...]


def known_role(name: str, *, everywhere: bool) -> Privilege | None:
    """Return the privilege of a built-in role; None for any other."""
    if (found := _KNOWN_ROLES.get(name)) is None:
        return None
    level = found[0] if everywhere else found[1]
    return Privilege(level=level, evidence=(found[2],) if level != "normal" else ())


def privilege_of(rules: Sequence[KubernetesRule], *, everywhere: bool, kind: Kind = UNKNOWN_KIND) -> Privilege:
    """Return the privilege of rules that are bound in all namespaces, or in one, in a cluster of that kind.

    The objects, roles and subjects of the cluster are unknown.
    """
    place = "" if everywhere else "its namespace"
    own: Scoped = {place: tuple(rules)}
    around = Surroundings(kind=kind, whole=False)
    return highest((*weigh(own, around).reasons, *_alone(rules, place), *weigh(limits(own), around).reasons))


def highest(found: Iterable[Reason]) -> Privilege:
    """Return the highest level with its reasons; the lowest needs none."""
    reasons = [one for one in found if one[0] != ORDER[-1]]
    level = min((one for one, _ in reasons), key=ORDER.index, default=ORDER[-1])
    return Privilege(level=level, evidence=tuple(dict.fromkeys(why for one, why in reasons if one == level)))


def where(namespace: str) -> str:
    """The place in words."""
    return f"in {namespace if ' ' in namespace else f'namespace {namespace}'}" if namespace else "in the cluster"


def _alone(rules: Sequence[KubernetesRule], place: str) -> Iterator[Reason]:
    """Yield what rules give through roles and subjects that are unknown."""

    def may(verbs: str, resource: str) -> Names:
        return named(rules, verbs.split(), RBAC, resource)

    for plural, writes in zip(("roles", "clusterroles"), _WRITES, strict=True):
        if may("bind", "clusterroles") is None and may("create", writes) is None and not (place and plural != "roles"):
            yield "escalation", f"binding any ClusterRole {where(place)}"
    if may("bind", "roles") is None and may("create", "rolebindings") is None:
        yield "high", f"{POTENTIAL}may bind any Role {where(place)}"
    written = _WRITES[:1] if place else _WRITES
    if may("bind", "clusterroles") is None and any(may("update patch", writes) is None for writes in written):
        yield "high", f"{POTENTIAL}may join any binding {where(place)}"
    if not place and may("escalate", "clusterroles") is None and may("update patch", "clusterroles") is None:
        yield "escalation", "writing any rights into its own ClusterRole"
    whom = impersonable({place: rules})
    if not place and whom.users:
        yield "high", f"{POTENTIAL}may impersonate the user {min(whom.users)}"
    if not place and whom.anyone and whom.groups:
        yield "high", f"{POTENTIAL}may impersonate the group {min(whom.groups)}"


def weigh(own: Scoped, around: Surroundings = NOTHING_KNOWN) -> Weighed:
    """Return what rules alone reach, in the cluster and in each namespace, and where they lead.

    ``own``: rules by namespace.
    """
    reasons: list[Reason] = []
    leads: list[Lead] = []
    in_cluster: tuple[AllowedMethod, ...] = ()
    for namespace in ("", *(space for space in own if space)):
        wide = tuple(own.get("", ()))
        local = tuple(own.get(namespace, ())) if namespace else None
        methods = methods_of(wide, local, around.kind)
        in_cluster = in_cluster if namespace else methods
        if not namespace and any(rule.allows_everything for rule in wide):
            reasons.append(("admin", "* on * in the cluster"))
        ran: list[Lead] = []
        for found in methods:
            usable = around.usable(found, namespace)
            leads += usable.leads
            ran += (one for one in usable.leads if found.method.runs)
            reasons += _reasons(found, namespace, usable.unread, used=bool(usable.leads))
            reasons += _privileged(found, usable.leads, around)
        reasons += _to_the_node(ran, own, around)
        if ran and any(one.method.id == "host_volumes" for one in in_cluster):
            reasons.append(("escalation", f"running pods {where(namespace)} with volumes on the disks of their nodes"))
        if not namespace and acts_as_node(own):
            reasons.append(("high", "may act as a node, which reads the secrets of its pods"))
        if any(map(_is_wild, wide if local is None else local)):
            reasons.append(("high", f"rules with * {where(namespace)}"))
    return Weighed(tuple(_without_alike(reasons)), tuple(leads))


def _reasons(found: AllowedMethod, namespace: str, unread: bool, *, used: bool) -> Iterator[Reason]:
    method, outcome = found.method, found.outcome
    if unread and found.names and method.targets == "tokens":
        outcome = "potential"
    if found.names and not used and not unread:
        return  # none of the objects that it names exists
    what = f"{method.why}{_names(found)} {where(namespace)}"
    by = f" ({found.roles})" if found.roles else ""
    unknown = "; what that leads to could not be read" if unread else ""
    text = {"potential": f"{POTENTIAL}may {what}{by}{unknown}", "self": f"the right to {what}{by}"}
    yield LEVELS[outcome], text.get(outcome, f"may {what}")


def _names(found: AllowedMethod) -> str:
    return f" ({', '.join(sorted(found.names)[:3])})" if found.names else ""


def _without_alike(reasons: Iterable[Reason]) -> Iterator[Reason]:
    """Yield reasons once, and of methods that lead to all accounts of a place the first alone."""
    seen: set[str] = set()
    for level, why in reasons:
        head, many, place = why.partition("as any service account")
        key = f"{head.startswith(POTENTIAL)}{many}{place.partition(' (')[0]}" if many else why
        if key not in seen:
            seen.add(key)
            yield level, why


def _to_the_node(ran: Iterable[Lead], own: Scoped, around: Surroundings) -> Iterator[Reason]:
    """Yield ways from pods that it runs to their nodes, and so to everything that runs there."""
    closed: dict[str, bool | None] = {}
    for lead in ran:
        by = f" ({lead.found.roles})" if lead.found.roles else ""
        for space in _spaces(lead, around):
            is_open = around.is_open(space) if space else None
            if _may_label(own, space):
                after = "after lowering its Pod Security level"
                yield "escalation", f"running privileged pods {where(space)}, {after}{by}"
                return
            if is_open:
                yield (
                    "escalation",
                    f"running privileged pods {where(space)}, where no Pod Security level is enforced{by}",
                )
                return
            closed[space] = is_open
    unread = [space for space, is_open in closed.items() if is_open is None and space]
    if around.there is not None and (unread or (closed and not around.whole)):
        what = f"the Pod Security level of namespace {unread[0]}" if unread else "Pod Security levels of namespaces"
        yield "high", f"{POTENTIAL}may run pods, perhaps privileged ones: {what} could not be read"


def _spaces(lead: Lead, around: Surroundings) -> Sequence[str]:
    """The namespaces where a lead runs pods; the empty one for all, if none is known."""
    if lead.found.method.targets == "pods" and around.there is not None:
        return sorted({space for space, _ in around.there.meant(lead)})
    return (lead.namespace,) if lead.namespace else (*sorted(around.enforced),) or ("",)


def _may_label(own: Scoped, namespace: str) -> bool:
    """Whether it may change the labels of a namespace; empty: of all."""
    names = named((*own.get("", ()), *own.get(namespace, ())), _LABELS.verbs, _LABELS.group, _LABELS.resource)
    return names is None or namespace in names


def _privileged(found: AllowedMethod, leads: Iterable[Lead], around: Surroundings) -> Iterator[Reason]:
    """Yield commands in containers that are privileged, and so reach their nodes."""
    method, by = found.method, f" ({found.roles})" if found.roles else ""
    for lead in leads:
        if method.id == "kubelet" and (found.names & frozenset(around.privileged_nodes) or not found.names):
            if workload := next(iter(around.privileged.values()), None):
                yield (
                    "escalation",
                    f"running commands in {workload}, which is privileged, by the kubelet of its node{by}",
                )
        elif method.targets == "pods":
            workload = (
                _privileged_in(around.privileged_pods, lead.namespace, found.names)
                if found.names
                else next((one for space, one in around.privileged.items() if lead.namespace in ("", space)), None)
            )
            if workload:
                yield (
                    "escalation",
                    f"the right to {method.why} {where(lead.namespace)}, where {workload} is privileged{by}",
                )


def _privileged_in(pods: Mapping[str, Iterable[str]], namespace: str, names: frozenset[str]) -> str | None:
    spaces = pods if not namespace else {namespace} & pods.keys()
    return next((f"pod/{name}" for space in sorted(spaces) for name in sorted(pods[space]) if name in names), None)


def _is_wild(rule: KubernetesRule) -> bool:
    """Whether a rule has a wildcard among verbs or resources that allows more than to read what holds no secret."""
    wild = "*" in rule.verbs | rule.resources and not rule.names
    return wild and not (rule.verbs <= _READING and rule.groups.isdisjoint(_HOLD_SECRETS))

"""Understands the resources of the Terraform provider ``google`` that bring service accounts, their rights and keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from msgspec import structs

from connectors.core.reading import unread_facts
from connectors.gcp.planned.accounts import (
    ACCOUNT_TYPES,
    KEY_TYPES,
    SOURCE,
    UNKNOWN_PROJECT,
    Accounts,
    GcpAccount,
    GcpDeclared,
    key_id,
)
from connectors.gcp.planned.bindings import BINDING_TYPES, Bindings, GcpGiven, given_by, policy_types, tables
from connectors.gcp.planned.config_connector import GROUP, READ, as_terraform
from connectors.planned import UNKNOWN, Known, Planned, Resource, planned_key
from connectors.planned.effects import PlannedState, givers_of, planned_by_place
from connectors.planned.kinds import not_understood
from connectors.planned.shapes import mapping, text, walk
from scanner.access.assignments import with_assignments
from scanner.model import Assignment, Link, StoredSecret, Workload
from scanner.model.planned import Computed, Unread

_SECRETS = frozenset({"google_secret_manager_secret", "google_secret_manager_regional_secret"})


class GcpPlanner:
    """Reads resources of the Terraform providers ``google`` and ``google-beta``, and IAM of Config Connector."""

    provider: ClassVar[str] = "gcp"
    types: ClassVar[tuple[str, ...]] = ("google_*", "data.google_*", f"{GROUP}/*")

    @staticmethod
    def reads() -> frozenset[str]:
        """The types that are read completely; objects of Config Connector as the Terraform types that they make."""
        own = ACCOUNT_TYPES | KEY_TYPES.keys() | tables().workloads.keys() | BINDING_TYPES | _SECRETS
        return own | policy_types() | READ

    def planned(self, resources: Sequence[Resource], known: Known) -> Planned:
        """The planned identities and rights."""
        resources = as_terraform(resources)
        after = _PlannerMoment(
            resources, {each.place.resource: each.values for each in resources if each.effect != "deleted"}
        )
        before = _PlannerMoment(resources, {each.place.resource: each.before for each in resources if each.before})
        deployed = [each for each in resources if each.effect != "deleted"]
        return Planned(
            identities=tuple(planned_by_place(after.found, before.found, known)),
            workloads=tuple(after.workload(each) for each in deployed if each.type in tables().workloads),
            secrets=tuple(_secret(each) for each in deployed if each.type in _SECRETS),
            unread=(*after.unread, *not_understood(resources, self.reads() - READ)),
        )


class _PlannerMoment:
    """The resources of a plan after the change, or before it. ``values``: their arguments, by address."""

    def __init__(self, resources: Sequence[Resource], values: Mapping[str, Any]) -> None:
        declared = [
            GcpDeclared(resource=each, values=values[each.place.resource])
            for each in resources
            if each.place.resource in values
        ]
        self._accounts = Accounts(declared)
        self.unread: list[Unread] = []
        for each in declared:
            if each.resource.type in KEY_TYPES:
                self._add_key(each)
        bindings = Bindings(declared, self._accounts)
        given = bindings.given()
        self.unread += bindings.unread
        keys = {account.email: account.key for account in self._accounts}
        self.found = [(account.project, _found(account, given, keys)) for account in self._accounts]

    def _add_key(self, declared: GcpDeclared) -> None:
        accounts = self._accounts.referred(declared, KEY_TYPES[declared.resource.type])
        for account in accounts:
            account.keys.append(declared)
        if not accounts and declared.resource.effect not in ("deleted", "unchanged"):
            reason = "whose key it is is only known after deploying"
            self.unread.append(Unread(place=declared.resource.place, reason=reason))

    def workload(self, resource: Resource) -> Workload:
        """A resource that runs as service accounts."""
        its = tables().workloads[resource.type]
        keys: dict[str, None] = {}
        for path in its.accounts:
            for value, within in walk(resource.values, path):
                if value is UNKNOWN:
                    named = resource.refers.get(".".join(within), ())
                    accounts = [self._accounts.by_at.get(at) for at in named]
                else:
                    accounts = [self._accounts.named(text(value))]
                keys.update({account.key: None for account in accounts if account is not None})
        return Workload(
            key=planned_key(resource.place),
            provider="gcp",
            source=SOURCE,
            scope=text(resource.values.get("project")) or resource.account or UNKNOWN_PROJECT,
            kind=its.kind,
            name=text(resource.values.get("name")) or resource.place.resource,
            runs_as=tuple(keys),
            tags=_labels(resource.values),
        )


def _found(account: GcpAccount, given: GcpGiven, keys: Mapping[str, str]) -> PlannedState:
    held = given.assignments.get(account.email, ())
    trusts = given.trusts.get(account.email, ())
    (identity,) = with_assignments([account.identity()], {account.key: held} if held else {})
    computed: set[Computed] = set() if account.name_known else {"name"}
    if any(not key_id(each) for each in account.keys):
        computed.add("credentials")
    places = () if account.declared is None else (account.declared.resource.place,)
    return PlannedState(
        at=account.at,
        identity=structs.replace(
            identity,
            trusts=trusts,
            links=tuple(_links(held, keys)),
            unread=unread_facts(trusts=account.email in given.unread),
        ),
        effect=account.declared.resource.effect if account.declared is not None and account.is_own else None,
        gains=given_by(account),
        has_state=account.declared is None or account.declared.resource.format == "terraform",
        places=tuple(dict.fromkeys((*places, *(each.resource.place for each in (*account.given, *account.keys))))),
        computed=frozenset(computed),
        givers=givers_of((each.resource, account.gives[each.at]) for each in account.given),
        credentials_at=account.credentials_at(),
    )


def _links(held: Sequence[Assignment], keys: Mapping[str, str]) -> Iterator[Link]:
    """The accounts that bindings on them let it become."""
    for each in held:
        if each.conditional:
            continue
        for target in each.becomes:
            if "*" not in target:
                key = keys.get(target.rpartition("/")[2], target)
                yield Link(relation="can_assume", target=key, evidence=f"{each.grant.name} on {each.grant.resource}")


def _secret(resource: Resource) -> StoredSecret:
    name = text(resource.values.get("secret_id")) or resource.place.resource
    return StoredSecret(
        key=planned_key(resource.place),
        provider="gcp",
        source=SOURCE,
        scope=text(resource.values.get("project")) or resource.account or UNKNOWN_PROJECT,
        name=name,
        tags=_labels(resource.values),
    )


def _labels(values: Mapping[str, Any]) -> dict[str, str]:
    labels = mapping(values.get("labels"))
    return {key: value for key, value in sorted(labels.items()) if isinstance(value, str)}

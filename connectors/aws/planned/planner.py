"""Understands the AWS resources of plans and templates, with the connector's own parsers and evaluation of rights."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, TypeAlias

from connectors.aws.planned.forms import FORMS, AwsDeclared
from connectors.aws.planned.identities import identities_in
from connectors.aws.planned.listing import Account
from connectors.aws.planned.names import PARTITION, Names
from connectors.aws.planned.other_formats import READ, TYPES, as_cloudformation
from connectors.aws.planned.workloads import WORKLOADS, Roles, agent_of, secret_of, workload_of
from connectors.planned import Known, Planned, Resource
from connectors.planned.effects import PlannedState, as_planned
from connectors.planned.kinds import not_understood
from scanner.model.planned import Unread

Where: TypeAlias = tuple[str | None, str]
"""An account, if it is known, and its partition."""


class AwsPlanner:
    """Reads resources of Terraform's providers ``aws`` and ``awscc``, of CloudFormation and SAM, and IAM of ACK."""

    provider: ClassVar[str] = "aws"
    types: ClassVar[tuple[str, ...]] = ("aws_*", "data.aws_*", "AWS::*", *TYPES)

    @staticmethod
    def reads() -> frozenset[str]:
        """The types that are read completely."""
        return frozenset(FORMS.keys() | WORKLOADS.keys() | READ)

    def planned(self, resources: Sequence[Resource], known: Known) -> Planned:
        """The planned identities and rights, account by account."""
        resources = [as_cloudformation(each) for each in resources]
        after = _Moment(resources, {each.place.resource: each.values for each in resources if each.effect != "deleted"})
        before = _Moment(resources, {each.place.resource: each.before for each in resources if each.before})
        identities = [
            planned
            for where in dict.fromkeys((*after.found, *before.found))
            for planned in as_planned(
                after.found.get(where, ()), {each.at: each for each in before.found.get(where, ())}, known, where[0]
            )
        ]
        made = [each for each in resources if each.type in WORKLOADS and each.effect != "deleted"]
        deployed = [(each, after.filled(each), WORKLOADS[each.type][0].agent is not None) for each in made]
        return Planned(
            identities=(
                *identities,
                *(agent_of(each, values, after.roles) for each, values, is_agent in deployed if is_agent),
            ),
            workloads=tuple(
                workload_of(each, values, after.roles) for each, values, is_agent in deployed if not is_agent
            ),
            secrets=tuple(map(secret_of, after.secrets)),
            unread=(*after.unread, *not_understood(resources, self.reads())),
        )


class _Moment:
    """The resources after the change, or before it. ``values``: their arguments, by address."""

    def __init__(self, resources: Sequence[Resource], values: Mapping[str, Any]) -> None:
        given = [
            AwsDeclared(resource=each, form=FORMS[each.type], values=values[each.place.resource])
            for each in resources
            if each.type in FORMS and each.place.resource in values
        ]
        self._names = Names(given, resources)
        by_place: dict[Where, list[AwsDeclared]] = defaultdict(list)
        for each in map(self._names.filled, given):
            by_place[each.resource.account, each.resource.partition or PARTITION].append(each)
        self.found: dict[Where, list[PlannedState]] = {}
        self.unread: list[Unread] = []
        self.secrets = [each for listed in by_place.values() for each in listed if _is_secret(each)]
        self.roles = Roles()
        accounts = {where: Account(declared, self._names, *where) for where, declared in by_place.items()}
        for where, account in accounts.items():
            self.found[where] = identities_in(account, by_place[where], self._names, where)
            self.unread += account.unread
        self.roles = self._roles(accounts)

    def filled(self, resource: Resource) -> Mapping[str, Any]:
        """The arguments of any resource with the references in a template's texts replaced."""
        is_template = resource.format == "cloudformation"
        return self._names.fill(resource.values, resource) if is_template else resource.values

    def _roles(self, accounts: Mapping[Where, Account]) -> Roles:
        holders = [holder for account in accounts.values() for holder in account.all]
        keys = {holder.named.arn: holder.named.key for holder in holders if holder.kind == "role"}
        profiles = {name: keys[arn] for account in accounts.values() for name, arn in account.profiles.items()}
        by_resource = {
            at: holder.named.key
            for account in accounts.values()
            for at, holder in account.holders.items()
            if holder.kind == "role"
        }
        made = {at: profiles[named.arn] for at, named in self._names.of.items() if named.arn in profiles}
        return Roles(by_resource=by_resource, by_arn=keys, by_profile={**profiles, **made})


def _is_secret(declared: AwsDeclared) -> bool:
    match declared.form.what:
        case "secret":
            return True
        case "parameter":
            return declared.text("type") == "SecureString"
        case _:
            return False

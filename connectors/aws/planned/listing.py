"""Builds IAM's listing of an account from what a plan or template declares, as it would be at one moment.

The rows are the payloads that ``GetAccountAuthorizationDetails`` gives, so that the connector's evaluation of rights
takes them as it takes a real account's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, TypeAlias

from connectors.aws.client.iam_calls import AwsListing
from connectors.aws.client.payloads import (
    AttachedPolicy,
    Boundary,
    GroupDetail,
    InlinePolicy,
    InstanceProfile,
    PolicyDetail,
    PolicyVersion,
    RoleDetail,
    Tag,
    UserDetail,
)
from connectors.aws.planned.forms import AwsDeclared, What, tags_in
from connectors.aws.planned.names import MADE_UP_ACCOUNT, AwsNamed, Names
from connectors.aws.planned.policies import Documents, Written, known_part, published_details
from connectors.aws.planned.serverless import SERVICES, serverless_policies, trusting_service
from connectors.aws.spec import GROUPS, POLICIES, ROLES, USERS
from connectors.planned import UNKNOWN
from connectors.planned.effects import givers_of
from connectors.planned.shapes import listed, mapping
from scanner.model.planned import Computed, Giver, PlannedPlace, Unread

Kind: TypeAlias = Literal["role", "user", "group"]
HOLDERS: tuple[Kind, ...] = ("role", "user", "group")
COMPUTED = " (computed)"
"""Suffix of a policy, or a part of one, that is known only after deployment; the evaluator cannot read it."""
_UNREADABLE = "known after deploying"


class Holder:
    """A role, user or group with its rights in the file. ``declared``: None if it is not in the file."""

    def __init__(self, kind: Kind, named: AwsNamed, declared: AwsDeclared | None) -> None:
        self.kind, self.named, self.declared = kind, named, declared
        self.inline: list[InlinePolicy] = []
        self.attached: list[AttachedPolicy] = []
        self.groups: list[str] = []
        self.boundary: str | None = None
        self.trust: Any = None
        self.given: list[AwsDeclared] = []
        """The resources that give it rights or credentials."""
        self.gives: dict[str, list[str]] = {}
        """The names of the policies that each of them gives, by address or logical id."""
        self.credentials: list[AwsDeclared] = []
        self.computed: set[Computed] = set()

    @property
    def at(self) -> str:
        """The resource that declares it, else its ARN."""
        return self.named.arn if self.declared is None else self.declared.at

    def hold_inline(self, name: str, written: Written) -> None:
        """Hold a policy of its own, as far as it is known; an unknown part of it is a policy that cannot be read."""
        if written.document is not None:
            self.inline = [each for each in self.inline if each.policy_name != name]  # a role lists all that it has
            self.inline.append(InlinePolicy(policy_name=name, policy_document=written.document))
        if not written.is_whole:
            self.inline.append(InlinePolicy(policy_name=f"{name}{COMPUTED}", policy_document=_UNREADABLE))
            self.computed.add("permissions")

    def attach(self, arn: str | None) -> None:
        """Hold a managed policy. None: one that only deploying determines."""
        if arn is None:
            self.hold_inline("of a computed ARN", Written())
        elif arn not in {each.policy_arn for each in self.attached}:
            self.attached.append(AttachedPolicy(policy_name=arn.rpartition("/")[2], policy_arn=arn))


class Account:
    """The IAM of one account, as far as a file declares it."""

    def __init__(self, declared: Iterable[AwsDeclared], names: Names, account: str | None, partition: str) -> None:
        self._names, self._account, self._partition = names, account, partition
        self._declared = list(declared)
        self._documents = Documents(self._declared)
        self._by_name: dict[tuple[Kind, str], Holder] = {}
        self.holders: dict[str, Holder] = {}
        """By address or logical id; those that the file does not declare have none."""
        self._by_arn: dict[str, Holder] = {}
        self._policies: dict[str, PolicyDetail] = {}
        self.profiles: dict[str, str] = {}
        """The role in each instance profile, by the profile's name and its ARN."""
        self.unread: list[Unread] = []
        self._policies_at: dict[str, AwsDeclared] = {}
        """The resources of managed policies, by ARN."""
        self._policy_parts: dict[str, Written] = {}
        """Managed policies in the file that are partly unknown, by ARN."""
        self._giving: Mapping[What, Callable[[AwsDeclared], None]] = {
            "role": self._give_own,
            "user": self._give_own,
            "group": self._give_own,
            "serverless": self._give_serverless,
            "service_linked_role": self._give_linked,
            "inline": self._give_inline,
            "policy": self._give_policy,
            "attachment": self._give_attachment,
            "membership": self._join,
            "instance_profile": self._fill_profile,
            "password": self._give_credential,
            "access_key": self._give_credential,
            "credential": self._give_credential,
        }
        for each in self._declared:
            self._declare(each)
        for each in self._declared:
            gives = self._giving.get(each.form.what)
            if gives is not None:
                gives(each)
        for holder in [each for each in self.all if each.groups]:
            for name in holder.groups:
                group = self._by_name["group", name]
                holder.given += [*([group.declared] if group.declared else []), *group.given]
                holder.gives.update(group.gives)

    @property
    def all(self) -> tuple[Holder, ...]:
        """Every holder once."""
        return tuple(self._by_arn.values())

    # --- Who and what there is ---

    def _declare(self, declared: AwsDeclared) -> None:
        what = declared.form.what
        match what:
            case "role" | "user" | "group":
                self._hold(what, declared)
            case "service_linked_role":
                self._hold("role", declared)
            case "serverless" if declared.get("role") is None:
                self._hold("role", declared)
            case "policy":
                named = self._names.of[declared.at]
                written = self._documents.of(declared.get("document"), declared.refers("document"))
                version = PolicyVersion(is_default_version=True, document=written.document)
                self._policies_at[named.arn] = declared
                self._policies[named.arn] = PolicyDetail(arn=named.arn, policy_version_list=(version,))
                if not written.is_whole and not declared.is_data:
                    self._policy_parts[named.arn] = written

    def _hold(self, kind: Kind, declared: AwsDeclared) -> None:
        """Note a holder; several data sources, or a mistake, may declare the same one."""
        named = self._names.of[declared.at]
        holder = self._by_arn.setdefault(named.arn, Holder(kind, named, declared))
        if holder.declared is None or holder.declared.is_data:
            holder.declared = declared
        self.holders[declared.at] = self._by_name[kind, named.name] = holder
        if not named.name_known:
            holder.computed.add("name")

    def _outside(self, kind: Kind, name: str) -> Holder:
        """A role, user or group that the file does not declare."""
        arn = f"arn:{self._partition}:iam::{self._account or MADE_UP_ACCOUNT}:{kind}/{name}"
        key = arn if self._account else f"planned:{kind}/{name}"  # the same for every file that names it
        named = AwsNamed(what=kind, arn=arn, name=name, path="/", key=key, name_known=True)
        holder = self._by_arn.setdefault(arn, Holder(kind, named, None))
        self._by_name[kind, name] = holder
        return holder

    # --- Who gets what ---

    def _give_inline(self, declared: AwsDeclared) -> None:
        written = self._documents.of(declared.get("document"), declared.refers("document"))
        name = declared.text("name") or declared.at
        for holder in self._receiving(declared):
            holder.hold_inline(name, written)
            holder.gives[declared.at] = [name]

    def _give_policy(self, declared: AwsDeclared) -> None:
        for holder in self._receiving(declared):
            self._attach(holder, self._names.of[declared.at].arn, declared)

    def _give_attachment(self, declared: AwsDeclared) -> None:
        for holder in self._receiving(declared):
            self._attach_named(holder, declared, "policy")

    def _give_credential(self, declared: AwsDeclared) -> None:
        for holder in self._receiving(declared):
            holder.credentials.append(declared)

    def _give_linked(self, declared: AwsDeclared) -> None:
        self.holders[declared.at].trust = trusting_service(declared.text("service") or "unknown")

    def _fill_profile(self, declared: AwsDeclared) -> None:
        named = self._names.of[declared.at]
        for holder in self._named_holders(declared, "role"):
            self.profiles[named.name] = self.profiles[named.arn] = holder.named.arn

    def _give_own(self, declared: AwsDeclared) -> None:
        """Rights that are declared inside the holder's own resource."""
        holder = self.holders[declared.at]
        self._give_limits(holder, declared)
        blocks = declared.get("inline")
        if blocks is UNKNOWN and declared.is_given("inline"):
            holder.hold_inline("with a computed name", Written())
        for number, block in enumerate(map(mapping, listed(blocks))):
            document = declared.argument("inline_document")
            name = block.get(declared.argument("inline_name"))
            if name or block.get(document):
                refers = declared.refers("inline", number, document)
                written = self._documents.of(block.get(document), refers)
                holder.hold_inline(name if isinstance(name, str) else "with a computed name", written)
        self._attach_named(holder, declared, "attached")
        if holder.kind == "user":
            self._join(declared)
            if declared.get("password"):
                holder.credentials.append(declared)

    def _give_limits(self, holder: Holder, declared: AwsDeclared) -> None:
        """Its trust policy and its permissions boundary."""
        if declared.argument("trust") and (declared.form.what != "serverless" or declared.get("trust") is not None):
            written = self._documents.of(declared.get("trust"), declared.refers("trust"))
            holder.trust = written.document
            if not written.is_whole:
                holder.computed.add("trusts")
        boundary = declared.get("boundary")
        if boundary is UNKNOWN:
            arns = self._policies_named(declared.refers("boundary"))
            holder.boundary = arns[0] if len(arns) == 1 else _UNREADABLE
            if len(arns) != 1:
                holder.computed.add("permissions")
        elif isinstance(boundary, str) and boundary:
            holder.boundary = boundary

    def _give_serverless(self, declared: AwsDeclared) -> None:
        """Rights of the role that SAM creates for a function without one."""
        holder = self.holders.get(declared.at)
        if holder is None:
            return
        holder.trust = trusting_service(SERVICES[declared.resource.type])
        self._give_limits(holder, declared)
        inline, attached = serverless_policies(declared, self._partition)
        for arn in attached:
            holder.attach(arn)
        for name, document in inline:
            holder.hold_inline(name, known_part(self._names.fill(document, declared.resource)))

    def _attach_named(self, holder: Holder, declared: AwsDeclared, argument: str) -> None:
        value = declared.get(argument)
        if value is None or (value is UNKNOWN and not declared.is_given(argument)):
            return
        values = value if isinstance(value, list) else [value]
        for number, each in enumerate(values):
            if isinstance(each, str):
                self._attach(holder, each, declared)
                continue
            arns = self._policies_named((*declared.refers(argument), *declared.refers(argument, number)))
            if (len(arns) != 1 and not isinstance(value, list)) or not arns:
                holder.attach(None)
            for arn in arns:
                self._attach(holder, arn, declared)

    def _attach(self, holder: Holder, arn: str, by: AwsDeclared) -> None:
        holder.attach(arn)
        name = arn.rpartition("/")[2]
        holder.gives.setdefault(by.at, []).append(name)
        if arn in self._policies_at:
            policy = self._policies_at[arn]
            holder.given.append(policy)
            holder.gives[policy.at] = [name]
        part = self._policy_parts.get(arn)
        if part is not None:
            holder.hold_inline(name, Written())

    def _join(self, declared: AwsDeclared) -> None:
        """Add users to the groups that the resource names."""
        users = [self.holders[declared.at]] if declared.form.what == "user" else self._named_holders(declared, "user")
        groups = [holder.named.name for holder in self._named_holders(declared, "group")]
        for user in users:
            user.groups.extend(name for name in groups if name not in user.groups)
            if declared.form.what != "user":
                user.given.append(declared)

    # --- References ---

    def _receiving(self, declared: AwsDeclared) -> list[Holder]:
        """The holders that a resource gives something to. Without a known holder, the resource is unread."""
        holders = [holder for kind in HOLDERS for holder in self._named_holders(declared, kind)]
        for holder in holders:
            holder.given.append(declared)
        # Whether it names anyone at all; a managed policy need not.
        if not holders and declared.resource.effect != "deleted" and any(declared.get(kind) for kind in HOLDERS):
            reason = "who gets it is only known after deploying"
            self.unread.append(Unread(place=declared.resource.place, reason=reason))
        return holders

    def _named_holders(self, declared: AwsDeclared, kind: Kind) -> list[Holder]:
        """The holders of that kind that an argument names, or whose resources its value comes from."""
        value = declared.get(kind)
        found: dict[str, Holder] = {}
        for number, each in enumerate(value if isinstance(value, list) else [value]):
            if isinstance(each, str) and each:
                name = each.rpartition("/")[2]
                holders: Iterable[Holder] = [self._by_name.get((kind, name)) or self._outside(kind, name)]
            elif each is UNKNOWN:
                refers = (*declared.refers(kind), *declared.refers(kind, number))
                holders = [holder for at in refers if (holder := self.holders.get(at)) and holder.kind == kind]
            else:
                continue
            found.update({holder.named.arn: holder for holder in holders})
        return list(found.values())

    def _policies_named(self, refers: Iterable[str]) -> list[str]:
        """The ARNs of the managed policies among these resources."""
        named = (self._names.of.get(at) for at in dict.fromkeys(refers))
        return [each.arn for each in named if each is not None and each.what == "policy"]

    # --- The listing ---

    def listing(self) -> AwsListing:
        """The rows of users, roles, groups and policies."""
        listing = AwsListing()
        holders = self.all
        attached = [policy.policy_arn for holder in holders for policy in holder.attached]
        boundaries = [holder.boundary for holder in holders if holder.boundary]
        listing.rows[POLICIES] = [*self._policies.values(), *published_details([*attached, *boundaries])]
        listing.rows[GROUPS] = [
            GroupDetail(
                arn=each.named.arn,
                group_name=each.named.name,
                group_policy_list=tuple(each.inline),
                attached_managed_policies=tuple(each.attached),
            )
            for each in holders
            if each.kind == "group"
        ]
        listing.rows[ROLES] = [self._role(each) for each in holders if each.kind == "role"]
        listing.rows[USERS] = [_user(each) for each in holders if each.kind == "user"]
        return listing

    def _role(self, holder: Holder) -> RoleDetail:
        profiles = sorted({name for name, arn in self.profiles.items() if arn == holder.named.arn and ":" not in name})
        declared = holder.declared
        session = declared.get("session") if declared else None
        return RoleDetail(
            arn=holder.named.arn,
            role_name=holder.named.name,
            role_id=declared.text("id") if declared else None,
            path=holder.named.path,
            assume_role_policy_document=holder.trust,
            description=declared.text("description") if declared else None,
            max_session_duration=session if isinstance(session, int) else None,
            permissions_boundary=_boundary(holder),
            tags=tags_of(holder),
            role_policy_list=tuple(holder.inline),
            attached_managed_policies=tuple(holder.attached),
            instance_profile_list=tuple(InstanceProfile(instance_profile_name=name) for name in profiles),
        )


def _user(holder: Holder) -> UserDetail:
    return UserDetail(
        arn=holder.named.arn,
        user_name=holder.named.name,
        user_id=holder.declared.text("id") if holder.declared else None,
        path=holder.named.path,
        permissions_boundary=_boundary(holder),
        tags=tags_of(holder),
        group_list=tuple(sorted(holder.groups)),
        user_policy_list=tuple(holder.inline),
        attached_managed_policies=tuple(holder.attached),
    )


def _boundary(holder: Holder) -> Boundary | None:
    return Boundary(permissions_boundary_arn=holder.boundary) if holder.boundary else None


def tags_of(holder: Holder) -> tuple[Tag, ...]:
    """The tags that its resource has."""
    return (
        () if holder.declared is None else tuple(Tag(key=key, value=value) for key, value in tags_in(holder.declared))
    )


def places_of(holder: Holder) -> tuple[PlannedPlace, ...]:
    """First its own place, then those of what gives it something."""
    own = () if holder.declared is None else (holder.declared.resource.place,)
    return tuple(dict.fromkeys((*own, *(each.resource.place for each in holder.given))))


def givers_in(holder: Holder) -> tuple[Giver, ...]:
    """What the change adds or changes that gives it rights; a policy comes before its attachment."""
    credentials = {each.at for each in holder.credentials}
    given = {each.at: each for each in holder.given if each.at not in credentials}.values()
    in_order = sorted(given, key=lambda each: each.form.what not in ("policy", "inline"))
    return givers_of((each.resource, holder.gives.get(each.at, ())) for each in in_order)

"""Rights of an account's users and roles, trusted principals of its roles, and the links between identities (pure)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from msgspec import Struct, structs

from connectors.aws.client.iam_calls import AwsListing
from connectors.aws.client.payloads import RoleDetail, UserDetail
from connectors.aws.organization import Guardrails
from connectors.aws.rights.assume import assume_ways
from connectors.aws.rights.changes import Group
from connectors.aws.rights.holders import AwsHolder
from connectors.aws.rights.methods import Made, made_in
from connectors.aws.rights.permissions import Permissions, PolicyLibrary, unread
from connectors.aws.rights.targets import joined, leads_in, takeovers_of
from connectors.aws.rights.trust import federates_links, parse_trusts, trust_statements
from connectors.aws.rights.trusted_principals import RoleTrust
from connectors.aws.rights.vocabulary import vocabulary
from connectors.aws.spec import GROUPS, POLICIES, ROLES, USERS
from scanner.model import Link, PrivilegeLevel, Trust
from scanner.text import few


class AwsRights(Struct, frozen=True, kw_only=True):
    """By ARN: what each user and role may do, which principals each role trusts, and each one's links.

    ``trusts`` lacks the roles whose trust policy could not be understood. The malformed are named with the reason.
    ``unlinked``: of how many of them not every role is linked that trusts anyone.
    """

    permissions: Mapping[str, Permissions] = {}
    trusts: Mapping[str, tuple[Trust, ...]] = {}
    links: Mapping[str, tuple[Link, ...]] = {}
    malformed_policies: tuple[tuple[str, str], ...] = ()
    malformed_trusts: tuple[tuple[str, str], ...] = ()
    unlinked: int = 0

    @property
    def levels(self) -> dict[str, PrivilegeLevel]:
        """The privilege of each user and role, as far as it could be read."""
        return {arn: each.privilege.level for arn, each in self.permissions.items()}


def rights_in(listing: AwsListing, account: str, guardrails: Guardrails | None) -> AwsRights:
    """The rights in an account, from what was listed of it; ``guardrails``: None where there are some, unread."""
    words = vocabulary()
    permissions, library = _permissions(listing, account, guardrails)
    trusts, malformed_trusts = _trusts(listing.roles, account)
    groups = {group.group_name: group.arn for group in listing.rows[GROUPS]}
    principals: list[UserDetail | RoleDetail] = [*listing.users, *listing.roles]
    by_arn = {each.arn: each for each in principals}
    holders = [_holder(each, permissions[arn], groups, has_tags=listing.has_policies) for arn, each in by_arn.items()]
    role_trusts = {
        role.arn: RoleTrust(role=role.arn, statements=tuple(trust_statements(role.assume_role_policy_document)))
        for role in listing.roles
        if role.arn in trusts
    }
    leads = leads_in(holders, trusts, words)
    assuming = assume_ways(holders, role_trusts, words)
    links = joined(assuming.links, leads.links)
    made = Made()
    if library is not None:
        with_members = _with_members(listing, library)
        made = made_in(holders, with_members, library.versions, words, account)
    unread = _unread(listing)
    return AwsRights(
        permissions={
            holder.arn: structs.replace(
                permissions[holder.arn].judged(
                    words, made.itself.get(holder.arn, ()), made.itself_if.get(holder.arn, ()), unread
                ),
                ways=(
                    *assuming.ways.get(holder.arn, ()),
                    *leads.ways.get(holder.arn, ()),
                    *made.others.get(holder.arn, ()),
                    *(takeovers_of(holder, words) if holder.level != "admin" else ()),
                ),
            )
            for holder in holders
        },
        trusts=trusts,
        links={
            **{
                user.arn: (
                    *links.get(user.arn, ()),
                    *[
                        Link(relation="member_of", target=groups[name], evidence="the group lists it")
                        for name in sorted(user.group_list)
                        if name in groups
                    ],
                )
                for user in listing.users
            },
            **{
                role.arn: (
                    *links.get(role.arn, ()),
                    *federates_links(role.assume_role_policy_document, trusts.get(role.arn, ())),
                )
                for role in listing.roles
            },
        },
        malformed_policies=() if library is None else tuple(library.malformed),
        malformed_trusts=malformed_trusts,
        unlinked=assuming.unlinked,
    )


def _unread(listing: AwsListing) -> dict[str, str]:
    """What is missing of the targets of methods, in words, by their kind; empty for a method on all kinds."""
    lacking = [
        what for what, section in (("user", USERS), ("role", ROLES), ("group", GROUPS)) if section in listing.errors
    ]
    found = {kind: f"not all {kind}s could be read" for kind in lacking}
    return found if not lacking else {**found, "": f"not all {few([f'{kind}s' for kind in lacking], 3)} could be read"}


def _with_members(listing: AwsListing, library: PolicyLibrary) -> list[Group]:
    """The groups with their policies and users."""
    members: defaultdict[str, set[str]] = defaultdict(set)
    for user in listing.users:
        for name in user.group_list:
            members[name].add(user.arn)
    return [
        Group(arn=group.arn, held=library.groups[group.group_name], members=frozenset(members[group.group_name]))
        for group in listing.rows[GROUPS]
    ]


def _permissions(
    listing: AwsListing, account: str, guardrails: Guardrails | None
) -> tuple[dict[str, Permissions], PolicyLibrary | None]:
    if not listing.has_policies:
        principals: list[UserDetail | RoleDetail] = [*listing.users, *listing.roles]
        return {each.arn: unread("its policies could not be read") for each in principals}, None
    policies, groups = listing.rows[POLICIES], listing.rows[GROUPS]
    library = PolicyLibrary(policies, groups, words=vocabulary(), account=account, guardrails=guardrails)
    found = {
        user.arn: library.permissions(
            user.arn, user.user_policy_list, user.attached_managed_policies, user.permissions_boundary, user.group_list
        )
        for user in listing.users
    }
    for role in listing.roles:
        found[role.arn] = library.permissions(
            role.arn, role.role_policy_list, role.attached_managed_policies, role.permissions_boundary
        )
    return found, library


def _trusts(
    roles: Sequence[RoleDetail], account: str
) -> tuple[dict[str, tuple[Trust, ...]], tuple[tuple[str, str], ...]]:
    trusts: dict[str, tuple[Trust, ...]] = {}
    malformed: list[tuple[str, str]] = []
    for role in roles:
        try:
            trusts[role.arn] = parse_trusts(role.assume_role_policy_document, account)
        except ValueError as error:
            malformed.append((role.arn, str(error)))
    return trusts, tuple(malformed)


def _holder(
    identity: UserDetail | RoleDetail, permissions: Permissions, groups: Mapping[str, str], *, has_tags: bool
) -> AwsHolder:
    named = identity.group_list if isinstance(identity, UserDetail) else ()
    return AwsHolder(
        arn=identity.arn,
        unique_id=identity.user_id if isinstance(identity, UserDetail) else identity.role_id,
        tags={tag.key: tag.value for tag in identity.tags} if has_tags else None,
        held=permissions.held,
        documents=permissions.documents,
        boundary=permissions.boundary,
        guardrails=permissions.guardrails,
        groups=tuple(sorted({groups[name] for name in named if name in groups})),
        level=permissions.verdict.level if permissions.verdict else "normal",
        certain=permissions.effective.certain,
        possible=permissions.effective.possible,
        may_be_less=permissions.could_be_less,
    )


def may_do(permissions: Permissions, *actions: str) -> bool:
    """Whether a policy allows one of these actions on anything, or one that could not be read may."""
    return not permissions.is_whole or any(
        statement.allow and any(statement.covers_action(action) for action in actions)
        for document in permissions.documents
        for statement in document.statements
    )

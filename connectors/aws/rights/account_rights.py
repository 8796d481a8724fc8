"""Rights of an account's users and roles, trusted principals of its roles, and the links between identities (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct, structs

from connectors.aws.client.iam_calls import Listing
from connectors.aws.client.payloads import RoleDetail, UserDetail
from connectors.aws.organization import Guardrails
from connectors.aws.rights.assume import Holder, assume_ways
from connectors.aws.rights.permissions import Permissions, PolicyLibrary, unread
from connectors.aws.rights.privilege import UNDER_A_CONDITION
from connectors.aws.rights.targets import able_in, joined, leads_in, raised_in, takeovers_of
from connectors.aws.rights.trust import federates_links, parse_trusts, trust_statements
from connectors.aws.rights.trusted_principals import RoleTrust
from connectors.aws.rights.vocabulary import vocabulary
from connectors.aws.spec import GROUPS, POLICIES
from scanner.model import Link, PrivilegeLevel, Trust


class Rights(Struct, frozen=True, kw_only=True):
    """By ARN: what each user and role may do, which principals each role trusts, and each one's links.

    ``trusts`` lacks the roles whose trust policy could not be understood. The malformed are named with the reason.
    """

    permissions: Mapping[str, Permissions] = {}
    trusts: Mapping[str, tuple[Trust, ...]] = {}
    links: Mapping[str, tuple[Link, ...]] = {}
    malformed_policies: tuple[tuple[str, str], ...] = ()
    malformed_trusts: tuple[tuple[str, str], ...] = ()

    @property
    def levels(self) -> dict[str, PrivilegeLevel]:
        """The privilege of each user and role, as far as it could be read."""
        return {arn: each.privilege.level for arn, each in self.permissions.items()}


def rights_in(listing: Listing, account: str, guardrails: Guardrails | None) -> Rights:
    """The rights in an account, from what was listed of it; ``guardrails``: None where there are some, unread."""
    permissions, malformed_policies = _permissions(listing, account, guardrails)
    trusts, malformed_trusts = _trusts(listing.roles, account)
    principals: list[UserDetail | RoleDetail] = [*listing.users, *listing.roles]
    by_arn = {each.arn: each for each in principals}
    holders = [_holder(each, permissions[arn], has_tags=listing.has_policies) for arn, each in by_arn.items()]
    role_trusts = {
        role.arn: RoleTrust(role=role.arn, statements=tuple(trust_statements(role.assume_role_policy_document)))
        for role in listing.roles
        if role.arn in trusts
    }
    leads = leads_in(holders, trusts, vocabulary())
    ways = assume_ways(holders, role_trusts, vocabulary())
    links = joined(ways.links, leads.links)
    raised = raised_in(holders, links, vocabulary())
    able = able_in(holders, links, raised)
    maybe = joined(ways.uncertain, leads.uncertain)
    uncertain = {
        arn: [f"can become {link.target}, {UNDER_A_CONDITION}: {link.evidence}" for link in each if link.target in able]
        for arn, each in maybe.items()
    }
    for arn, evidence in raised_in(holders, joined(links, maybe), vocabulary(), met=True).items():
        uncertain.setdefault(arn, []).append(f"{evidence}, {UNDER_A_CONDITION}")
    takeovers = {each.arn: takeovers_of(each, vocabulary()) for each in holders if each.level != "admin"}
    groups = {group.group_name: group.arn for group in listing.rows[GROUPS]}
    return Rights(
        permissions={
            arn: structs.replace(
                each.leading_to(leads.named.get(arn, {}), vocabulary(), uncertain.get(arn, ()), raised.get(arn)),
                takeovers=takeovers.get(arn, ()),
            )
            for arn, each in permissions.items()
        },
        trusts=trusts,
        links={
            **{user.arn: (*links.get(user.arn, ()), *_memberships(user, groups)) for user in listing.users},
            **{
                role.arn: (
                    *links.get(role.arn, ()),
                    *federates_links(role.assume_role_policy_document, trusts.get(role.arn, ())),
                )
                for role in listing.roles
            },
        },
        malformed_policies=malformed_policies,
        malformed_trusts=malformed_trusts,
    )


def _permissions(
    listing: Listing, account: str, guardrails: Guardrails | None
) -> tuple[dict[str, Permissions], tuple[tuple[str, str], ...]]:
    if not listing.has_policies:
        principals: list[UserDetail | RoleDetail] = [*listing.users, *listing.roles]
        return {each.arn: unread("its policies could not be read") for each in principals}, ()
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
    return found, tuple(library.malformed)


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


def _holder(identity: UserDetail | RoleDetail, permissions: Permissions, *, has_tags: bool) -> Holder:
    return Holder(
        arn=identity.arn,
        unique_id=identity.user_id if isinstance(identity, UserDetail) else identity.role_id,
        tags={tag.key: tag.value for tag in identity.tags} if has_tags else None,
        held=permissions.held,
        documents=permissions.documents,
        limits=permissions.limits,
        level=permissions.verdict.level if permissions.verdict else "normal",
        certain=permissions.effective.certain,
        possible=permissions.effective.possible,
    )


def _memberships(user: UserDetail, groups: Mapping[str, str]) -> list[Link]:
    return [
        Link(relation="member_of", target=groups[name], evidence="the group lists it")
        for name in sorted(user.group_list)
        if name in groups
    ]


def may_do(permissions: Permissions, *actions: str) -> bool:
    """Whether a policy allows one of these actions on anything, or one that could not be read may."""
    return not permissions.is_whole or any(
        statement.allow and any(statement.covers_action(action) for action in actions)
        for document in permissions.documents
        for statement in document.statements
    )

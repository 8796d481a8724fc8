"""Levels against an attacker who tries every step, on random accounts: nothing is missed, and nothing made up."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Iterator, Mapping
from heapq import heappop, heappush
from typing import Any

from hypothesis import given, note
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace

from connectors.aws.client.iam_calls import AwsListing
from connectors.aws.client.payloads import GroupDetail, PolicyDetail, RoleDetail, UserDetail
from connectors.aws.rights.account_rights import AwsRights, rights_in
from connectors.aws.spec import GROUPS, POLICIES, ROLES, USERS
from scanner.access.edges import resolve
from scanner.access.raised_privileges import raise_by_paths
from scanner.model import Workload
from tests.connectors.aws.rights.control import levels
from tests.connectors.aws.rights.policies import ACCOUNT, IF
from tests.examples import examples
from tests.factories import make_identity

IAM = f"arn:aws:iam::{ACCOUNT}"
ROOT = f"{IAM}:root"
ANN, BOB = f"{IAM}:user/ann", f"{IAM}:user/bob"
APP, OPS = f"{IAM}:role/app", f"{IAM}:role/ops"
LINKED = f"{IAM}:role/aws-service-role/x.amazonaws.com/linked"
DEV, TOP = f"{IAM}:group/dev", f"{IAM}:group/top"
ONE, TWO, LIMIT = f"{IAM}:policy/one", f"{IAM}:policy/two", f"{IAM}:policy/limit"
FUNCTION, FREE = (f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:{name}" for name in ("job", "zz"))
EVERYTHING: dict[str, Any] = {"Effect": "Allow", "Action": ["*"], "Resource": ["*"]}

# What the attacker knows of IAM, and on what each action acts.
ON_USER = ("iam:PutUserPolicy", "iam:AttachUserPolicy", "iam:DeleteUserPolicy", "iam:DetachUserPolicy",
           "iam:DeleteUserPermissionsBoundary", "iam:PutUserPermissionsBoundary", "iam:CreateAccessKey",
           "iam:UpdateLoginProfile")  # fmt: skip
ON_ROLE = ("iam:PutRolePolicy", "iam:AttachRolePolicy", "iam:DeleteRolePolicy", "iam:DetachRolePolicy",
           "iam:DeleteRolePermissionsBoundary", "iam:PutRolePermissionsBoundary", "iam:UpdateAssumeRolePolicy",
           "iam:PassRole", "sts:AssumeRole")  # fmt: skip
ON_GROUP = ("iam:PutGroupPolicy", "iam:AttachGroupPolicy", "iam:DeleteGroupPolicy", "iam:DetachGroupPolicy",
            "iam:AddUserToGroup", "iam:RemoveUserFromGroup")  # fmt: skip
ON_POLICY = ("iam:CreatePolicyVersion", "iam:SetDefaultPolicyVersion")
ON_FUNCTION = ("lambda:UpdateFunctionCode", "lambda:CreateFunction", "lambda:InvokeFunction")
KINDS = {"user": ON_USER, "role": ON_ROLE, "group": ON_GROUP, "policy": ON_POLICY}
NEW = {action: f"{IAM}:{kind}/zz" for kind, actions in KINDS.items() for action in actions}
"""What an action could act on besides all that there is."""
CREATE = "iam:CreateUser"
THINGS = {
    "user": (ANN, BOB, f"{IAM}:user/*", f"{IAM}:user/a*", f"{IAM}:user/${{aws:username}}"),
    "role": (APP, OPS, LINKED, f"{IAM}:role/*", "arn:aws:iam::*:role/o*"),
    "group": (DEV, TOP, f"{IAM}:group/*"),
    "policy": (ONE, TWO, f"{IAM}:policy/*"),
}


class Thing(Struct, frozen=True, kw_only=True):
    """A user or role as the attacker finds it, or has made it: its policies, by name or ARN."""

    arn: str
    inline: tuple[tuple[str, tuple[Any, ...]], ...] = ()
    attached: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    bound: tuple[Any, ...] | None = None
    trusts: tuple[Any, ...] = ()


class World(Struct, frozen=True, kw_only=True):
    """An account. ``groups``: inline statements, and attached policies; ``policies``: versions, that in force first."""

    things: tuple[Thing, ...]
    groups: Mapping[str, tuple[tuple[Any, ...], tuple[str, ...]]]
    policies: Mapping[str, tuple[tuple[Any, ...], ...]]
    runs_as: str

    def statements(self, thing: Thing) -> Iterator[Any]:
        """All that applies to it but for its boundary."""
        for _, each in thing.inline:
            yield from each
        attached = list(thing.attached)
        for group in thing.groups:
            yield from self.groups[group][0]
            attached += self.groups[group][1]
        for policy in attached:
            yield from self.policies[policy][0]

    def may(self, thing: Thing, action: str, on: str) -> bool:
        """Whether it may do that for certain."""
        sets = [list(self.statements(thing)), *([list(thing.bound)] if thing.bound is not None else [])]
        return all(_allowed(each, thing, action, on) for each in sets)

    def is_admin(self, thing: Thing) -> bool:
        """Whether it may do anything with anything that IAM may have."""
        iam = {action: on for action, on in NEW.items() if action.startswith("iam:")}
        return all(self.may(thing, action, on) for action, on in {**iam, CREATE: f"{IAM}:user/zz"}.items())


def _allowed(statements: Iterable[Any], thing: Thing, action: str, on: str) -> bool:
    about = [each for each in statements if "Condition" not in each and _is_about(each, thing, action, on)]
    return bool(about) and all(each["Effect"] == "Allow" for each in about)


def _is_about(statement: Any, thing: Thing, action: str, on: str) -> bool:
    name = thing.arn.rpartition("/")[2] if ":user/" in thing.arn else "$"
    resources = [each.replace("${aws:username}", name) for each in statement["Resource"]]
    return any(fnmatch.fnmatchcase(action, each) for each in statement["Action"]) and any(
        fnmatch.fnmatchcase(on, each) for each in resources
    )


# --- The attacker ---

MOST_TRIED = 200
"""The most states of one user or role that the attacker tries, the most promising first."""


def becomes(world: World, one: Thing, other: Thing) -> bool:
    """Whether one can be the other by a single step."""
    if ":user/" in other.arn:
        return any(world.may(one, action, other.arn) for action in ("iam:CreateAccessKey", "iam:UpdateLoginProfile"))
    if other.arn != LINKED and any(
        world.may(one, f"iam:{each}", other.arn) for each in ("UpdateAssumeRolePolicy", "AcquireRole")
    ):
        return True
    if {"Service": "lambda.amazonaws.com"} in [each["Principal"] for each in other.trusts if "Principal" in each]:
        makes = all(world.may(one, action, FREE) for action in ON_FUNCTION[1:]) or world.may(
            one, "lambda:RunMicrovm", FREE
        )
        if makes and world.may(one, "iam:PassRole", other.arn):
            return True
    updates = ("lambda:UpdateFunctionCode", "lambda:UpdateFunctionConfiguration")
    if other.arn == world.runs_as and any(world.may(one, action, FUNCTION) for action in updates):
        return True
    return _is_let_in(world, one, other)


def _is_let_in(world: World, one: Thing, other: Thing) -> bool:
    for each in other.trusts:
        if each["Effect"] == "Deny" and one.arn not in each.get("NotPrincipal", {}).get("AWS", [one.arn]):
            return False
    refused = any(
        each["Effect"] == "Deny" and _is_about(each, one, "sts:AssumeRole", other.arn) and "Condition" not in each
        for each in (*world.statements(one), *(one.bound or ()))
    )
    for each in other.trusts:
        named = each.get("Principal", {}) if each["Effect"] == "Allow" and "Condition" not in each else {}
        within = ":user/" in one.arn or one.bound is None or _allowed(one.bound, one, "sts:AssumeRole", other.arn)
        if named in ({"AWS": one.arn}, {"AWS": "*"}) and not refused and within:
            return True
        if named in ({"AWS": ROOT}, {"AWS": "*"}) and world.may(one, "sts:AssumeRole", other.arn):
            return True
    return False


def _changes(world: World, actor: Thing, one: Thing) -> Iterator[tuple[World, Thing]]:
    """Every single change of a user or role that an actor may make."""
    kind = "User" if ":user/" in one.arn else "Role"
    if one.arn == LINKED:
        return
    yield from _changes_of_inline(world, actor, one, kind)
    if ("attached", (EVERYTHING,)) not in one.inline and world.may(actor, f"iam:Attach{kind}Policy", one.arn):
        yield world, replace(one, inline=(*one.inline, ("attached", (EVERYTHING,))))
    for policy in one.attached:
        if world.may(actor, f"iam:Detach{kind}Policy", one.arn):
            yield world, replace(one, attached=tuple(each for each in one.attached if each != policy))
    lifting = (f"iam:{verb}{kind}PermissionsBoundary" for verb in ("Delete", "Put"))
    if one.bound is not None and any(world.may(actor, action, one.arn) for action in lifting):
        yield world, replace(one, bound=None)
    yield from _changes_of_policies(world, actor, one)
    if kind == "User":
        yield from _changes_of_groups(world, actor, one)


def _changes_of_inline(world: World, actor: Thing, one: Thing, kind: str) -> Iterator[tuple[World, Thing]]:
    for name in dict.fromkeys(("new", *(name for name, _ in one.inline))):
        if world.may(actor, f"iam:Put{kind}Policy", one.arn):
            rest = tuple(each for each in one.inline if each[0] != name)
            yield world, replace(one, inline=(*rest, (name, (EVERYTHING,))))
        if name != "new" and world.may(actor, f"iam:Delete{kind}Policy", one.arn):
            yield world, replace(one, inline=tuple(each for each in one.inline if each[0] != name))


def _changes_of_policies(world: World, actor: Thing, one: Thing) -> Iterator[tuple[World, Thing]]:
    held = {*one.attached, *(each for group in one.groups for each in world.groups[group][1])}
    for policy in sorted(held):
        versions = world.policies[policy]
        if versions[0] != (EVERYTHING,) and world.may(actor, "iam:CreatePolicyVersion", policy):
            yield replace(world, policies={**world.policies, policy: ((EVERYTHING,), *versions)}), one
        for version in versions[1:] if world.may(actor, "iam:SetDefaultPolicyVersion", policy) else ():
            rest = tuple(each for each in versions if each is not version)
            yield replace(world, policies={**world.policies, policy: (version, *rest)}), one


def _changes_of_groups(world: World, actor: Thing, one: Thing) -> Iterator[tuple[World, Thing]]:
    for group, (inline, attached) in world.groups.items():
        if group not in one.groups:
            if world.may(actor, "iam:AddUserToGroup", group):
                yield world, replace(one, groups=(*one.groups, group))
            continue
        if world.may(actor, "iam:RemoveUserFromGroup", group):
            yield world, replace(one, groups=tuple(each for each in one.groups if each != group))
        new: list[tuple[tuple[Any, ...], tuple[str, ...]]] = []
        if EVERYTHING not in inline and world.may(actor, "iam:AttachGroupPolicy", group):
            new.append(((*inline, EVERYTHING), attached))
        if inline != (EVERYTHING,) and world.may(actor, "iam:PutGroupPolicy", group):
            new += [((*inline, EVERYTHING), attached), ((EVERYTHING,), attached)]
        if world.may(actor, "iam:DeleteGroupPolicy", group):
            new.append(((), attached))
        if world.may(actor, "iam:DetachGroupPolicy", group):
            new += [(inline, tuple(each for each in attached if each != gone)) for gone in attached]
        for each in new:
            yield replace(world, groups={**world.groups, group: each}), one


def makes_admin(world: World, holder: Thing, target: Thing) -> bool:
    """Whether the holder, with the rights that it has, and the target with those it gets, make the target an admin."""
    seen: set[str] = set()
    waiting = [(_left_to_do(world, target), 0, world, target)]
    while waiting and len(seen) < MOST_TRIED:
        _, _, now, one = heappop(waiting)
        if now.is_admin(one):
            return True
        for actor, before in ((holder, world), (one, now)):
            for after in _changes_by(before, actor, now, one):
                if (key := repr(after)) not in seen:
                    seen.add(key)
                    heappush(waiting, (_left_to_do(*after), len(seen), *after))
    return False


def _left_to_do(world: World, thing: Thing) -> int:
    """How far it seems to be from an admin: what looks best is tried first."""
    held = list(world.statements(thing))
    refusing = sum(each["Effect"] == "Deny" for each in held)
    return int(refusing + (thing.bound is not None) + 3 * (EVERYTHING not in held))


def _changes_by(rights: World, actor: Thing, now: World, one: Thing) -> Iterator[tuple[World, Thing]]:
    """The changes of what there is now, by an actor whose rights are those that it has in another state."""
    allowing = _Acting(things=now.things, groups=now.groups, policies=now.policies, runs_as=now.runs_as, rights=rights)
    for world, thing in _changes(allowing, actor, one):
        yield World(things=world.things, groups=world.groups, policies=world.policies, runs_as=world.runs_as), thing


class _Acting(World, frozen=True, kw_only=True):
    rights: World

    def may(self, thing: Thing, action: str, on: str) -> bool:
        return self.rights.may(thing, action, on)


def wins(world: World, start: Thing) -> bool:
    """Whether an attacker who begins there ends as an admin."""
    mine = [start]
    for one in mine:
        mine += [other for other in world.things if other not in mine and becomes(world, one, other)]
    return any(world.is_admin(one) for one in mine) or any(
        makes_admin(world, holder, target) for holder in mine for target in mine
    )


# --- Random accounts ---


def _one_of(*choices: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(choices)


@st.composite
def statement(draw: st.DrawFn) -> dict[str, Any]:
    """A statement about one kind of thing, or about everything."""
    kind = draw(_one_of(*KINDS))
    lambdas = draw(st.integers(0, 5)) == 0
    actions = draw(st.lists(_one_of(*(ON_FUNCTION if lambdas else KINDS[kind])), min_size=1, max_size=3))
    everything = draw(st.integers(0, 11))
    if everything == 0:
        actions = draw(_one_of(["*"], ["iam:*"]))
    on = ["*"] if lambdas or everything == 0 else draw(st.lists(_one_of("*", *THINGS[kind]), min_size=1, max_size=2))
    if lambdas:
        on = draw(_one_of(["*"], [FUNCTION], ["arn:aws:lambda:*:*:function:*"]))
    return {
        "Effect": draw(_one_of("Allow", "Allow", "Allow", "Deny")),
        "Action": actions,
        "Resource": on,
        **draw(_one_of({}, {}, {}, {}, IF)),
    }


def statements(least: int = 0, most: int = 2) -> st.SearchStrategy[tuple[Any, ...]]:
    """The statements of a policy."""
    return st.lists(statement(), min_size=least, max_size=most).map(tuple)


_TRUST = _one_of(
    {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"},
    {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"},
    *(
        {"Effect": "Allow", "Principal": {"AWS": who}, "Action": "sts:AssumeRole", **more}
        for who in (ROOT, ANN, APP, "*")
        for more in ({}, IF)
    ),
    {"Effect": "Deny", "NotPrincipal": {"AWS": [ROOT, ANN]}, "Action": "sts:AssumeRole"},
)
BOUNDS = _one_of(
    None,
    None,
    (EVERYTHING,),
    ({"Effect": "Allow", "Action": ["lambda:*", "sts:*"], "Resource": ["*"]},),
    (EVERYTHING, {"Effect": "Deny", "Action": ["iam:*UserPermissionsBoundary"], "Resource": ["*"]}),
    (EVERYTHING, {"Effect": "Deny", "Action": ["iam:PutRolePolicy"], "Resource": ["*"]}),
    ({"Effect": "Allow", "Action": ["iam:Delete*", "iam:Put*"], "Resource": ["*"]},),
)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """A small account, each of whose parts may matter."""
    attached = st.lists(_one_of(ONE, TWO), max_size=1).map(tuple)
    things = tuple(
        Thing(
            arn=arn,
            inline=tuple((f"p{place}", each) for place, each in enumerate(draw(st.lists(statements(1), max_size=2)))),
            attached=draw(attached) if arn != LINKED else (),
            groups=draw(st.lists(_one_of(DEV, TOP), max_size=1).map(tuple)) if ":user/" in arn else (),
            bound=draw(BOUNDS) if arn != LINKED else None,
            trusts=draw(st.lists(_TRUST, min_size=1, max_size=2).map(tuple)) if ":role/" in arn else (),
        )
        for arn in (ANN, BOB, APP, OPS, LINKED)
    )
    return World(
        things=things,
        groups={group: (draw(statements()), draw(attached)) for group in (DEV, TOP)},
        policies={policy: tuple(draw(st.lists(statements(), min_size=1, max_size=2))) for policy in (ONE, TWO)},
        runs_as=draw(_one_of(APP, OPS)),
    )


def rights_of(world: World) -> AwsRights:
    """What the connector makes of it."""
    listing = AwsListing()
    bounds = {repr(one.bound): f"{LIMIT}{place}" for place, one in enumerate(world.things) if one.bound is not None}
    versions = {
        **world.policies,
        **{bounds[repr(one.bound)]: (one.bound,) for one in world.things if one.bound is not None},
    }
    listing.add(POLICIES, [
        {"Arn": arn, "PolicyVersionList": [
            {"IsDefaultVersion": place == 0, "Document": {"Statement": list(each)}} for place, each in enumerate(some)
        ]}
        for arn, some in versions.items()
    ], PolicyDetail)  # fmt: skip
    listing.add(GROUPS, [
        {"Arn": arn, "GroupName": _name(arn), "GroupPolicyList": _inline((("g", inline),)),
         "AttachedManagedPolicies": _attached(attached)}
        for arn, (inline, attached) in world.groups.items()
    ], GroupDetail)  # fmt: skip
    for one in world.things:
        limit = (
            {} if one.bound is None else {"PermissionsBoundary": {"PermissionsBoundaryArn": bounds[repr(one.bound)]}}
        )
        row = {"Arn": one.arn, "AttachedManagedPolicies": _attached(one.attached), **limit}
        if ":user/" in one.arn:
            row |= {"UserName": _name(one.arn), "UserPolicyList": _inline(one.inline)}
            listing.add(USERS, [{**row, "GroupList": [_name(each) for each in one.groups]}], UserDetail)
        else:
            row |= {"RoleName": _name(one.arn), "RolePolicyList": _inline(one.inline)}
            row |= {"AssumeRolePolicyDocument": {"Statement": list(one.trusts)}}
            listing.add(ROLES, [row], RoleDetail)
    return rights_in(listing, ACCOUNT, ())


def _name(arn: str) -> str:
    return arn.rpartition("/")[2]


def _inline(policies: Iterable[tuple[str, tuple[Any, ...]]]) -> list[dict[str, Any]]:
    return [{"PolicyName": name, "PolicyDocument": {"Statement": list(each)}} for name, each in policies]


def _attached(policies: Iterable[str]) -> list[dict[str, str]]:
    return [{"PolicyName": _name(arn), "PolicyArn": arn} for arn in policies]


@given(worlds())
@examples(100)
def test_whoever_an_attacker_wins_from_can_escalate_and_no_one_else(world: World) -> None:
    """Admin or escalation is said of exactly those from whom trying every step ends as an admin."""
    rights = rights_of(world)
    found = levels(rights, {FUNCTION: world.runs_as})

    said = {arn for arn, level in found.items() if level in ("admin", "escalation")}
    note(repr({arn: rights.permissions[arn].privilege for arn in found}))
    note(repr({arn: (rights.links[arn], rights.permissions[arn].ways) for arn in found}))
    assert said == {one.arn for one in world.things if wins(world, one)}


@given(worlds())
@examples(100)
def test_the_engine_says_what_control_is(world: World) -> None:
    """All levels, conditions included, are those that the plain reference finds from the same facts."""
    rights = rights_of(world)
    identities = [
        make_identity(
            _name(arn),
            key=arn,
            scope=ACCOUNT,
            privilege=each.privilege,
            links=rights.links.get(arn, ()),
            trusts=rights.trusts.get(arn, ()),
            reach=(*each.elsewhere, *each.ways),
        )
        for arn, each in rights.permissions.items()
    ]
    runs = (world.runs_as,) if world.runs_as else ()
    function = Workload(
        key=FUNCTION, provider="aws", source="prod", scope=ACCOUNT, kind="function", name="f", runs_as=runs
    )

    resolved = resolve(identities, {}, (function,), ())
    found = raise_by_paths({one.key: one.privilege for one in identities}, resolved.edges, resolved.methods)

    assert {arn: one.level for arn, one in found.items()} == levels(rights, {FUNCTION: world.runs_as})

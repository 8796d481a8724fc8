"""What a role can do, by its attributes and the roles that it reaches."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from connectors.postgresql.rights import MOST_ROLES, PostgresqlPowers, RoleGraph, powers_of
from connectors.postgresql.rows import PostgresqlMember, PostgresqlRole

NEW, OLD = 160004, 150018
APP, MIDDLE, TOP = 1, 2, 3


def _powers(
    *members: PostgresqlMember, version: int = NEW, top: PostgresqlRole | None = None, inherits: bool = True
) -> PostgresqlPowers:
    roles = [
        PostgresqlRole(id=APP, name="app", can_login=True, inherits=inherits),
        PostgresqlRole(id=MIDDLE, name="middle"),
        top or PostgresqlRole(id=TOP, name="top", superuser=True),
    ]
    return powers_of(RoleGraph(roles, members, version), roles[0], members_read=True)


def _in(member: int, role: int, *, inherit: bool = False, set_: bool = False, admin: bool = False) -> PostgresqlMember:
    return PostgresqlMember(roleid=role, member=member, inherit_option=inherit, set_option=set_, admin_option=admin)


def test_a_superuser_is_reached_by_set_and_by_admin_but_not_inherited() -> None:
    """Attributes are of those alone who become the role."""
    assert _powers(_in(APP, TOP, set_=True)).privilege.level == "escalation"
    assert _powers(_in(APP, TOP, admin=True)).privilege.level == "escalation"
    assert _powers(_in(APP, TOP, inherit=True)).privilege.level == "normal"


def test_set_goes_no_further_than_what_is_inherited() -> None:
    """SET ROLE takes SET on the whole way; ADMIN is inherited."""
    inherited = _in(APP, MIDDLE, inherit=True)

    assert _powers(inherited, _in(MIDDLE, TOP, set_=True)).privilege.level == "normal"
    assert _powers(inherited, _in(MIDDLE, TOP, admin=True)).privilege.level == "escalation"
    assert _powers(_in(APP, MIDDLE, set_=True), _in(MIDDLE, TOP, set_=True)).privilege.level == "escalation"


def test_predefined_roles_are_inherited() -> None:
    """And are used by those who may become them."""
    files = PostgresqlRole(id=TOP, name="pg_execute_server_program")
    for member in (_in(APP, TOP, inherit=True), _in(APP, TOP, set_=True)):
        assert _powers(member, top=files).privilege.level == "escalation"
    assert _powers(_in(APP, TOP), top=files).privilege.level == "normal"


def test_before_16_the_member_decides_whether_it_inherits() -> None:
    """There, memberships have no options but ADMIN, and each has SET."""
    plain = PostgresqlMember(roleid=TOP, member=APP)
    reader = PostgresqlRole(id=TOP, name="pg_read_all_data")

    assert _powers(plain, version=OLD, inherits=False).privilege.level == "escalation"
    assert _powers(plain, version=OLD, top=reader, inherits=False).privilege.level == "high"


def test_createrole_gives_any_role_before_16() -> None:
    """Since then, only those that it administers."""
    for version, level in ((OLD, "escalation"), (NEW, "high")):
        role = PostgresqlRole(id=APP, name="app", can_login=True, creates_roles=True)

        assert powers_of(RoleGraph([role], [], version), role, members_read=True).privilege.level == level


def test_a_managed_service_is_known_by_its_superuser() -> None:
    """A role that is only called like its administrators is nothing."""
    admins = PostgresqlRole(id=TOP, name="rds_superuser")
    member = _in(APP, TOP, inherit=True)
    app = PostgresqlRole(id=APP, name="app", can_login=True)
    owner = PostgresqlRole(id=9, name="rdsadmin", superuser=True)

    assert powers_of(RoleGraph([app, admins], [member], NEW), app, members_read=True).privilege.level == "normal"
    assert powers_of(RoleGraph([app, admins, owner], [member], NEW), app, members_read=True).privilege.level == "admin"


def test_without_memberships_what_would_be_normal_is_unknown() -> None:
    """They could lead anywhere."""
    role = PostgresqlRole(id=APP, name="app", can_login=True)

    assert powers_of(RoleGraph([role], [], NEW), role, members_read=False).privilege.level == "unknown"


def test_more_roles_than_are_followed_leave_it_unknown() -> None:
    """A server may have any number of them."""
    roles = [PostgresqlRole(id=number, name=f"r{number}", can_login=number == 0) for number in range(MOST_ROLES + 10)]
    members = [_in(number, number + 1, set_=True) for number in range(MOST_ROLES + 9)]
    powers = powers_of(RoleGraph(roles, members, NEW), roles[0], members_read=True)

    assert (powers.whole, powers.privilege.level) == (False, "unknown")


@st.composite
def _memberships(draw: st.DrawFn) -> Sequence[PostgresqlMember]:
    options = st.booleans()
    return [
        PostgresqlMember(roleid=role, member=member, inherit_option=draw(options), set_option=draw(options),
               admin_option=draw(options))
        for role, member in draw(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=14))
    ]  # fmt: skip


@given(_memberships())
def test_reaching_agrees_with_walking_every_path(members: Sequence[PostgresqlMember]) -> None:
    """In any graph, also with circles that PostgreSQL refuses: against all paths, one after the other."""
    roles = [PostgresqlRole(id=number, name=f"r{number}") for number in range(7)]
    states = {(0, True)}
    grows = True
    while grows:
        more = {
            (one.roleid, becomes)
            for at, as_it in states
            for one in members
            if one.member == at
            for becomes in (True, False)
            if ((one.admin_option or (as_it and one.set_option)) if becomes else one.inherit_option)
        }
        grows = not more <= states
        states |= more
    reached, whole = RoleGraph(roles, members, NEW).reached(roles[0])

    assert whole
    assert {one.role.id for one in reached} == {at for at, _ in states} - {0}
    assert {one.role.id for one in reached if one.becomes} == {at for at, becomes in states if becomes} - {0}

"""The table of what Azure's actions do: complete in itself, and said once."""

from __future__ import annotations

import re
from collections import Counter

from connectors.azure.rights.azure_privilege import azure_table
from connectors.azure.rights.azure_role import published_roles
from scanner.demo.fakes.azure.rights import BUILT_IN, built_in_permissions

_ACTION = re.compile(r"(data:)?Microsoft(\.\w+)+(/\w+)+/(write|delete|action|read)", re.IGNORECASE)


def _all_actions() -> list[str]:
    table = azure_table()
    methods = [*table.own_rights, table.own_definition, *(method for way in table.others for method in way.methods)]
    methods += [method for kind in table.takeover for method in kind.methods]
    methods += [*table.becoming.federated, *table.becoming.assigned, *table.becoming.runs]
    single = [*table.iam, *(action for each in table.high for action in each.actions)]
    return [*single, *(action for method in methods for action in method)]


def test_every_action_has_the_form_of_one() -> None:
    """No wildcard: an action is asked about, not a pattern."""
    assert [action for action in _all_actions() if not _ACTION.fullmatch(action)] == []


_ON_ANOTHER = ("microsoft.guestconfiguration/", "microsoft.kubernetesconfiguration/")
"""Providers of things that are made on a resource of another one, and change what runs there."""


def test_a_takeover_acts_on_its_type() -> None:
    """The first action of each method is one of the type that the keys are sought by."""
    wrong = [
        (kind.type, method)
        for kind in azure_table().takeover
        for method in kind.methods
        if not method[0].removeprefix("data:").lower().startswith((f"{kind.type.lower()}/", *_ON_ANOTHER))
    ]

    assert wrong == []


def test_each_type_and_each_method_stands_once() -> None:
    """Twice would be reported twice."""
    table = azure_table()
    types = Counter((kind.type, kind.unless) for kind in table.takeover)
    methods = Counter((kind.type, method) for kind in table.takeover for method in kind.methods)

    assert [each for each, times in (*types.items(), *methods.items()) if times > 1] == []


def test_the_built_in_roles_are_those_that_the_service_says() -> None:
    """Of those that the fake says, action by action; each once, by its own id."""
    roles = published_roles()
    reported = {BUILT_IN[name]: built_in_permissions(name) for name in BUILT_IN}

    assert len(roles) == 39
    assert len({role.name for role in roles.values()}) == len(roles)
    for guid, permissions in reported.items():
        (block,) = roles[guid].blocks
        assert block.actions == tuple(permissions.get("actions", ()))
        assert block.not_actions == tuple(permissions.get("notActions", ()))
        assert block.data_actions == tuple(permissions.get("dataActions", ()))

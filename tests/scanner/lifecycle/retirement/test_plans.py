"""Plans are the vendors' commands: each parses, and no name is more than one word of a shell."""

from __future__ import annotations

import re
import shlex
import subprocess
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.lifecycle.retirement.plans import PROVIDERS, plan_of, recipes
from scanner.model import Credential, Grant, Identity, Link
from scanner.model.retirement import STAGES, Plan
from tests.examples import examples
from tests.factories import make_credential, make_identity

HOSTILE = "x'; touch /tmp/pwned; $(id) `id` {name} \n\\ \""


def subjects(name: str) -> list[tuple[Identity, Credential | None]]:
    """An identity of each provider and kind with a recipe, with all facts that commands may name."""
    found: list[tuple[Identity, Credential | None]] = []
    guid = "11111111-2222-3333-4444-555555555555"
    attributes: dict[str, Any] = {
        "attached_policies": [f"arn:aws:iam::123456789012:policy/{name}"], "groups": [name], "mount": "auth/approle",
        "instance_profiles": [name], "repository": f"acme/{name}", "project_id": name, "user_account_control": 512,
    }  # fmt: skip
    grants = (
        Grant(name=name, via="inline"),
        Grant(name="Reader", via="direct", resource=f"/subscriptions/{name}"),
        Grant(name="roles/viewer", via="direct", resource="projects/acme"),
        Grant(name="view", via=f"RoleBinding web/{name}"),
        Grant(name="view", via="ClusterRoleBinding everywhere"),
        Grant(name="SUPERUSER", via="direct"),
    )
    kinds = ("access_key", "password", "service_specific", "ssh_key", "certificate", "token")
    for provider in PROVIDERS:
        for kind in recipes(provider):
            key = f"arn:aws:iam::123456789012:user/{name}"
            held = tuple(make_credential(key, f"{one}-{name}", kind=one) for one in kinds)
            identity = make_identity(
                name, key=key, provider=provider, kind=kind, scope="bao/team1", unique_id=f"{guid}:7",
                display_name=f"web/{name}", aliases=(guid, f"{guid}@x.example.com", f"cn={name.strip()}"),
                attributes=attributes, grants=grants, credentials=held,
                links=(Link(relation="member_of", target=f"pg/roles/{name}", evidence="a member of it"),),
            )  # fmt: skip
            is_held = kind in ("access_key", "client_secret", "certificate", "api_key")
            found.append((identity, make_credential(key, name, kind=kind) if is_held else None))
    return found


def commands(plan: Plan) -> list[str]:
    return [line for stage in plan.stages for line in (*stage.commands, *stage.undo)]


def test_every_plan_has_all_stages_in_order() -> None:
    for identity, held in subjects("bot"):
        plan = plan_of(identity, held, 30)

        assert [one.stage for one in plan.stages] == list(STAGES)
        assert all(one.commands or one.says for one in plan.stages), identity.kind
        assert "Not written" not in " ".join(text for one in plan.stages for text in one.says), identity.kind


@examples(30, smoke=10)
@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1).map(HOSTILE.__add__))
def test_a_name_stays_one_word(name: str) -> None:
    """As a harmless one does: the same number of words, and nothing beside them."""
    for (hostile, held), (harmless, other) in zip(subjects(name), subjects("bot"), strict=True):
        found, expected = (
            {(words[0], len(words)) for words in map(shlex.split, commands(plan_of(one, of, 30)))}
            for one, of in ((hostile, held), (harmless, other))
        )

        assert found <= expected  # what cannot be written for such a name is left out


def test_a_shell_takes_them_as_they_stand() -> None:
    for name in ("bot", HOSTILE):
        for identity, held in subjects(name):
            for stage in plan_of(identity, held, 30).stages:
                for lines in (stage.commands, stage.undo):
                    done = subprocess.run(["sh", "-n", "-e"], input="\n".join(lines).encode(), check=False)
                    assert done.returncode == 0, lines


def test_commands_of_aws_are_operations_with_their_parameters() -> None:
    """By the SDK's own model of the service."""
    session = pytest.importorskip("botocore.session").get_session()
    model = session.get_service_model("iam")
    operations = {
        re.sub(r"(?<!^)(?=[A-Z])", "-", one.replace("SSH", "Ssh")).lower(): one for one in model.operation_names
    }
    checked = 0
    for identity, held in subjects("bot"):
        if identity.provider != "aws":
            continue
        for line in commands(plan_of(identity, held, 30)):
            words = shlex.split(line)
            assert words[:2] == ["aws", "iam"]
            shape = model.operation_model(operations[words[2]]).input_shape
            parameters = {re.sub(r"(?<!^)(?=[A-Z])", "-", one.replace("SSH", "Ssh")).lower() for one in shape.members}
            options = {one.removeprefix("--") for one in words if one.startswith("--")}
            assert options <= parameters | {"query", "output"}, line
            required = {
                re.sub(r"(?<!^)(?=[A-Z])", "-", one.replace("SSH", "Ssh")).lower() for one in shape.required_members
            }
            assert required <= options, line
            checked += 1
    assert checked > 30


def test_what_is_undone_is_undone_in_reverse() -> None:
    user = make_identity(attributes={"attached_policies": ["arn:a", "arn:b"]}, grants=(Grant(name="p", via="direct"),))
    lowered = plan_of(user, None, 30).of("lowered")

    assert [one.split()[2] for one in lowered.commands] == [
        "put-user-policy", "detach-user-policy", "detach-user-policy",
    ]  # fmt: skip
    assert [one.split()[2] for one in lowered.undo] == [
        "attach-user-policy", "attach-user-policy", "delete-user-policy",
    ]  # fmt: skip


def test_a_row_of_a_list_has_text_alone() -> None:
    plan = plan_of(make_identity(provider="saas", kind="bot"), None, 30)

    assert commands(plan) == []
    assert all(one.says for one in plan.stages)


def test_the_wait_promises_to_hear_only_what_a_log_names() -> None:
    """CloudTrail does not record calls with a deactivated key."""
    (user,) = plan_of(make_identity(), None, 1).of("waited").says
    (role,) = plan_of(make_identity(kind="role"), None, 1).of("waited").says

    assert user == (
        "Wait 1 day. No log that Muster reads names who is refused in this stage, so that its silence does not "
        "mean that nobody calls."
    )
    assert "hear who is refused" in role


def test_deleting_for_good_says_so() -> None:
    assert "Deletion is final here: there is no way back." in plan_of(make_identity(), None, 30).of("deleted").says
    assert plan_of(make_identity(), None, 30).of("deleted").undo == ()

"""Policies: parsing, the choice of the one rule that counts, and what they amount to."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.vault.rights.policies import PolicyError, Rules, capabilities, parse_policy, united
from tests.examples import examples
from tests.servers.openbao import OpenBao

READ = frozenset({"read"})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param('path "a" { capabilities = ["read"] }', {"a": {"read"}}, id="hcl"),
        pytest.param('{"path": {"a": {"capabilities": ["read"]}}}', {"a": {"read"}}, id="json"),
        pytest.param('{"path": [{"a": [{"capabilities": ["read"]}]}]}', {"a": {"read"}}, id="json with lists"),
        pytest.param(
            'path "a" { capabilities = ["read"] }\npath "a" { capabilities = ["list"] }',
            {"a": {"read", "list"}},
            id="the same path twice",
        ),
        pytest.param('path "/a" { capabilities = ["read"] }', {"a": {"read"}}, id="leading slash"),
        pytest.param('path "a" { policy = "read" }', {"a": {"read", "list"}}, id="legacy read"),
        pytest.param('path "a" { policy = "deny" }', {"a": {"deny"}}, id="legacy deny"),
        pytest.param(
            'path "a" { policy = "sudo" }',
            {"a": {"create", "read", "update", "delete", "list", "sudo"}},
            id="legacy sudo",
        ),
        pytest.param('path "a" { min_wrapping_ttl = "1s" }', {"a": set()}, id="nothing allowed"),
        pytest.param('name = "x"\n', {}, id="no path"),
        pytest.param("", {}, id="empty"),
    ],
)
def test_parses(text: str, expected: dict[str, set[str]]) -> None:
    """HCL and JSON give the same rules; blocks of one path are united."""
    assert parse_policy(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("path", id="half a block"),
        pytest.param('path "a" { capabilities = "read" }', id="capabilities is no list"),
        pytest.param('path "a" "b" { }', id="two labels"),
        pytest.param('path "a" = "b"', id="no body"),
        pytest.param('{"path": {"a": "read"}}', id="json without an object"),
        pytest.param("[1]", id="json list"),
        pytest.param("[" * 100_000, id="json too deep"),
    ],
)
def test_refuses(text: str) -> None:
    """Text that is no policy is said to be unreadable, not taken for an empty one."""
    with pytest.raises(PolicyError):
        parse_policy(text)


@pytest.mark.parametrize(
    ("rules", "path", "expected"),
    [
        pytest.param({"a/b": READ}, "a/b", READ, id="exact"),
        pytest.param({"a/b": READ}, "a/c", {"deny"}, id="nothing matches"),
        pytest.param({"a/*": READ}, "a/b/c", READ, id="prefix"),
        pytest.param({"a/*": READ}, "a", {"deny"}, id="prefix needs its slash"),
        pytest.param({"a/+/c": READ}, "a/b/c", READ, id="segment"),
        pytest.param({"a/+": READ}, "a/b/c", {"deny"}, id="a segment is only one"),
        pytest.param({"a/b": {"deny"}, "a/*": READ}, "a/b", {"deny"}, id="exact beats prefix"),
        pytest.param({"a/*": {"deny"}, "a/b*": READ}, "a/bc", READ, id="longer prefix beats deny"),
        pytest.param({"+/data/*": {"deny"}, "*": READ}, "kv/data/x", READ, id="deny with an earlier wildcard loses"),
        pytest.param(
            {"kv/data/*": {"deny"}, "kv/data/app/*": READ}, "kv/data/app/x", READ, id="deny less specific loses"
        ),
        pytest.param({"a/+/c": READ, "a/b/*": {"deny"}}, "a/b/c", {"deny"}, id="later wildcard beats a closed pattern"),
        pytest.param({"a/+/*": {"deny"}, "a/+/c": READ}, "a/b/c", READ, id="closed beats open at the same wildcard"),
        pytest.param({"a/+/+": {"deny"}, "a/+/c": READ}, "a/b/c", READ, id="fewer wildcards"),
        pytest.param({"a": {"read", "deny"}}, "a", {"deny"}, id="deny in the same rule wins"),
        pytest.param({"a": frozenset()}, "a", {"deny"}, id="a rule that allows nothing"),
    ],
)
def test_one_rule_counts(rules: dict[str, set[str]], path: str, expected: set[str]) -> None:
    """The most specific rule decides alone, deny or not."""
    assert capabilities({pattern: frozenset(allowed) for pattern, allowed in rules.items()}, path) == expected


_PATHS = st.lists(st.sampled_from(["a", "b", "ab"]), min_size=1, max_size=4).map("/".join)
_ALLOWED = st.frozensets(st.sampled_from(["read", "update", "list", "delete"]), min_size=1) | st.just(
    frozenset({"deny"})
)


@st.composite
def _patterns(draw: st.DrawFn) -> str:
    """A path with some segments made wild, perhaps cut off with a star: so that several match the same path."""
    segments = [draw(st.sampled_from([segment, segment, "+"])) for segment in draw(_PATHS).split("/")]
    ending = draw(st.sampled_from(["", "*", "/*"]))
    return "/".join(segments) + ("/*" if ending == "*" and segments[-1] == "+" else ending)


@pytest.mark.real_server
@settings(examples(80), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    policies=st.lists(st.dictionaries(_patterns(), _ALLOWED, min_size=1, max_size=5), min_size=1, max_size=2),
    paths=st.lists(_PATHS, min_size=1, max_size=8, unique=True),
)
def test_agrees_with_the_server(openbao: OpenBao, policies: list[Rules], paths: list[str]) -> None:
    """On any policies and paths a token's capabilities are the ones a real server reports."""
    client = openbao.client
    for number, rules in enumerate(policies):
        document = {"path": {f"probe/{pattern}": {"capabilities": sorted(some)} for pattern, some in rules.items()}}
        client.sys.create_or_update_acl_policy(f"random{number}", json.dumps(document))
    names = [f"random{number}" for number in range(len(policies))]
    token = client.auth.token.create(policies=names, no_default_policy=True, ttl="1m")["auth"]["client_token"]
    asked = [f"probe/{path}" for path in paths]
    answer = client.sys.get_capabilities(asked, token=token)["data"]
    client.auth.token.revoke(token)

    rules = united({f"probe/{pattern}": some for pattern, some in policy.items()} for policy in policies)
    ours = {path: sorted(capabilities(rules, path)) for path in asked}

    assert ours == {path: sorted(answer[path]) for path in asked}

"""The masking of records: each record passes it once, before anything is made of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connectors.core.contract import Scope
from scanner.discovery.inventory import ScopeReading
from scanner.discovery.scopes import Listing, read_scope
from scanner.discovery.shards.files import check_shard, head_of, write_shard
from scanner.discovery.shards.lines import Shard, Unit, without_secrets
from scanner.model import Credential, Identity, Link, Signal, StoredSecret, Trust
from scanner.redaction.masking import line_may_have_secret, mask, was_cut
from scanner.redaction.redact import SecretRef
from scanner.redaction.shapes import LONGEST, shortened, within_bounds
from tests.canaries import CANARIES
from tests.examples import examples
from tests.factories import NOW, make_assignment, make_coverage, make_credential, make_entry, make_identity
from tests.scanner.discovery.shards.estates import SPEC, Plan, planned

TOKEN, OTHER = (text for text, _ in CANARIES["github-token"][:2])
JWT = CANARIES["jwt"][0][0]


def test_values_under_a_secret_s_name_are_masked_and_names_stay() -> None:
    """Of tags and attributes, however deep; what says something about a secret, or where it is, stays."""
    attributes: dict[str, Any] = {
        "variables": {"DB_PASSWORD": "swordfish", "STAGE": "prod", "SECRET_ARN": "arn:aws:secretsmanager:x"},
        "environment": [{"name": "API_TOKEN", "value": "swordfish"}, {"name": "STAGE", "value": "prod"}],
        "connection": {"password": {"value": "swordfish"}},
        "api_keys": ["maps", "billing"],
        "console_password": True,
        "token_subjects": [["aws:1", "arn:aws:sts::1:assumed-role/x/*"]],
    }
    masked = mask(make_identity(tags={"db_password": "swordfish", "owner": "ada"}, attributes=attributes))

    assert masked.tags == {"db_password": "•••", "owner": "ada"}
    assert masked.attributes == {
        **attributes,
        "variables": {"DB_PASSWORD": "•••", "STAGE": "prod", "SECRET_ARN": "arn:aws:secretsmanager:x"},
        "environment": [{"name": "API_TOKEN", "value": "•••"}, {"name": "STAGE", "value": "prod"}],
        "connection": {"password": {"value": "•••"}},
    }


def test_what_people_write_into_descriptions_and_tags() -> None:
    """A password in prose, an address with one, a token in a repository's location, and what is cited of them."""
    cited = Signal(says="agent", sort="tag", evidence="its note says password: hunter2")
    assert mask(make_identity(signals=(cited,))).signals[0].evidence == "its note says password: •••"
    masked = mask(
        make_identity(
            description="for the night job, password=hunter2 until May",
            tags={"db": "postgres://svc:hunter2@db.example.com/app"},
            attributes={"source": {"location": f"https://{TOKEN}@github.com/acme/shop.git"}, "meta": "pw=hunter2"},
        )
    )

    assert masked.description == "for the night job, password=••• until May"
    assert masked.tags == {"db": "postgres://svc:•••@db.example.com/app"}
    assert masked.attributes == {"source": {"location": "https://•••@github.com/acme/shop.git"}, "meta": "pw=•••"}


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        *(one for name in ("authorization-header", "authorization-scheme", "command-line-password")
          for one in CANARIES[name]),
        ("pass\u200bword=hunter2x", "hunter2x"),
    ],
)  # fmt: skip
def test_every_text_field_is_masked_alike(text: str, secret: str) -> None:
    """A description, a display name, a tag, an attribute: a secret is one wherever it is written."""
    fields: tuple[dict[str, Any], ...] = (
        {"description": text}, {"display_name": text}, {"tags": {"note": text}}, {"attributes": {"note": text}},
        {"name": text},
    )  # fmt: skip
    for field in fields:
        masked = mask(make_identity(**{"name": "svc", **field}))

        assert secret not in repr(masked), field
        assert mask(masked) is masked


def test_escapes_in_json_hide_no_secret() -> None:
    """A shard may write any letter as an escape."""
    assert line_may_have_secret(r'{"description":"pass\u0077ord=hunter2x"}')
    assert line_may_have_secret(r'{"description":"postgres:\/\/svc:hunter2x@db"}')


def _credentials(key: str) -> tuple[Credential, ...]:
    holder = make_identity(key=key)
    return make_credential(holder, "one"), make_credential(holder, "two")


def test_ids_with_tokens_remain_ids_of_their_own() -> None:
    """Two names that are tokens stay two identities, the same in every scan, and links to them still work."""

    def named(token: str) -> Identity:
        key = f"idp:user/{token}"
        return make_identity(
            token, key=key, credentials=_credentials(key),
            links=(Link(relation="can_assume", target=key, evidence="itself"),),
        )  # fmt: skip

    one, other = mask(named(TOKEN)), mask(named(OTHER))

    assert one.key != other.key
    assert one.name != other.name
    assert one.links[0].target == one.key
    assert [credential.key for credential in one.credentials] == [
        f"{one.key}#access_key:one", f"{one.key}#access_key:two"
    ]  # fmt: skip
    assert mask(make_assignment(f"idp:user/{TOKEN}")).holder == one.key
    assert mask(make_entry(f"idp:user/{TOKEN}")).identities == (one.key,)
    assert mask(named(TOKEN)) == one == mask(one)


def test_credentials_of_a_key_with_a_password_stay_apart() -> None:
    """The mask replaces all that follows the name, including the part that distinguishes credentials."""
    key = "list:db?password=hunter2"
    masked = mask(make_identity(key=key, credentials=_credentials(key)))

    assert [credential.key for credential in masked.credentials] == [
        "list:db?password=•••#access_key:one",
        "list:db?password=•••#access_key:two",
    ]


@pytest.mark.parametrize(
    "record",
    [
        make_identity(signals=(Signal(says="agent", sort="tag", evidence=f"tag x={JWT}"),)),
        make_identity(trusts=(Trust(principal=JWT, kind="federated", evidence="", only=(JWT,)),)),
        make_identity(aliases=("a", JWT)),
        StoredSecret(key="k", provider="p", source="s", scope="x", name="n", tags={JWT: "a"}),
        make_coverage(status="denied", detail=f"refused {JWT}"),
        make_coverage(scope=JWT),
        make_identity(attributes={"a": [{"b": (JWT,)}]}),
        make_identity(attributes={"line\n": f'{{"x": "\\n{JWT}"}}'}),
        make_identity(attributes={"not json": object(), "x": JWT}),
    ],
)
def test_every_place_is_looked_at(record: Any) -> None:
    """Also within what JSON escapes, and beside what JSON cannot hold."""
    assert JWT not in repr(mask(record))
    assert JWT.partition(".")[0] not in repr(mask(record))


def test_the_most_nested_attribute_is_cut_off() -> None:
    """Deeper levels are not searched, so they are dropped."""
    deep: Any = TOKEN
    for _ in range(3_000):
        deep = [deep]

    masked = mask(make_identity(attributes={"deep": deep}))

    assert TOKEN.encode() not in msgspec.json.encode(masked)


def test_our_own_token_is_masked_wherever_a_provider_repeats_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was resolved, so it is known without any shape; a short one may be a part of any name."""
    monkeypatch.setenv("LONG", "correct-horse-battery-staple-gate")
    monkeypatch.setenv("SHORT", "svc-billing")
    SecretRef(env="LONG").resolve(), SecretRef(env="SHORT").resolve()

    assert mask(make_coverage(detail="by correct-horse-battery-staple-gate")).detail == "by •••"
    assert mask(make_identity("svc-billing")).name == "svc-billing"


@given(st.dictionaries(st.text(), st.recursive(st.text() | st.none() | st.integers(), st.lists), max_size=4), st.text())
def test_a_cleared_record_has_no_secret(attributes: dict[str, Any], text: str) -> None:
    """Twice is as once, for any text; and nothing breaks."""
    once = mask(make_identity(text or "x", description=text, attributes=attributes))

    assert mask(once) == once


def test_a_shard_by_anybody_passes_the_gate(tmp_path: Path) -> None:
    """Spooled records contain no secret, whichever connector wrote them."""
    source = planned("one", Plan((("a", 1),)))
    identity = make_identity(TOKEN, source="one", scope="a", provider="planned", description="password=hunter2")
    lines = [without_secrets(line) for line in _lines(tmp_path / "shard", source, identity)]

    assert [line for line in lines if TOKEN in line or "hunter2" in line] == []
    assert sum("password=•••" in line for line in lines) == 1


def _lines(path: Path, source: Any, identity: Identity) -> list[str]:
    first = next(scope for scope in source.connector.scopes() if isinstance(scope, Scope))
    outcomes: list[Listing | ScopeReading] = [
        Listing(source="one", scopes=(first,)),
        ScopeReading(source="one", scope=first.id, part=first.part, identities=(identity,)),
    ]
    with path.open("wb") as out:
        write_shard(out, head_of([source], Shard(1, 1), "night", NOW), outcomes)
    return list(check_shard(path).lines())


def test_a_scope_s_name_is_masked_alike_in_listing_and_reading() -> None:
    """Otherwise a shard would contain records that no source listed."""

    class Only:
        spec = SPEC

        def discover(self, scope: Scope) -> Any:
            yield make_coverage(scope=scope.id)

    scope = Scope(source="prod", spec=SPEC, id=f"tenant/{TOKEN}")
    connector: Any = Only()
    reading = read_scope(connector, scope, deadline=60)

    assert TOKEN not in repr(reading)
    assert reading.coverage[0].scope == reading.scope
    assert Unit("prod", scope.id, None).digest == Unit("prod", reading.scope, None).digest


@given(st.integers(-60, 5_000), st.sampled_from(["description", "name", "attributes"]))
@example(0, "name")
@examples(30)
def test_of_a_secret_where_a_text_is_cut_nothing_stays(before: int, field: str) -> None:
    """Neither at the cut nor where the text that is masked ends; masking again changes nothing."""
    secret = f"ghp_{'Zk4pQ8vT2m' * 4}"[:40]
    text = "x " * ((LONGEST + before) // 2) + f" {secret} " + "y" * 10_000
    identity = make_identity(**{field: {"note": text} if field == "attributes" else text})
    masked = mask(identity)
    kept = getattr(masked, field)
    kept = kept["note"] if field == "attributes" else kept

    assert len(kept) <= LONGEST
    assert "cut: of 1" in kept
    assert "ghp_" not in kept
    assert was_cut(masked)
    assert mask(masked) is masked


def test_ten_megabytes_in_a_text_cost_no_more_than_the_longest() -> None:
    """Only what is kept is looked at: these signs take a microsecond each."""
    looked_at: list[int] = []

    def masked(text: str) -> str:
        looked_at.append(len(text))
        return text

    assert len(within_bounds("key=" * 2_500_000, masked)) <= LONGEST
    assert looked_at == [n for n in looked_at if n < 2 * LONGEST]


def test_what_is_shortened_is_masked_before() -> None:
    """Half of a token would not be found any more."""
    token = f"ghp_{'Zk4pQ8vT2m' * 4}"[:40]

    assert "ghp_" not in shortened(f"a name with {token}", 40)

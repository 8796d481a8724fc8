"""Secrets are known by what they look like and by what they are called, and nothing else is taken for one."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from scanner.redaction.named import is_public, is_secret_name
from scanner.redaction.shapes import MASK, SHAPES, public_id, without_secrets
from tests.canaries import CANARIES, NAMED, PUBLIC, VENDORS

ROOT = Path(__file__).parents[3]
_SAMPLES = [sample for samples in CANARIES.values() for sample in samples]
_SHAPES = [name for name, samples in CANARIES.items() for _ in samples]


def test_every_shape_has_a_canary() -> None:
    """A new shape brings one."""
    assert sorted({shape.id for shape in SHAPES}) == sorted(CANARIES)


@pytest.mark.parametrize(("text", "secret"), _SAMPLES, ids=_SHAPES)
def test_a_secret_is_known_by_its_shape(text: str, secret: str) -> None:
    """Wherever it is, of whichever vendor; masked twice, it reads as masked once."""
    for around in ("{}", "see {} there", 'x="{}"', "({}),", "location={}", "a\n{}\nb", "{}é", "it is {}. So"):
        whole = around.format(text)
        for masked in (without_secrets(whole), public_id(whole)):
            assert secret not in masked
            assert MASK in masked
        assert without_secrets(without_secrets(whole)) == without_secrets(whole)
        assert public_id(public_id(whole)) == public_id(whole)


@pytest.mark.parametrize("name", VENDORS["tokens"])
def test_a_token_in_the_path_of_an_address(name: str) -> None:
    """More of the path may follow it."""
    for text, secret in CANARIES[name]:
        assert secret not in without_secrets(f"https://x.example/{text}/y")


@pytest.mark.parametrize(("text", "secret"), NAMED.values(), ids=NAMED)
def test_a_secret_is_known_by_its_name(text: str, secret: str) -> None:
    """As people write it down; the name stays."""
    for around in ("{}", "connects with {} since May", "Server=db;{};Database=x", "-{}"):
        masked = without_secrets(around.format(text))

        assert secret not in masked
        assert MASK in masked
        assert without_secrets(masked) == masked


@pytest.mark.parametrize("text", PUBLIC)
def test_a_public_id_is_never_masked(text: str) -> None:
    """It is what findings, matches and links are about."""
    assert without_secrets(text) == text
    assert public_id(text) == text


def _own_texts() -> Iterator[tuple[str, str]]:
    for package in ("scanner", "connectors", "reports"):
        for path in sorted((ROOT / package).rglob("*.py")):
            nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
            documented = {node.value for node in nodes if isinstance(node, ast.Expr)}
            for node in nodes:
                if node in documented:
                    continue
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield str(path.relative_to(ROOT)), node.value
                elif isinstance(node, ast.JoinedStr):
                    parts = [value.value if isinstance(value, ast.Constant) else "X9" for value in node.values]
                    yield str(path.relative_to(ROOT)), "".join(map(str, parts))


def test_our_own_messages_are_not_garbled() -> None:
    """Muster's own texts are never masked, except the table of shapes and the demo's secrets."""
    garbled = [
        (path, text)
        for path, text in _own_texts()
        if path != "scanner/redaction/shapes.py"
        and not {"demo", "fakes"} & set(path.split("/"))
        and without_secrets(text) != text
    ]

    assert garbled == []


@pytest.mark.parametrize(
    "text",
    [
        "/etc/passwd: No such file",
        "cannot read /run/secrets/db_password: Permission denied",
        "password: •••",
        "token: expired",
        "the token: it was refused",
        "invalid secret: see the log",
        'token = { env = "VAULT_TOKEN" }',
        "(token_repositories = true)",
        "write=api_key:created",
        "tenant.workload_identity.access_token:issued",
        "password_last_changed: 2024-01-01",
        "token_url=https://login.example.com/token",
        "password=None",
        "compass: north, bypass=true",
        "secret: arn:aws:secretsmanager:eu-west-1:123456789012:secret:x",
        "passed: 12 of 14",
        "reset password: see wiki",
        "password: ask the platform team",
        "password: in the vault",
        "pwd: /home/x",
        "pwd=/var/lib/app",
        "Authorization: approved by the CISO",
        "Basic CloudWatchLogs",
        "Basic tier-2024",
        "bearer token-2024",
        "Bearer AuthClient2",
        "curl -u user:$PASSWORD",
        "curl -u user:<password>",
        "sshpass -p $SSHPASS ssh",
        "mysql -h db -P 3306 -u root -p app",
        "mysql replica of -production",
        "na\u00efve \u200bcaf\u00e9",
    ],
)
def test_words_about_secrets_stay(text: str) -> None:
    """A message must still say what is wrong, a fact what it is."""
    assert without_secrets(text) == text


@pytest.mark.parametrize("gap", ["\u200b", "\u200d", "\u2060", "\ufeff", "\u00ad", "\u202e"])
def test_invisible_characters_hide_no_secret(gap: str) -> None:
    """Neither within the name of one nor within itself."""
    token = CANARIES["github-token"][0][0]
    for text, secret in ((f"pass{gap}word=hunter2x", "hunter2x"), (f"see {token[:9]}{gap}{token[9:]}", token[12:])):
        for masked in (without_secrets(text), public_id(text)):
            assert secret not in masked
            assert MASK in masked


def test_all_passwords_of_a_command_line_are_masked() -> None:
    """And the command stays readable."""
    text = "curl -u a:hunter2 -X GET --proxy-user b:hunter3 https://x"

    assert without_secrets(text) == "curl -u a:••• -X GET --proxy-user b:••• https://x"


def test_an_address_is_masked_in_one_way() -> None:
    """In prose and as an id: who signs in is public, the password is not."""
    (url, word) = CANARIES["url-password"][0]

    assert without_secrets(url) == public_id(url) == url.replace(word, MASK)


@pytest.mark.parametrize(
    "name",
    ["db_password", "dbPassword", "DB_PASS", "pw", "Token", "clientSecret", "x-api-key", "password_prod", "secret",
     "DB password", "webhook_url", "connectionString", "password2"],
)  # fmt: skip
def test_names_of_secrets(name: str) -> None:
    """Of tags, attributes, variables."""
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    ["owner", "secrets", "token_subjects", "passwordLastSet", "password_last_changed", "token_policies", "secret_arn",
     "secret_id_accessor", "token_ttl", "keyId", "access_key", "secretName", "compass", "console_password_enabled",
     "tokens", "monkey", "team"],
)  # fmt: skip
def test_names_of_facts(name: str) -> None:
    """What is known about a secret, or where it is, is none."""
    assert not is_secret_name(name)


@pytest.mark.parametrize("value", ["", "true", "2024-01-01", "AKIAIOSFODNN7EXAMPLE", "arn:aws:x", "${DB_PASSWORD}"])
def test_public_values_under_any_name(value: str) -> None:
    """A tag ``token=true`` says that there is one."""
    assert is_public(value)


def test_a_masked_id_is_still_one_of_its_own() -> None:
    """Two tokens as names are two identities every day; what people choose is not hashed, for it can be guessed."""
    (one, _), (other, _) = CANARIES["github-token"][:2]
    (url, word) = CANARIES["url-password"][0]

    assert public_id(f"user/{one}") == public_id(f"user/{one}") != public_id(f"user/{other}")
    assert public_id(url) == url.replace(word, MASK)
    assert public_id("svc-password=swordfish") == f"svc-password={MASK}"


def test_no_shape_is_slow_on_hostile_texts() -> None:
    """A text that begins a secret again and again costs its length: a careless pattern would take hours of these."""
    for keyword in sorted({keyword for shape in SHAPES for keyword in shape.keywords} | {"password:", "token="}):
        for filler in ("", "a1", "://a:b", " ", "-"):
            without_secrets((keyword + filler) * (8_000 // len(keyword + filler)))
            without_secrets(keyword + filler * 8_000)


@pytest.mark.parametrize("text", ['https://u:pw="a b"c@host/', 'https://u:password="one two"three@host/'])
def test_what_a_mask_joins_is_looked_at_again(text: str) -> None:
    """A blank within the password of an address hid the rest of it."""
    for masks in (without_secrets, public_id):
        assert masks(text) == masks(masks(text)) == "https://u:•••@host/"

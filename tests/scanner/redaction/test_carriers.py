"""A secret is masked however it is written down, and what findings are about never is."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.estate import identities
from scanner.redaction.masking import mask
from scanner.redaction.shapes import MASK, SHAPES, public_id, without_secrets
from tests.canaries import CANARIES

VALUE = "Zk4pQ8vT2m"
CARRIERS = {
    "an environment": "DB_PASSWORD={}", "an export": 'export API_TOKEN="{}"', "JSON": '{{"apiKey": "{}", "x": 1}}',
    "JSON in JSON": '{{\\"client_secret\\": \\"{}\\"}}', "YAML": "db password: {}", "a YAML block": "token: |\n  {}",
    "XML": "<password>{}</password>", "XML with attributes": '<db:password enc="no">{}</db:password>',
    "XML over lines": "<apiToken>\n    {}\n</apiToken>", "escaped XML": "&lt;password&gt;{}&lt;/password&gt;",
    "a list of settings": '<add key="password" value="{}" />', "a variable": '{{"name": "DB_PASSWORD", "value": "{}"}}',
    "a property list": "<key>password</key>\n<string>{}</string>", "an option": "mysqladmin --password {} ping",
    "an option in a list": '["--api-key", "{}"]', "a short option": "-token {}", "an option with a sign": "--token={}",
    "netrc": "machine db login svc password {}", "netrc over lines": "machine x\n  login a\n  password {}",
    "an address": "amqp://svc:{}@mq:5672/x",
    "prose": "the passphrase is {}", "more prose": "its password is now {}, see the wiki",
    "full width": "password\uff1a{}", "Chinese": "\u5bc6\u7801\uff1a{}",
    "Go": 'var dbPassword string = "{}"', "a call": 'client.setPassword("{}")', "make": 'API_TOKEN ?= "{}"',
    "backticks": "apiToken := `{}`", "SQL": "ALTER ROLE svc PASSWORD '{}'", "a form": "user=a&password={}",
    "Docker": "docker login -u svc -p {}", "base64": "DB_PASSWORD={}\n",
}  # fmt: skip
IDS = (
    "arn:aws:iam::123456789012:role/service-role/token-refresher", "arn:aws:kms:us-east-1:123456789012:key/mrk-1a2b3c",
    "0a1b2c3d-0000-4000-8000-00000000abcd", "CN=svc-password-sync,OU=Service Accounts,DC=acme,DC=example",
    "svc-secret-reader@acme-prod.iam.gserviceaccount.com", "AROAEXAMPLEID1234567",
    "0f1e2d3c4b5a69788796a5b4c3d2e1f001122334",
    "system:serviceaccount:payments:token-refresher", "repo:acme/shop:environment:production", "123456789012",
    "/subscriptions/0a1b2c3d-0000-4000-8000-00000000abcd/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/secrets",
)  # fmt: skip
# They begin with less than four characters of their own, which are in too much base64.
SHORT = {
    "azure-ad-client-secret", "sendgrid-api-token", "twilio-api-key", "mailchimp-api-key", "vault-token-before-1.10",
    "sk-api-key", "authress-access-key", "huggingface-access-token", "airtable-personal-token", "dropbox-token",
    "1password-secret-key", "replicate-api-token",
}  # fmt: skip
KNOWN = [
    text
    for name, samples in CANARIES.items()
    for text, secret in samples
    if name not in SHORT and text == secret and len(text) >= 20
]


@pytest.mark.parametrize("carrier", CARRIERS.values(), ids=CARRIERS)
def test_a_value_beside_its_name(carrier: str) -> None:
    """The name stays, so that one knows what to rotate."""
    text = carrier.format(VALUE)
    if carrier == CARRIERS["base64"]:
        text = base64.b64encode(text.encode()).decode()
    for whole in (text, f"since May: {text}", json.dumps({"note": text}, ensure_ascii=False)):
        masked = without_secrets(whole)

        assert VALUE not in masked
        assert MASK in masked
        assert without_secrets(masked) == masked


@pytest.mark.parametrize("name", ["XML", "an option", "YAML", "full width", "netrc", "an address", "a form"])
def test_a_value_beside_its_name_in_an_id(name: str) -> None:
    """An id contains colons, but none before a space and a password."""
    assert VALUE not in public_id(CARRIERS[name].format(VALUE))


@pytest.mark.parametrize("before", ["", "\n", "k="])
@pytest.mark.parametrize("code", [base64.b64encode, base64.urlsafe_b64encode])
def test_base64_of_a_token_wherever_it_begins(before: str, code: Callable[[bytes], bytes]) -> None:
    """Of every shape that is told by how the token begins."""
    kept = []
    for text in KNOWN:
        hidden = code(f"{before}{text}\n".encode()).decode()
        if hidden in without_secrets(f"data: {hidden}") or hidden in public_id(hidden):
            kept.append(text)

    assert kept == []


def test_base64_of_a_key_file_over_lines() -> None:
    """As ``base64`` writes it; what stands after it stays."""
    (pem, _), *_ = CANARIES["private-key"]
    code = base64.encodebytes(f"# key\n{pem}".encode()).decode()
    masked = without_secrets(f"key file:\n{code}\nused by svc-a")

    assert not [line for line in code.splitlines() if line in masked]
    assert masked.endswith("used by svc-a")


@given(st.sampled_from(IDS), st.sampled_from(["{}", "{}#{}", "{} in {}", "a\n{}", "{}, {}"]))
def test_an_id_is_never_masked(known: str, around: str) -> None:
    """In no text and no list."""
    text = around.replace("{}", known)

    assert public_id(text) == without_secrets(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "secret:us-east-1:prod/db was not read",
        "token: us-east-1: 3 of 14 regions are denied",
        "secrets of secretsmanager:eu-west-1:123456789012: access denied",
        "token: 0a1b2c3d-0000-4000-8000-00000000abcd is not in the tenant",
        "iam:PassRole on arn:aws:iam::123456789012:role/token-refresher is denied in us-east-1",
        "the password is required", "the token is expired", "use --token to sign in", "<password> is a placeholder",
    ],
)  # fmt: skip
def test_the_text_of_a_gap_stays_readable(text: str) -> None:
    """It is evidence: regions, ARNs and ids in it are where to look."""
    assert without_secrets(text) == text


def test_no_generated_name_is_masked() -> None:
    """Of identities as companies name them."""
    chance = random.Random(33)  # noqa: S311  # not for security: every run makes the same values
    words = (
        "svc",
        "token",
        "password",
        "secret",
        "key",
        "api",
        "heroku",
        "linear",
        "okta",
        "sk",
        "prod",
        "sync",
        "rotator",
    )
    names = [chance.choice("-_./: ").join(chance.choices(words, k=chance.randint(2, 5))) for _ in range(20_000)]

    assert [name for name in names if public_id(name) != name] == []
    assert [one.key for one in identities(2_000) if mask(one) is not one] == []


def test_megabytes_of_beginnings_cost_their_length() -> None:
    """Each is looked at once: a cell of ten million characters ends as well."""
    for beginning in ("token=", '"password": "', "<secret>", "--token ", "cGFzc3dvcmQ", "snyk", "heroku_a_b_c", "key,"):
        without_secrets(beginning * (500_000 // len(beginning)))


def test_shapes_have_names_of_their_own() -> None:
    """A name says which rule masked something."""
    assert all(shape.id and shape.keywords for shape in SHAPES)

"""Secrets that open nothing, one at least of each shape, and public ids that look a little like them.

They are put together when the tests run: whole, they would alarm whatever looks for secrets in a repository.
"""

from __future__ import annotations

import base64
import gzip
import random
import re
import string
import tomllib
import zipfile
from collections.abc import Collection, Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from msgspec import Struct
from msgspec.structs import fields, replace

_random = random.Random(20260101)  # noqa: S311  # the same ones every time


def _some(count: int, among: str = string.ascii_letters + string.digits) -> str:
    """So many characters, a digit and a capital among them where there are any."""
    text = "".join(_random.choices(among, k=count - 2))
    return text + ("9" if "9" in among else among[0]) + ("Q" if "Q" in among else among[1])


_HEX = "0123456789abcdef"
_UPPER = string.ascii_uppercase + string.digits
_JSON = base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT"}').decode().rstrip("=")
_BASIC = base64.b64encode(b"svc:hunter2-x").decode()
_PEM = f"-----BEGIN RSA PRIVATE KEY-----\nMIIE{_some(60)}\n{_some(60)}\n-----END RSA PRIVATE KEY-----"

_SAMPLES: Mapping[str, list[str] | list[tuple[str, str]]] = {
    "private-key": [(_PEM, _PEM[40:80]), (_PEM[:90], _PEM[40:80]), (_PEM.replace("RSA", "OPENSSH"), _PEM[40:80])],
    "private-key-base64": [base64.b64encode(_PEM.encode()).decode()],
    "putty-private-key": [(f"Private-Lines: 2\n{(line := _some(64))}\n", line)],
    "age-secret-key": [f"AGE-SECRET-KEY-1{_some(58, 'QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L')}"],
    "jwt": [f"{_JSON}.eyJz{_some(30)}.{_some(43)}", f"{_JSON}.e30.{_some(43)}"],
    "url-password": [(f"postgres://svc:{(word := 'hunter2' + _some(5))}@db.example.com/app", word)],
    "url-token": [(f"https://{(token := _some(40, _HEX))}@github.com/acme/shop.git", token)],
    "go-mysql-password": [(f"app:{(word := 'swordfish' + _some(4))}@tcp(db:3306)/app", word)],
    "aws-secret-access-key": [(f"AKIA{_some(16, _UPPER)}:{(key := _some(40))}", key)],
    "aws-session-token": [f"IQoJb3JpZ2lu{_some(200)}="],
    "aws-bedrock-api-key": [f"ABSKQmVkcm9ja{_some(100)}="],
    "azure-ad-client-secret": [f"a1b8Q~{_some(34)}"],
    "azure-sas": [(f"https://x.blob.core.windows.net/c?sv=2024&sig={(sig := _some(40))}%3D", sig)],
    "azure-key": [(f"DefaultEndpointsProtocol=https;AccountName=a;AccountKey={(key := _some(86))}==", key)],
    "azure-identifiable-key": [f"{_some(76)}AZDO{_some(4)}"],
    "gcp-api-key": [f"AIza{_some(35)}"],
    "gcp-oauth-access-token": [f"ya29.{_some(60)}"],
    "gcp-oauth-client-secret": [f"GOCSPX-{_some(28)}"],
    "gcp-refresh-token": [f"1//0{_some(60)}"],
    "alibaba-secret-key": [(f"LTAI{_some(20)} {(key := _some(30))}", key)],
    "digitalocean-token": [f"dop_v1_{_some(64, _HEX)}"],
    "databricks-api-token": [f"dapi{_some(32, _HEX)}"],
    "cloudflare-origin-ca-key": [f"v1.0-{_some(24, _HEX)}-{_some(146, _HEX)}"],
    "hashicorp-vault-token": [f"hvs.{_some(90)}", f"hvb.{_some(150)}"],
    "vault-token-before-1.10": [f"s.{_some(24)}", f"b.{_some(24)}", f"r.{_some(24)}"],
    "hashicorp-tf-api-token": [f"{_some(14)}.atlasv1.{_some(67)}"],
    "1password-service-account-token": [f"ops_eyJ{_some(250)}"],
    "doppler-api-token": [f"dp.pt.{_some(43)}"],
    "infisical-or-pulumi-token": [f"pul-{_some(40, _HEX)}"],
    "tailscale-key": [f"tskey-auth-{_some(16)}-{_some(32)}"],
    "fly-token": [f"fo1_{_some(43)}", f"FlyV1 fm2_{_some(60)}"],
    "github-token": [f"gh{kind}_{_some(36)}" for kind in "pours"],
    "github-fine-grained-pat": [f"github_pat_{_some(22)}_{_some(59)}"],
    "gitlab-token": [f"gl{kind}-{_some(20)}" for kind in ("pat", "dt", "rt", "ptt", "cbt", "oas", "ft")],
    "gitlab-runner-registration-token": [f"GR1348941{_some(20)}"],
    "npm-access-token": [f"npm_{_some(36)}"],
    "pypi-upload-token": [f"pypi-AgEIcHlwaS5vcmc{_some(80)}"],
    "rubygems-api-token": [f"rubygems_{_some(48, _HEX)}"],
    "clojars-api-token": [f"CLOJARS_{_some(60)}"],
    "docker-pat": [f"dckr_pat_{_some(27)}"],
    "artifactory-token": [f"AKCp{_some(69)}", f"cmVmd{_some(59)}"],
    "atlassian-api-token": [f"ATATT3{_some(186)}", f"ATBB{_some(32)}"],
    "linear-api-key": [f"lin_api_{_some(40)}"],
    "postman-api-token": [f"PMAK-{_some(24, _HEX)}-{_some(34, _HEX)}"],
    "sourcegraph-access-token": [f"sgp_{_some(40, _HEX)}"],
    "netlify-or-notion-token": [f"nfp_{_some(36)}", f"ntn_{_some(46)}"],
    "supabase-or-planetscale-token": [f"sbp_{_some(40, _HEX)}", f"pscale_tkn_{_some(43)}"],
    "openai-api-key": [f"sk-{_some(20)}T3BlbkFJ{_some(20)}", f"sk-proj-{_some(58)}T3BlbkFJ{_some(58)}"],
    "sk-api-key": [f"sk-ant-api03-{_some(93)}AA", f"sk-proj-{_some(48)}", f"sk-{_some(48)}", f"sk-or-v1-{_some(64)}"],
    "huggingface-access-token": [f"hf_{_some(34)}"],
    "groq-api-key": [f"gsk_{_some(52)}"],
    "perplexity-or-xai-api-key": [f"pplx-{_some(48)}", f"xai-{_some(80)}"],
    "replicate-api-token": [f"r8_{_some(37)}"],
    "slack-token": [f"xoxb-{_some(11, string.digits)}-{_some(12, string.digits)}-{_some(24)}", f"xapp-1-{_some(30)}"],
    "slack-webhook-url": [
        (f"https://hooks.slack.com/services/{(path := f'T{_some(8)}/B{_some(8)}/{_some(24)}')}", path)
    ],
    "discord-webhook-url": [(f"https://discord.com/api/webhooks/123456789012345678/{(t := _some(68))}", t)],
    "microsoft-teams-webhook": [(f"https://acme.webhook.office.com/webhookb2/{(t := _some(40))}", t)],
    "google-chat-webhook": [(f"https://chat.googleapis.com/v1/spaces/AA/messages?token={(t := _some(40))}", t)],
    "zapier-webhook": [(f"https://hooks.zapier.com/hooks/catch/{(t := '1234567/' + _some(7))}", t)],
    "telegram-bot-api-token": [(f"https://api.telegram.org/bot12345678:{(t := 'AA' + _some(33))}/x", t)],
    "stripe-access-token": [f"sk_live_{_some(24)}", f"rk_test_{_some(24)}", f"whsec_{_some(32)}"],
    "sendgrid-api-token": [f"SG.{_some(22)}.{_some(43)}"],
    "twilio-api-key": [f"SK{_some(32, _HEX)}"],
    "mailgun-token": [f"key-{_some(32, _HEX)}"],
    "sendinblue-api-token": [f"xkeysib-{_some(64, _HEX)}-{_some(16)}"],
    "shopify-access-token": [f"shpat_{_some(32, _HEX)}"],
    "square-access-token": [f"sq0atp-{_some(22)}"],
    "grafana-token": [f"glsa_{_some(32)}_{_some(8, _HEX)}", f"glc_{_some(60)}", f"eyJrIjoi{_some(70)}"],
    "new-relic-api-key": [f"NRAK-{_some(27, _UPPER)}"],
    "dynatrace-api-token": [f"dt0c01.{_some(24, _UPPER)}.{_some(64, _UPPER)}"],
    "sentry-token": [f"sntryu_{_some(64, _HEX)}", f"sntrys_eyJpYXQiO{_some(80)}"],
    "typeform-api-token": [f"tfp_{_some(44)}"],
    "figma-or-contentful-token": [f"figd_{_some(40)}", f"CFPAT-{_some(43)}"],
    "shippo-or-easypost-token": [f"shippo_live_{_some(40, _HEX)}", f"EZAK{_some(54)}"],
    "adobe-client-secret": [f"p8e-{_some(32)}"],
    "authorization-header": [
        (f"Authorization: Bearer {(t := _some(32, _HEX))}", t), (f"authorization=Token {(t := _some(20))}", t),
        (f"Proxy-Authorization: {(t := _some(20))}", t), (f"AUTHORIZATION: Basic {(t := _BASIC)}", t),
    ],
    "authorization-scheme": [
        (f"Bearer {(t := _some(32, _HEX))}", t), (f"bearer Zx9{(t := _some(20))}", t), (f"Basic {_BASIC}", _BASIC),
    ],
    "command-line-password": [
        (f"curl -su svc:{(t := 'hunter2' + _some(6))} https://x", t), (f"curl -X GET --user svc:{(t := _some(9))}", t),
        (f"sshpass -p {(t := 'swordfish' + _some(4))} ssh x", t), (f"mysql -h db -u root -p{(t := _some(12))} app", t),
        (f"mysqldump -p{(t := _some(9))}", t), (f"redis-cli -h db -a {(t := _some(12))}", t),
        (f"docker login -u svc -p {(t := _some(12))}", t), (f"ldapsearch -x -D cn=a -w {(t := _some(12))}", t),
    ],
    "command-line-token": [
        (f'curl -u "{(t := _some(14))}:" https://x', t), (f"curl -X GET --user {(t := _some(20))}: https://x", t),
    ],
    "basic-credentials": [(f'{{"auths": {{"x": {{"auth": "{_BASIC}"}}}}}}', _BASIC), (f"_auth={_BASIC}", _BASIC)],
    "netrc-password": [
        (f"machine db.example.com login svc password {(t := _some(12))}", t),
        (f"default login a password {(t := _some(9))}", t),
    ],
    "sql-password": [(f"ALTER USER svc IDENTIFIED BY '{(t := 'swordfish')}'", t)],
    "hubspot-private-app-token": [f"pat-na1-{_some(8, _HEX)}-1234-1234-1234-{_some(12, _HEX)}"],
}  # fmt: skip
VENDORS = tomllib.loads((files("scanner.redaction") / "vendors.toml").read_text(encoding="utf-8"))
_ALPHABETS = {
    "hex": _HEX, "text": string.ascii_letters + string.digits, "upper": _UPPER, "digits": string.digits,
    "word": string.ascii_letters + string.digits + "_-", "base64": string.ascii_letters + string.digits + "+/",
}  # fmt: skip


def _filled(form: str) -> str:
    """A secret of a form of ``vendors.toml``, the shortest that there is."""

    def part(match: re.Match[str]) -> str:
        if match[1] == "guid":
            return f"{_some(8, _HEX)}-1234-4abc-8abc-{_some(12, _HEX)}"
        count = int(match[2])
        return _some(count, _ALPHABETS[match[1]]) if count > 1 else "7"

    return re.sub(r"\{([a-z0-9]+)(?::(\d+)-?\d*)?\}", part, form)


_OFVENDORS: dict[str, list[tuple[str, str]]] = {
    name: [(text := _filled(form), text) for form in forms] for name, forms in VENDORS["tokens"].items()
} | {
    f"{name}-secret": [(f'{name} = "{(text := _filled(form))}"', text) for form in forms]
    for name, forms in VENDORS["beside"].items()
}
CANARIES: Mapping[str, tuple[tuple[str, str], ...]] = {
    name: tuple(one if isinstance(one, tuple) else (one, one) for one in samples)
    for name, samples in {**_SAMPLES, **_OFVENDORS}.items()
}
"""By the id of its shape: texts, each with what of it no one may see."""

_SIGNS = {
    "password": "=", "DB_PASSWORD": ": ", "db.password": "=", "pw": "=", "pwd": ": ", "passwd": "=", "DB_PASS": "=",
    "client_secret": "=", "clientSecret": ": ", "api key": ": ", "X-Api-Key": ": ", "secret": "=", "token": "=",
    "access_token": "=", "aws_secret_access_key": " = ", "password_prod": "=", "--token": "=", "Password": "=",
    "Kennwort": ": ", "private_key": "=", "SharedAccessKey": "=", "secretAccessKey": " => ", "passphrase": ":",
}  # fmt: skip
NAMED = {
    name: (f"{name}{sign}hunter2{number}x", f"hunter2{number}x") for number, (name, sign) in enumerate(_SIGNS.items())
}
"""By the name before it: a text, and what of it no one may see."""

PUBLIC = (
    "AKIAIOSFODNN7EXAMPLE",
    "AROAEXAMPLEID1234567",
    "arn:aws:iam::123456789012:role/service-role/password-rotator",
    "arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-password-1a2B3c",
    "arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-1a2B3c:password::",
    "projects/acme-prod/secrets/db-password/versions/3",
    "projects/123/locations/global/keys/0a1b2c3d-0000-4000-8000-00000000abcd",
    "123456789012-0a1b2c3d4e5f6g7h8i9j0k1l2m3n4o5p.apps.googleusercontent.com",
    "svc-token-broker@acme-prod.iam.gserviceaccount.com",
    "SHA256:nThbg6kXUpJWGl7E1IGOCspRomTxdCARLviKw6E5SY8",
    "SHA1:0f1e2d3c4b5a69788796a5b4c3d2e1f001122334",
    "hmac-sha256:8b1a9953c4611296a827abf8c47804d70a1b2c3d4e5f60718293a4b5c6d7e8f9",
    "0a1b2c3d-0000-4000-8000-00000000abcd",
    "auth_approle_1a2b3c4d#8zK1vN0pQ2rS4tU6wX8yZ0aB",
    "https://sts.windows.net/0a1b2c3d-0000-4000-8000-00000000abcd/",
    "https://oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE",
    "https://api.example.com:8443/hooks?mail=ada@example.com",
    "repo:acme/shop:environment:production",
    "system:serviceaccount:payments:token-refresher",
    "/subscriptions/0a1b2c3d-0000-4000-8000-00000000abcd/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/secrets",
    "task-runner-for-the-monthly-report-2024",
    "risk-sk-evaluation",
    "lambda.amazonaws.com",
    "ada@example.com",
    "-----BEGIN CERTIFICATE-----\nMIIDdzCCAl+gAwIBAgIEAgAAuTANBgkqhkiG9w0BAQUFADBa\n-----END CERTIFICATE-----",
)
"""Nothing of these is ever masked."""


def planted(record: Any, text: str, *, but: Collection[str] = ()) -> Any:
    """The record with the text at the end of each text in it, however deep; ``but``: fields to leave alone.

    Tags and attributes are given more, so that no record is without any.
    """
    new = {name: _planted(getattr(record, name), text, but) for name in _open(record.__class__) if name not in but}
    if "attributes" in new:
        new["attributes"] |= {"in": [{"lists": [text]}], f"as {text}": "name", "json": f'{{"a": "{text}\\n"}}'}
    if "tags" in new:
        new["tags"] |= {"planted": text}
    return replace(record, **new)


@cache
def _open(kind: type[Struct]) -> tuple[str, ...]:
    """The fields that are not one of a few values."""
    return tuple(
        one.name
        for one in fields(kind)
        if not any(get_origin(part) is Literal for part in (one.type, *get_args(one.type)))
    )


def _planted(value: Any, text: str, but: Collection[str]) -> Any:
    match value:
        case str():
            return f"{value} {text}"
        case Struct():
            return planted(value, text, but=but)
        case tuple() | list():
            return type(value)(_planted(one, text, but) for one in value)
        case dict():
            return {key: _planted(one, text, but) for key, one in value.items()}
    return value


def readable(path: Path) -> bytes:
    """All that can be read in a file: its bytes, those of the parts of a workbook, and packed blocks of a page."""
    content = path.read_bytes()
    parts = [content]
    if content.startswith(b"PK"):
        with zipfile.ZipFile(path) as parts_of:
            parts += [parts_of.read(name) for name in parts_of.namelist()]
    parts += [
        gzip.decompress(base64.b64decode(block)) for block in re.findall(rb"H4sI[A-Za-z0-9+/]{8,}={0,2}", content)
    ]
    return b"\n".join(parts)

"""No secret gets out by what is no record: errors of providers, changes that the gate judges, requests to the page."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from connectors.testing import Server
from connectors.testing.server import Asked, Reply
from tests.canaries import CANARIES, readable
from tests.cli.conftest import Muster, muster
from tests.contract.test_silence import OVER_HTTP, SOURCES, credentials
from tests.scanner.serve.conftest import scanned_folder
from tests.scanner.serve.served import Served

__all__ = ["credentials", "muster", "scanned_folder"]

ALL = [
    (text.replace("\n", " "), secret)
    for samples in CANARIES.values()
    for text, secret in samples
    if not any(sign in text for sign in ("PRIVATE KEY-----", "Private-Lines:")) and "\n" not in secret
]
EVERYTHING = " ".join(text for text, _ in ALL)
WORDS = ("message", "code", "type", "status", "reason", "error_description", "Code", "Message", "kind", "__type")


def _found(content: bytes | str) -> list[str]:
    data = content.encode() if isinstance(content, str) else content
    return [secret for _, secret in ALL if secret.encode() in data]


def _errors() -> Iterator[Reply]:
    """Answers that quote secrets: short ones for what is cut, all of them, as JSON, text, and of a wrong shape."""
    for text in (EVERYTHING, " ".join(text for text, _ in ALL[-4:]), " ".join(text for text, _ in ALL[:2])):
        named = dict.fromkeys(WORDS, text)
        yield Reply(status=403, body={"error": named, "errors": [text, named], **named})
        yield Reply(status=400, body=text.encode(), headers={"WWW-Authenticate": f'Bearer error="{text[:4000]}"'})
        yield Reply(status=200, body=dict.fromkeys(("data", "value", "items", "object", "keys"), text))


@pytest.mark.parametrize("name", OVER_HTTP)
def test_what_a_provider_says_in_an_error(
    name: str, muster: Muster, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Its bodies and headers get into no gap, report, store, log or message, and into no advice of ``doctor``."""
    caplog.set_level(logging.DEBUG, logger="scanner")
    (tmp_path / "bots.csv").write_text("key,name,provider,scope\nsaas:a:x,x,saas,a\n")
    replies = list(_errors())

    for number, reply in enumerate(replies):

        def answer(_: Asked, reply: Reply = reply) -> Reply:
            return reply

        with Server(answer, most=None) as server:
            source = SOURCES[name].format(url=server.url)
            outputs = [
                argument for form in ("json", "html", "markdown") for argument in ("-o", f"{form}:{number}.{form}")
            ]
            scanned = muster("-v", "scan", "file:path=bots.csv", source, *outputs)
            checked = muster("-v", "doctor", source)

        assert scanned.code == 0, scanned.err
        assert server.asked
        for done in (scanned, checked):
            assert _found(done.out + done.err) == []
    assert _found(caplog.text) == []
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(written) > 3 * len(replies)
    for path in written:
        assert _found(readable(path)) == [], path


def _changes() -> dict[str, Any]:
    """Files of a change by name, with secrets wherever a text may stand."""
    trust = {"Statement": [{"Effect": "Allow", "Principal": {"AWS": EVERYTHING}, "Action": "sts:AssumeRole"}]}
    role = {"name": f"r {EVERYTHING}", "description": EVERYTHING, "tags": {"k": EVERYTHING, EVERYTHING: "v"}}
    changed = [
        ("aws_iam_role", {**role, "assume_role_policy": json.dumps(trust)}),
        ("aws_iam_role", {"name": "y", "assume_role_policy": f"{{{EVERYTHING}"}),
        ("aws_iam_user", {"name": "x", "path": EVERYTHING}),
        (f"foo_{EVERYTHING}", {"name": EVERYTHING}),
    ]
    resources = [
        {
            "address": f'{kind}.n{number}["{EVERYTHING}"]', "mode": "managed", "type": kind, "name": f"n{EVERYTHING}",
            "provider_name": "registry.terraform.io/hashicorp/aws",
            "change": {"actions": ["create"], "before": None, "after": after, "after_unknown": {}},
        }
        for number, (kind, after) in enumerate(changed)
    ]  # fmt: skip
    named = {"name": EVERYTHING, "namespace": EVERYTHING, "annotations": {"a": EVERYTHING}}
    steps = [
        {"uses": "aws-actions/configure-aws-credentials@v4", "with": {"role-to-assume": EVERYTHING}},
        {"run": EVERYTHING, "uses": EVERYTHING},
    ]
    job = {"runs-on": "x", "steps": steps, "env": {"TOKEN": EVERYTHING}}
    return {
        "plan.json": {
            "format_version": "1.2", "terraform_version": "1.9", "planned_values": {"root_module": {}},
            "resource_changes": resources, "configuration": {}, "variables": {"password": {"value": EVERYTHING}},
        },
        "template.json": {
            "AWSTemplateFormatVersion": "2010-09-09",
            "Parameters": {"P": {"Default": EVERYTHING, "Type": "String"}},
            "Resources": {
                "R": {"Type": "AWS::IAM::Role", "Properties": {"RoleName": EVERYTHING, "Path": EVERYTHING}},
                "X": {"Type": f"Custom::{EVERYTHING}", "Properties": {"a": EVERYTHING}},
                EVERYTHING: {"Type": f"AWS::Foo::{EVERYTHING}"},
            },
        },
        "account.json": {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": named},
        "other.json": {"apiVersion": f"foo/{EVERYTHING}", "kind": f"Bar{EVERYTHING}", "metadata": named},
        ".github/workflows/w.yml": {
            "name": EVERYTHING, "on": "push", "permissions": {"id-token": "write"}, "jobs": {"j": job},
        },
        "broken.json": '{"AWSTemplateFormatVersion": "2010-09-09", "Resources": {"' + EVERYTHING,
    }  # fmt: skip


@pytest.mark.parametrize("name", _changes())
def test_what_a_change_holds(name: str, muster: Muster, tmp_path: Path) -> None:
    """A plan, template, manifest or workflow, and one that cannot be read: no output of the gate quotes a secret."""
    content = _changes()[name]
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    forms = ("json", "markdown", "sarif", "table", "html", "csv", "github", "gitlab", "junit")
    written = 0

    for form in forms:
        done = muster("-v", "check", name, "-o", f"{form}:out.{form}")
        assert _found(done.out + done.err) == [], form
        out = tmp_path / f"out.{form}"
        if out.exists():
            written += 1
            assert _found(readable(out)) == [], form
    assert written > 3 or name == "broken.json"


def test_what_is_asked_of_the_page(scanned_folder: Path) -> None:
    """Addresses, parameters, headers and bodies with secrets: the log has none of them."""
    with Served(scanned_folder, "[serve]\nlog_reads = true\n", "--as", "ada") as running:
        for text, _ in ALL[::5]:
            quoted = quote(text[:1500], safe="")
            for address in (f"/{quoted}", f"/api/v1/identities?q={quoted}", f"/api/v1/identities/{quoted}",
                            f"/export/{quoted}.csv", f"/?token={quoted}", f"/api/v1/paths?from={quoted}&to=admin",
                            f"/page/list/identities?{quoted}=x"):  # fmt: skip
                sent = {"user-agent": text[:500], "referer": f"https://x.example/{quoted}", **running.bearer}
                running.http.get(address, headers={name.encode(): value.encode() for name, value in sent.items()})
            running.http.post(
                "/api/v1/queries", json={"name": text, "address": f"/?q={quoted}"}, headers=running.bearer
            )
        assert running.http.get("/healthz").status_code == 200
        unquoted = running.log

    assert "identities" in unquoted
    assert [secret for _, secret in ALL if secret in unquoted or quote(secret, safe="") in unquoted] == []

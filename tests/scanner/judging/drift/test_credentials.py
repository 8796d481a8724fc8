"""Credentials that the registry knows, those that it doesn't, and those that are too old for it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from scanner.judging.drift import overaged_credentials, undeclared_credentials
from scanner.model import Credential
from tests.factories import NOW, days_ago, make_credential, make_entry, make_identity

KEY, OTHER, UUID = "AKIAEXAMPLE1", "AKIAEXAMPLE2", "6f1c1b0e-0a55-4a1e-9a53-0a8a3f0c9d11"


def held(*credentials: Credential) -> Any:
    return make_identity(credentials=credentials)


def credential(name: str, kind: str = "access_key", **facts: Any) -> Credential:
    return make_credential("svc-billing", name, kind=kind, **facts)


BOTH = (credential(KEY), credential(OTHER))
PASSWORD = credential("svc-billing", "password")


@pytest.mark.parametrize(
    ("declared", "found", "undeclared"),
    [
        pytest.param([KEY], BOTH, {OTHER: "credential_id"}, id="a-second-key"),
        pytest.param([KEY, OTHER], BOTH, {}, id="both-listed"),
        pytest.param([f"{KEY}, {OTHER}"], BOTH, {}, id="both-in-one-text"),
        pytest.param([KEY.lower()], BOTH[:1], {}, id="whatever-the-case"),
        pytest.param(["AKIAGONE1"], BOTH[:1], {KEY: "credential_id"}, id="the-listed-key-is-gone"),
        pytest.param([UUID], (credential("other", "client_secret"),), {"other": "credential_id"}, id="a-uuid-is-an-id"),
        pytest.param(["SHA256:x/y+z"], (credential("k", "ssh_key"),), {"k": "credential_id"}, id="so-is-a-fingerprint"),
        pytest.param(
            [":".join(["0a"] * 16)], (credential("k", "ssh_key"),), {"k": "credential_id"}, id="or-an-old-one"
        ),
        pytest.param(
            [KEY], (*BOTH[:1], PASSWORD), {"svc-billing": "credential_id"}, id="a-password-beside-a-listed-key"
        ),
        pytest.param(["access key"], BOTH, {}, id="kind"),
        pytest.param(["IAM access keys"], BOTH, {}, id="kind-as-people-say"),
        pytest.param(
            ["user name and password"], (*BOTH[:1], PASSWORD), {KEY: "credential_kind"}, id="a-kind-with-and-in-it"
        ),
        pytest.param(["access key and password + MFA"], (*BOTH, PASSWORD), {}, id="kinds-in-one-text"),
        pytest.param(["access key"], (PASSWORD,), {"svc-billing": "credential_kind"}, id="another-kind"),
        pytest.param(["IAM role"], BOTH[:1], {KEY: "credential_kind"}, id="a-key-where-none-was-to-be"),
        pytest.param(["secret"], BOTH[:1], {}, id="a-word-for-several-kinds"),
        pytest.param([f"access key {KEY}"], BOTH, {OTHER: "credential_id"}, id="an-id-goes-before-its-kind"),
        pytest.param([f"access key {KEY}", "password"], (*BOTH[:1], PASSWORD), {}, id="id-and-another-kind"),
        pytest.param([f"{KEY} (ask Ada)"], BOTH, {OTHER: "credential_id"}, id="an-id-with-a-remark"),
        pytest.param(["see wiki"], BOTH, {}, id="an-unknown-text"),
        pytest.param(["access key", "see wiki"], (*BOTH, PASSWORD), {}, id="a-kind-and-an-unknown-text"),
        pytest.param([KEY, "see wiki"], (*BOTH, PASSWORD), {OTHER: "credential_id"}, id="an-id-and-such-a-text"),
        pytest.param(["none"], BOTH, {}, id="a-placeholder"),
        pytest.param([], BOTH, {}, id="nothing-declared"),
    ],
)
def test_what_the_entry_lists(declared: list[str], found: tuple[Credential, ...], undeclared: dict[str, str]) -> None:
    """A live credential of which neither id nor kind is listed is undeclared; what isn't understood allows it."""
    drift = undeclared_credentials(held(*found), make_entry("x", credentials=tuple(declared)), NOW)

    assert {(drift_.credential or "").rpartition(":")[2]: drift_.aspect for drift_ in drift} == undeclared


@pytest.mark.parametrize(
    ("identities", "undeclared"),
    [
        pytest.param([KEY], [OTHER], id="registered-by-a-key"),
        pytest.param(["AKIAGONE1"], [KEY, OTHER], id="by-a-key-that-is-gone"),
        pytest.param(["svc-billing"], [], id="by-its-name"),
        pytest.param(["asiapacific-reports"], [], id="a-name-that-begins-like-a-key"),
    ],
)
def test_keys_among_the_entrys_identities_are_listed(identities: list[str], undeclared: list[str]) -> None:
    """An entry matched by a key lists that key; a password beside it is another matter."""
    drift = undeclared_credentials(held(*BOTH, PASSWORD), make_entry(*identities), NOW)

    assert [(drift_.credential or "").rpartition(":")[2] for drift_ in drift] == undeclared


@pytest.mark.parametrize(
    "facts", [{"enabled": False}, {"expires_at": NOW}, {"expires_at": days_ago(1)}], ids=["disabled", "ends", "expired"]
)
def test_dead_credentials_are_no_drift(facts: dict[str, Any]) -> None:
    """Neither unknown to the registry nor too old: they open nothing."""
    identity = held(credential(OTHER, **facts))
    entry = make_entry("x", credentials=(KEY,), max_credential_age=1)

    assert [*undeclared_credentials(identity, entry, NOW), *overaged_credentials(identity, entry, NOW)] == []


def test_drift_names_both_sides() -> None:
    """What was declared, what was found with its day, and the credential's key."""
    (drift,) = undeclared_credentials(held(*BOTH), make_entry("x", credentials=(KEY,)), NOW)

    assert (drift.declared, drift.found) == (KEY, f"access key {OTHER}, created 2025-10-21")
    assert drift.credential == BOTH[1].key


@pytest.mark.parametrize(
    ("limit", "facts", "fires"),
    [
        (90, {"created_at": days_ago(90)}, False),
        (90, {"created_at": days_ago(90.01)}, True),
        (90, {"created_at": None}, False),
        (90, {"created_at": days_ago(400), "expires_at": NOW + timedelta(1)}, True),
        (90, {"created_at": days_ago(400), "kind": "certificate"}, True),
        (90, {"created_at": days_ago(400), "kind": "federation"}, False),
        (None, {"created_at": days_ago(400)}, False),
    ],
    ids=["last-day", "day-after", "age-unknown", "ends-later", "certificate", "federation", "no-limit"],
)
def test_age(limit: int | None, facts: dict[str, Any], *, fires: bool) -> None:
    """A credential is too old from the day after the entry's limit."""
    drift = list(overaged_credentials(held(credential(KEY, **facts)), make_entry("x", max_credential_age=limit), NOW))

    assert [drift_.aspect for drift_ in drift] == (["credential_age"] if fires else [])
    assert all(drift_.declared == "at most 90 days old" and "created 202" in drift_.found for drift_ in drift)

"""``muster check`` on credentials whose end is relative, computed or missing: never passed as fine.

Each is a finding, or a gap that names its type.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Muster, muster
from tests.cli.test_check_changes import check
from tests.connectors.planned.plans import caller_identity, change, terraform

__all__ = ["muster"]  # the fixture

LATER = "not known before deployment"
USER = change("aws_iam_user.ci", {"name": "ci", "path": "/"}, unknown={"arn": True, "unique_id": True})
EMAIL = "shop@acme.iam.gserviceaccount.com"
ACCOUNT = change(
    "google_service_account.shop",
    {"account_id": "shop", "project": "acme", "email": EMAIL},
    unknown={"unique_id": True},
)
OF_ACCOUNT = {"service_account_id": EMAIL}
APP = change("azuread_application.b", {"display_name": "b", "object_id": "a"})
OF_APP = {"application_id": "/applications/a"}
TOKEN = {
    "type": "kubernetes.io/service-account-token",
    "metadata": [{"name": "t", "namespace": "web", "annotations": {"kubernetes.io/service-account.name": "shop"}}],
}
DEPLOY_KEY = {"repository": "shop", "title": "ci", "key": "ssh-ed25519 AAAA", "read_only": False}
BEDROCK = {"user": "ci", "service_name": "bedrock.amazonaws.com", "status": "Active"}

FOUND: dict[str, tuple[list[dict[str, Any]], str | None]] = {
    "an access key of AWS": ([USER, change("aws_iam_access_key.k", {"user": "ci"}, unknown={"id": True})], ""),
    "a certificate of AWS": (
        [
            USER,
            change("aws_iam_signing_certificate.k", {"user_name": "ci", "certificate_body": "x", "status": "Active"}),
        ],
        LATER,
    ),
    "a service's key of AWS": ([USER, change("aws_iam_service_specific_credential.k", BEDROCK)], ""),
    "a service's key of 30 days": (
        [USER, change("aws_iam_service_specific_credential.k", {**BEDROCK, "credential_age_days": 30})],
        None,
    ),
    "a service's key of 3650 days": (
        [USER, change("aws_iam_service_specific_credential.k", {**BEDROCK, "credential_age_days": 3650})],
        "",
    ),
    "a key of Google": (
        [
            ACCOUNT,
            change("google_service_account_key.k", OF_ACCOUNT, unknown={"name": True, "valid_before": True}),
        ],
        "",
    ),
    "a key of Google that ends late": (
        [
            ACCOUNT,
            change(
                "google_service_account_key.k",
                {**OF_ACCOUNT, "valid_after": "2026-01-01T00:00:00Z", "valid_before": "2031-01-01T00:00:00Z"},
            ),
        ],
        "",
    ),
    "a key of Google that ends soon": (
        [
            ACCOUNT,
            change(
                "google_service_account_key.k",
                {**OF_ACCOUNT, "valid_after": "2026-01-01T00:00:00Z", "valid_before": "2026-02-01T00:00:00Z"},
            ),
        ],
        None,
    ),
    "a key of Google's storage": (
        [ACCOUNT, change("google_storage_hmac_key.k", {"service_account_email": EMAIL}, unknown={"access_id": True})],
        "",
    ),
    "a certificate of Entra with a computed end": (
        [APP, change("azuread_application_certificate.k", OF_APP, unknown={"end_date": True, "key_id": True})],
        LATER,
    ),
    "a certificate of Entra with an end that is no day": (
        [APP, change("azuread_application_certificate.k", {**OF_APP, "end_date": "soon"}, unknown={"key_id": True})],
        LATER,
    ),
    "a relative end that is no time": (
        [APP, change("azuread_application_password.k", {**OF_APP, "end_date_relative": "a while"})],
        LATER,
    ),
    "a deploy key of GitHub": ([change("github_repository_deploy_key.k", DEPLOY_KEY)], ""),
    "a token secret of Kubernetes": ([change("kubernetes_secret_v1.k", TOKEN)], ""),
}


@pytest.mark.parametrize(("changes", "end"), FOUND.values(), ids=FOUND)
def test_a_credential_is_found(changes: list[dict[str, Any]], end: str | None, tmp_path: Path, muster: Muster) -> None:
    """``end``: what its evidence says of the end; empty if that needs no words, None if it is no finding."""
    (tmp_path / "plan.json").write_text(json.dumps(terraform(*changes, prior=[caller_identity()])))
    found = [
        one
        for one in check(muster, tmp_path, "plan.json")["findings"]
        if one["rule"] == "planned_long_lived_credential" and one["evidence"]["resource"] == changes[-1]["address"]
    ]
    assert [one["evidence"].get("end", "") for one in found] == ([] if end is None else [end])


@pytest.mark.parametrize(
    ("address", "values"),
    [
        ("vault_token.t", {"policies": ["admin"], "ttl": "24h"}),
        ("vault_token.t", {"policies": ["admin"]}),
        ("vault_approle_auth_backend_role_secret_id.s", {"role_name": "ci", "ttl": 0}),
        ("github_app_installation_repository.a", {"repository": "shop", "installation_id": "1"}),
        ("kubernetes_token_request_v1.t", {"spec": [{"expiration_seconds": 31536000}]}),
        ("google_apikeys_key.k", {"name": "k", "project": "acme"}),
    ],
)
def test_a_credential_that_is_not_evaluated_is_a_gap(
    address: str, values: dict[str, Any], tmp_path: Path, muster: Muster
) -> None:
    """With its type, and exit code 3 or 4 under ``--strict``: nothing passes because nobody looked at it."""
    (tmp_path / "plan.json").write_text(json.dumps(terraform(change(address, values), USER, prior=[caller_identity()])))
    (gap,) = [one for one in check(muster, tmp_path, "plan.json")["coverage"] if one["status"] != "complete"]

    assert (gap["section"], address.partition(".")[0] in gap["detail"]) == (address, True)
    assert muster("check", "plan.json", "--strict").code == 3

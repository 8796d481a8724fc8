"""Server certificates, instance profiles, outbound federation, and access that partners were given."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from scanner.model import Workload
from tests.connectors.aws.estate import Estate, arn
from tests.servers.fault_proxy import Fault
from tests.servers.moto_server import ACCOUNT
from tests.servers.wire import Wrong

pytestmark = pytest.mark.real_server

OUTBOUND, DELEGATIONS = "iam:GetOutboundWebIdentityFederationInfo", "iam:ListDelegationRequests"
MADE, ENDS = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)


def test_a_server_certificate_is_a_stored_secret_that_ends(aws: Estate) -> None:
    """IAM keeps its private key; the certificate and its key are not asked for."""
    aws.iam.upload_server_certificate(ServerCertificateName="www", CertificateBody="x", PrivateKey="hunter2")

    found = aws.read_iam()

    www = found.secrets["www"]
    assert (www.key, www.attributes["type"]) == (arn("server-certificate", "www"), "server certificate")
    assert (www.expires_at is not None, www.created_at) == (True, None)
    assert "hunter2" not in repr(found.records)


def test_instance_profiles_say_as_who_machines_run(aws: Estate) -> None:
    """Those without a role, too: someone may put one in."""
    role = aws.role("worker", trusts={"Service": "ec2.amazonaws.com"})
    for name in ("filled", "empty"):
        aws.iam.create_instance_profile(InstanceProfileName=name)
    aws.iam.add_role_to_instance_profile(InstanceProfileName="filled", RoleName="worker")

    found = aws.read_iam()

    profiles = {name: one for name, one in found.workloads.items() if one.kind == "instance_profile"}
    assert {name: one.runs_as for name, one in profiles.items()} == {"filled": (role,), "empty": ()}
    assert profiles["filled"].key == arn("instance-profile", "filled")
    assert found.identities["worker"].attributes["instance_profiles"] == ["filled"]
    assert found.coverage["iam.instance_profiles"].identities == 2


@pytest.mark.parametrize(
    ("answer", "status", "words"),
    [
        pytest.param({"JwtVendingEnabled": True, "IssuerIdentifier": "https://x.tokens.example"}, "complete",
                     "on, issuer https://x.tokens.example", id="on"),
        pytest.param({"JwtVendingEnabled": False}, "complete", "external services: off", id="off"),
        pytest.param(Fault("feature_off"), "complete", "external services: off", id="never switched on"),
        pytest.param(Fault("not_offered"), "not_offered", "", id="not there"),
        pytest.param(Fault("denied"), "denied", "is denied", id="denied"),
    ],
)  # fmt: skip
def test_outbound_federation_is_reported(aws: Estate, answer: Any, status: str, words: str) -> None:
    """Whether the account issues tokens that outside services take."""
    aws.proxy.made[OUTBOUND] = lambda _: answer

    coverage = aws.read_iam().coverage["iam.outbound_federation"]

    assert coverage.status == status
    assert words in (coverage.detail or "")


def request(number: int, **more: Any) -> dict[str, Any]:
    """A partner's request for access."""
    return {
        "DelegationRequestId": f"delegation-{number:05}",
        "RequestorId": "210987654321",
        "RequestorName": f"partner-{number}",
        "State": "ACCEPTED",
        "CreateDate": MADE,
        "ExpirationTime": ENDS,
        "SessionDuration": 3600,
        "OwnerId": arn("user", "ada"),
        "RequestMessage": "please, with a secret inside",
        **more,
    }


def test_access_of_partners_is_an_identity_that_ends(aws: Estate) -> None:
    """Switched on where it was granted, off where not (any more), unknown in a state that is new to us."""
    states = ("ACCEPTED", "FINALIZED", "REJECTED", "EXPIRED", "PENDING_APPROVAL")
    rows = [request(number, State=state) for number, state in enumerate(states)]

    def page(asked: Any) -> Any:
        at = int(asked.get("Marker", 0))
        more = {"isTruncated": True, "Marker": str(at + 1)} if at + 1 < len(rows) else {"isTruncated": False}
        return {"DelegationRequests": rows[at : at + 1], **more}

    aws.proxy.made[DELEGATIONS] = page

    found = aws.read_iam()

    requests = [one for one in found.identities.values() if one.kind == "delegation_request"]
    assert [one.enabled for one in requests] == [True, True, False, False, False]
    first = requests[0]
    assert (first.key, first.name, first.unique_id) == (
        arn("delegation-request", "delegation-00000"),
        "partner-0",
        "delegation-00000",
    )
    assert first.attributes == {
        "state": "ACCEPTED",
        "requestor_account": "210987654321",
        "owner": arn("user", "ada"),
        "session_seconds": 3600,
    }
    assert [(one.kind, one.expires_at) for one in first.credentials] == [("federation", ENDS)]
    assert "secret inside" not in repr(found.records)
    assert aws.proxy.calls[DELEGATIONS] == 5


def test_a_state_that_is_new_is_unknown(aws: Estate) -> None:
    """Neither let in nor kept out; and a request that does not parse is named."""
    aws.proxy.made[DELEGATIONS] = lambda _: Wrong(
        DelegationRequests=[request(1, State="DREAMING"), {"RequestorName": "nobody"}], isTruncated=False
    )

    found = aws.read_iam()

    assert found.identities["partner-1"].enabled is None
    assert found.gaps == {"iam.delegation_requests": "partial"}
    assert "row without a name could not be read" in (found.coverage["iam.delegation_requests"].detail or "")


def test_workloads_are_of_this_account(aws: Estate) -> None:
    """Source and scope as those of identities."""
    aws.iam.create_instance_profile(InstanceProfileName="p")

    (profile,) = [one for one in aws.read_iam().records if isinstance(one, Workload)]

    assert (profile.provider, profile.source, profile.scope) == ("aws", "prod", ACCOUNT)

"""Pages that hold no rows yet: the listing goes on, and nothing of it is lost."""

from __future__ import annotations

import json
from urllib.parse import parse_qs

import pytest

from tests.connectors.aws.estate import Estate
from tests.servers.fault_proxy import Fault
from tests.servers.proxy import Answer, Proxy, Request

pytestmark = pytest.mark.real_server


class EmptyFirstPage(Proxy):
    """Begins one operation's listing with a page that only says where it goes on."""

    def __init__(self, upstream: str, operation: str) -> None:
        super().__init__(upstream)
        self._operation = operation

    def answer(self, request: Request) -> Answer | None:
        """The empty page to a first request, the server's own answer to everything else."""
        target = {name.lower(): value for name, value in request.headers.items()}.get("x-amz-target", "")
        if target.endswith(f".{self._operation}") and "NextToken" not in json.loads(request.body):
            return Answer(200, {"Content-Type": "application/x-amz-json-1.1"}, b'{"NextToken": "0"}')
        asked = parse_qs(request.body.decode())
        if asked.get("Action") == [self._operation] and "Marker" not in asked:
            result = (
                f"<{self._operation}Result><IsTruncated>true</IsTruncated><Marker>0</Marker></{self._operation}Result>"
            )
            return Answer(200, {"Content-Type": "text/xml"}, f"<Response>{result}</Response>".encode())
        return self.forward(request)


@pytest.mark.parametrize(
    ("operation", "denied"),
    [
        pytest.param("GetAccountAuthorizationDetails", (), id="everything"),
        pytest.param("ListUsers", ("iam:GetAccountAuthorizationDetails",), id="users by name"),
        pytest.param("ListUsers", ("iam:GetCredentialReport",), id="passwords' use"),
        pytest.param("ListRoles", ("iam:GetAccountAuthorizationDetails",), id="roles by name"),
        pytest.param("ListRoles", (), id="what roles are described as"),
        pytest.param("ListServerCertificates", (), id="server certificates"),
        pytest.param("ListAccessKeys", (), id="keys"),
        pytest.param("ListSecrets", (), id="secrets"),
    ],
)
def test_a_page_without_rows_is_one_of_aws_s(aws: Estate, operation: str, denied: tuple[str, ...]) -> None:
    """AWS may leave a page's lists out; that there is more proves it to be AWS's own, and what follows is read."""
    aws.user("ada", keys=1, password=True)
    aws.role("worker")
    aws.secret("db")
    aws.iam.upload_server_certificate(ServerCertificateName="www", CertificateBody="x", PrivateKey="y")
    for refused in denied:
        aws.proxy.fail(refused, Fault("denied"))
    whole = aws.read(resources="secretsmanager.secrets")

    with EmptyFirstPage(aws.proxy.url, operation) as proxy:
        found = aws.read(endpoint_url=proxy.url, resources="secretsmanager.secrets")

    assert found.gaps == whole.gaps
    assert (found.identities, found.secrets) == (whole.identities, whole.secrets)

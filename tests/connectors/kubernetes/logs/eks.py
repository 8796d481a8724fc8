"""EKS's audit log in CloudWatch Logs, before the emulator: answers as AWS's own model describes them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from botocore.session import Session
from botocore.validate import ParamValidator

from connectors.testing import Reply
from tests.connectors.aws.workloads.model_server import check
from tests.connectors.kubernetes.conftest import Running
from tests.connectors.kubernetes.test_clouds import Aws
from tests.servers.moto_server import ENVIRONMENT, MotoServer
from tests.servers.proxy import Answer, Request

GROUP = "/aws/eks/shop/cluster"
_KIND = {"Content-Type": "application/x-amz-json-1.1"}


class Logs(Aws):
    """The account and its cluster, with a log group. ``group``: its retention; None: there is none.

    ``faults``: answered in place of events, by status; ``page``: events on one.
    """

    def __init__(self, moto: MotoServer, clusters: Running) -> None:
        super().__init__(moto, clusters)
        self.events: list[dict[str, Any]] = []
        self.group: dict[str, Any] | None = {"logGroupName": GROUP, "retentionInDays": 90}
        self.replies: list[Reply] = []
        self.asked = 0
        self.page = 100
        self.circles = False
        self._model = Session().get_service_model("logs")

    def answer(self, request: Request) -> Answer | None:
        """CloudWatch Logs, where the request is signed for it with its body."""
        operation = request.headers.get("X-Amz-Target", "").removeprefix("Logs_20140328.")
        if not operation:
            return super().answer(request)
        asked = json.loads(request.body or b"{}")
        shape = self._model.operation_model(operation).input_shape
        problems = ParamValidator().validate(asked, shape)
        if problems.has_errors() or not is_signed(request):
            return Answer(400, _KIND, b'{"__type": "ValidationException", "message": "wrong"}')
        if operation == "DescribeLogGroups":
            groups = [] if self.group is None or asked["logGroupNamePrefix"] != GROUP else [self.group]
            return self._given(operation, {"logGroups": groups})
        self.asked += 1
        if self.replies:
            reply = self.replies.pop(0)
            return Answer(reply.status, {**_KIND, **reply.headers}, json.dumps(reply.body).encode())
        start = int(base64.b64decode(asked["nextToken"])) if "nextToken" in asked else 0
        found = [one for one in self.events if asked["startTime"] <= one["timestamp"] <= asked["endTime"]]
        some, more = found[start : start + self.page], len(found) > start + self.page
        after = {"nextToken": base64.b64encode(b"%d" % (start + self.page)).decode()} if more else {}
        return self._given(operation, {"events": some, **({"nextToken": "MA=="} if self.circles else after)})

    def add(self, event: Mapping[str, Any], at: str, stream: str = "kube-apiserver-audit-1") -> None:
        """An event, as it is logged at a time."""
        when = round(datetime.fromisoformat(at).timestamp() * 1000)
        logged = {"logStreamName": stream, "timestamp": when, "ingestionTime": when, "eventId": str(len(self.events))}
        self.events.append({**logged, "message": json.dumps(event)})

    @staticmethod
    def _given(operation: str, answer: dict[str, Any]) -> Answer:
        check("logs", operation, answer)
        return Answer(200, _KIND, json.dumps(answer).encode())


def is_signed(request: Request) -> bool:
    """Whether the secret key of the environment signed the request for CloudWatch Logs.

    Source: AWS's documentation of Signature Version 4.
    """
    headers = {name.lower(): value for name, value in request.headers.items()}
    scheme, _, rest = headers.get("authorization", "").partition(" ")
    given = dict(part.strip().split("=", 1) for part in rest.split(",") if "=" in part)
    scope = given.get("Credential", "").split("/")[1:]
    if scheme != "AWS4-HMAC-SHA256" or scope[2:3] != ["logs"]:
        return False
    names = given["SignedHeaders"]
    lines = "".join(f"{name}:{headers[name]}\n" for name in names.split(";"))
    digest = hashlib.sha256(request.body or b"").hexdigest()
    whole = f"{request.method}\n{request.path}\n\n{lines}\n{names}\n{digest}"
    text = "\n".join((scheme, headers["x-amz-date"], "/".join(scope), hashlib.sha256(whole.encode()).hexdigest()))
    key = f"AWS4{ENVIRONMENT['AWS_SECRET_ACCESS_KEY']}".encode()
    for part in (*scope, text):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return "x-amz-target" in names and hmac.compare_digest(given["Signature"], key.hex())

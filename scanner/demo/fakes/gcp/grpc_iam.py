"""google.iam.admin.v1.IAM over gRPC, with the same accounts as over REST."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from scanner.demo.fakes.gcp.cloud import Cloud
from scanner.demo.fakes.gcp.faults import Refused
from scanner.demo.fakes.gcp.server import answer

SERVICE = "google.iam.admin.v1.IAM"
_CODES = {400: 3, 401: 16, 403: 7, 404: 5, 409: 6, 429: 8, 500: 13, 503: 14}
_VERSIONED = re.compile(r"projects/[^/]+")


@contextmanager
def grpc_server(cloud: Cloud) -> Iterator[str]:
    """Run the server and yield its ``host:port``."""
    import grpc
    from google.cloud.iam_admin_v1.types import ListServiceAccountsRequest, ListServiceAccountsResponse

    server = grpc.server(ThreadPoolExecutor(4))
    methods = {
        "ListServiceAccounts": grpc.unary_unary_rpc_method_handler(
            lambda request, context: _list_accounts(cloud, request, context),
            request_deserializer=ListServiceAccountsRequest.deserialize,
            response_serializer=ListServiceAccountsResponse.serialize,
        )
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, methods),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(grace=1).wait()


def _list_accounts(cloud: Cloud, request: Any, context: Any) -> Any:
    from google.cloud.iam_admin_v1.types import ListServiceAccountsResponse

    cloud.log.append(f"{SERVICE}/ListServiceAccounts {request.name}")
    if not _VERSIONED.fullmatch(request.name):
        _abort(context, Refused(400, "Name must start with 'projects/'"))
    size = f"pageSize={request.page_size}" if request.page_size else ""
    token = f"pageToken={request.page_token}" if request.page_token else ""
    target = f"/v1/{request.name}/serviceAccounts?{'&'.join(filter(None, (size, token)))}"
    try:
        found = answer(cloud, "GET", target, None)
    except Refused as refused:
        _abort(context, refused)
    return ListServiceAccountsResponse.from_json(_json(found))


def _json(found: dict[str, Any]) -> str:
    import json

    return json.dumps(found)


def _abort(context: Any, refused: Refused) -> None:
    """Abort the call as Google's servers do: with a status that has an ErrorInfo in its details."""
    from google.protobuf.any_pb2 import Any as Packed
    from google.rpc.error_details_pb2 import ErrorInfo
    from google.rpc.status_pb2 import Status
    from grpc_status import rpc_status

    details = []
    if refused.reason is not None:
        packed = Packed()
        packed.Pack(ErrorInfo(reason=refused.reason, domain="googleapis.com", metadata=refused.metadata))
        details = [packed]
    status = Status(code=_CODES[refused.code], message=str(refused), details=details)
    context.abort_with_status(rpc_status.to_status(status))

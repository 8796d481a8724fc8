"""Events of Kubernetes' audit log, and the envelopes of clouds.

Source: the reference of audit.k8s.io/v1, Azure Monitor's schema of `kube-audit`, and for GKE the references of LogEntry
and google.cloud.audit.AuditLog: methods are ``io.k8s.GROUP.VERSION.RESOURCE[.SUBRESOURCE].VERB``, with the parts
of the group in reverse order; resources are ``GROUP/VERSION[/namespaces/NAMESPACE]/RESOURCE[/NAME]``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec
from msgspec import Raw, Struct, field

from connectors.core.offline import Unreadable


class User(Struct, gc=False, frozen=True):
    name: str = field(default="", name="username")
    uid: str = ""
    extra: Mapping[str, Sequence[str]] | None = None


class Object(Struct, gc=False, frozen=True):
    resource: str = ""
    subresource: str = ""
    group: str = field(default="", name="apiGroup")
    namespace: str = ""
    name: str = ""


class _EventStatus(Struct, gc=False, frozen=True):
    code: int = 0


class AuditEvent(Struct, gc=False, frozen=True):
    """The fields of an event that are read."""

    id: str = field(default="", name="auditID")
    stage: str = ""
    verb: str = ""
    user: User | None = None
    impersonated: User | None = field(default=None, name="impersonatedUser")
    addresses: tuple[str, ...] | None = field(default=None, name="sourceIPs")
    user_agent: str = field(default="", name="userAgent")
    object: Object | None = field(default=None, name="objectRef")
    status: _EventStatus | None = field(default=None, name="responseStatus")
    time: str = field(default="", name="requestReceivedTimestamp")
    annotations: Mapping[str, str] | None = None
    request: Raw = field(default=Raw(b"null"), name="requestObject")


class _EventWho(Struct, gc=False, frozen=True):
    email: str = field(default="", name="principalEmail")


class _Meta(Struct, gc=False, frozen=True):
    address: str = field(default="", name="callerIp")
    user_agent: str = field(default="", name="callerSuppliedUserAgent")


class _Payload(Struct, gc=False, frozen=True):
    service: str = field(default="", name="serviceName")
    method: str = field(default="", name="methodName")
    resource: str = field(default="", name="resourceName")
    who: _EventWho | None = field(default=None, name="authenticationInfo")
    meta: _Meta | None = field(default=None, name="requestMetadata")
    status: _EventStatus | None = None
    request: Raw = Raw(b"null")


class _Operation(Struct, gc=False, frozen=True):
    first: bool = False
    last: bool = False


class _Wrapped(Struct, gc=False, frozen=True):
    log: str = ""


class KubernetesLine(AuditEvent, gc=False, frozen=True):
    """An event, a list of events, or a cloud's record of an event.

    AKS has the event as text in ``properties.log``, CloudWatch in ``message``; GKE writes an entry of Cloud Logging.
    """

    items: tuple[AuditEvent, ...] | None = None
    properties: _Wrapped | None = None
    message: str = ""
    payload: _Payload | None = field(default=None, name="protoPayload")
    insert_id: str = field(default="", name="insertId")
    logged_at: str | int = field(default="", name="timestamp")
    labels: Mapping[str, str] | None = None
    operation: _Operation | None = None


NOTHING: Final = Object()
_EVENT = msgspec.json.Decoder(AuditEvent)


def events_of(line: KubernetesLine, *, is_asked: bool) -> Iterator[AuditEvent]:
    """The events of a line. ``is_asked``: it was read live from the cloud. Raises Unreadable."""
    text = line.properties.log if line.properties else line.message
    if line.items is not None:
        yield from line.items
    elif line.payload is not None:
        if not is_asked:
            raise Unreadable("it is a log of Google Cloud: read it with type gcp_audit")
        yield from _of_gke(line, line.payload)
    elif not text:
        yield line
    elif text.lstrip().startswith(("{", "[")):
        try:
            yield _EVENT.decode(text)
        except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
            raise Unreadable("an event in one of its records cannot be read") from error


# --- GKE ---

_METHOD: Final = re.compile(r"\.v\d\w*\.(?P<resource>[^.]+)(?:\.(?P<sub>.+))?\.[^.]+$")
_CODES: Final = {0: 200, 7: 403, 16: 401}
"""Codes of gRPC, and their HTTP status."""
_OTHERWISE: Final = 500


def _of_gke(line: KubernetesLine, payload: _Payload) -> Iterator[AuditEvent]:
    """The event of an entry; none for the end of a long-running operation, whose start was logged, too."""
    operation = line.operation or _Operation()
    if payload.service != "k8s.io" or (operation.last and not operation.first):
        return
    meta = payload.meta or _Meta()
    yield AuditEvent(
        id=line.insert_id,
        stage="ResponseComplete",
        verb=payload.method.rpartition(".")[2],
        user=User(payload.who.email if payload.who else ""),
        addresses=(meta.address,) if meta.address else None,
        user_agent=meta.user_agent,
        object=_object_in(payload.method, payload.resource),
        status=_EventStatus(_CODES.get(payload.status.code, _OTHERWISE) if payload.status else 200),
        time=str(line.logged_at),
        annotations=line.labels,
        request=payload.request,
    )


def _object_in(method: str, path: str) -> Object:
    """The object of a request; empty for a path that is not a resource."""
    found = _METHOD.search(method)
    if found is None:
        return NOTHING
    resource, (group, _, *parts) = found["resource"], (*path.split("/"), "", "")
    namespace = ""
    if parts[:1] == ["namespaces"] and resource != "namespaces":
        namespace, parts = parts[1], parts[2:]
    return Object(
        resource=resource,
        subresource=found["sub"] or "",
        group="" if group == "core" else group,
        namespace=namespace,
        name=parts[1] if parts[:1] == [resource] else "",
    )

"""The API server: authentication, authorization by RBAC, and paginated lists.

It supports the requests of a scanner and ``kubectl``: discovery, lists with ``limit`` and ``continue``, field selectors
by name and type, partial metadata, reviews of the caller's own access, and the issuer of its tokens.
"""

from __future__ import annotations

import base64
import json
import ssl
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs

from connectors.testing import Asked, Reply, Server
from scanner.demo.fakes.kubernetes.authorizer import Ask, User, allowed
from scanner.demo.fakes.kubernetes.cluster import Cluster, Manifest, Resource, metadata_only

_PARTIAL = "as=PartialObjectMetadataList"
_REASONS = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    406: "NotAcceptable",
    410: "Expired",
    415: "UnsupportedMediaType",
}
_REVIEW = "selfsubjectaccessreviews"
_OPEN = ("/version", "/.well-known/openid-configuration", "/openid/v1/jwks", "/api", "/apis")

Fault = Callable[[Asked], Reply | None]
"""A response in place of the regular one, or None."""


class KubernetesServer(Server):
    """A running API server; a context manager. ``users``: users by bearer token.

    ``fault``: called before each response. ``most_on_a_page``: a limit below the client's. ``tls``: client certificates
    are verified, and name the user (CN) and the groups (O).
    """

    def __init__(
        self,
        cluster: Cluster,
        users: Mapping[str, User],
        *,
        fault: Fault | None = None,
        most_on_a_page: int = 500,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__(self._answered, most=None, tls=tls)
        self.cluster = cluster
        self.users = users
        self.fault = fault
        self.most_on_a_page = most_on_a_page

    def _answered(self, asked: Asked) -> Reply:
        if self.fault is not None and (wrong := self.fault(asked)) is not None:
            return wrong
        headers = {name.lower(): value for name, value in asked.headers.items()}
        user = _certified(asked.certificate) or self.users.get(headers.get("authorization", "").removeprefix("Bearer "))
        accept = headers.get("accept", "")
        if user is None:
            return refusal(401, "Unauthorized")
        if "protobuf" in accept and "json" not in accept:
            return refusal(406, "only JSON is served")
        if asked.method == "POST" and asked.path.endswith(f"/{_REVIEW}"):
            if "json" not in headers.get("content-type", ""):
                return refusal(415, "only JSON is read")
            return self._review(user, json.loads(asked.body))
        return self._read(user, asked, accept) if asked.method == "GET" else refusal(405, "this cluster is only read")

    def _read(self, user: User, asked: Asked, accept: str) -> Reply:
        if asked.path.rstrip("/") in _OPEN or any(asked.path == resource.base for resource in self.cluster.resources):
            return self._about(user, asked.path.rstrip("/"))
        return self._list(user, asked, accept)

    # --- lists

    def _list(self, user: User, asked: Asked, accept: str) -> Reply:
        found = self._resource(asked.path)
        if found is None:
            return refusal(404, "the server could not find the requested resource")
        resource, namespace, name = found
        verb = "get" if name else "list"
        ask = Ask(verb=verb, group=resource.group, resource=resource.plural, name=name, namespace=namespace)
        if not allowed(self.cluster, user, ask):
            where = f' in the namespace "{namespace}"' if namespace else " at the cluster scope"
            return refusal(
                403,
                f'{resource.plural} is forbidden: User "{user.name}" cannot {verb} resource "{resource.plural}" '
                f'in API group "{resource.group}"{where}',
            )
        query = {key: values[0] for key, values in parse_qs(asked.query).items()}
        items = [
            item
            for item in self.cluster.objects[resource]
            if namespace in ("", item["metadata"].get("namespace")) and _selected(item, query.get("fieldSelector", ""))
        ]
        if name:
            return next(
                (Reply(body=item) for item in items if item["metadata"]["name"] == name),
                refusal(404, f'{resource.plural} "{name}" not found'),
            )
        return self._page(resource, items, query, accept)

    def _page(self, resource: Resource, items: list[Manifest], query: Mapping[str, str], accept: str) -> Reply:
        start = _position(query.get("continue"))
        if start is None:
            return refusal(410, "the provided continue parameter is too old")
        limit = min(int(query.get("limit") or 0) or self.most_on_a_page, self.most_on_a_page)
        page, left = items[start : start + limit], len(items) - start - limit
        metadata: dict[str, Any] = {"resourceVersion": "1"}
        if left > 0:
            metadata |= {"continue": _token(start + limit), "remainingItemCount": left}
        if _PARTIAL in accept:
            kind = {"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadataList"}
            return Reply(body={**kind, "metadata": metadata, "items": [metadata_only(item) for item in page]})
        bare = [{key: value for key, value in item.items() if key not in ("apiVersion", "kind")} for item in page]
        kind = {"apiVersion": resource.api_version, "kind": f"{resource.kind}List"}
        return Reply(body={**kind, "metadata": metadata, "items": bare})

    def _resource(self, path: str) -> tuple[Resource, str, str] | None:
        """The resource, namespace and name of a path; namespace and name may be empty."""
        for resource in self.cluster.resources:
            if not path.startswith(f"{resource.base}/"):
                continue
            parts = path[len(resource.base) + 1 :].split("/")
            namespace = ""
            if parts[0] == "namespaces" and parts[2:] and resource.namespaced:  # from NAME/PLURAL
                namespace, parts = parts[1], parts[2:]
            if parts[0] == resource.plural and len(parts) in (1, 2):
                return resource, namespace, parts[1] if len(parts) > 1 else ""
        return None

    # --- information about the server

    def _about(self, user: User, path: str) -> Reply:
        if path == "/version":
            minor = str(self.cluster.minor)
            return Reply(
                body={"major": "1", "minor": minor, "gitVersion": self.cluster.version, "platform": "linux/amd64"}
            )
        if path in ("/.well-known/openid-configuration", "/openid/v1/jwks"):
            if not allowed(self.cluster, user, Ask(verb="get", path=path)):
                return refusal(403, f'User "{user.name}" cannot get path "{path}"')
            return Reply(body=self._issuer() if path.startswith("/.well") else self._keys())
        groups: dict[str, list[str]] = {}
        for resource in self.cluster.resources:
            versions = groups.setdefault(resource.group, [])
            if resource.version not in versions:
                versions.append(resource.version)
        if path == "/api":
            return Reply(body={"kind": "APIVersions", "versions": groups[""], "serverAddressByClientCIDRs": []})
        if path == "/apis":
            named = [_group(name, versions) for name, versions in groups.items() if name]
            return Reply(body={"kind": "APIGroupList", "apiVersion": "v1", "groups": named})
        offered = [one for one in self.cluster.resources if one.base == path]
        listed = [
            {
                "name": one.plural,
                "singularName": one.kind.lower(),
                "namespaced": one.namespaced,
                "kind": one.kind,
                "verbs": ["get", "list"],
            }
            for one in offered
        ]
        version = offered[0].api_version
        return Reply(body={"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": listed})

    def _issuer(self) -> dict[str, Any]:
        issuer = self.cluster.issuer
        return {
            "issuer": issuer,
            "jwks_uri": f"{issuer}/openid/v1/jwks",
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }

    def _keys(self) -> dict[str, Any]:
        keys = [{"kty": "RSA", "kid": kid, "use": "sig", "alg": "RS256", "n": "AQ", "e": "AQAB"} for kid in
                self.cluster.key_ids]  # fmt: skip
        return {"keys": keys}

    def _review(self, user: User, review: Mapping[str, Any]) -> Reply:
        spec = review["spec"]
        if "nonResourceAttributes" in spec:
            about = spec["nonResourceAttributes"]
            ask = Ask(verb=about["verb"], path=about["path"])
        else:
            about = spec["resourceAttributes"]
            ask = Ask(**{key: about.get(key, "") for key in (*Ask.__struct_fields__[:-1],)})
        kind = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview"}
        return Reply(status=201, body={**kind, "spec": spec, "status": {"allowed": allowed(self.cluster, user, ask)}})


def _certified(certificate: Mapping[str, Any] | None) -> User | None:
    """The user of a client certificate."""
    named = [pair for part in (certificate or {}).get("subject", ()) for pair in part]
    users = [value for key, value in named if key == "commonName"]
    groups = (*(value for key, value in named if key == "organizationName"), "system:authenticated")
    return User(users[0], groups) if users else None


def refusal(status: int, message: str) -> Reply:
    """An error in the API server's form, a ``Status``."""
    body = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": _REASONS.get(status, "InternalError"),
        "code": status,
    }
    return Reply(status=status, body=body)


def _group(name: str, versions: list[str]) -> dict[str, Any]:
    listed = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions]
    return {"name": name, "versions": listed, "preferredVersion": listed[0]}


def _selected(item: Manifest, selector: str) -> bool:
    for term in filter(None, selector.split(",")):
        field, _, value = term.partition("=")
        got = item["metadata"]["name"] if field == "metadata.name" else item.get(field)
        if got != value.removeprefix("="):
            return False
    return True


def _token(position: int) -> str:
    return base64.urlsafe_b64encode(json.dumps({"start": position}).encode()).decode()


def _position(token: str | None) -> int | None:
    """The start of a page; None for a token of another server."""
    if not token:
        return 0
    try:
        return int(json.loads(base64.urlsafe_b64decode(token))["start"])
    except (ValueError, KeyError):
        return None

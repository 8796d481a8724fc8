"""An API over files, which records requests that no file answers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from types import SimpleNamespace
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

import msgspec

from connectors.azure.client.api import AzureApi
from connectors.azure.client.clouds import Service
from connectors.azure.client.requests import BATCH
from connectors.azure.keys import subscription_of
from connectors.azure.offline import recognise as r
from connectors.azure.offline.export import Export, scope_of
from connectors.azure.offline.missing import DENY_ASSIGNMENTS, ITEMS, WRITES, command
from connectors.azure.offline.recognise import Row
from connectors.azure.offline.shapes import federation, model, resource, vault_item
from connectors.azure.rights.places import GROUPS
from connectors.azure.settings import AzureSettings
from connectors.core.contract import Gone, Meter

T = TypeVar("T")
Answer = Mapping[str, Any]

_CASTS = "microsoft.graph."
_BUILT_IN = "type eq 'BuiltInRole'"
_RELATED = re.compile(r"/\w+/(?P<id>[0-9A-Fa-f-]{36})/(?:microsoft\.graph\.\w+/)?(?P<relation>\w+)")
TYPES: Mapping[str, str] = {
    r.SERVICE_PRINCIPALS: "servicePrincipal",
    r.AGENTS: "agentIdentity",
    r.BLUEPRINT_PRINCIPALS: "agentIdentityBlueprintPrincipal",
    r.GROUPS: "group",
    r.USERS: "user",
    r.AGENT_USERS: "agentUser",
}
"""The types of the objects in each list, for requests by id."""


class FileApi(AzureApi):
    """Like AzureApi, but nothing is sent.

    ``missed``: the number of requests that no file answers, by what is missing and the command that writes it. Each
    section clears it first.
    """

    def __init__(self, export: Export, settings: AzureSettings) -> None:
        super().__init__(settings, Meter())
        self.missed: dict[tuple[str, str], int] = {}
        self._export = export
        self._vault_suffix = settings.endpoints.vault_suffix

    def miss(self, what: str, written_by: str) -> None:
        """Record that no file holds something."""
        self.missed[what, written_by] = self.missed.get((what, written_by), 0) + 1

    def role_client(self, subscription: str) -> Any:
        """A client with the SDK's methods that readers call."""
        here = f"/subscriptions/{subscription}"
        return SimpleNamespace(
            role_assignments=SimpleNamespace(
                list_for_subscription=lambda: self._assignments(here),
                list_for_scope=lambda place, **_: self._assignments(place),
            ),
        )

    def definition_client(self) -> Any:
        """As ``role_client``."""
        return SimpleNamespace(
            role_definitions=SimpleNamespace(list=lambda _, **which: self._definitions(which["filter"]))
        )

    def _decoded(self, service: Service, method: str, url: str, into: type[T], *, body: Any = None, **_: Any) -> T:
        """The answer to any request. Raises Gone if no file holds it, so that nothing is reported."""
        path = unquote(urlsplit(url).path)
        match service, method:
            case "graph", _:
                answer = self._of_graph(path.partition("/")[2].partition("/")[2], body)
            case "arm", "POST":
                answer = self._resources(body)
            case "arm", "GET":
                answer = self._denials(path) if path.endswith(DENY_ASSIGNMENTS) else self._federation(path)
            case _:
                answer = self._items(url.partition("?")[0])
        return msgspec.json.decode(msgspec.json.encode(answer), type=into)

    def _of_graph(self, path: str, body: Any) -> Answer:
        path = f"/{path}"
        if path == BATCH:
            return {"responses": [self._inner(one) for one in body["requests"]]}
        if body is not None:
            return self._objects(body["ids"])
        related = _RELATED.match(path)
        if related is not None:
            return self._related(path, related["id"], related["relation"])
        if path not in self._export.whole:
            self.miss(path, command(path))
        return {"value": self._export.of(path)}

    def _inner(self, question: Any) -> Answer:
        try:
            answer = self._of_graph(urlsplit(question.url).path.strip("/"), None)
        except Gone:
            return {"id": question.id, "status": 404}
        return {"id": question.id, "status": 200, "body": answer}

    def _related(self, path: str, of: str, relation: str) -> Answer:
        """Related objects by the object's id or client id. Only some holders of an API may be known."""
        client = (self._export.row(r.APPLICATIONS, of.lower()) or {}).get("appId")
        named = [self._export.related.get((str(id_).lower(), relation.lower())) for id_ in (of, client) if id_]
        whole = next((rows for rows in named if rows is not None), None)
        part = self._export.related.get((of.lower(), f"{relation.lower()} in part"), {})
        if whole is None:
            kind = path.split("/")[1]
            below = path.split("/", 3)[3]
            self.miss(f"{relation} of /{kind}", command(f"/{kind}/ID/{below}"))
        if whole is None and not part:
            raise Gone(f"GET {path} is in no file")
        return {"value": list({**part, **(whole or {})}.values())}

    def _objects(self, ids: list[str]) -> Answer:
        """Objects of the directory by id. An id that may be deleted counts as existing."""
        if r.SERVICE_PRINCIPALS not in self._export.whole:
            self.miss(r.SERVICE_PRINCIPALS, command(r.SERVICE_PRINCIPALS))
        return {"value": [one for id_ in ids if (one := self._object(id_.lower())) is not None]}

    def _object(self, id_: str) -> Row | None:
        for name, type_ in TYPES.items():
            row = self._export.row(name, id_)
            if row is not None:
                return {"@odata.type": f"#{_CASTS}{type_}", **row, "id": id_}
        return None if id_ in self._gone else {"id": id_}

    @cached_property
    def _root(self) -> tuple[str, str]:
        """The scopes of the whole tenant: the root, and the management group with its name."""
        return "/", f"{GROUPS}{self._settings.tenant or self._export.tenant}"

    @cached_property
    def _gone(self) -> frozenset[str]:
        return self._export.gone()

    def _resources(self, body: Any) -> Answer:
        some = body.get("subscriptions", ())
        rows = (row for row in self._export.of(r.RESOURCES) if subscription_of(str(row.get("id"))) in some)
        return {"data": [resource(row, self._vault_suffix) for row in rows]}

    def _federation(self, path: str) -> Answer:
        rows = self._export.rows.get(r.IDENTITY_FEDERATION, {})
        found = [federation(row) for key, row in rows.items() if key.startswith(f"{path.lower()}/")]
        if not found and not self._export.names_empty("federated", path.split("/")[-2]):
            self.miss(r.IDENTITY_FEDERATION, WRITES[r.IDENTITY_FEDERATION])
            raise Gone(f"GET {path} is in no file")
        return {"value": found}

    def _denials(self, path: str) -> Answer:
        """Deny assignments at a place and below, and at the root. The file of an empty list names its place.

        No file lists the subscriptions of another management group.
        """
        place = path.removesuffix(DENY_ASSIGNMENTS).lower()
        scopes = [(scope_of(row).lower(), row) for row in self._export.of(r.DENIALS)]
        reported = [row for scope, row in scopes if f"{scope}/".startswith(f"{place}/")]
        if not reported and not self._export.names_empty("deny", place.rpartition("/")[2]):
            self.miss(r.DENIALS, WRITES[r.DENIALS])
        return {"value": [*reported, *(row for scope, row in scopes if scope in self._root and scope != place)]}

    def _items(self, address: str) -> Answer:
        rows = self._export.rows.get(r.VAULT_ITEMS, {})
        found = [vault_item(row) for key, row in rows.items() if key.startswith(f"{address.lower()}/")]
        kind = address.rpartition("/")[2]
        if not found and not self._export.names_empty(kind.removesuffix("s"), _vault_name(address)):
            self.miss(f"{kind} of vaults", ITEMS.format(kind=kind.removesuffix("s")))
            raise Gone(f"GET {address} is in no file")
        return {"value": found}

    def _assignments(self, place: str) -> list[SimpleNamespace]:
        """Role assignments at a place and below, and inherited assignments, which are in no subscription."""
        scopes = [(f"{scope_of(row).lower()}/", row) for row in self._export.of(r.ROLE_ASSIGNMENTS)]
        if not any(scope.startswith(f"{place.lower()}/") for scope, _ in scopes):
            self.miss(r.ROLE_ASSIGNMENTS, WRITES[r.ROLE_ASSIGNMENTS])
        reported = (row for scope, row in scopes if scope.startswith(f"{place.lower()}/") or not subscription_of(scope))
        return [model(row) for row in reported]

    def _definitions(self, which: str) -> list[SimpleNamespace]:
        rows = [model(row, type_as="role_type") for row in self._export.of(r.ROLE_DEFINITIONS)]
        if not rows:
            self.miss(r.ROLE_DEFINITIONS, WRITES[r.ROLE_DEFINITIONS])
        is_wanted = which == _BUILT_IN
        return [row for row in rows if (str(getattr(row, "role_type", "")).lower() == "builtinrole") == is_wanted]


def _vault_name(address: str) -> str:
    return (urlsplit(address).hostname or "").partition(".")[0]

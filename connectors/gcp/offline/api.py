"""Answers the readers' requests from files instead of Google's APIs, or reports which file is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from re import fullmatch
from typing import Any, TypeVar

import msgspec
from msgspec import Raw

from connectors.core.contract import Gone, Malformed, Meter
from connectors.core.offline import NotExported
from connectors.gcp.client import requests as r
from connectors.gcp.client.api import GcpApi, GcpPage, Query, page_of
from connectors.gcp.client.requests import Request
from connectors.gcp.client.session import GcpSession
from connectors.gcp.offline import recognise as k
from connectors.gcp.offline.export import CONTAINERS, GcpExport
from connectors.gcp.offline.recognise import Item
from connectors.gcp.rights.vocabulary import vocabulary
from scanner.text import counted

T = TypeVar("T")
Places = Mapping[str, str]

_MANAGED_BY_GOOGLE = "SYSTEM_MANAGED"
_SEARCH = "`gcloud asset search-all-iam-policies --scope=projects/{project} --format=json` writes it"
_POLICY = {
    r.PROJECT_POLICY: ("projects", "project", "gcloud projects get-iam-policy {name}"),
    r.FOLDER_POLICY: ("folders", "folder", "gcloud resource-manager folders get-iam-policy {name}"),
    r.ORGANIZATION_POLICY: ("organizations", "organization", "gcloud organizations get-iam-policy {name}"),
}
# Listings of a project, and the types of their rows.
_LISTED = {
    r.SERVICE_ACCOUNTS: k.ACCOUNT,
    r.WORKLOAD_POOLS: k.POOL,
    r.API_KEYS: k.API_KEY,
    r.HMAC_KEYS: k.HMAC_KEY,
    r.ACCOUNT_ACTIVITIES: k.USE_OF_ACCOUNTS,
    r.KEY_ACTIVITIES: k.USE_OF_KEYS,
}
# Listings below a resource in a project: the type of their rows, and the name of the resource.
_LISTED_OF = {
    r.SERVICE_ACCOUNT_KEYS: (k.KEY, "serviceAccounts/{account}"),
    r.POOL_PROVIDERS: (k.PROVIDER, "locations/global/workloadIdentityPools/{pool}"),
}


class GcpFileApi(GcpApi):
    """As GcpApi; nothing is sent. ``export``: what answers."""

    def __init__(self, export: GcpExport, session: GcpSession) -> None:
        super().__init__(session, Meter())
        self.export = export

    def service_accounts(self, project: str) -> Iterator[GcpPage]:
        """A project's service accounts."""
        return self.pages(r.SERVICE_ACCOUNTS, project=project)

    def pages(self, request: Request, query: Query | None = None, **places: str) -> Iterator[GcpPage]:
        """The rows of a listing in the files, as one page."""
        assert request.items is not None
        answer = self._asked(request, dict[str, Raw], query or {}, None, places)
        rows = msgspec.json.decode(answer.get(request.items, b"[]"), type=list[Raw] | None)
        yield page_of(rows or [], msgspec.json.encode(answer))

    def _asked(self, request: Request, payload: type[T], query: Query, body: Any, places: Places) -> T:
        del body
        answer = self._found(request, query, places)
        try:
            return msgspec.json.decode(msgspec.json.encode(answer), type=payload)
        except msgspec.ValidationError as error:
            raise Malformed(f"the content of a file has an unexpected structure: {error}") from None

    def _found(self, request: Request, query: Query, places: Places) -> Any:
        project = places.get("project") or places.get("parent", "").removeprefix("projects/")
        if request in _LISTED:
            return self._listing(request, project, _LISTED[request])
        if request in _LISTED_OF:
            type_, parent = _LISTED_OF[request]
            return self._listing(request, project, type_, f"projects/{project}/{parent.format(**places)}")
        answers: Mapping[Request, Callable[[], Any]] = {
            r.SERVICE_ACCOUNT: lambda: self._account(project, places["account"]),
            r.ASSETS: lambda: self._assets(project, query["assetTypes"]),
            r.ALL_POLICIES: lambda: self._policies(project),
            **dict.fromkeys(_POLICY, lambda: self._policy(request, places)),
            **dict.fromkeys((r.PREDEFINED_ROLE, r.CUSTOM_ROLE), lambda: self._role(places)),
            **dict.fromkeys((r.PREDEFINED_ROLES, r.CUSTOM_ROLES), lambda: self._roles(places.get("parent", ""))),
        }
        if request not in answers:
            raise NotExported(f"files do not contain what {request.permission} would return")
        return answers[request]()

    def _listing(self, request: Request, project: str, type_: str, parent: str | None = None) -> dict[str | None, Any]:
        """All that is there, and that it may not be all. Raises NotExported where nothing is."""
        rows = [
            {**item.data, "name": item.path} if "name" in item.data and "/" in item.path else dict(item.data)
            for item in self.export.of(project, type_, parent)
        ]
        own = [row for row in rows if row.get("keyType") != _MANAGED_BY_GOOGLE]  # gcloud lists these, too
        if self.export.holds(project, type_, parent):
            return {request.items: own}
        if not rows:
            within = f" of each {'account' if type_ == k.KEY else 'pool'}" if parent else ""
            raise NotExported(f"no file holds all {type_}{within}", hint=k.command_for(type_, project))
        return {request.items: own, "unreachable": [_described_alone(type_, project)]}

    def _account(self, project: str, email: str) -> Any:
        """One by its e-mail. Raises Gone where all of its project are listed, and it is not among them."""
        listing = self._listing(r.SERVICE_ACCOUNTS, project, k.ACCOUNT)
        for row in listing[r.SERVICE_ACCOUNTS.items]:
            if row.get("email") == email:
                return row
        if "unreachable" in listing:
            raise NotExported(f"no file describes {email}", hint=k.command_for(k.ACCOUNT, project))
        raise Gone(f"{email} is not among the accounts of {project}")

    def _assets(self, project: str, types: str | tuple[str, ...]) -> dict[str, Any]:
        """Of all types that are asked for, which may be regular expressions. Raises NotExported where it has none."""
        wanted = (types,) if isinstance(types, str) else types
        export = self.export
        asked = sorted(type_ for type_ in export.types if any(fullmatch(one, type_) for one in wanted))
        held = [type_ for type_ in asked if export.holds(project, type_)]
        alone = [type_ for type_ in asked if type_ not in held and any(export.of(project, type_))]
        if not held and not alone:
            raise NotExported(f"no file holds all {wanted[0]}", hint=k.command_for(wanted[0], project))
        rows = [_asset(item, project) for type_ in (*held, *alone) for item in export.of(project, type_)]
        missing = [type_ for type_ in wanted if type_ in k.BY_TYPE and type_ not in held and type_ not in alone]
        return {
            "assets": rows,
            "unreachable": [
                *(f"{one} ({k.command_for(one, project)})" for one in missing),
                *(_described_alone(type_, project) for type_ in alone),
            ],
        }

    def _policies(self, project: str) -> dict[str, Any]:
        """All rows of one project; not: its own, those of accounts, those of what is above it."""
        export = self.export
        rows = [
            {"resource": name, "policy": export.policies[name], "project": f"projects/{project}"}
            for name in export.policies_in.get(project, ())
        ]
        if not rows:
            raise NotExported("no file holds its policies", hint=_SEARCH.format(project=project))
        is_there = f"{CONTAINERS}projects/{project}" in export.policies
        missing = [] if is_there else [f"the policy of projects/{project} (it is in no file)"]
        accounts = {f"//iam.googleapis.com/{item.path}" for item in export.of(project, k.ACCOUNT)}
        if unread := 0 if project in export.searched else len(accounts - export.policies.keys()):
            missing.append(f"policies of {counted(unread, 'account', 'accounts')} (they are in no file)")
        return {"results": rows, "unreachable": missing}

    def _policy(self, request: Request, places: Places) -> Any:
        kind, place, _ = _POLICY[request]
        return policy_of(self.export, f"{kind}/{places[place]}")

    def _role(self, places: Places) -> Any:
        name = "/".join(filter(None, (places.get("parent"), "roles", places["role"])))
        if name not in self.export.roles and (known := _known_role(name)) is not None:
            return known
        if name not in self.export.roles:
            hint = f"`gcloud iam roles describe {name} --format=json` writes it"
            raise NotExported(f"no file holds {name}", hint=hint)
        return self.export.roles[name]

    def _roles(self, parent: str) -> Any:
        """Those that are there; of those that policies name, it is shown which are not."""
        start = f"{parent}/roles/" if parent else "roles/"
        rows = [role for name, role in self.export.roles.items() if name.startswith(start)]
        lacking = sorted(name for name in self.export.named_roles - self.export.roles.keys() if name.startswith(start))
        known = {name: role for name in lacking if (role := _known_role(name)) is not None}
        missing = [f"{name} (it is in no file)" for name in lacking if name not in known]
        return {"roles": [*rows, *known.values()], "unreachable": missing}


def _known_role(name: str) -> dict[str, Any] | None:
    """One of Google's own roles of which it is known, without a file, what it allows of what counts."""
    known = vocabulary()
    permissions = None if name in known.partly_known else known.known_role(name)
    return None if permissions is None else {"name": name, "includedPermissions": sorted(permissions)}


def policy_of(export: GcpExport, container: str) -> Any:
    """The policy of a project, folder or organization. Raises NotExported where no file holds it."""
    policy = export.policies.get(f"{CONTAINERS}{container}")
    if policy is None:
        kind, _, name = container.partition("/")
        command = next(command for its_kind, _, command in _POLICY.values() if its_kind == kind)
        hint = f"`{command.format(name=name)} --format=json` writes it"
        raise NotExported(f"no file holds the policy of {container}", hint=hint)
    return policy


def _described_alone(type_: str, project: str) -> str:
    """What is described by itself is no listing: there may be more."""
    return (
        f"all {type_}: some are described one by one; {k.command_for(type_, project)}, and files_are_complete = true "
        "says that there are no others"
    )


def _asset(item: Item, project: str) -> dict[str, Any]:
    host = item.type.partition("/")[0]
    return {
        "name": f"//{host}/{item.path}",
        "assetType": item.type,
        "ancestors": [f"projects/{project}"],
        "resource": {"version": item.version, "data": item.data},
    }

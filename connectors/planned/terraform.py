"""A Terraform or OpenTofu plan (``terraform show -json``) as resources.

The format is documented as "JSON Output Format", versions 0.1 to 1.x. Data sources that were read already stand in the
plan's prior state; they become resources of the type ``data.TYPE``. A sensitive value is dropped: it is unknown, too.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from connectors.planned import UNKNOWN, Resource
from connectors.planned.documents import PlannedDocument
from connectors.planned.references import Configuration, Path, PlannedReferenceChange
from connectors.planned.shapes import listed, mapping, text
from scanner.errors import UsageError
from scanner.model.planned import Effect, PlannedPlace, Unread

_EFFECTS: Mapping[tuple[str, ...], Effect] = {
    ("no-op",): "unchanged",
    ("read",): "unchanged",
    ("forget",): "unchanged",
    ("create",): "created",
    ("create", "forget"): "created",
    ("update",): "changed",
    ("delete", "create"): "changed",
    ("create", "delete"): "changed",
    ("delete",): "deleted",
}
_MAJOR_VERSIONS = frozenset({"0", "1"})
_DATA = "data."


def is_plan(document: Any) -> bool:
    """Whether the document is a plan: its format has a version, and it says what changes or what would be."""
    return isinstance(document, dict) and "format_version" in document and not _PLANS.isdisjoint(document)


_PLANS = frozenset({"resource_changes", "planned_values"})


def read_plan(file: str, documents: Sequence[PlannedDocument]) -> tuple[tuple[Resource, ...], tuple[Unread, ...]]:
    """Return the resources of a plan, and what of it is incomplete. Raises UsageError for another version's format."""
    document = next(each.data for each in documents if is_plan(each.data))
    version = str(document["format_version"])
    if version.partition(".")[0] not in _MAJOR_VERSIONS:
        raise UsageError(f"{file}: is a plan of format {version[:20]}, and versions 0 and 1 are supported")
    changes: list[PlannedReferenceChange] = []
    problems = list(_incomplete(file, document))
    for row in _rows(document):
        change = _change(row)
        if change is None:
            named = row.get("address") if isinstance(row, dict) else None
            place = PlannedPlace(file=file, resource=named if isinstance(named, str) else "resource_changes")
            problems.append(Unread(place=place, reason="is not a change of a resource as Terraform writes it"))
        elif not (isinstance(row, dict) and row.get("deposed")):
            changes.append(change)
    listed = {change.address for change in changes}
    changes += [change for change in _prior_data(document) if change.address not in listed]
    configuration = Configuration(mapping(document.get("configuration")), changes)
    providers = Providers(document, configuration, changes)
    return tuple(_resource(file, each, configuration, providers.home(each)) for each in changes), tuple(problems)


def _resource(file: str, change: PlannedReferenceChange, configuration: Configuration, home: Home) -> Resource:
    return Resource(
        type=change.type,
        place=PlannedPlace(file=file, resource=change.address),
        format="terraform",
        effect=change.effect,
        values=change.values,
        before=change.before,
        account=home.account,
        partition=home.partition,
        region=home.region,
        refers=configuration.refers(change),
        given=configuration.given(change),
    )


def _incomplete(file: str, document: Mapping[str, Any]) -> Iterator[Unread]:
    if document.get("errored") is True:
        yield Unread(
            place=PlannedPlace(file=file, resource="plan"), reason="planning failed, so the plan is incomplete"
        )
    elif document.get("complete") is False:
        yield Unread(
            place=PlannedPlace(file=file, resource="plan"), reason="the plan is incomplete: a later one has the rest"
        )
    for name in ("resource_changes", "deferred_changes"):
        if not isinstance(document.get(name) or [], list):
            yield Unread(place=PlannedPlace(file=file, resource=name), reason="is not a list as Terraform writes it")
    for row in map(mapping, listed(document.get("action_invocations"))):
        named, kind = text(row.get("address")) or "action_invocations", text(row.get("type"))
        yield Unread(
            place=PlannedPlace(file=file, resource=named), reason=f"what the action {kind} does is not evaluated"
        )
    planned = mapping(mapping(document.get("planned_values")).get("root_module"))
    if not document.get("resource_changes") and next(_state(planned, ""), None) is not None:
        reason = "there are no resource_changes beside it, so what would change is unknown"
        yield Unread(place=PlannedPlace(file=file, resource="planned_values"), reason=reason)


# --- Changes ---


def _rows(document: Mapping[str, Any]) -> Iterator[Any]:
    yield from listed(document.get("resource_changes"))
    for deferred in listed(document.get("deferred_changes")):
        yield mapping(deferred).get("resource_change")


def _change(row: Any) -> PlannedReferenceChange | None:
    """Return a row of ``resource_changes``; None for one that has not its shape."""
    row, change = mapping(row), mapping(mapping(row).get("change"))
    effect = _EFFECTS.get(tuple(each for each in listed(change.get("actions")) if isinstance(each, str)))
    if effect is None or not all(isinstance(row.get(name), str) for name in ("address", "type", "name")):
        return None
    before = change.get("before")
    was = _masked(before, {}, change.get("before_sensitive"), (), []) if isinstance(before, dict) else None
    unknown: list[Path] = []
    values: Any = was
    if effect != "deleted" and change.get("after") is not None:
        sensitive = change.get("after_sensitive")
        values = _masked(mapping(change["after"]), change.get("after_unknown"), sensitive, (), unknown)
    if change.get("importing") and effect in ("unchanged", "changed"):
        effect = "imported"
    kind = f"{_DATA if row.get('mode') == 'data' else ''}{row['type']}"
    return PlannedReferenceChange(
        address=row["address"],
        module=text(row.get("module_address")),
        type=kind,
        block=f"{kind}.{row['name']}",
        index=row.get("index") if isinstance(row.get("index"), str | int) else None,
        effect=effect,
        values=values if isinstance(values, dict) else {},
        before=was if isinstance(was, dict) else None,
        unknown=tuple(unknown),
    )


def _prior_data(document: Mapping[str, Any]) -> Iterator[PlannedReferenceChange]:
    """The data sources that were read while planning."""
    prior = mapping(mapping(document.get("prior_state")).get("values"))
    for module, row in _state(mapping(prior.get("root_module")), ""):
        if row.get("mode") == "data" and all(isinstance(row.get(name), str) for name in ("address", "type", "name")):
            values = _masked(mapping(row.get("values")), {}, row.get("sensitive_values"), (), [])
            yield PlannedReferenceChange(
                address=row["address"],
                module=module,
                type=f"{_DATA}{row['type']}",
                block=f"{_DATA}{row['type']}.{row['name']}",
                index=row.get("index") if isinstance(row.get("index"), str | int) else None,
                effect="unchanged",
                values=values if isinstance(values, dict) else {},
                before=None,
                unknown=(),
            )


def _state(module: Mapping[str, Any], address: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The resources of a module and of those below it, each with its module's address."""
    for row in listed(module.get("resources")):
        yield address, mapping(row)
    for child in listed(module.get("child_modules")):
        yield from _state(mapping(child), text(mapping(child).get("address")))


def _masked(value: Any, unknown: Any, sensitive: Any, path: Path, found: list[Path]) -> Any:
    """The value, with UNKNOWN for what is sensitive or not known yet; the paths of the latter are ``found``."""
    if unknown is True or sensitive is True:
        if unknown is True:
            found.append(path)
        return UNKNOWN
    if not (unknown or sensitive):
        return value
    if isinstance(value, list) or (value is None and isinstance(unknown, list)):
        items, waiting, hidden = listed(value), listed(unknown), listed(sensitive)
        return [
            _masked(_at(items, number), _at(waiting, number), _at(hidden, number), (*path, number), found)
            for number in range(max(len(items), len(waiting)))
        ]
    if isinstance(value, dict) or (value is None and isinstance(unknown, dict)):
        return _masked_members(mapping(value), mapping(unknown), mapping(sensitive), path, found)
    return value


def _masked_members(
    value: dict[str, Any], unknown: dict[str, Any], sensitive: dict[str, Any], path: Path, found: list[Path]
) -> dict[str, Any]:
    added = (name for name in unknown if name not in value and unknown[name])
    return {
        name: _masked(value.get(name), unknown.get(name), sensitive.get(name), (*path, name), found)
        for name in (*value, *added)
    }


def _at(items: Sequence[Any], number: int) -> Any:
    return items[number] if number < len(items) else None


# --- Which account a resource would be in, by its own ids, its provider and the prior state ---

_ARN = re.compile(r"arn:([\w-]+):[^:]*:[^:]*:(\d{12}):")
_PARTITIONS = {"cn-": "aws-cn", "us-gov-": "aws-us-gov", "eusc-": "aws-eusc"}
_ACCOUNT_ARGUMENTS: Mapping[str, tuple[str, ...]] = {
    "aws": ("allowed_account_ids",),
    "azurerm": ("subscription_id",),
    "azuread": ("tenant_id",),
    "google": ("project",),
    "google-beta": ("project",),
}


class Home(Struct, frozen=True, kw_only=True, gc=False):
    """The place of a planned resource; None for unknown parts."""

    account: str | None = None
    partition: str | None = None
    region: str | None = None


class Providers:
    """The providers that a plan configures, with the accounts that they turn out to work in."""

    def __init__(
        self, document: Mapping[str, Any], configuration: Configuration, changes: Iterable[PlannedReferenceChange]
    ) -> None:
        self._configuration = configuration
        self._variables = mapping(document.get("variables"))
        rows = mapping(mapping(document.get("configuration")).get("provider_config"))
        self._homes = {key: self._configured(mapping(row)) for key, row in rows.items()}
        evidence: dict[str, set[tuple[str, str]]] = defaultdict(set)
        for change in changes:
            evidence[self._key(change)].update(self._own(change))
        for key, seen in evidence.items():
            home = self._homes.get(key, Home())
            if home.account is None and len(seen) == 1:
                ((partition, account),) = seen
                self._homes[key] = Home(account=account, partition=partition, region=home.region)

    def home(self, change: PlannedReferenceChange) -> Home:
        """The place of a planned resource: from its own ids, else from its provider."""
        home = self._homes.get(self._key(change), Home())
        region = text(change.values.get("region")) or home.region
        own = set(self._own(change))
        if len(own) == 1:
            ((partition, account),) = own
            return Home(account=account, partition=partition, region=region)
        return Home(account=home.account, partition=home.partition, region=region)

    def _key(self, change: PlannedReferenceChange) -> str:
        named = self._configuration.block(change).get("provider_config_key")
        return named if isinstance(named, str) else change.type.removeprefix("data.").partition("_")[0]

    def _configured(self, row: Mapping[str, Any]) -> Home:
        expressions = mapping(row.get("expressions"))
        region = text(self._constant(expressions.get("region"))) or None
        partition = next((its for start, its in _PARTITIONS.items() if region and region.startswith(start)), None)
        for block in listed(expressions.get("assume_role")):
            arn = _ARN.match(text(self._constant(mapping(block).get("role_arn"))))
            if arn:
                return Home(account=arn[2], partition=arn[1], region=region)
        for name in _ACCOUNT_ARGUMENTS.get(text(row.get("name")), ()):
            value = self._constant(expressions.get(name))
            accounts = [value] if isinstance(value, str) else listed(value)
            if len(accounts) == 1 and isinstance(accounts[0], str):
                return Home(account=accounts[0], partition=partition, region=region)
        return Home(partition=partition, region=region)

    def _constant(self, expression: Any) -> Any:
        """The value of a provider's argument: as written, or of the variable of the root module that it names."""
        row = mapping(expression)
        names = [name for name in listed(row.get("references")) if isinstance(name, str)]
        if "constant_value" in row or len(names) != 1:
            return row.get("constant_value")
        return mapping(self._variables.get(names[0].removeprefix("var."))).get("value")

    def _own(self, change: PlannedReferenceChange) -> Iterator[tuple[str, str]]:
        """The partition and account in the ARN that a resource has, before or after; not in one that it is given."""
        if change.type == "data.aws_caller_identity" and (account := text(change.values.get("account_id"))):
            arn = _ARN.match(text(change.values.get("arn")))
            yield arn[1] if arn else "aws", account
        elif "arn" not in mapping(self._configuration.block(change).get("expressions")):
            found = (_ARN.match(text(values.get("arn"))) for values in (change.values, change.before or {}))
            yield from [(arn[1], arn[2]) for arn in found if arn][:1]

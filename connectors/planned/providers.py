"""Says which account a resource of a Terraform plan would be in, by its own ids, its provider and the prior state."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from connectors.planned.references import Change, Configuration
from connectors.planned.shapes import listed, mapping, text

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

    def __init__(self, document: Mapping[str, Any], configuration: Configuration, changes: Iterable[Change]) -> None:
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

    def home(self, change: Change) -> Home:
        """The place of a planned resource: from its own ids, else from its provider."""
        home = self._homes.get(self._key(change), Home())
        region = text(change.values.get("region")) or home.region
        own = set(self._own(change))
        if len(own) == 1:
            ((partition, account),) = own
            return Home(account=account, partition=partition, region=region)
        return Home(account=home.account, partition=home.partition, region=region)

    def _key(self, change: Change) -> str:
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

    def _own(self, change: Change) -> Iterator[tuple[str, str]]:
        """The partition and account in the ARN that a resource has, before or after; not in one that it is given."""
        if change.type == "data.aws_caller_identity" and (account := text(change.values.get("account_id"))):
            arn = _ARN.match(text(change.values.get("arn")))
            yield arn[1] if arn else "aws", account
        elif "arn" not in mapping(self._configuration.block(change).get("expressions")):
            found = (_ARN.match(text(values.get("arn"))) for values in (change.values, change.before or {}))
            yield from [(arn[1], arn[2]) for arn in found if arn][:1]

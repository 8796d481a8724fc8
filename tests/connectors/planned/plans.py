"""Plans as ``terraform show -json`` writes them, from the parts that a test is about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from connectors.planned import Known, Planned, Planner
from connectors.planned.documents import PlannedDocument
from connectors.planned.terraform import is_plan, read_plan
from scanner.errors import UsageError

ACCOUNT = "123456789012"


def change(
    address: str,
    after: Mapping[str, Any] | None = None,
    *,
    actions: Iterable[str] = ("create",),
    before: Mapping[str, Any] | None = None,
    unknown: Mapping[str, Any] | None = None,
    sensitive: Mapping[str, Any] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """A row of ``resource_changes``; the address says module, type, name and index."""
    module, _, local = address.rpartition("module.")
    steps = local.split(".")
    module = f"{module}module.{steps[0]}" if "module." in address else ""
    own = address.removeprefix(f"{module}.") if module else address
    mode = "data" if own.startswith("data.") else "managed"
    kind, name = own.removeprefix("data.").split(".", 1)
    name, _, index = name.partition("[")
    row: dict[str, Any] = {
        "address": address,
        "mode": mode,
        "type": kind,
        "name": name,
        "provider_name": f"registry.opentofu.org/hashicorp/{kind.partition('_')[0]}",
        "change": {
            "actions": list(actions),
            "before": before,
            "after": after,
            "after_unknown": unknown or {},
            "before_sensitive": {} if before else False,
            "after_sensitive": sensitive or {},
            **more.pop("change", {}),
        },
        **more,
    }
    if module:
        row["module_address"] = module
    if index:
        key = index.removesuffix("]")
        row["index"] = int(key) if key.isdigit() else key.strip('"')
    return row


def refers(*references: str) -> dict[str, list[str]]:
    """An expression that refers to these, as the configuration lists them: the longest first."""
    return {"references": [*references]}


def block(address: str, provider: str | None = None, **expressions: Any) -> dict[str, Any]:
    """A resource's block in the configuration."""
    mode = "data" if address.startswith("data.") else "managed"
    kind, name = address.removeprefix("data.").split(".")
    more = {"for_each_expression": expressions.pop("for_each")} if "for_each" in expressions else {}
    return {
        "address": address,
        "mode": mode,
        "type": kind,
        "name": name,
        "provider_config_key": provider or kind.partition("_")[0],
        "expressions": expressions,
        "schema_version": 0,
        **more,
    }


def terraform(
    *changes: Mapping[str, Any],
    blocks: Iterable[Mapping[str, Any]] = (),
    providers: Mapping[str, Any] | None = None,
    prior: Iterable[Mapping[str, Any]] = (),
    calls: Mapping[str, Any] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """A whole plan. ``prior``: resources of the prior state's root module; ``calls``: of modules, by name."""
    return {
        "format_version": "1.2",
        "terraform_version": "1.9.5",
        "planned_values": {"root_module": {}},
        "resource_changes": list(changes),
        "prior_state": {
            "format_version": "1.0",
            "terraform_version": "1.9.5",
            "values": {"root_module": {"resources": list(prior)}},
        },
        "configuration": {
            "provider_config": providers or {},
            "root_module": {"resources": list(blocks), "module_calls": calls or {}},
        },
        "timestamp": "2026-11-29T04:00:00Z",
        "applyable": True,
        "complete": True,
        "errored": False,
        **more,
    }


def caller_identity(account: str = ACCOUNT) -> dict[str, Any]:
    """The data source that names the account, as it stands in the prior state."""
    return {
        "address": "data.aws_caller_identity.current",
        "mode": "data",
        "type": "aws_caller_identity",
        "name": "current",
        "values": {"account_id": account, "arn": f"arn:aws:iam::{account}:user/ci", "id": account},
        "sensitive_values": {},
    }


def is_planned_or_refused(plan: Any, planner: Planner, known: Known) -> bool:
    """Whether a plan with any content is understood, or refused as none."""
    if not is_plan(plan):
        return True
    try:
        resources, _ = read_plan("plan.json", [PlannedDocument(data=plan, line=1, source="")])
    except UsageError:
        return True
    return isinstance(planner.planned(resources, known), Planned)

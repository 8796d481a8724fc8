"""How tests have a plan or template understood."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from connectors.aws.planned.planner import AwsPlanner
from connectors.planned import Planned
from connectors.planned.documents import PlannedDocument
from connectors.planned.files import load
from connectors.planned.terraform import read_plan
from scanner.model import Identity
from scanner.model.planned import PlannedIdentity
from tests.connectors.planned.plans import terraform

LAMBDA = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
PROVIDED = {"arn": True, "id": True, "unique_id": True, "managed_policy_arns": True, "inline_policy": True}
"""What the provider fills in for a new role, so that a plan has it as unknown."""


class Store:
    """What was last scanned."""

    def __init__(self, *identities: Identity) -> None:
        self._identities = identities

    def expect(self, keys: Collection[str]) -> None:
        """Has them all at hand."""

    def identity(self, key: str) -> Identity | None:
        return next((each for each in self._identities if each.key == key), None)

    def named(self, provider: str, name: str) -> Sequence[Identity]:
        return [each for each in self._identities if (each.provider, each.name) == (provider, name)]


def document(*statements: Mapping[str, Any]) -> str:
    """A policy document as Terraform writes it."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action: str, resource: str = "*") -> dict[str, Any]:
    """A statement."""
    return {"Effect": "Allow", "Action": action, "Resource": resource}


def role(name: str, **more: Any) -> dict[str, Any]:
    """The arguments of a role that Lambda assumes."""
    return {"name": name, "path": "/", "assume_role_policy": document(LAMBDA), "tags_all": {}, **more}


def understood(*changes: Mapping[str, Any], known: Store | None = None, **parts: Any) -> Planned:
    """What the planner makes of a plan."""
    plan = msgspec.json.decode(json.dumps(terraform(*changes, **parts)))
    resources, _ = read_plan("plan.json", [PlannedDocument(data=plan, line=1, source="")])
    return AwsPlanner().planned(resources, known or Store())


def template(folder: Path, text: str, known: Store | None = None) -> Planned:
    """What the planner makes of a template."""
    path = folder / "template.yaml"
    path.write_text(text)
    return AwsPlanner().planned(load(path, path.name).resources, known or Store())


def by_place(planned: Planned) -> dict[str, PlannedIdentity]:
    """The identities by the resource that they are first at."""
    return {each.places[0].resource: each for each in planned.identities}

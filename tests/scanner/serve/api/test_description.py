"""The description is true: whatever fits it is answered as it says, and whatever does not is refused."""

from __future__ import annotations

from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from jsonschema import Draft202012Validator
from schemathesis import GenerationMode
from schemathesis.core.result import Ok

from scanner.serve.index.lists import LISTS
from tests.scanner.serve.api.conftest import CYD, ask
from tests.scanner.serve.served import Served

EXAMPLES = 2
"""For each operation, of what fits and of what does not: derived from the operation, so the same every time."""
_NAMES = ["ignored_auth"]
"""Left out: it asks again without a sign-in, though the header stays. ``test_nobody_else_is_answered`` does so."""


def checks(*names: str) -> list[Any]:
    """Schemathesis' own checks."""
    return list(schemathesis.checks.CHECKS.get_by_names(list(names)))


def test_it_is_answered_as_described(written: Served) -> None:
    """Every operation, with generated parameters and bodies: statuses, types and schemas are as described."""
    described = ask(written, CYD, "/api/v1/openapi.json").json()
    me = ask(written, CYD, "/api/v1/me").json()
    headers = {"x-user": CYD, "x-csrf-token": me["csrf"]}
    asked = 0
    for found in schemathesis.openapi.from_dict(described).get_all_operations():
        assert isinstance(found, Ok)
        operation = found.ok()
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):

            @settings(
                max_examples=EXAMPLES,
                derandomize=True,
                database=None,
                deadline=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            @given(operation.as_strategy(generation_mode=mode))
            def check(case: Any) -> None:
                nonlocal asked
                asked += 1
                # A cursor that is none of an earlier answer fits the schema.
                left_out = [*_NAMES, *(["positive_data_acceptance"] if "cursor" in case.query else [])]
                case.call_and_validate(
                    base_url=written.url,
                    headers=headers,
                    excluded_checks=[check for name in left_out for check in checks(name)],
                )

            check()
    assert asked > 2 * EXAMPLES * 30
    assert "internal error" not in written.log


def test_it_is_a_description(api: Served) -> None:
    """Schemas and references are whole, it names this server, and lists have the filters of the page."""
    described = ask(api, CYD, "/api/v1/openapi.json").json()
    schemas = described["components"]["schemas"]
    for schema in schemas.values():
        Draft202012Validator.check_schema(schema)
    references = set(_references(described))
    parameters = {one["name"] for one in described["paths"]["/api/v1/identities"]["get"]["parameters"]}
    operations = [one for path in described["paths"].values() for one in path.values()]

    assert described["openapi"].startswith("3.1.")
    assert described["servers"] == [{"url": api.url}]
    assert {name.rpartition("/")[2] for name in references} <= set(schemas)
    assert set(LISTS["identities"].facets) <= parameters
    assert len({one["operationId"] for one in operations}) == len(operations)
    assert all({"400", "401", "403"} <= set(one["responses"]) for one in operations)
    assert set(described["components"]["securitySchemes"]) == {"token", "session"}


def _references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return [*own, *(one for member in value.values() for one in _references(member))]
    return [one for member in value for one in _references(member)] if isinstance(value, list) else []

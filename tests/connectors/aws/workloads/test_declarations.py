"""Every declaration against the SDK's models: calls that exist with what they take, and paths that lead there."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any

import pytest

from connectors.aws.settings import AwsSettings
from connectors.aws.workloads.catalog import (
    BY_SECTION,
    IDENTITY_KINDS,
    SECTIONS,
    TYPES,
    children,
    declared_in,
    kept,
    wanted,
)
from connectors.aws.workloads.declarations import Detail, Fields, ResourceType, permission
from tests.connectors.aws.workloads.shapes import answer, at, model, row_shapes, rows_at

_NAMES = {"partition", "region", "account"}
_PLACE = re.compile(r"\{([^{}]+)\}")
_SIZES = ("MaxResults", "maxResults", "MaxItems", "MaxRecords", "Limit")
_NUMBERS = ("string", "integer", "long", "float", "double", "boolean", "timestamp")

every_type = pytest.mark.parametrize("one", TYPES, ids=lambda one: one.section)
every_record = pytest.mark.parametrize(
    "one", [one for one in TYPES if isinstance(one.record, Fields)], ids=lambda one: one.section
)


def _places(templates: Iterator[str] | list[str]) -> set[str]:
    return {place for template in templates for place in _PLACE.findall(template)} - _NAMES


def _leads_to(one: ResourceType, path: str) -> list[Any]:
    """The shapes that a path in a row leads to; parameters of the row above, and bare ids, are texts."""
    if path in one.listing.by or path in {name for detail in one.details if detail.batch for name in detail.by}:
        return [None]
    found = [shape for row in row_shapes(one) if row.type_name != "string" for shape in at(row, path)]
    bare = any(
        row.type_name == "string" for row in rows_at(answer(one.service, one.listing.operation), one.listing.rows)
    )
    return [*found, None] if path == "id" and bare else found


def _check_call(service: str, operation: str, parameters: Mapping[str, Any]) -> None:
    takes = model(service).operation_model(operation).input_shape
    known = set(takes.members) if takes is not None else set()
    assert set(parameters) <= known
    assert set(takes.required_members if takes is not None else ()) <= set(parameters)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"titel": "Jobs"}, "unknown field `titel`"),
        ({"listing": {"operation": "GetJobs", "row": "Jobs"}}, r"unknown field `row` - at `\$.listing`"),
        ({"details": [{"operation": "GetJob", "of": {}}]}, r"unknown field `of` - at `\$.details\[0\]`"),
        ({"record": {"key": "{Name}", "name": "{Name}", "role": ["Role"]}}, r"unknown field `role` - at `\$.record`"),
        ({"stored": {"type": "key", "key": "{Id}", "name": "{Id}", "value": "Value"}}, "unknown field `value`"),
        ({"stored": "parse_anything"}, "'parse_anything'"),
        ({"assigns": "nobody"}, "'nobody'"),
        ({"everywhere": "no"}, "Expected `bool`"),
    ],
)
def test_a_wrong_key_is_named_with_its_file_and_section(wrong: Mapping[str, Any], said: str) -> None:
    """A type is added by hand, and what is misspelt would otherwise be unknown for ever."""
    table = {"title": "Glue jobs", "listing": {"operation": "GetJobs", "rows": "Jobs"}, **wrong}

    with pytest.raises(ValueError, match=rf"^data\.toml of .*: \[glue\.jobs\]: .*{said}"):
        list(declared_in("data.toml", {"glue": {"jobs": table}}))


def test_every_table_of_every_file_is_read() -> None:
    """In a file that nothing reads, types would be missing without a word."""
    tables = [
        (service, name)
        for file in files("connectors.aws.workloads").iterdir()
        if file.name.endswith(".toml")
        for service, types in tomllib.loads(file.read_text()).items()
        for name in types
    ]

    assert sorted(f"{service}.{name}" for service, name in tables) == sorted(BY_SECTION)


@pytest.mark.parametrize(
    ("path", "kinds"),
    [
        ("taskDefinition.containerDefinitions[].environment[].value", ["string"]),
        ("taskDefinition.containerDefinitions.environment[].value", []),
        ("taskDefinition.containerDefinitions[].environment.value", []),
        ("taskDefinition.containerDefinitions[].environment", ["list"]),
        ("taskDefinition.containerDefinitions[?name=='x'].image", ["string"]),
        ("taskDefinition.containerDefinitions[?nosuch=='x'].image", []),
        ("taskDefinition.family[]", []),
        ("taskDefinition.nosuch", []),
    ],
)
def test_a_path_leads_where_jmespath_would(path: str, kinds: list[str]) -> None:
    """Or the checks below would pass for paths that find nothing."""
    shape = answer("ecs", "DescribeTaskDefinition")

    assert [one.type_name for one in at(shape, path)] == kinds


@every_type
def test_its_listing_is_a_call_of_the_service(one: ResourceType) -> None:
    """Parameters are known and none is missing, pages are no larger than AWS takes, and the rows are a list."""
    listing = one.listing
    takes = model(one.service).operation_model(listing.operation).input_shape
    sizes = {name: takes.members[name] for name in _SIZES if takes is not None and name in takes.members}

    _check_call(one.service, listing.operation, {**listing.parameters, **listing.by, **sizes})
    assert len(at(answer(one.service, listing.operation), listing.rows)) == 1
    assert (listing.size is None) == (not sizes)
    assert all(listing.size <= size.metadata.get("max", listing.size) for size in sizes.values() if listing.size)


@every_type
def test_its_details_are_calls_of_the_service(one: ResourceType) -> None:
    """Parameters are known, none is missing, and each comes from somewhere in the row."""
    for detail in one.details:
        batch: dict[str, list[str]] = {detail.ids: []} if detail.batch else {}
        templates = [*detail.by.values(), *([detail.id] if detail.batch else [])]

        _check_call(one.service, detail.operation, {**detail.parameters, **detail.by, **batch})
        assert at(answer(one.service, detail.operation), detail.at)
        assert {place for place in _places(templates) if not _leads_to(_before(one, detail), place)} == set()


def _before(one: ResourceType, detail: Detail) -> ResourceType:
    """The type as it is when that detail is asked for."""
    return ResourceType(
        section=one.section,
        title=one.title,
        service=one.service,
        listing=one.listing,
        details=one.details[: one.details.index(detail)],
    )


@every_record
def test_its_fields_are_in_the_answers(one: ResourceType) -> None:
    """A path that leads nowhere would keep a fact unknown for ever, and no one would notice."""
    fields = one.record
    assert isinstance(fields, Fields)
    texts = (
        fields.roles, fields.profiles, fields.secrets, fields.parameters, fields.texts, fields.acts_as,
        (fields.created_by, fields.description, fields.unique_id, fields.only_with),
        fields.inherits[1:] if fields.inherits else (),
        _places([fields.key, fields.name]),
    )  # fmt: skip
    for path in (path for group in texts for path in group if path):
        kinds = {shape.type_name if shape else "string" for shape in _leads_to(one, path)}
        assert (path, kinds) == (path, {"string"})
    for path in fields.facts.values():
        kinds = {shape.type_name if shape else "string" for shape in _leads_to(one, path)}
        assert kinds, path
        assert kinds <= set(_NUMBERS), path
    if fields.created_at:
        assert [shape.type_name for shape in _leads_to(one, fields.created_at)][-1] == "timestamp"
    if fields.tags:
        expected = "structure" if "[" in fields.tags else "map"
        assert {shape.type_name for shape in _leads_to(one, fields.tags)} == {expected}


@every_type
def test_what_leads_to_others_is_in_its_rows(one: ResourceType) -> None:
    """Rows under a row need its parameters, and these survive what is dropped of it."""
    for child in children(one.section):
        places = _places(list(child.listing.by.values()))
        assert {place for place in places if not _leads_to(one, place)} == set()
        assert places <= (kept(one) or places)
    for source, path in one.listing.also:
        assert _leads_to(BY_SECTION[source], path)
        assert path.partition(".")[0] in (kept(BY_SECTION[source]) or ())


@every_type
def test_what_it_inherits_from_is_read_by_the_same_service(one: ResourceType) -> None:
    """Rows of one service are put together, those of others are not there."""
    names = [one.listing.under, *(source for source, _ in one.listing.also)]
    if isinstance(one.record, Fields) and one.record.inherits:
        names.append(one.record.inherits[0])
    assert {BY_SECTION[name].service for name in names if name} <= {one.service}
    order = [each.section for each in TYPES]
    assert all(order.index(name) < order.index(one.section) for name in names[: 1 + len(one.listing.also)] if name)


@every_type
def test_its_permissions_are_of_the_service_that_signs(one: ResourceType) -> None:
    """The prefix of a permission is what requests are signed for."""
    assert {each.partition(":")[0] for each in one.permissions} == {model(one.service).signing_name}
    assert one.listing.operation in {each.partition(":")[2] for each in one.permissions}


def test_names_are_unique() -> None:
    """Of sections, and of what they list."""
    kinds = [one.record.kind for one in TYPES if isinstance(one.record, Fields) and one.record.kind]

    assert len(kinds) == len(set(kinds))
    assert len(BY_SECTION) == len(TYPES)
    assert len({section.name for section in SECTIONS}) == len(TYPES) + 1
    assert "bedrock_agent" in IDENTITY_KINDS
    assert "lambda_function" not in IDENTITY_KINDS


def test_the_tagging_service_has_a_prefix_of_its_own() -> None:
    """It signs as tagging, and its permissions begin with tag."""
    assert SECTIONS[0].permissions == ("tag:GetResources",)
    assert permission("stepfunctions", "ListStateMachines") == "states:ListStateMachines"


@pytest.mark.parametrize(
    ("names", "in_it", "out_of_it"),
    [
        (["usual"], {"lambda.functions", "bedrock.agents"}, {"lambda.microvms", "events.rules"}),
        (["all"], {"lambda.microvms", "events.targets"}, set()),
        (["lambda"], {"lambda.functions", "lambda.microvms"}, {"ecs.clusters"}),
        (["events.targets"], {"events.rules"}, {"events.connections"}),
        (["ecs.task_definitions"], {"ecs.clusters", "ecs.services", "ecs.tasks"}, {"eks.clusters"}),
        (["usual", "events.rules"], {"events.rules", "lambda.functions"}, {"events.targets"}),
    ],
)
def test_names_represent_sections_and_what_leads_to_them(
    names: list[str], in_it: set[str], out_of_it: set[str]
) -> None:
    """A section whose rows hang under another's is never read alone."""
    chosen = wanted(names)

    assert in_it <= chosen
    assert not out_of_it & chosen


def test_an_unknown_name_is_refused() -> None:
    """A section that is misspelt would otherwise just not be read."""
    with pytest.raises(ValueError, match="'lamda' is not a section"):
        AwsSettings(resources="lamda")
    with pytest.raises(ValueError, match="'lambdas' is not a section"):
        wanted(["lambda", "lambdas"])

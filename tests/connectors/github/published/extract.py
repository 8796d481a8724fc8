"""Writes anew what is kept, here and beside the fake, of GitHub's published descriptions in npm packages.

::

    npm pack @octokit/openapi@23.0.2 @octokit/graphql-schema@15.26.1      # and unpack both
    python -m tests.connectors.github.published.extract OPENAPI_FOLDER GRAPHQL_FOLDER

Of the REST API the answers of requests of the table, with every schema that these name; of GraphQL's the types that
the queries use, with all their plain fields. The queries are checked against the whole schema here. Both packages
are under the MIT licence, copyright GitHub and its contributors.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLSchema,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    build_ast_schema,
    get_named_type,
    is_leaf_type,
    parse,
    print_ast,
    validate,
    visit,
)

from connectors.github.client import requests as r
from connectors.github.client.parts import query
from connectors.github.client.repositories import QUERY, TEAM, TEAMS
from connectors.github.client.requests import GithubRequest
from connectors.github.sections import coding_agents, environments, local_actions
from connectors.github.sections.members import SSO
from connectors.github.sections.organization import RULESETS

HERE = Path(__file__).parent
FAKE = HERE.parents[3] / "connectors" / "fakes" / "github"
SELECTIONS = (
    local_actions.FILE,
    environments.RULES,
    environments.MORE,
    coding_agents.SHARED_AGENTS,
    coding_agents.LAST_CHANGE,
)
QUERIES = (QUERY, TEAMS, TEAM, SSO, RULESETS, *(query(one, 2) for one in SELECTIONS))
_WORDS = frozenset({"description", "example", "examples", "x-github", "externalDocs", "title"})


def rest(published: dict[str, Any]) -> dict[str, Any]:
    """The paths of the table: parameters, and the shape of the answer, with every component that these name."""
    paths: dict[str, Any] = {}
    for path in sorted({one.path for one in vars(r).values() if isinstance(one, GithubRequest)}):
        found = published["paths"][path]
        method = "get" if "get" in found else "post"
        status = "200" if "200" in found[method]["responses"] else "201"
        content = found[method]["responses"][status]["content"]["application/json"]
        named = [_followed(published, one) for one in found[method].get("parameters", [])]
        operation = {
            "parameters": [{"name": one["name"], "in": one["in"]} for one in named],
            "responses": {status: {"content": {"application/json": {"schema": _plain(content["schema"])}}}},
        }
        paths[path] = {method: operation}
    schemas: dict[str, Any] = {}
    waiting = _named(paths)
    while waiting:
        name = waiting.pop()
        if name not in schemas:
            schemas[name] = _plain(published["components"]["schemas"][name])
            waiting += _named(schemas[name])
    return {"info": {"version": published["info"]["version"]}, "paths": paths, "components": {"schemas": schemas}}


def _followed(published: dict[str, Any], found: Any) -> Any:
    while "$ref" in found:
        at: Any = published
        for step in found["$ref"].split("/")[1:]:
            at = at[step]
        found = at
    return found


def _plain(found: Any, *, is_properties: bool = False) -> Any:
    """Without words; a property may be called like one."""
    match found:
        case dict():
            return {
                name: _plain(value, is_properties=name == "properties" and not is_properties)
                for name, value in found.items()
                if is_properties or name not in _WORDS
            }
        case list():
            return [_plain(one) for one in found]
    return found


def _named(found: Any) -> list[str]:
    match found:
        case dict():
            own = [found["$ref"].rpartition("/")[2]] if isinstance(found.get("$ref"), str) else []
            return own + [name for value in found.values() for name in _named(value)]
        case list():
            return [name for one in found for name in _named(one)]
    return []


def graphql(text: str) -> str:
    """The types that the queries use. Raises ValueError for a query that the schema does not have."""
    document = _once(parse(text, no_location=True))
    schema = build_ast_schema(document, assume_valid_sdl=True)
    used: dict[str, set[str]] = {}
    leaves: set[str] = set()
    for each in QUERIES:
        if errors := validate(schema, parse(each)):
            raise ValueError(str(errors))
        visit(parse(each), TypeInfoVisitor(info := TypeInfo(schema), _Uses(info, used, leaves)))
    kept = []
    definitions: Any = document.definitions
    for one in definitions:
        name = one.name.value if getattr(one, "name", None) else ""
        if name in used:
            kept.append(_narrowed(one, schema, used, leaves))
        elif one.kind == "schema_definition":
            continue
    names = {*used, *leaves}
    scalars = [one for one in definitions if getattr(one, "name", None) and one.name.value in leaves - {*used}]
    return "\n\n".join(print_ast(one) for one in [*kept, *scalars] if one.name.value in names) + "\n"


class _Uses(Visitor):
    def __init__(self, info: TypeInfo, used: dict[str, set[str]], leaves: set[str]) -> None:
        super().__init__()
        self._info, self._used, self._leaves = info, used, leaves

    def enter_field(self, node: Any, *_: Any) -> None:
        parent, found = self._info.get_parent_type(), self._info.get_type()
        self._used.setdefault(str(parent), set()).add(node.name.value)
        self._add(found)
        definition = self._info.get_field_def()
        for argument in definition.args.values() if definition else ():
            self._add(argument.type)

    def _add(self, found: Any) -> None:
        named = get_named_type(found)
        if is_leaf_type(named):
            self._leaves.add(str(named))
        else:
            self._used.setdefault(str(named), set())
            for own in getattr(named, "fields", {}).values():
                if hasattr(named, "is_one_of"):  # an input: all its fields
                    self._add(own.type)


def _narrowed(node: Any, schema: GraphQLSchema, used: dict[str, set[str]], leaves: set[str]) -> Any:
    """The type with the fields that are used and those that are plain; without interfaces beyond these."""
    name = node.name.value
    fields = []
    for one in getattr(node, "fields", ()) or ():
        owner: Any = schema.type_map[name]
        named = get_named_type(owner.fields[one.name.value].type)
        is_plain = is_leaf_type(named) and not getattr(one, "arguments", None)
        if one.name.value in used[name] or is_plain or node.kind == "input_object_type_definition":
            fields.append(one)
            if is_leaf_type(named):
                leaves.add(str(named))
    interfaces = tuple(one for one in getattr(node, "interfaces", ()) or () if one.name.value in used)
    types = tuple(one for one in getattr(node, "types", ()) or () if one.name.value in used)
    narrowed = {"description": None, "fields": tuple(fields), "interfaces": interfaces, "types": types}
    return dataclasses.replace(node, **{what: value for what, value in narrowed.items() if hasattr(node, what)})


def _once(document: DocumentNode) -> DocumentNode:
    """Each field once, for the published schema has some twice; and none deprecated, for some of interfaces are."""
    definitions = []
    found: Any = document.definitions
    for one in found:
        fields = getattr(one, "fields", None)
        plain = [dataclasses.replace(field, directives=(), description=None) for field in fields or ()]
        only = {field.name.value: field for field in reversed(plain)}
        definitions.append(dataclasses.replace(one, fields=tuple(only.values())) if only else one)
    return DocumentNode(definitions=tuple(definitions))


if __name__ == "__main__":
    openapi, sdl = map(Path, sys.argv[1:])
    found = rest(json.loads((openapi / "generated" / "ghec.json").read_bytes()))
    (HERE / "rest.json").write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    (FAKE / "schema.graphql").write_text(graphql((sdl / "schema.graphql").read_text("utf-8")), encoding="utf-8")

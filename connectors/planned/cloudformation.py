"""A CloudFormation or SAM template as resources, its intrinsic functions evaluated as far as the template says.

A template has no state: every resource counts as created, unless its condition is not met by the parameters' defaults.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.planned import Resource
from connectors.planned.documents import PlannedDocument
from connectors.planned.intrinsics import Intrinsics, ResolvedFrom
from connectors.planned.shapes import listed, mapping, text
from scanner.model.planned import PlannedPlace, Unread

_ELSEWHERE: Mapping[str, str] = {
    "AWS::CloudFormation::Stack": "a nested stack is a template of its own: check that file, too",
    "AWS::CloudFormation::StackSet": "a stack set deploys a template of its own: check that file, too",
    "AWS::Serverless::Application": "a nested application is a template of its own: check that file, too",
}
_TRANSFORMS = frozenset({"AWS::Serverless-2016-10-31", "AWS::LanguageExtensions"})
"""Macros whose outcome is evaluated, or does not concern identities; any other may add what it likes."""
_IN_PLACE = "Fn::Transform"
_MODULE = "::MODULE"
_SERVERLESS = "AWS::Serverless::"


def is_template(document: Any) -> bool:
    """Whether the document is a template: a mapping of resources with types, or of loops over them."""
    resources = mapping(document).get("Resources")
    return isinstance(resources, dict) and all(
        isinstance(mapping(each).get("Type"), str) or name.startswith("Fn::") for name, each in resources.items()
    )


def read_template(file: str, documents: Sequence[PlannedDocument]) -> tuple[tuple[Resource, ...], tuple[Unread, ...]]:
    """Return the resources of a template, and what it brings that stands elsewhere."""
    document = next(each for each in documents if is_template(each.data))
    template, lines = document.data, document.member_lines("Resources")
    intrinsics = Intrinsics(template)
    resources: list[Resource] = []
    problems = [
        Unread(place=PlannedPlace(file=file, resource="Transform"), reason=f"the macro {macro} may add any resource")
        for macro in _macros(template)
    ]
    for name, content in template["Resources"].items():
        place = PlannedPlace(file=file, resource=name, line=lines.get(name))
        kind = text(mapping(content).get("Type"))
        if name.startswith("Fn::"):
            problems.append(Unread(place=place, reason=f"{name.partition('::')[2]} makes resources while deploying"))
        elif intrinsics.condition(content.get("Condition")) is False:
            continue
        elif kind in _ELSEWHERE or kind.endswith(_MODULE):
            reason = _ELSEWHERE.get(kind, "a module's resources are not in the template")
            problems.append(Unread(place=place, reason=reason))
        else:
            properties = _properties(template, kind, content)
            if _IN_PLACE in properties or _IN_PLACE in content:
                problems.append(Unread(place=place, reason="a macro adds properties to it while deploying"))
            resources.append(_resource(place, kind, properties, intrinsics))
    return tuple(resources), tuple(problems)


def _macros(template: Mapping[str, Any]) -> list[str]:
    """The macros that rewrite the whole template, and are not evaluated."""
    named = template.get("Transform")
    rows = [*(named if isinstance(named, list) else [named]), template.get(_IN_PLACE)]
    names = (row if isinstance(row, str) else text(mapping(row).get("Name")) or "of no name" for row in rows if row)
    return [name for name in dict.fromkeys(names) if name not in _TRANSFORMS]


def _resource(place: PlannedPlace, kind: str, properties: Mapping[str, Any], intrinsics: Intrinsics) -> Resource:
    found = ResolvedFrom()
    values = intrinsics.value(properties, "", found)
    return Resource(
        type=kind,
        place=place,
        format="cloudformation",
        effect="created",
        values=mapping(values),
        refers=found.refers,
    )


def _properties(template: Mapping[str, Any], kind: str, content: Mapping[str, Any]) -> Mapping[str, Any]:
    """The properties of a resource; of a serverless one, with those that the template gives to all of its type."""
    own = mapping(content.get("Properties"))
    if not kind.startswith(_SERVERLESS):
        return own
    everywhere = mapping(mapping(template.get("Globals")).get(kind.removeprefix(_SERVERLESS)))
    return _merged(everywhere, own)


def _merged(general: Mapping[str, Any], own: Mapping[str, Any]) -> Mapping[str, Any]:
    """As SAM merges them: mappings by key, lists one after the other, of anything else its own."""
    merged = {**general, **own}
    for name in general.keys() & own.keys():
        match general[name], own[name]:
            case dict(), dict():
                merged[name] = _merged(general[name], own[name])
            case list(), list():
                merged[name] = [*listed(general[name]), *own[name]]
    return merged

"""Evaluates the intrinsic functions of a CloudFormation template as far as the template says their values.

Parameters have their defaults. The account, region and partition, and what comes from a resource of the template, stay
in texts as Fn::Sub writes them (``${AWS::AccountId}``, ``${Role.Arn}``), for a planner to fill in. Whatever else only
deploying determines is UNKNOWN. A condition is True, False, or None.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from itertools import count
from typing import Any, Final

from connectors.planned import UNKNOWN
from connectors.planned.shapes import listed, mapping, text

PLACES: Final = ("AWS::AccountId", "AWS::Region", "AWS::Partition", "AWS::URLSuffix")
"""Pseudo parameters that stay in texts."""

_VARIABLE = re.compile(r"\$\{(!?[^{}]+)\}")
_DYNAMIC = "{{resolve:"
_DEEPEST = 50
"""Conditions that lead to conditions."""
_LONGEST = 16 * 1024 * 1024
"""The characters that all joined texts of a template may have: one parameter could be in a million places."""


class _NoValue:
    """``AWS::NoValue``: the property or item is left out."""


_NO_VALUE = _NoValue()


class ResolvedFrom:
    """The resources that values come from, by the path of the value."""

    def __init__(self) -> None:
        self.refers: dict[str, tuple[str, ...]] = {}

    def add(self, path: str, resource: str) -> None:
        """Note that the value at the path comes from the resource."""
        self.refers[path] = tuple(dict.fromkeys((*self.refers.get(path, ()), resource)))


class Intrinsics:
    """A template's parameters, mappings, conditions and the names of its resources."""

    def __init__(self, template: Mapping[str, Any]) -> None:
        self._parameters = mapping(template.get("Parameters"))
        self._mappings = mapping(template.get("Mappings"))
        self._conditions = mapping(template.get("Conditions"))
        self._resources = mapping(template.get("Resources"))
        self._met: dict[str, bool | None] = {}
        self._depth = 0
        self._left = _LONGEST
        self._functions: Mapping[str, Callable[[Any, str, ResolvedFrom], Any]] = {
            "Ref": self._ref,
            "Fn::GetAtt": self._attribute,
            "Fn::Sub": self._sub,
            "Fn::Join": self._join,
            "Fn::Select": self._select,
            "Fn::Split": self._split,
            "Fn::FindInMap": self._find_in_map,
            "Fn::If": self._if,
            "Fn::ToJsonString": self._to_json,
        }

    def value(self, value: Any, path: str, found: ResolvedFrom) -> Any:
        """The value with its functions evaluated; the resources that parts of it come from are ``found``."""
        match value:
            case str():
                return UNKNOWN if _DYNAMIC in value else value
            case list():
                items = (self.value(item, _within(path, number), found) for number, item in enumerate(value))
                return [item for item in items if item is not _NO_VALUE]
            case dict() if len(value) == 1 and (name := next(iter(value))) in self._functions:
                return self._functions[name](value[name], path, found)
            case dict() if len(value) == 1 and next(iter(value)).startswith("Fn::"):
                return UNKNOWN
            case dict():
                members = {name: self.value(member, _within(path, name), found) for name, member in value.items()}
                return {name: member for name, member in members.items() if member is not _NO_VALUE}
            case _:
                return value

    def condition(self, name: Any) -> bool | None:
        """Whether a named condition is met; None if the template does not say."""
        if not isinstance(name, str):
            return None
        if name not in self._met and self._depth < _DEEPEST:
            self._met[name] = None  # what one that leads to itself finds
            self._depth += 1
            self._met[name] = self._decided(self._conditions.get(name))
            self._depth -= 1
        return self._met.get(name)

    def _decided(self, expression: Any) -> bool | None:
        match expression:
            case {"Condition": name, **rest} if not rest:
                return self.condition(name)
            case {"Fn::Equals": [one, other], **rest} if not rest:
                return self._equal(one, other)
            case {"Fn::Not": [one], **rest} if not rest:
                verdict = self._decided(one)
                return None if verdict is None else not verdict
            case {"Fn::And": [*each], **rest} if not rest:
                return _unless(False, map(self._decided, each))
            case {"Fn::Or": [*each], **rest} if not rest:
                return _unless(True, map(self._decided, each))
            case _:
                return None

    def _equal(self, one: Any, other: Any) -> bool | None:
        values = [self.value(side, "", ResolvedFrom()) for side in (one, other)]
        return bool(_plain(values[0]) == _plain(values[1])) if all(map(is_whole, values)) else None

    # --- Functions ---

    def _ref(self, name: Any, path: str, found: ResolvedFrom) -> Any:
        if name == "AWS::NoValue":
            return _NO_VALUE
        if name in PLACES:
            return f"${{{name}}}"
        if isinstance(name, str) and name in self._parameters:
            return _default(mapping(self._parameters[name]))
        return self._made_by(name, path, found)

    def _attribute(self, named: Any, path: str, found: ResolvedFrom) -> Any:
        match named:
            case str() if "." in named:
                resource, _, attribute = named.partition(".")
            case [str(resource), str(attribute)]:
                pass
            case _:
                return UNKNOWN
        return self._made_by(resource, path, found, attribute)

    def _made_by(self, resource: Any, path: str, found: ResolvedFrom, attribute: str = "") -> Any:
        if not isinstance(resource, str) or resource not in self._resources:
            return UNKNOWN
        found.add(path, resource)
        return f"${{{resource}.{attribute}}}" if attribute else f"${{{resource}}}"

    def _sub(self, content: Any, path: str, found: ResolvedFrom) -> Any:
        template, given = (content, {}) if isinstance(content, str) else (next(iter(listed(content)), None), {})
        if isinstance(content, list) and len(content) > 1:
            given = mapping(content[1])
        if not isinstance(template, str):
            return UNKNOWN
        parts: list[Any] = []
        last = 0
        for variable in _VARIABLE.finditer(template):
            parts.append(template[last : variable.start()])
            last = variable.end()
            parts.append(self._variable(variable[1].strip(), given, path, found))
        return self._joined("", [*parts, template[last:]])

    def _variable(self, name: str, given: Mapping[str, Any], path: str, found: ResolvedFrom) -> Any:
        if name.startswith("!"):
            return f"${{{name[1:]}}}"
        if name in given:
            return self.value(given[name], path, found)
        return self._attribute(name, path, found) if "." in name else self._ref(name, path, found)

    def _join(self, content: Any, path: str, found: ResolvedFrom) -> Any:
        match content:
            case [str(delimiter), items]:
                values = self.value(items, path, found)
                return self._joined(delimiter, values) if isinstance(values, list) else UNKNOWN
            case _:
                return UNKNOWN

    def _select(self, content: Any, path: str, found: ResolvedFrom) -> Any:
        match content:
            case [index, items]:
                values, number = self.value(items, path, found), str(self.value(index, path, found))
                by_number = dict(zip(map(str, count()), values, strict=False)) if isinstance(values, list) else {}
                return by_number.get(number, UNKNOWN)
            case _:
                return UNKNOWN

    def _split(self, content: Any, path: str, found: ResolvedFrom) -> Any:
        match content:
            case [str(delimiter), whole] if delimiter:
                value = self.value(whole, path, found)
                return value.split(delimiter) if isinstance(value, str) else UNKNOWN
            case _:
                return UNKNOWN

    def _find_in_map(self, content: Any, path: str, found: ResolvedFrom) -> Any:
        value: Any = self._mappings
        for key in listed(content)[:3]:
            step = self.value(key, path, found)
            value = value.get(step, UNKNOWN) if isinstance(value, dict) and isinstance(step, str) else UNKNOWN
        return UNKNOWN if isinstance(value, dict) else value

    def _if(self, content: Any, path: str, found: ResolvedFrom) -> Any:
        match content:
            case [name, then, otherwise]:
                verdict = self.condition(name)
                if verdict is not None:
                    return self.value(then if verdict else otherwise, path, found)
                one, other = self.value(then, path, ResolvedFrom()), self.value(otherwise, path, ResolvedFrom())
                return one if one is other or (is_whole(one) and one == other) else UNKNOWN
            case _:
                return UNKNOWN

    def _to_json(self, content: Any, path: str, found: ResolvedFrom) -> Any:
        value = self.value(content, path, found)
        return value if isinstance(value, dict | list) else UNKNOWN

    def _joined(self, delimiter: str, parts: Iterable[Any]) -> Any:
        texts = [_plain(part) for part in parts if part is not _NO_VALUE]
        if not all(isinstance(each, str) for each in texts):
            return UNKNOWN
        self._left -= sum(map(len, texts)) + len(delimiter) * len(texts)
        return delimiter.join(texts) if self._left >= 0 else UNKNOWN


def is_whole(value: Any) -> bool:
    """Whether no part of the value waits for deploying."""
    match value:
        case str():
            return "${" not in value
        case list():
            return all(map(is_whole, value))
        case dict():
            return all(map(is_whole, value.values()))
        case _:
            return value is not UNKNOWN and value is not _NO_VALUE


def _within(path: str, step: str | int) -> str:
    return f"{path}.{step}" if path else str(step)


def _unless(decisive: bool, verdicts: Iterable[bool | None]) -> bool | None:
    """The decisive verdict if there is one, its opposite if all are that, else None."""
    found = set(verdicts)
    return decisive if decisive in found else None if None in found else not decisive


def _plain(value: Any) -> Any:
    """A scalar as the text that CloudFormation makes of it."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


def _default(parameter: Mapping[str, Any]) -> Any:
    kind, default = text(parameter.get("Type")), _plain(parameter.get("Default"))
    if not isinstance(default, str) or kind.startswith("AWS::SSM::") or _plain(parameter.get("NoEcho")) == "true":
        return UNKNOWN
    if kind == "CommaDelimitedList" or kind.startswith("List<"):
        return [item.strip() for item in default.split(",")]
    return default

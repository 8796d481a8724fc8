"""Finds the resources that the unknown values of a Terraform plan come from, by the plan's configuration.

An argument's expression lists what it refers to: resources, and variables and outputs of modules, which lead to the
expressions of the module's call or to those in it. Locals are not in a plan, so they lead nowhere.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from msgspec import Struct

from connectors.planned.shapes import listed, mapping, text
from scanner.model.planned import Effect

Path: TypeAlias = tuple[str | int, ...]
"""The path of a value in a resource's arguments."""

_KEY = r'\[(?:\d+|"(?:[^"\\]|\\.)*")\]'
_STEP = re.compile(rf"module\.([\w-]+)({_KEY})?")
_RESOURCE = re.compile(rf"((?:data\.)?[A-Za-z][\w-]*\.[\w-]+)({_KEY})?(?:[.\[]|$)")
_OUTPUT = re.compile(rf"module\.([\w-]+)({_KEY})?\.([\w-]+)")
_VARIABLE = re.compile(r"var\.([\w-]+)")
_MOST = 300
"""The references of an expression, and those that they lead to in turn; configurations of people have a few."""


class PlannedReferenceChange(Struct, frozen=True, kw_only=True, gc=False):
    """A resource of a plan as it changes. ``block``: the address of its block within its module, without a key."""

    address: str
    module: str
    type: str
    block: str
    index: str | int | None
    effect: Effect
    values: Mapping[str, Any]
    before: Mapping[str, Any] | None
    unknown: tuple[Path, ...]
    """The paths of the values that are not known before deploying."""

    @property
    def key(self) -> str:
        """Its key as addresses have it, with brackets; empty for the only instance of its block."""
        return self.address.removeprefix(f"{self.module}.").removeprefix(self.block)


class _Module(Struct, frozen=True, gc=False):
    """One instance of a module. ``steps``: the calls that lead to it, by name and key."""

    steps: tuple[tuple[str, str], ...] = ()

    @property
    def prefix(self) -> str:
        """Prefix of the addresses of its resources."""
        return "".join(f"module.{name}{key}." for name, key in self.steps)


class Configuration:
    """The configuration of a plan, and the instances that the plan has of its blocks."""

    def __init__(self, configuration: Mapping[str, Any], changes: Iterable[PlannedReferenceChange]) -> None:
        self._root = mapping(configuration.get("root_module"))
        self._instances: dict[str, list[PlannedReferenceChange]] = defaultdict(list)
        self._calls: dict[str, dict[str, None]] = defaultdict(dict)
        self._blocks: dict[tuple[str, ...], Mapping[str, Mapping[str, Any]]] = {}
        self._modules: dict[str, _Module] = {}
        for change in changes:
            module = self._module(change.module)
            self._instances[f"{module.prefix}{change.block}"].append(change)

    def block(self, change: PlannedReferenceChange) -> Mapping[str, Any]:
        """The configuration of a resource's block; empty if the plan lacks it."""
        names = tuple(name for name, _ in self._module(change.module).steps)
        if names not in self._blocks:
            rows = map(mapping, listed(self._content(names).get("resources")))
            self._blocks[names] = {text(row.get("address")): row for row in rows}
        return self._blocks[names].get(change.block, {})

    def refers(self, change: PlannedReferenceChange) -> dict[str, tuple[str, ...]]:
        """The resources that its unknown arguments come from, by the argument's path (``statement.0.resources``)."""
        if not change.unknown:
            return {}
        block, module = self.block(change), self._module(change.module)
        expressions = mapping(block.get("expressions"))
        found: dict[str, tuple[str, ...]] = {}
        for path in change.unknown:
            named = _without_each(_references(_expression(expressions, path)), block)
            seen: set[tuple[str, str]] = set()
            addresses = tuple(dict.fromkeys(self._resolved(named, module, change.key, seen)))
            # Of more than are followed, those that were would hide the others: the value stays unknown.
            if addresses and len(seen) < _MOST:
                found[".".join(map(str, path))] = addresses
        return found

    def given(self, change: PlannedReferenceChange) -> frozenset[str] | None:
        """The arguments that the configuration gives a resource; None if the plan lacks its block."""
        expressions = self.block(change).get("expressions")
        return frozenset(expressions) if isinstance(expressions, dict) else None

    def _module(self, address: str) -> _Module:
        known = self._modules.get(address)
        if known is None:
            steps = tuple((name, key or "") for name, key in _STEP.findall(address))
            known = self._modules[address] = _Module(steps)
            for depth, (name, key) in enumerate(steps):
                self._calls[f"{_Module(steps[:depth]).prefix}{name}"][key] = None
        return known

    def _content(self, names: Iterable[str]) -> Mapping[str, Any]:
        module: Mapping[str, Any] = self._root
        for name in names:
            module = mapping(self._call(module, name).get("module"))
        return module

    def _call(self, module: Mapping[str, Any], name: str) -> Mapping[str, Any]:
        return mapping(mapping(module.get("module_calls")).get(name))

    def _resolved(
        self, references: Iterable[str], module: _Module, key: str, seen: set[tuple[str, str]]
    ) -> Iterator[str]:
        """The addresses that references made in a module lead to. ``key``: of the instance that refers."""
        names = [name for name, _ in module.steps]
        for reference in _longest(references):
            if (module.prefix, reference) in seen or len(seen) >= _MOST:
                continue
            seen.add((module.prefix, reference))
            if variable := _VARIABLE.match(reference):
                if names:
                    call = self._call(self._content(names[:-1]), names[-1])
                    outer = _without_each(_references(mapping(call.get("expressions")).get(variable[1])), call)
                    yield from self._resolved(outer, _Module(module.steps[:-1]), module.steps[-1][1], seen)
            elif output := _OUTPUT.match(reference):
                content = self._content((*names, output[1]))
                inner = _references(mapping(mapping(content.get("outputs")).get(output[3])).get("expression"))
                for inner_key in _chosen(self._calls[f"{module.prefix}{output[1]}"], output[2] or "", key):
                    inside = _Module((*module.steps, (output[1], inner_key)))
                    yield from self._resolved(inner, inside, "", seen)
            elif resource := _RESOURCE.match(reference):
                instances = {each.key: each for each in self._instances.get(f"{module.prefix}{resource[1]}", ())}
                yield from (instances[each].address for each in _chosen(instances, resource[2] or "", key))


def _chosen(keys: Iterable[str], named: str, own: str) -> list[str]:
    """The instances that are meant: the named one, else the one with the key of who refers, else all."""
    keys = list(keys)
    for key in (named, own):
        if key and key in keys:
            return [key]
    return [] if named else keys


def _longest(references: Iterable[str]) -> list[str]:
    """Without those that only begin another: Terraform lists ``a.b[0].c``, ``a.b[0]`` and ``a.b``."""
    found = list(dict.fromkeys(references))
    return [one for one in found if not any(other.startswith((f"{one}.", f"{one}[")) for other in found)]


def _without_each(references: Iterable[str], block: Mapping[str, Any]) -> list[str]:
    """The references, with those of what a block repeats itself for in the place of ``each.value``."""
    repeated = _references(block.get("for_each_expression"))
    return [name for one in references for name in (repeated if one.startswith("each.value") else (one,))]


def _references(expression: Any) -> list[str]:
    return [each for each in listed(mapping(expression).get("references"))[: _MOST + 1] if isinstance(each, str)]


def _expression(expressions: Mapping[str, Any], path: Path) -> Any:
    """The expression of the argument at the path, or of the argument that it is within."""
    found: Any = expressions
    for step in path:
        if isinstance(found, dict) and "references" in found:
            break
        if isinstance(found, dict) and isinstance(step, str):
            found = found.get(step)
        elif isinstance(found, list) and isinstance(step, int):
            found = found[step] if step < len(found) else None
        elif isinstance(found, dict) and step == 0:
            continue  # a block that cannot repeat is no list
        else:
            return None
    return found

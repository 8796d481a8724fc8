"""Templates within a CloudFormation or SAM template, where they are files beside it.

Before ``aws cloudformation package`` a nested stack names a local file. It is read with the parameters that the stack
gives it; what only deploying determines of them is unknown. A file is read only within the current
folder or, of a template elsewhere, within the template's: its author chooses the path.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from msgspec.structs import replace

from connectors.planned import UNKNOWN, FileResources
from connectors.planned.cloudformation import is_template, read_template
from connectors.planned.documents import PlannedDocument, read_documents
from connectors.planned.intrinsics import Intrinsics, ResolvedFrom
from connectors.planned.shapes import mapping, text
from scanner.errors import MusterError

LOCATIONS: Final[Mapping[str, str]] = {
    "AWS::CloudFormation::Stack": "TemplateURL",
    "AWS::Serverless::Application": "Location",
}
"""By type: the property with the template."""
DEEPEST: Final = 10
MOST: Final = 100
"""Templates within templates, and templates in all."""


def with_nested(read: FileResources, path: Path, documents: Sequence[PlannedDocument]) -> FileResources:
    """Return a template with those that it brings, and without the gaps of these."""
    document = next(each for each in documents if is_template(each.data))
    here = Path.cwd()
    return _NestedReading(here if path.resolve().is_relative_to(here) else path.parent).of(read, path, document)


class _NestedReading:
    """Reads what a template brings. ``root``: the folder that its files must lie in."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()
        self._left = MOST
        self._parsed: dict[Path, PlannedDocument | None] = {}

    def of(self, read: FileResources, path: Path, document: PlannedDocument, within: int = 0) -> FileResources:
        """A template with those that it brings, and those that these bring, one after the other."""
        inner: dict[str, FileResources] = {}
        for name, file, parameters in _named(document.data, path):
            found = None if within >= DEEPEST else self._read(file, parameters, within)
            if found is not None:
                inner[name] = found
        return replace(
            read,
            problems=tuple(each for each in read.problems if each.place.resource not in inner),
            nested=tuple(one for each in inner.values() for one in (replace(each, nested=()), *each.nested)),
        )

    def _read(self, file: Path, parameters: Mapping[str, Any], within: int) -> FileResources | None:
        """A template with its parameters; None if it is no file within the root that can be read as one."""
        self._left -= 1
        try:
            if self._left < 0 or not file.resolve().is_relative_to(self._root) or not file.is_file():
                return None
            if file not in self._parsed:
                self._parsed[file] = next((each for each in read_documents(file) if is_template(each.data)), None)
        except (MusterError, OSError, ValueError, RuntimeError):  # RuntimeError: a link that leads to itself
            return None
        parsed = self._parsed[file]
        if parsed is None:
            return None
        document = replace(parsed, data=_with(parsed.data, parameters))
        name = os.path.normpath(file)
        resources, problems = read_template(name, [document])
        read = FileResources(file=name, format="cloudformation", resources=resources, problems=problems)
        return self.of(read, file, document, within + 1)


def _named(template: Mapping[str, Any], path: Path) -> Iterator[tuple[str, Path, Mapping[str, Any]]]:
    """The nested templates that are named by a path: logical id, file, and parameters as far as they are known."""
    intrinsics = Intrinsics(template)
    for name, content in mapping(template.get("Resources")).items():
        location = LOCATIONS.get(text(mapping(content).get("Type")))
        properties = mapping(mapping(content).get("Properties"))
        if location is None or intrinsics.condition(mapping(content).get("Condition")) is False:
            continue
        url = text(properties.get(location))
        if url and "://" not in url and "\0" not in url and not Path(url).is_absolute():
            parameters = mapping(intrinsics.value(mapping(properties.get("Parameters")), "", ResolvedFrom()))
            yield name, path.parent / url, parameters


def _with(template: Mapping[str, Any], parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    """The template with the given parameters as defaults, and without the default of one that is not known."""
    declared = {name: dict(mapping(each)) for name, each in mapping(template.get("Parameters")).items()}
    for name in declared.keys() & parameters.keys():
        value = parameters[name]
        declared[name].pop("Default", None)
        if value is not UNKNOWN and not ("${" in str(value) or isinstance(value, dict)):
            declared[name]["Default"] = ",".join(map(str, value)) if isinstance(value, list) else value
    return {**template, "Parameters": declared}

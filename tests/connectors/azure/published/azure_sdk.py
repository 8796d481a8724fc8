"""Azure's types as the generated Python SDKs carry them, written either of the two ways that these are generated.

The older way keeps a table of attributes with dotted wire names (`properties.principalId`), and what nests is flattened
there: it is nested again here. The newer way declares one `rest_field` each. Both are read, not imported.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

OLD_KINDS: Final = {
    "str": "string",
    "bool": "boolean",
    "int": "integer",
    "long": "integer",
    "float": "number",
    "iso-8601": "dateTime",
    "unix-time": "epoch",
    "duration": "duration",
    "bytearray": "base64",
    "object": "object",
}
NEW_KINDS: Final = {
    "str": "string",
    "bool": "boolean",
    "int": "integer",
    "float": "number",
    "datetime.datetime": "dateTime",
    "datetime.timedelta": "duration",
    "bytes": "base64",
    "Any": "any",
}
FORMATS: Final = {"unix-timestamp": "epoch", "base64url": "base64url"}
ENUM_OF: Final = re.compile(r":vartype (\w+): str or ~[\w.]+\.(\w+)")
Shape = dict[str, Any]


def types(models: Path, roots: Iterable[str], *, prefix: str) -> dict[str, Shape]:
    """The types of these classes with all that they are made of, each name after a prefix."""
    sources = [path for path in models.glob("_*.py") if path.stem.endswith(("_models", "_models_py3", "_enums"))]
    classes = {
        node.name: node
        for path in sorted(sources)
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.ClassDef)
    }
    reader = _Reader(classes, prefix)
    for root in roots:
        reader.read(root)
    return reader.found


class _Reader:
    def __init__(self, classes: Mapping[str, ast.ClassDef], prefix: str) -> None:
        self._classes = classes
        self._prefix = prefix
        self.found: dict[str, Shape] = {}

    def read(self, name: str) -> str:
        """Read a class and what it is made of; its full name."""
        full = self._prefix + name
        if full not in self.found:
            node = self._classes[name]
            self.found[full] = {}
            if any(ast.unparse(base) == "Enum" for base in node.bases):
                self.found[full] |= {"kind": "enum", "members": _members(node)}
            else:
                self.found[full] |= {"kind": "complex"}
                for wire, kind, required in self._fields(node):
                    self._put(full, wire, kind, required=required)
        return full

    def _put(self, owner: str, wire: list[str], kind: str, *, required: bool) -> None:
        shape = self.found[owner]
        if len(wire) > 1:
            part = owner + wire[0][0].upper() + wire[0][1:]
            self.found.setdefault(part, {"kind": "complex"})
            self._put(part, wire[1:], kind, required=required)
            kind, required = part, False
        shape.setdefault("properties", {})[wire[0]] = kind + ("" if required else "?")
        if required:
            shape.setdefault("required", []).append(wire[0])

    def _fields(self, node: ast.ClassDef) -> Iterator[tuple[list[str], str, bool]]:
        """Each field's way on the wire, its type, and whether an answer always has it."""
        table = _assigned(node, "_attribute_map")
        if table is None:
            for base in node.bases:
                if (above := self._classes.get(ast.unparse(base))) is not None:
                    yield from self._fields(above)
            yield from self._declared(node)
            return
        rules = _assigned(node, "_validation") or {}
        enums = dict(ENUM_OF.findall(ast.get_docstring(node) or ""))
        for attribute, field in table.items():
            kind = self.read(enums[attribute]) if attribute in enums else self._old(field["type"])
            wire = [part.replace("\0", ".") for part in field["key"].replace("\\.", "\0").split(".")]
            yield wire, kind, rules.get(attribute, {}).get("required", False)

    def _old(self, kind: str) -> str:
        if kind[0] == "[":
            return self._old(kind[1:-1]) + "[]"
        if kind[0] == "{":
            return self._old(kind[1:-1]) + "{}"
        return OLD_KINDS.get(kind) or self.read(kind)

    def _declared(self, node: ast.ClassDef) -> Iterator[tuple[list[str], str, bool]]:
        for field in node.body:
            if not (isinstance(field, ast.AnnAssign) and isinstance(field.value, ast.Call)):
                continue
            options = {word.arg: ast.literal_eval(word.value) for word in field.value.keywords if word.arg != "type"}
            if "read" not in options.get("visibility", ["read"]):
                continue
            optional = ast.unparse(field.annotation).startswith("Optional[")
            kind = FORMATS.get(options.get("format", "")) or self._new(field.annotation)
            yield [options.get("name", ast.unparse(field.target))], kind, not optional

    def _new(self, kind: ast.expr) -> str:
        if isinstance(kind, ast.Constant):
            return self._new(ast.parse(str(kind.value), mode="eval").body)
        if not isinstance(kind, ast.Subscript):
            written = ast.unparse(kind)
            return NEW_KINDS.get(written) or self.read(written.removeprefix("_models."))
        inner = kind.slice.elts if isinstance(kind.slice, ast.Tuple) else [kind.slice]
        outer = ast.unparse(kind.value)
        return self._new(inner[-1]) + {"list": "[]", "List": "[]", "dict": "{}", "Dict": "{}"}.get(outer, "")


def _members(node: ast.ClassDef) -> list[str]:
    return [ast.literal_eval(line.value) for line in node.body if isinstance(line, ast.Assign)]


def _assigned(node: ast.ClassDef, name: str) -> dict[str, Any] | None:
    for line in node.body:
        if isinstance(line, ast.Assign) and ast.unparse(line.targets[0]) == name:
            table: dict[str, Any] = ast.literal_eval(line.value)
            return table
    return None

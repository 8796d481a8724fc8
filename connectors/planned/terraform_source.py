"""Finds the blocks of a plan's resources in the ``.tf`` files that it was made from.

Only the headers of blocks are needed, so files are not parsed: a scan skips what braces and quotes may be in (strings,
heredocs, comments). A grammar of the whole language takes seconds for what takes milliseconds here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from scanner.model.planned import Plan, PlannedIdentity, PlannedPlace

LARGEST = 4 * 1024 * 1024
"""Bytes of a ``.tf`` file; a larger one is not read."""
MOST_FILES = 2_000
_MODULES = Path(".terraform/modules/modules.json")
"""Terraform's file with the folder of each module, written by ``terraform init``."""

_NAME = r'(?:"(?P<{0}>[^"\\\n]+)"|(?P<{0}_>[\w-]+))'
_TOKEN = re.compile(
    r"""(?P<comment>\#[^\n]*|//[^\n]*|/\*.*?(?:\*/|\Z))
    |<<-?(?P<heredoc>\w+)[^\n]*
    |(?P<header>^[ \t]*(?P<block>resource|module)[ \t]+"""
    + _NAME.format("first").replace(" ", "[ ]")
    + r"""(?:[ \t]+"""
    + _NAME.format("second").replace(" ", "[ ]")
    + r""")?[ \t]*\{)
    |(?P<source>^[ \t]*source[ \t]*=[ \t]*"(?P<folder>[^"\\\n]*)")
    |(?P<string>"(?:[^"\\\n]|\\.)*")
    |(?P<open>[{\[(])|(?P<close>[}\])])""",
    re.VERBOSE | re.MULTILINE | re.DOTALL,
)
_STEP = re.compile(r'module\.(?P<name>[\w-]+)(?:\[(?:"(?:[^"\\]|\\.)*"|\d+)\])?\.')
_RESOURCE = re.compile(r"(?P<type>[\w-]+)\.(?P<name>[\w-]+)")


class Block(Struct, frozen=True):
    """A block at the top of a file: ``("aws_iam_role", "deploy")``, or the name of a module with its source."""

    names: tuple[str, ...]
    line: int
    source: str | None = None


def blocks(text: str) -> Iterator[Block]:
    """Yield the resources and modules that a file declares, with the line of each."""
    depth, counted_to, line = 0, 0, 1
    module: Block | None = None
    for token in _tokens(text):
        if token["header"] and depth == 0:
            line += text.count("\n", counted_to, token.start("block"))
            counted_to = token.start("block")
            names = tuple(filter(None, (token["first"] or token["first_"], token["second"] or token["second_"])))
            block = Block(names, line)
            module = block if token["block"] == "module" else None
            if module is None and len(names) > 1:
                yield block
        elif token["source"] and depth == 1 and module is not None:
            yield Block(module.names, module.line, token["folder"])
            module = None
        if token["header"] or token["open"]:
            depth += 1
        elif token["close"]:
            depth = max(depth - 1, 0)


def _tokens(text: str) -> Iterator[re.Match[str]]:
    """Yield what matters outside heredocs; one without an end goes on to the end of the file."""
    token = _TOKEN.search(text)
    while token is not None:
        if (mark := token["heredoc"]) is None:
            yield token
            after = token.end()
        else:
            end = re.compile(rf"^[ \t]*{mark}[ \t]*$", re.MULTILINE).search(text, token.end())
            after = len(text) if end is None else end.end()
        token = _TOKEN.search(text, after)


class TerraformSource:
    """The blocks under a folder, the root module. Folders of modules are read on demand."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folders: dict[Path, tuple[Mapping[tuple[str, ...], PlannedPlace], Mapping[str, str]]] = {}
        self._files = 0
        self._installed = _installed(root)

    def place(self, address: str) -> PlannedPlace | None:
        """Return the block of a resource's address; None if it is not in these files."""
        folder, path, rest = self._root, [], address
        while step := _STEP.match(rest):
            path.append(step["name"])
            rest = rest[step.end() :]
            source = self._installed.get(".".join(path))
            if source is None:
                source = self._read(folder)[1].get(step["name"], "")
                if not source.startswith(("./", "../")):
                    return None  # a module of a registry that was not downloaded
                folder = folder / source
            else:
                folder = self._root / source
        found = _RESOURCE.match(rest)
        place = self._read(folder)[0].get((found["type"], found["name"])) if found else None
        return None if place is None else replace(place, resource=address)

    def _read(self, folder: Path) -> tuple[Mapping[tuple[str, ...], PlannedPlace], Mapping[str, str]]:
        if folder not in self._folders:
            resources: dict[tuple[str, ...], PlannedPlace] = {}
            modules: dict[str, str] = {}
            for file in _files(folder):
                self._files += 1
                if self._files > MOST_FILES or (text := _text(file)) is None:
                    continue
                for block in blocks(text):
                    if block.source is None:
                        resources.setdefault(
                            block.names,
                            PlannedPlace(file=_shown(file), resource=".".join(block.names), line=block.line),
                        )
                    else:
                        modules.setdefault(block.names[0], block.source)
            self._folders[folder] = resources, modules
        return self._folders[folder]


def located(plan: Plan, source: TerraformSource) -> Plan:
    """Return a Terraform plan with the places of its resources in the source, as far as they are found there."""
    if plan.format != "terraform":
        return plan
    return replace(
        plan,
        identities=tuple(_located(one, source) for one in plan.identities),
        unread=tuple(replace(one, place=_found(one.place, source)) for one in plan.unread),
    )


def _located(planned: PlannedIdentity, source: TerraformSource) -> PlannedIdentity:
    return replace(
        planned,
        places=tuple(_found(place, source) for place in planned.places),
        givers=tuple(replace(one, place=_found(one.place, source)) for one in planned.givers),
        credentials_at={key: _found(place, source) for key, place in planned.credentials_at.items()},
    )


def _found(place: PlannedPlace, source: TerraformSource) -> PlannedPlace:
    return source.place(place.resource) or place


def _installed(root: Path) -> Mapping[str, str]:
    """Return the folder of each installed module by its path, such as ``network.subnets``."""
    text = _text(root / _MODULES)
    try:
        listed = json.loads(text)["Modules"] if text is not None else ()
        named = {one["Key"]: one["Dir"] for one in listed if one["Key"]}
    except (ValueError, TypeError, KeyError, RecursionError):
        return {}
    return {key: folder for key, folder in named.items() if isinstance(key, str) and isinstance(folder, str)}


def _files(folder: Path) -> list[Path]:
    try:
        return sorted(file for file in folder.glob("*.tf") if file.is_file())
    except (OSError, ValueError):
        return []


def _text(file: Path) -> str | None:
    try:
        with file.open("rb") as opened:
            data = opened.read(LARGEST + 1)
    except (OSError, ValueError):
        return None
    return data.decode("utf-8", "replace") if len(data) <= LARGEST else None


def _shown(file: Path) -> str:
    """Return the path without ``..`` and ``.`` steps, as paths in a repository."""
    import os.path

    return os.path.normpath(file)

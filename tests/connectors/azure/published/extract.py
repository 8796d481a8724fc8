"""Regenerate the extracts beside this file: `python -m tests.connectors.azure.published.extract FOLDER`.

FOLDER holds the packages named in `sources.toml`, unpacked: the wheels into it (`pip download --no-deps`, `unzip`), the
TypeScript declarations (`npm pack`) as `typescript/microsoft-graph.d.ts` and `typescript-beta/microsoft-graph.d.ts`.
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path
from typing import Any, Final

import msgspec

from tests.connectors.azure.published import azure_sdk, kiota

HERE: Final = Path(__file__).parent


def main(folder: Path) -> None:
    sources = tomllib.loads((HERE / "sources.toml").read_text())
    for version, graph in sources["graph"].items():
        nulls = kiota.never_null((folder / graph["nulls"]).read_text())
        models, roots, shallow, prefix = (graph[word] for word in ("models", "types", "shallow", "prefix"))
        found = kiota.types(folder / models, roots, shallow=shallow, nulls=nulls, prefix=prefix)
        _write(HERE / f"graph-{version}.json", found)
    azure: dict[str, Any] = {}
    for name, service in sources["azure"].items():
        azure |= azure_sdk.types(folder / service["models"], service["types"], prefix=f"{name}.")
    _write(HERE / "azure.json", azure)


def _write(path: Path, types: dict[str, Any]) -> None:
    """One type a line, so that what a later version changed is seen in the diff."""
    lines = [f"{_json(name)}:{_json(types[name])}" for name in sorted(types)]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def _json(value: object) -> str:
    return msgspec.json.encode(value, order="sorted").decode()


if __name__ == "__main__":
    main(Path(sys.argv[1]))

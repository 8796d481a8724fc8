"""A cluster in files: what ``kubectl get PLURAL -A -o json`` wrote, a file for each resource, or any list."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import Raw, Struct, field

from connectors.base import SectionReading
from connectors.exported import MAX_BYTES, Unreadable, content_of, files_in, looking_into, name_in, text_of
from connectors.kubernetes.sections import ARGOCD_CONFIG, AWS_AUTH, GROUPS_PATH, ISSUER_PATHS, Listing
from scanner.errors import NotOffered, SourceError

T = TypeVar("T")
_ANSWERS = {
    ISSUER_PATHS[0]: "openid-configuration.json",
    ISSUER_PATHS[1]: "jwks.json",
    AWS_AUTH: "aws-auth.json",
    "/version": "version.json",
    GROUPS_PATH: "apis.json",
}
"""Files with one answer, by the path that the API has it at (``kubectl get --raw PATH``)."""
_SINGLE = frozenset({*_ANSWERS.values(), f"{ARGOCD_CONFIG}.json"})
_DAMAGE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class _Item(Struct, frozen=True):
    kind: str = ""
    sort: str = field(name="type", default="")


class _List(Struct, frozen=True):
    kind: str = ""
    items: list[Raw] | None = None


class Export:
    """The files of a folder. Objects are found by their kind; a resource that no file lists is a gap."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lists: dict[str, list[Raw]] | None = None
        self._faults: list[str] = []

    def rows(self, listing: Listing, section: SectionReading, selector: str = "") -> Iterator[Any]:
        """See ``Cluster``."""
        found = self._loaded().get(listing.plural)
        if found is None:
            if listing.custom:
                raise NotOffered(f"no file lists {listing.plural}")
            faults = f" ({'; '.join(self._faults)})" if self._faults else ""
            hint = f"`kubectl get {listing.plural} -A -o json > {listing.plural}.json`"
            raise SourceError(f"no file lists {listing.plural}{faults}", hint=hint)
        wanted, _, value = selector.partition("=")
        for number, raw in enumerate(found, start=1):
            try:
                if wanted == "type" and msgspec.json.decode(raw, type=_Item).sort != value:
                    continue
                row = msgspec.json.decode(raw, type=listing.shape)
            except _DAMAGE as error:
                section.malformed(f"{number} of {listing.plural}", str(error))
                continue
            if wanted != "metadata.name" or row.metadata.name == value:
                yield row

    def get(self, path: str, shape: type[T]) -> T:
        """See ``Cluster``."""
        file = self._folder / (_ANSWERS.get(path) or f"{path.rpartition('/')[2]}.json")
        if not file.is_file():
            raise NotOffered(f"there is no {file.name}")
        try:
            return msgspec.json.decode(text_of(content_of(file, MAX_BYTES)), type=shape)
        except (Unreadable, *_DAMAGE) as error:
            raise SourceError(f"{file.name} cannot be read: {error}") from None

    def post(self, path: str, body: Any, shape: type[T]) -> T:
        """Files answer no questions."""
        del body, shape
        raise NotOffered(f"files do not answer {path}")

    def close(self) -> None:
        """Nothing to give back."""

    def _loaded(self) -> dict[str, list[Raw]]:
        """Objects by resource. A file ``PLURAL.json`` says that its resource was listed, also where it is empty."""
        if self._lists is None:
            lists: defaultdict[str, list[Raw]] = defaultdict(list)
            with looking_into(self._folder):
                for file in files_in(self._folder):
                    if file.suffix == ".json" and file.name not in _SINGLE:
                        self._load(file, lists)
            self._lists = dict(lists)
        return self._lists

    def _load(self, file: Path, lists: defaultdict[str, list[Raw]]) -> None:
        try:
            content = msgspec.json.decode(text_of(content_of(file, MAX_BYTES)), type=_List)
        except (Unreadable, *_DAMAGE) as error:
            self._faults.append(f"{name_in(self._folder, file)}: {error}")
            return
        plural = file.stem.lower()
        lists.setdefault(plural, [])
        for raw in content.items or ():
            try:
                kind = msgspec.json.decode(raw, type=_Item).kind or content.kind.removesuffix("List")
            except _DAMAGE:
                kind = ""
            lists[_plural(kind) or plural].append(raw)


def _plural(kind: str) -> str:
    name = kind.lower()
    return name and (f"{name[:-1]}ies" if name.endswith("y") else f"{name}s")

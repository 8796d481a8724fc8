"""A cluster in files: the output of ``kubectl get PLURAL -A -o json``, one file for each resource, or any list."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from connectors.core.contract import SectionReading
from connectors.core.offline import MAX_BYTES, Unreadable, content_of, files_in, looking_into, name_in, text_of
from connectors.kubernetes.lists import DAMAGE, KubernetesListed, Sort, listed_in
from connectors.kubernetes.spec import ARGOCD_CONFIG, AWS_AUTH, GROUPS_PATH, ISSUER_PATHS, KubernetesListing
from scanner.errors import NotOffered, SourceError

T = TypeVar("T")
_ANSWERS = {
    ISSUER_PATHS[0]: "openid-configuration.json",
    ISSUER_PATHS[1]: "jwks.json",
    AWS_AUTH: "aws-auth.json",
    "/version": "version.json",
    GROUPS_PATH: "apis.json",
}
"""Files with a single response, by its path in the API (``kubectl get --raw PATH``)."""
_ANY = Sort()
_SINGLE = frozenset({*_ANSWERS.values(), f"{ARGOCD_CONFIG}.json"})


class KubernetesExport:
    """The files of a folder. Objects are found by their kind; a resource that is in no file is a gap."""

    server: str | None = None

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: list[KubernetesListed] | None = None
        self._faults: list[str] = []

    def rows(self, listing: KubernetesListing, section: SectionReading, selector: str = "") -> Iterator[Any]:
        """See ``Cluster``."""
        found = [file for file in self._listed() if listing.plural in file.plurals]
        if not found:
            if listing.custom:
                raise NotOffered(f"no file lists {listing.plural}")
            faults = f" ({'; '.join(self._faults)})" if self._faults else ""
            hint = f"`kubectl get {listing.plural} -A -o json > {listing.plural}.json`"
            raise SourceError(f"no file lists {listing.plural}{faults}", hint=hint)
        wanted, _, value = selector.partition("=")
        is_own = is_other = False
        for number, raw in enumerate(self._objects(found, listing.plural), start=1):
            try:
                sort = msgspec.json.decode(raw, type=Sort) if wanted == "type" or listing.custom else _ANY
                if listing.custom and sort.group not in (None, listing.group):
                    is_other = True
                    continue
                is_own = True
                if wanted == "type" and sort.type != value:
                    continue
                row = msgspec.json.decode(raw, type=listing.shape)
            except DAMAGE as error:
                section.malformed(f"{number} of {listing.plural}", str(error))
                continue
            if wanted != "metadata.name" or row.metadata.name == value:
                yield row
        if is_other and not is_own:
            raise NotOffered(f"no file lists {listing.plural} of {listing.group}")

    def _objects(self, files: Iterable[KubernetesListed], plural: str) -> Iterator[bytes | msgspec.Raw]:
        for file in files:
            try:
                with looking_into(self._folder):
                    yield from file.objects(plural)
            except (Unreadable, *DAMAGE) as error:
                raise SourceError(f"{name_in(self._folder, file.path)} cannot be read: {error}") from None

    def get(self, path: str, shape: type[T]) -> T:
        """See ``Cluster``. A missing file says nothing of the cluster: it may well have what was not exported."""
        file = self._folder / (_ANSWERS.get(path) or f"{path.rpartition('/')[2]}.json")
        if not file.is_file():
            raise SourceError(f"there is no {file.name}", hint=f"`kubectl get --raw {path} > {file.name}`")
        try:
            return msgspec.json.decode(text_of(content_of(file, MAX_BYTES)), type=shape)
        except (Unreadable, *DAMAGE) as error:
            raise SourceError(f"{file.name} cannot be read: {error}") from None

    def post(self, path: str, body: Any, shape: type[T]) -> T:
        """Raises NotOffered: files have no responses to queries."""
        del body, shape
        raise NotOffered(f"files do not answer {path}")

    def close(self) -> None:
        """Nothing is open."""

    def _listed(self) -> list[KubernetesListed]:
        """The files with lists. A file is read again for each of its resources, so none is kept in memory."""
        if self._files is None:
            self._files = []
            with looking_into(self._folder):
                for file in files_in(self._folder):
                    if file.suffix != ".json" or file.name in _SINGLE:
                        continue
                    try:
                        self._files.append(listed_in(file))
                    except (Unreadable, *DAMAGE) as error:
                        self._faults.append(f"{name_in(self._folder, file)}: {error}")
        return self._files

"""The export in a folder: its documents with operation, account and region, and the files that could not be used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from msgspec import Struct, structs

from connectors.aws.offline.documents import Files, answer_of, holds_secrets, recognised
from connectors.aws.offline.operations import Operation, goes_on
from connectors.aws.offline.places import DocumentPlace, accounts_in, newest, place_of, rows_of, with_neighbours
from connectors.core.offline import Unreadable, files_in, name_in

ORGANIZATIONS = "organizations"
"""The service that describes the organization, and so no single account."""

_HOMELESS = "it does not say which account it describes: put it into a folder that is named by the account's id"
_NOWHERE = "it does not say which region it describes: put it into a folder that is named by the region"


class AwsDocument(Struct, frozen=True, kw_only=True):
    """One document in a file: the ``number``-th. Its content stays in the file until it is used.

    ``goes_on``: it says that there is another page. ``dated_at``: the newest date in it. ``account``: of several
    whose rows the document has, the one whose rows these are; None: it has one account's.
    """

    path: Path
    number: int
    operation: Operation
    place: DocumentPlace
    written_at: datetime
    goes_on: bool
    dated_at: datetime | None
    account: str | None = None


class Export(Struct, frozen=True, kw_only=True):
    """All that was found.

    ``unusable``: files, by their names in the folder, and what is wrong with them. ``unknown``: files that hold
    nothing that anyone asks for.
    """

    root: Path
    files: Files
    documents: Sequence[AwsDocument]
    unusable: Sequence[tuple[str, str]]
    unknown: Sequence[str]

    @property
    def accounts(self) -> Sequence[str]:
        """The accounts that documents are about, without what describes an organization."""
        reported = {one.place.account for one in self.documents if one.operation.service != ORGANIZATIONS}
        return sorted(filter(None, reported))

    def regions(self, account: str) -> Sequence[str]:
        """The regions of an account that documents are of."""
        reported = {one.place.region for one in self.documents if one.place.account == account}
        return sorted(filter(None, reported))

    def dated_at(self, account: str) -> datetime:
        """The day up to which the files describe an account: the newest date in them, else when the newest was written.

        Anyone who exports it uses it, and is seen to. Files' own dates are lost where they are copied.
        """
        documents = [one for one in self.documents if one.place.account == account]
        reported = max((one.dated_at for one in documents if one.dated_at), default=None)
        return reported or max(one.written_at for one in documents)

    def partition(self, account: str) -> str:
        """The part of AWS that an account is in."""
        reported = (one.place.partition for one in self.documents if one.place.account == account)
        return next(filter(None, reported), "aws")

    def of_account(self, account: str | None) -> Sequence[AwsDocument]:
        """An account's documents, and those about the organization."""
        return [one for one in self.documents if one.place.account == account or one.operation.service == ORGANIZATIONS]

    @property
    def folder(self) -> Path:
        """The folder that file names are relative to."""
        return self.root if self.root.is_dir() else self.root.parent

    def name(self, path: Path) -> str:
        """The name of a file in messages."""
        return name_in(self.root, path)

    def answer(self, document: AwsDocument) -> dict[str, Any]:
        """A document's content. Raises Unreadable where the file has changed since."""
        documents = self.files.documents(document.path)
        content = documents[document.number] if document.number < len(documents) else None
        if not isinstance(content, Mapping):
            raise Unreadable("it changed while it was being read")
        answer = answer_of(content, document.operation.shape)
        return answer if document.account is None else rows_of(answer, document.account)


def open_export(root: Path, regions: Sequence[str] = ()) -> Export:
    """Look through every file. ``regions``: the requested ones. Raises OSError if the folder cannot be read."""
    files = Files()
    found: list[AwsDocument] = []
    unusable: list[tuple[str, str]] = []
    unknown: list[str] = []
    for path in files_in(root):
        try:
            documents = list(_documents(files, path, root))
        except (Unreadable, RecursionError) as error:
            unusable.append((name_in(root, path), str(error)))
            continue
        found += documents
        if not documents:
            unknown.append(name_in(root, path))
    placed: list[AwsDocument] = []
    for one, place in with_neighbours([(one, one.path, one.place) for one in found], regions):
        of_account, of_region = one.operation.service != ORGANIZATIONS, not one.operation.is_global
        if (of_account and place.account is None) or (of_region and place.region is None):
            unusable.append((name_in(root, one.path), _HOMELESS if place.account is None else _NOWHERE))
            continue
        placed.append(structs.replace(one, place=place))
    return Export(root=root, files=files, documents=placed, unusable=sorted(set(unusable)), unknown=unknown)


def _documents(files: Files, path: Path, root: Path) -> Iterator[AwsDocument]:
    """The documents of a file that are used. Raises Unreadable."""
    contents = files.documents(path)
    written_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    for number, content in enumerate(contents):
        if not isinstance(content, Mapping):
            continue
        if holds_secrets(content):
            raise Unreadable("it holds the values of secrets, which Muster does not need: delete it")
        for operation in recognised(content, name_in(root, path)):
            whole = answer_of(content, operation.shape)
            accounts = accounts_in(whole, operation)
            for account in accounts if len(accounts) > 1 else (None,):
                answer = whole if account is None else rows_of(whole, account)
                yield AwsDocument(
                    path=path,
                    number=number,
                    operation=operation,
                    place=place_of(answer, operation, name_in(root, path)),
                    written_at=written_at,
                    goes_on=goes_on(content),
                    dated_at=newest(answer, written_at),
                    account=account,
                )

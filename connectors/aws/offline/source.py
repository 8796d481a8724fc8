"""A source that is a folder of files: the accounts in them, and how completely."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

from msgspec import structs

from connectors.aws.client.session import AwsSession
from connectors.aws.offline.client import FileClients
from connectors.aws.offline.export import ORGANIZATIONS, Export, open_export
from connectors.aws.organization import Account, Guardrails, Member, read_guardrails, read_members
from connectors.aws.settings import AwsSettings
from connectors.aws.spec import ACCOUNT, GUARDRAILS, MEMBER_ROLE, MEMBERS
from connectors.core.contract import Check, DiscoveredRecord, Meter, Scope, SectionReading
from connectors.core.offline import dated, looking_into, not_recognised
from scanner.errors import SourceError
from scanner.model import Coverage
from scanner.text import counted

_NOTHING = "no file describes an account in a form that the AWS CLI writes"
_FIX = "begin with `aws iam get-account-authorization-details > account.json`"


class ExportedSource:
    """The accounts in the files of ``settings.from_files``. Looked through once, on first use.

    ``nowhere``: the scope that represents all of the source's.
    """

    def __init__(self, settings: AwsSettings, nowhere: Scope) -> None:
        self._settings = settings
        self._nowhere = nowhere

    def accounts(self) -> Iterator[Scope | Coverage]:
        """A scope for each account, with a Coverage before it, and one for what could not be used."""
        with self._nowhere.section(ACCOUNT) as section:
            self._describe(section)
        if section.coverage.is_gap:
            yield section.coverage
        if section.coverage.status == "failed":
            return
        guardrails: dict[str, Guardrails | None] = {}
        if any(one.operation.service == ORGANIZATIONS for one in self._export.documents):
            yield from self._organization(guardrails)
        else:
            guardrails = dict.fromkeys(self._export.accounts, ())
        for account in self._export.accounts:
            scope = structs.replace(self._nowhere, id=account)
            yield scope.coverage(ACCOUNT, "complete", detail=self._provenance(account))
            context = Account(id=account, partition=self._export.partition(account), guardrails=guardrails.get(account))
            yield structs.replace(scope, context=context)

    def session(self, account: str) -> AwsSession:
        """The session of an account."""
        return AwsSession(self._settings, clients=FileClients(self._export, account))

    def dated(self, records: Iterable[DiscoveredRecord], account: str) -> Iterator[DiscoveredRecord]:
        """The records of an account; identities say when it was looked at."""
        return dated(records, self._export.dated_at(account))

    def regions(self, account: str) -> Sequence[str]:
        """The regions of an account that files are about."""
        return self._export.regions(account)

    def check(self) -> Iterator[Check]:
        """Whether the files can be read, and what they contain."""
        try:
            export = self._export
        except SourceError as error:
            yield Check(name="files", ok=False, detail=str(error), fix=error.hint)
            return
        summary = f"{counted(len(export.documents), 'answer', 'answers')} about accounts {', '.join(export.accounts)}"
        yield Check(name="files", ok=bool(export.accounts), detail=summary if export.accounts else _NOTHING, fix=_FIX)
        for file, reason in export.unusable:
            yield Check(name=file, ok=False, detail=reason)

    @cached_property
    def _export(self) -> Export:
        assert self._settings.from_files is not None
        with looking_into(self._settings.from_files):
            return open_export(self._settings.from_files, self._settings.named_regions or ())

    def _describe(self, section: SectionReading) -> None:
        """Look through the files. Raises SourceError if none is about an account."""
        export = self._export
        for file, reason in export.unusable:
            section.malformed(file, reason)
        if not export.accounts:
            raise SourceError(_NOTHING, hint=_FIX)

    def _provenance(self, account: str) -> str:
        documents = [one for one in self._export.of_account(account) if one.place.account == account]
        files = counted(len({one.path for one in documents}), "file", "files")
        summary = f"read from {files}, as of {self._export.dated_at(account):%Y-%m-%d}"
        unknown = self._export.unknown
        return f"{summary}; {not_recognised(unknown)}" if unknown else summary

    def _organization(self, guardrails: dict[str, Guardrails | None]) -> Iterator[Coverage]:
        """Accounts without an export are reported; the service control policies over each are added."""
        client = AwsSession(self._settings, clients=FileClients(self._export)).client(ORGANIZATIONS, "any", Meter())
        members: list[Member] = []
        with self._nowhere.section(MEMBERS) as listing:
            members.extend(read_members(client, listing))
        yield listing.coverage
        with self._nowhere.section(GUARDRAILS) as limits:
            guardrails |= read_guardrails(client, members, limits)
        yield limits.coverage
        for member in members:
            if member.id not in self._export.accounts:
                scope = structs.replace(self._nowhere, id=member.id)
                gap = scope.coverage(MEMBER_ROLE, "skipped", detail="no file describes this account")
                yield structs.replace(gap, permission=None)

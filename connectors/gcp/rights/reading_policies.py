"""Reads the policies of one unit: in bulk where Cloud Asset answers, else of each thing by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from connectors.base import Gone, SectionReading
from connectors.gcp import requests as r
from connectors.gcp.keys import account_key
from connectors.gcp.reader import Reader
from connectors.gcp.request import Request
from connectors.gcp.rights.accounts import Accounts
from connectors.gcp.rights.bindings import Binding, PolicyPayload, SearchResult, Sieve
from connectors.gcp.rights.library import Library
from connectors.gcp.rights.several import several
from connectors.gcp.rights.tree import Resource, Tree, full_name
from scanner.errors import Denied, NotOffered, SourceError, Unreachable

LARGE = 1000
"""From so many projects on, only policies of the types below are searched for."""
TYPES_THAT_MATTER = (
    "cloudresourcemanager.googleapis.com/(Organization|Folder|Project)",
    "iam.googleapis.com/ServiceAccount",
    "secretmanager.googleapis.com/Secret",
    "cloudkms.googleapis.com/(KeyRing|CryptoKey)",
    "storage.googleapis.com/Bucket",
    "bigquery.googleapis.com/Dataset",
    "pubsub.googleapis.com/(Topic|Subscription)",
    "run.googleapis.com/(Service|Job)",
    "cloudfunctions.googleapis.com/.*",
    "compute.googleapis.com/Instance",
    "artifactregistry.googleapis.com/Repository",
)
"""Regular expressions, as the search takes them. What is left out are resources by the million, images of containers
first of all."""


_ON_SINGLES = "rights on single resources other than service accounts"
_OF_CONTAINER: dict[str, tuple[str, Request]] = {
    "organizations": ("organization", r.ORGANIZATION_POLICY),
    "folders": ("folder", r.FOLDER_POLICY),
    "projects": ("project", r.PROJECT_POLICY),
}


class Policies:
    """The bindings of one unit. ``sieve``: those that it tells; ``inherited``: of what lies above, told elsewhere."""

    def __init__(self, reader: Reader, library: Library, tree: Tree) -> None:
        self._reader = reader
        self._library = library
        self._tree = tree
        self._place = reader.place
        self._known: set[str] = set()
        self._is_begun = False
        self._shared: Callable[[], None] | None = None
        self.sieve = Sieve()
        self.inherited: list[Binding] = []

    def unread(self) -> frozenset[str]:
        """Containers whose own policy is not among these."""
        return frozenset(self._tree.places() - self._known)

    def read(self, section: SectionReading, accounts: Accounts) -> None:
        """All of them; what cannot be read is a gap of the section."""
        self._inherit()
        self._shared = section.shared
        place = self._place
        is_done = place.bulk and self._search(section)
        names = () if is_done else sorted(self._own()) if place.bulk else (place.name,)
        self._containers(section, (*names, *place.above))
        for project in () if is_done else place.projects:
            self._accounts(section, accounts, project.id)
            if place.bulk_failed:
                section.lost(Unreachable(f"{_ON_SINGLES} could not be read"), partial=self._is_begun)
            else:
                section.note(f"{_ON_SINGLES} are not known")

    def containers(self) -> tuple[str, ...]:
        """Those that this unit tells of: its own, and what is above it and no unit."""
        place = self._place
        return (*sorted(self._own() if place.bulk else {place.name}), *place.above)

    def _own(self) -> set[str]:
        """The containers of a bulk unit."""
        below = {name for project in self._place.projects for name in self._tree.path(project.name)}
        return {self._place.name, *below} - set(self._place.ancestors)

    def _search(self, section: SectionReading) -> bool:
        """All policies below at once; False where that is denied, though assets may be listed."""
        is_large = len(self._place.projects) >= LARGE
        query = {"assetTypes": TYPES_THAT_MATTER} if is_large else {}
        rows = self._reader.rows(section, r.ALL_POLICIES, SearchResult, query, parent=self._place.name)
        try:
            for result in rows:
                resource = result.resource_in(self._tree)
                if resource.project is None or self._tree.knows(resource.project):
                    self._add(result.policy, resource)
        except Denied as error:
            section.note(f"{error}: each policy was asked for by itself")
            return False
        self._known |= self._own()
        if is_large:
            section.note("policies of the commonest types of resources only, since there are so many projects")
        return True

    def _containers(self, section: SectionReading, names: Sequence[str]) -> None:
        for name, answer in self._several(self._of_container, names):
            if isinstance(answer, PolicyPayload):
                self._known.add(name)
                self._add(answer, self._tree.resource(full_name(name)))
            else:
                section.lost(answer, partial=self._is_begun)

    def _inherit(self) -> None:
        """What lies above; whoever tells it says so where it cannot be read."""
        for name, answer in self._several(self._of_container, self._place.ancestors):
            if isinstance(answer, PolicyPayload):
                self._known.add(name)
                bindings = answer.on(self._tree.resource(full_name(name)))
                self.inherited += [binding for binding in bindings if binding.counts]

    def _accounts(self, section: SectionReading, accounts: Accounts, project: str) -> None:
        """The policy of each account; none but the first where that one is denied."""
        if project not in accounts.complete:
            unlisted = SourceError("policies of service accounts that were not listed")
            section.lost(unlisted, partial=self._is_begun)
        emails = accounts.emails.get(project, ())
        ask = partial(self._of_account, project)
        for part in (emails[:1], emails[1:]):
            for email, answer in self._several(ask, part):
                if isinstance(answer, PolicyPayload):
                    self._add(answer, self._tree.resource(account_key(project, email)))
                elif not isinstance(answer, Gone):
                    section.lost(answer, partial=self._is_begun)
                    if isinstance(answer, Denied) and part == emails[:1]:
                        return

    def _add(self, policy: PolicyPayload, resource: Resource) -> None:
        self._is_begun = True
        self.sieve.add(policy.on(resource))

    def _of_container(self, name: str) -> PolicyPayload:
        kind, _, named = name.partition("/")
        place, request = _OF_CONTAINER[kind]
        ask = partial(self._reader.api.post, request, PolicyPayload, r.POLICY_BODY, **{place: named})
        return ask() if kind == "projects" else self._library.once(("policy", name), ask, self._shared)

    def _of_account(self, project: str, email: str) -> PolicyPayload:
        return self._reader.api.post(r.SERVICE_ACCOUNT_POLICY, PolicyPayload, None, project=project, account=email)

    def _several(
        self, ask: Callable[[str], PolicyPayload], names: Sequence[str]
    ) -> Iterator[tuple[str, PolicyPayload | SourceError]]:
        """There are policies even where an API is not offered."""
        for name, answer in several(ask, names, self._reader.settings.workers):
            yield name, SourceError(str(answer), hint=answer.hint) if isinstance(answer, NotOffered) else answer

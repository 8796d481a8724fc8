"""Reads allow policies, the roles in them, and deny policies of one unit: in bulk, or resource by resource."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial

from connectors.core.contract import Gone, SectionReading
from connectors.core.reading import read_all
from connectors.gcp.client import requests as r
from connectors.gcp.client.payloads import ServiceAccount
from connectors.gcp.client.requests import Request
from connectors.gcp.each import of_each
from connectors.gcp.keys import account_key, last_segment
from connectors.gcp.reader import GcpReader
from connectors.gcp.rights.bindings import Accounts, Binding, PolicyPayload, SearchResult, Sieve
from connectors.gcp.rights.deny import DenyPolicyPayload, Rule, rules_of
from connectors.gcp.rights.judging import Holdings, judge
from connectors.gcp.rights.members import AGENTS, account_of
from connectors.gcp.rights.roles import GcpRoles, Library, Role, RolePayload, parent_of, role_of
from connectors.gcp.rights.tree import GcpResource, Tree, full_name
from scanner.errors import Denied, NotOffered, SourceError, Unreachable


def note_unlisted_accounts(
    reader: GcpReader, accounts: Accounts, bindings: Iterable[Binding], tree: Tree
) -> frozenset[str]:
    """Look up accounts that policies name and the listing in bulk, which is behind by minutes, lacks.

    Returns the ids of projects in which some could not be looked up.
    """
    missing = {
        binding.member.id: tree.project_of(binding.member.id) or ""
        for binding in bindings
        if not binding.member.is_deleted and accounts.lacks(binding.member, tree)
    }

    def ask(email: str) -> ServiceAccount:
        return reader.api.get(r.SERVICE_ACCOUNT, ServiceAccount, project=missing[email], account=email)

    unresolved: set[str] = set()
    for email, answer in read_all(ask, sorted(missing), reader.settings.workers):
        if isinstance(answer, ServiceAccount):
            reader.found.accounts.note(missing[email], answer)
        elif not isinstance(answer, Gone):
            unresolved.add(missing[email])
    return frozenset(unresolved)


# --- Allow policies of one unit: in bulk from Cloud Asset Inventory, else resource by resource ---

LARGE = 1000
"""From this number of projects on, only policies on resources of the types below are searched for."""
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
"""Regular expressions of the search. Types with millions of resources, such as container images, are left out."""


_ON_SINGLES = "rights on single resources other than service accounts"
_OF_CONTAINER: dict[str, tuple[str, Request]] = {
    "organizations": ("organization", r.ORGANIZATION_POLICY),
    "folders": ("folder", r.FOLDER_POLICY),
    "projects": ("project", r.PROJECT_POLICY),
}


class Policies:
    """The bindings of one unit. ``sieve``: those that it reports; ``inherited``: of the containers above it."""

    def __init__(self, reader: GcpReader, library: Library, tree: Tree) -> None:
        self._reader = reader
        self._library = library
        self._tree = tree
        self._place = reader.place
        self._known: set[str] = set()
        self._is_begun = False
        self._failures: list[tuple[str, SourceError]] = []
        """What could not be read, with the project that it is of, or the unit."""
        self._shared: Callable[[], None] | None = None
        self.sieve = Sieve()
        self.inherited: list[Binding] = []

    def unread(self) -> frozenset[str]:
        """Containers whose own policy was not read."""
        return frozenset(self._tree.places() - self._known)

    def read(self, section: SectionReading, accounts: Accounts) -> None:
        """Read all policies; what cannot be read is a gap of the section."""
        self._inherit()
        self._shared = section.shared
        place = self._place
        is_done = place.bulk and self._search(section)
        names = () if is_done else sorted(self._own()) if place.bulk else (place.name,)
        self._containers((*names, *place.above))
        projects = () if is_done else place.projects
        for project in projects:
            self._accounts(accounts, project.id)
            if place.bulk_failed:
                self._failures.append((project.id, Unreachable(f"{_ON_SINGLES} could not be read")))
            else:
                section.note(f"{_ON_SINGLES} are not known")
        for lost_in, failure in self._failures:
            self._reader.lost(section, failure, lost_in, partial=self._is_begun)

    def containers(self) -> tuple[str, ...]:
        """The containers that this unit reports: its own, and those above it that are no units."""
        place = self._place
        return (*sorted(self._own() if place.bulk else {place.name}), *place.above)

    def _own(self) -> set[str]:
        """The containers of a bulk unit."""
        below = {name for project in self._place.projects for name in self._tree.path(project.name)}
        return {self._place.name, *below} - set(self._place.ancestors)

    def _search(self, section: SectionReading) -> bool:
        """Search for all policies below; False if the search is denied although assets may be listed."""
        is_large = len(self._place.projects) >= LARGE
        query = {"assetTypes": TYPES_THAT_MATTER} if is_large else {}
        rows = self._reader.rows(section, r.ALL_POLICIES, SearchResult, query, parent=self._place.name)
        try:
            for result in rows:
                resource = result.resource_in(self._tree)
                if resource.project is None or self._tree.knows(resource.project):
                    self._add(result.policy, resource)
        except Denied as error:
            section.note(f"{error}: each policy was requested separately")
            return False
        self._known |= self._own()
        if is_large:
            section.note("policies of the most common resource types only, because there are many projects")
        return True

    def _containers(self, names: Sequence[str]) -> None:
        for name, answer in self._of_containers(names):
            if isinstance(answer, PolicyPayload):
                self._known.add(name)
                self._add(answer, self._tree.resource(full_name(name)))
            else:
                project = self._reader.project(name)
                self._failures.append((self._reader.scope.id if project is None else project.id, answer))

    def _inherit(self) -> None:
        """Read the policies above; if one cannot be read, its own unit reports the gap."""
        for name, answer in self._of_containers(self._place.ancestors):
            if isinstance(answer, PolicyPayload):
                self._known.add(name)
                bindings = answer.on(self._tree.resource(full_name(name)))
                self.inherited += [binding for binding in bindings if binding.counts]

    def _accounts(self, accounts: Accounts, project: str) -> None:
        """Read the policy of each account; if the first is denied, the others are not requested."""
        if project not in accounts.complete:
            self._failures.append((project, SourceError("policies of service accounts that were not listed")))

        def ask(email: str) -> PolicyPayload:
            return self._reader.api.post(r.SERVICE_ACCOUNT_POLICY, PolicyPayload, None, project=project, account=email)

        for email, answer in _all_offered(of_each(self._reader, accounts.emails.get(project, ()), ask)):
            if isinstance(answer, PolicyPayload):
                self._add(answer, self._tree.resource(account_key(project, email)))
            elif not isinstance(answer, Gone):
                self._failures.append((project, answer))

    def _add(self, policy: PolicyPayload, resource: GcpResource) -> None:
        self._is_begun = True
        self.sieve.add(policy.on(resource))

    def _of_container(self, name: str) -> PolicyPayload:
        kind, _, named = name.partition("/")
        place, request = _OF_CONTAINER[kind]
        ask = partial(self._reader.api.post, request, PolicyPayload, r.POLICY_BODY, **{place: named})
        return ask() if kind == "projects" else self._library.once(("policy", name), ask, self._shared)

    def _of_containers(self, names: Sequence[str]) -> Iterator[tuple[str, PolicyPayload | SourceError]]:
        return _all_offered(read_all(self._of_container, names, self._reader.settings.workers))


def _all_offered(
    answers: Iterable[tuple[str, PolicyPayload | SourceError]],
) -> Iterator[tuple[str, PolicyPayload | SourceError]]:
    """The answers; policies exist even if an API is not offered."""
    for name, answer in answers:
        yield name, SourceError(str(answer), hint=answer.hint) if isinstance(answer, NotOffered) else answer


# --- Roles named in policies: predefined roles singly or in one listing, whichever takes fewer calls ---

PAGES_OF_PREDEFINED = 3
"""Google has more than two thousand roles, a thousand on a page."""
PAGES_OF_CUSTOM = 1
"""An organisation or project has at most 300 custom roles (IAM, "Quotas and limits")."""


def read_roles(reader: GcpReader, section: SectionReading, library: Library, names: Iterable[str]) -> GcpRoles:
    """The roles with these names. Roles that cannot be read are a gap, and their permissions are unknown."""
    wanted: defaultdict[str, list[str]] = defaultdict(list)
    for name in sorted(set(names)):
        if name not in library.roles:
            wanted[parent_of(name)].append(name)
    failed: dict[str, SourceError] = {}
    for parent, each in sorted(wanted.items()):
        try:
            if len(each) > (PAGES_OF_CUSTOM if parent else PAGES_OF_PREDEFINED):
                library.roles.update(library.once(("roles", parent), partial(_all, reader, section, parent)))
        except SourceError as error:
            failed[str(error)] = error
            continue
        for name in each:
            try:
                if name not in library.roles:  # a listing lacks those that are deleted for good
                    library.roles[name] = library.once(("role", name), partial(_one, reader, name))
            except SourceError as error:
                failed[str(error)] = error
    for failure in failed.values():
        section.lost(failure, partial=bool(library.roles))
    return GcpRoles(library.roles.copy().values())


def _all(reader: GcpReader, section: SectionReading, parent: str) -> dict[str, Role]:
    """All custom roles of an organization or project, or all predefined roles."""
    if parent:
        rows = reader.rows(section, r.CUSTOM_ROLES, RolePayload, {"showDeleted": "true"}, parent=parent)
    else:
        rows = reader.rows(section, r.PREDEFINED_ROLES, RolePayload)
    return {row.name: role_of(row) for row in rows}


def _one(reader: GcpReader, name: str) -> Role:
    parent, role = parent_of(name), name.rpartition("/")[2]
    try:
        if parent:
            return role_of(reader.api.get(r.CUSTOM_ROLE, RolePayload, parent=parent, role=role))
        return role_of(reader.api.get(r.PREDEFINED_ROLE, RolePayload, role=role))
    except Gone:
        if not parent:  # Google's own do not go away: the server that answers does not have them
            raise SourceError(f"{name} is not there to be read") from None
        return Role(name=name, permissions=frozenset())  # what no one defines any more gives nothing


# --- Deny policies at and above powerful rights ---

REFUSALS = 3
"""If this many requests for the topmost containers are all denied, no more are sent."""


def where_they_matter(bindings: Iterable[Binding], holdings: Holdings) -> list[str]:
    """The containers whose deny policies may deny a relevant permission, the topmost first."""
    tree = holdings.tree
    places: set[str] = set()
    for binding in bindings:
        if account_of(binding.member.id).kind in AGENTS:  # Google answers for what those may do
            continue
        verdict = judge(binding, holdings)
        if verdict.privilege.level != "normal" or verdict.becomes or verdict.becomes_if or verdict.takes_over:
            places.update(tree.path(binding.resource.place))
    return sorted(places, key=lambda place: (len(tree.path(place)), place))


def read_denials(
    reader: GcpReader, section: SectionReading, library: Library, places: Sequence[str]
) -> dict[str, tuple[Rule, ...]]:
    """The rules attached to these containers; those that could not be read are a gap."""
    found: dict[str, tuple[Rule, ...]] = {}

    def ask(place: str) -> tuple[Rule, ...]:
        return library.once(("deny", place), partial(_rules, reader, section, place))

    failures: list[SourceError] = []
    refusals = 0
    for part in (places[:REFUSALS], places[REFUSALS:]):
        if part and refusals == REFUSALS:
            section.note("the rest was not requested")
            break
        for place, answer in read_all(ask, part, reader.settings.workers):
            if isinstance(answer, SourceError):
                refusals += isinstance(answer, Denied)
                failures.append(answer)
            else:
                found[place] = answer
    for failure in failures:
        section.lost(failure, partial=bool(found))
    return found


def _rules(reader: GcpReader, section: SectionReading, place: str) -> tuple[Rule, ...]:
    """The rules of all deny policies of a container; each is requested, because a listing has no rules."""
    kind, _, name = place.partition("/")
    rules: list[Rule] = []
    for row in reader.rows(section, r.DENY_POLICIES, DenyPolicyPayload, kind=kind, place=name):
        policy = last_segment(row.name)
        with suppress(Gone):
            rules += rules_of(reader.api.get(r.DENY_POLICY, DenyPolicyPayload, kind=kind, place=name, policy=policy))
    return tuple(rules)

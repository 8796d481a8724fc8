"""Facts that the services of a region share: tags, roles of instance profiles, and whether the region responds."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from typing import Any

from connectors.aws.client.errors import is_nowhere
from connectors.aws.client.reading import PAGE_SIZE
from connectors.aws.client.session import AwsSession, call, pages, valid_in
from connectors.aws.workloads.catalog import TAGS, TAGS_SERVICE
from connectors.aws.workloads.declarations import Where
from connectors.aws.workloads.paths import filled, texts
from connectors.aws.workloads.rows import tags_in
from connectors.core.contract import Scope
from scanner.errors import NotOffered, SourceError
from scanner.model import Coverage

PROFILES = "iam.instance_profiles"
_TAGS_PAGE = 100
_TAGGED = "ResourceTagMappingList"


class Region:
    """One region being read. Safe to share between the threads that read its services."""

    def __init__(self, scope: Scope, session: AwsSession, where: Where) -> None:
        self.scope = scope
        self.session = session
        self.where = where
        self.tags: dict[str, Mapping[str, str]] = {}
        self.profiles_coverage: Coverage | None = None
        self._profiles: dict[str, str] = {}
        self._lock = threading.Lock()
        self._answers: bool | None = None

    def read_tags(self, kinds: list[str]) -> Coverage:
        """Tags of all resources of these types (names of the tagging API), by ARN."""
        meter = self.session.new_meter()
        with self.scope.section(TAGS, meter=meter) as section, valid_in(self.session, self.where.region, meter):
            client = self.session.client(TAGS_SERVICE, self.where.region, meter)
            for page in pages(
                client, "get_resources", page_size=_TAGS_PAGE, expecting=(_TAGGED,), ResourceTypeFilters=kinds
            ):
                for row in page.get(_TAGGED, ()):
                    try:
                        self.tags[filled("{ResourceARN}", row, {})] = tags_in(row, "Tags[]")
                    except ValueError as error:
                        section.malformed("of a resource's tags", str(error))
                        continue
                    section.found()
        return section.coverage

    def explained(self, error: SourceError) -> SourceError:
        """The error, or NotOffered if the region does not have the service."""
        if is_nowhere(error) and self._answering():
            return NotOffered(f"AWS does not offer it in {self.where.region}")
        return error

    def roles_of_profiles(self) -> Mapping[str, str]:
        """The role of each instance profile of the account, by the profile's ARN and by its name; listed once."""
        with self._lock:
            if self.profiles_coverage is None:
                self.profiles_coverage = self._read_profiles()
        return self._profiles

    def _read_profiles(self) -> Coverage:
        meter = self.session.new_meter()
        with self.scope.section(PROFILES, meter=meter) as section:
            client = self.session.client("iam", self.session.home_region, meter)
            for page in pages(client, "list_instance_profiles", page_size=PAGE_SIZE, expecting=("InstanceProfiles",)):
                for row in page.get("InstanceProfiles", ()):
                    section.found()
                    self._profiles |= dict(_profile_roles(row))
        return section.coverage

    def _answering(self) -> bool:
        """Whether AWS can be reached in the region, by STS, which every region has."""
        with self._lock:
            if self._answers is None:
                self._answers = self._ask_whether_answering()
        return self._answers

    def _ask_whether_answering(self) -> bool:
        meter = self.session.new_meter()
        try:
            call(self.session.client("sts", self.where.region, meter), "get_caller_identity")
        except SourceError as error:
            return not is_nowhere(error)
        return True


def _profile_roles(row: Any) -> Iterator[tuple[str, str]]:
    for role in texts(row, "Roles[].Arn"):
        for path in ("Arn", "InstanceProfileName"):
            for name in texts(row, path):
                yield name, role

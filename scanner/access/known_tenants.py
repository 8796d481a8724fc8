"""Organizations whose repositories are all known, so that a trust which no token fits can be told. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from msgspec import Struct

from scanner.access.subjects import meet, names, subjects_of
from scanner.access.trusts import literal_start
from scanner.model import Coverage, CoverageStatus, Presented, Trust, Workload
from scanner.model.attributes import ACCOUNTED_IN, HOLDERS, JOBS_SUBJECTS, JOBS_UNREAD, TENANT_SUBJECTS
from scanner.text import issuer_name


class _Tenant(Struct, frozen=True):
    """Subjects whose tokens are all known, except for those that are ``unread``.

    ``places``: of the repositories there, the subjects they can have.
    """

    issuer: str
    subjects: tuple[str, ...]
    places: tuple[str, ...]
    unread: tuple[str, ...]


def _is_read(repository: Workload, section: str, status: CoverageStatus) -> bool:
    """Whether nothing is missing except facts of repositories."""
    accounted = repository.attributes.get(ACCOUNTED_IN)
    is_accounted = isinstance(accounted, (list, tuple)) and section in accounted
    return status == "complete" or (status == "partial" and is_accounted)


class KnownTenants:
    """Organizations with known repositories: every section that lists identities with their tokens was read.

    A section that repositories name as ACCOUNTED_IN may be partial: that affects only those repositories.
    """

    def __init__(self, workloads: Iterable[Workload], coverage: Iterable[Coverage]) -> None:
        read: defaultdict[tuple[str, str, str], dict[str, CoverageStatus]] = defaultdict(dict)
        for section in coverage:
            for kind in section.kinds:
                read[section.source, section.scope, kind][section.section] = section.status
        places: defaultdict[tuple[str, tuple[str, ...]], list[str]] = defaultdict(list)
        unread: defaultdict[tuple[str, tuple[str, ...]], list[str]] = defaultdict(list)
        incomplete: set[tuple[str, tuple[str, ...]]] = set()
        for one in workloads:
            tenant, jobs = subjects_of(one, TENANT_SUBJECTS), subjects_of(one, JOBS_SUBJECTS)
            for issuer, subjects in tenant.items():
                whole = issuer, tuple(subjects)
                places[whole] += jobs.get(issuer, ())
                if one.attributes.get(JOBS_UNREAD) is True:
                    unread[whole] += jobs.get(issuer, ())
                told = read.get((one.source, one.scope, str(one.attributes.get(HOLDERS))), {})
                if not told or not all(_is_read(one, *each) for each in told.items()):
                    incomplete.add(whole)
        self._all = [
            _Tenant(*whole, tuple(each), tuple(unread[whole]))
            for whole, each in places.items()
            if whole not in incomplete
        ]

    def __bool__(self) -> bool:
        return bool(self._all)

    def presented(self, trust: Trust) -> Presented | None:
        """Return what is known of a trust that no known identity has a token for."""
        if trust.issuer is None or not names(trust.subject):
            return None
        wanted, issuer = trust.subject or "", issuer_name(trust.issuer)
        for tenant in self._all:
            if tenant.issuer == issuer and any(wanted.startswith(literal_start(one)) for one in tenant.subjects):
                if any(meet(wanted, place) for place in tenant.unread):
                    return None
                return "not_presented" if any(meet(wanted, place) for place in tenant.places) else "gone"
        return None

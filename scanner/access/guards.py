"""Rules of environments, which restrict the identities of a principal that may change a workflow. Pure.

A trust that accepts tokens of only one environment accepts none of a job outside it. A principal that may change the
workflow therefore has to pass the rules of that environment; the workflow itself becomes the identity in any case.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping

from msgspec import Struct

from scanner.access.subjects import is_exact, meet, subjects_of
from scanner.model import Edge, Guard, Identity, Trust, Workload
from scanner.model.attributes import ENVIRONMENT_RULES, JOBS_SUBJECTS, TENANT_SUBJECTS
from scanner.text import issuer_name

ENVIRONMENT = "environment"
_IN_SUBJECT = re.compile(r"(?:^|:)environment:([^:*?]+)(?=:|$)")
_OF_REPOSITORY = "repository"
"""Prefixes of claims that no job of a repository can change."""
_NO_GUARD = frozenset({"wait"})


class _Place(Struct, frozen=True):
    """A repository: the subjects that its jobs can have, and those of all repositories of its organization."""

    jobs: tuple[str, ...]
    tenant: tuple[str, ...]


def guarded(
    identities: Iterable[Identity], edges: Iterable[Edge], workloads: Iterable[Workload]
) -> dict[str, list[Guard]]:
    """Return the GUARDED_BY attribute of workflows with these edges, if they have any rules."""
    known = {one.key: one for one in identities}
    holders = {key for key, one in known.items() if isinstance(one.attributes.get(ENVIRONMENT_RULES), Mapping)}
    targets: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for edge in edges:
        if edge.source in holders and edge.target in known:
            targets[edge.source][edge.target] = None
    if not targets:
        return {}
    places = _places(workloads)
    found: dict[str, list[Guard]] = {}
    for key, some in targets.items():
        place = places.get(key, _Place((), ()))
        guards = [_before(known[key], known[target], place) for target in some]
        if all(guards):
            found[key] = list({one.environment: one for each in guards for one in each}.values())
    return found


def _places(workloads: Iterable[Workload]) -> dict[str, _Place]:
    found: dict[str, _Place] = {}
    for one in workloads:
        if JOBS_SUBJECTS in one.attributes:
            place = _Place(*(_all(one, attribute) for attribute in (JOBS_SUBJECTS, TENANT_SUBJECTS)))
            found |= dict.fromkeys(one.runs_as, place)
    return found


def _all(workload: Workload, attribute: str) -> tuple[str, ...]:
    return tuple(subject for some in subjects_of(workload, attribute).values() for subject in some)


def _before(holder: Identity, target: Identity, place: _Place) -> list[Guard]:
    """The rules before every trust of the target that a job of the repository may match; empty if one trust is open."""
    found: list[Guard] = []
    issuers = {issuer_name(one.issuer) for one in holder.token_subjects}
    for trust in target.trusts:
        is_asked = trust.kind == "federated" and trust.issuer is not None and issuer_name(trust.issuer) in issuers
        if is_asked and _may_fit(trust, holder, place):
            guard = _guard(holder, _environment(trust))
            if guard is None:
                return []
            found.append(guard)
    return found


def _may_fit(trust: Trust, holder: Identity, place: _Place) -> bool:
    """Whether a job of the repository may match: not if the trust names another repository."""
    tokens = holder.token_subjects
    for claim in trust.claims:
        said = {one.says[claim.name] for one in tokens if claim.name in one.says}
        is_fixed = claim.name.startswith(_OF_REPOSITORY) and said and claim.values
        if is_fixed and not any(meet(value, wanted) for value in said for wanted in claim.values):
            return False
    if trust.subject is None or any(
        meet(trust.subject, one) for one in (*place.jobs, *(one.subject for one in tokens))
    ):
        return True
    has_own_form = not all(any(meet(one.subject, job) for job in place.jobs) for one in tokens)
    return has_own_form and not any(meet(trust.subject, one) for one in place.tenant)


def _environment(trust: Trust) -> str | None:
    """The only environment whose tokens a trust accepts; None if it accepts others."""
    for claim in trust.claims:
        if claim.name == ENVIRONMENT and len(claim.values) == 1 and is_exact(claim.values[0]):
            return claim.values[0]
    found = _IN_SUBJECT.search(trust.subject or "")
    return found[1].replace("%3A", ":") if found else None


def _guard(holder: Identity, environment: str | None) -> Guard | None:
    """The rules of an environment that restrict deployments; None without any."""
    if environment is None:
        return None
    rules = holder.attributes[ENVIRONMENT_RULES].get(environment)
    if not isinstance(rules, (list, tuple)):
        return Guard(environment=environment, by=(Guard.UNKNOWN,), text="its rules were not read")
    said = [one for one in rules if isinstance(one, Mapping) and one.get("by") not in _NO_GUARD]
    texts = ", ".join(str(one.get("text")) for one in said)
    by = tuple(str(one.get("by")) for one in said)
    return Guard(environment=environment, by=by, text=texts) if said else None

"""A GitHub Actions workflow as resources: the workflow without its jobs, and each job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.planned import Resource
from connectors.planned.documents import PlannedDocument
from scanner.model.planned import PlannedPlace, Unread

WORKFLOW, JOB = "github_actions/workflow", "github_actions/job"


def read_workflow(file: str, documents: Sequence[PlannedDocument]) -> tuple[tuple[Resource, ...], tuple[Unread, ...]]:
    """Return the workflow and its jobs (``jobs.ID``); a workflow is one document."""
    document = next(each for each in documents if is_workflow(each.data))
    whole = {key: value for key, value in document.data.items() if key != "jobs"}
    resources = [_resource(WORKFLOW, PlannedPlace(file=file, resource="workflow", line=document.line), whole)]
    problems: list[Unread] = []
    lines = document.member_lines("jobs")
    for name, job in document.data["jobs"].items():
        place = PlannedPlace(file=file, resource=f"jobs.{name}", line=lines.get(name))
        if isinstance(job, dict):
            resources.append(_resource(JOB, place, job))
        else:
            problems.append(Unread(place=place, reason="is not a job"))
    return tuple(resources), tuple(problems)


def is_workflow(document: Mapping[str, Any]) -> bool:
    """Whether the document is a workflow: it says on which events its jobs run."""
    return "on" in document and isinstance(document.get("jobs"), dict)


def _resource(kind: str, place: PlannedPlace, values: Mapping[str, Any]) -> Resource:
    return Resource(type=kind, place=place, format="github_actions", effect="created", values=values)

"""Reads a plan or a template of any format into resources, and has the installed planners understand them.

The format is recognised by the file's content. Files are hostile input: sizes, nesting and aliases are limited
(``scanner/registry/tables/parsing.py``), and an intrinsic that cannot be evaluated is unknown, never run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from connectors.planned import FileResources, Known, Planned, Planner, Resource, planner_catalog
from connectors.planned.cloudformation import is_template, read_template
from connectors.planned.documents import PlannedDocument, read_documents
from connectors.planned.github_actions import is_workflow, read_workflow
from connectors.planned.kinds import not_understood
from connectors.planned.kubernetes import is_manifest, read_manifests
from connectors.planned.nested import with_nested
from connectors.planned.terraform import is_plan, read_plan
from scanner.errors import UsageError
from scanner.model.planned import Plan, PlanFormat, PlannedPlace, Unread

Read = tuple[tuple[Resource, ...], tuple[Unread, ...]]


class Format(Struct, frozen=True, kw_only=True):
    """A format of plans or templates. ``recognise``: whether a document of the file is one of this format."""

    name: PlanFormat
    title: str
    recognise: Callable[[Any], bool]
    read: Callable[[str, Sequence[PlannedDocument]], Read]


FORMATS: Final = (
    Format(name="terraform", title="a Terraform plan (terraform show -json)", recognise=is_plan, read=read_plan),
    Format(
        name="cloudformation",
        title="a CloudFormation or SAM template",
        recognise=is_template,
        read=read_template,
    ),
    Format(name="kubernetes", title="Kubernetes manifests", recognise=is_manifest, read=read_manifests),
    Format(name="github_actions", title="a GitHub Actions workflow", recognise=is_workflow, read=read_workflow),
)


_PLAN = "write the JSON of a plan: terraform plan -out=tfplan && terraform show -json tfplan > plan.json"
_LOOKS_LIKE: Final = (
    (frozenset({"lineage", "serial"}), f"it is a state of Terraform; {_PLAN}"),
    (frozenset({"format_version", "values"}), f"it is a state of Terraform; {_PLAN}"),
)
"""Files that are often mistaken for a plan, by their keys."""


def load(path: Path, name: str | None = None) -> FileResources:
    """Return the resources in a file. ``name``: its name in places, instead of its path.

    Raises InputError for a file that cannot be read, and UsageError for one of no known format.
    """
    file = name or str(path)
    documents = read_documents(path)
    for known in FORMATS:
        if any(known.recognise(document.data) for document in documents):
            resources, problems = known.read(file, documents)
            problems = (*problems, *_left_out(file, documents, known))
            found = FileResources(file=file, format=known.name, resources=resources, problems=problems)
            return found if known.name != "cloudformation" or file != str(path) else with_nested(found, path, documents)
    *others, last = (known.title for known in FORMATS)
    looks = next(
        (hint for keys, hint in _LOOKS_LIKE if any(keys <= document.data.keys() for document in documents)), None
    )
    raise UsageError(
        f"{file}: is none of the files that can be checked", hint=looks or f"give {', '.join(others)} or {last}"
    )


def _left_out(file: str, documents: Sequence[PlannedDocument], known: Format) -> Iterator[Unread]:
    """The documents that the format does not read, or that are of another one as well: what reads them then decides."""
    read = next(document for document in documents if known.recognise(document.data))
    for number, document in enumerate(documents, start=1):
        place = PlannedPlace(file=file, resource=f"document {number}", line=document.line)
        others = [other.title for other in FORMATS if other is not known and other.recognise(document.data)]
        if others:
            yield Unread(place=place, reason=f"is also {' and '.join(others)}, and not evaluated as that")
        elif document is not read and known.name != "kubernetes":
            yield Unread(place=place, reason=f"{known.title} is one document, and this is another")


def plan(files: Iterable[FileResources], known: Known) -> tuple[Plan, ...]:
    """Return the planned changes of each file, from the installed planners."""
    catalog = planner_catalog()
    planners: list[Planner] = [catalog.load(name)() for name in catalog.names]
    return tuple(_planned(one, planners, known) for file in files for one in (file, *file.nested))


def _planned(file: FileResources, planners: Sequence[Planner], known: Known) -> Plan:
    types = {resource.type for resource in file.resources}
    parts: list[Planned] = []
    for planner in planners:
        its = {name for name in types if _reads(planner, name)}
        if its:
            parts.append(planner.planned([each for each in file.resources if each.type in its], known))
    claimed = {name for name in types for planner in planners if _reads(planner, name)}
    others = tuple(not_understood(each for each in file.resources if each.type not in claimed))
    return Plan(
        file=file.file,
        format=file.format,
        resources=len(file.resources),
        identities=tuple(each for part in parts for each in part.identities),
        workloads=tuple(each for part in parts for each in part.workloads),
        secrets=tuple(each for part in parts for each in part.secrets),
        assignments=tuple(each for part in parts for each in part.assignments),
        unread=(*file.problems, *(each for part in parts for each in part.unread), *others),
    )


def _reads(planner: Planner, kind: str) -> bool:
    return any(fnmatchcase(kind, pattern) for pattern in planner.types)

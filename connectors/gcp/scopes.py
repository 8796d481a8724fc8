"""The units of work: one for all that lies below where Cloud Asset Inventory may be used, else one for each place."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import structs

from connectors.base import Meter, Scope, SectionReading
from connectors.gcp import requests as r
from connectors.gcp.api import GcpApi
from connectors.gcp.assets.identities import TYPES
from connectors.gcp.errors import NoCredentials, NotGoogle
from connectors.gcp.estate import Estate
from connectors.gcp.payloads import Anything
from connectors.gcp.places import Place, ProjectRef, ancestors_of, below
from connectors.gcp.reader import Reader
from connectors.gcp.settings import GcpSettings
from scanner.errors import Denied, SourceError, Throttled, Unreachable
from scanner.model import Coverage

LISTING = "resourcemanager.projects"
PROBE = "cloudasset.assets"


def list_scopes(nowhere: Scope, api: GcpApi, settings: GcpSettings, meter: Meter) -> Iterator[Scope | Coverage]:
    """Units and how they were found; a Coverage of everything where nothing can be seen."""
    reader = Reader(api, structs.replace(nowhere, context=Place(kind="organization", name="-")), meter, settings)
    estate = Estate(api, settings, reader)
    with reader.section(LISTING) as section:
        estate.read(section)
        if not estate.roots() and not estate.unread and section.coverage.status != "failed":
            raise Denied("no organisation, folder or project can be seen", permission=r.PROJECTS.permission)
        if estate.noise:
            section.note(f"{estate.noise} projects of Apps Script (sys-…) left out")
    listing = section.coverage
    if listing.is_gap:
        yield listing
        if not estate.projects:
            return
    yield from _unread(nowhere, estate)
    # Whoever names an organisation may see what is in it; one that a search shows may be seen without its projects.
    is_whole = bool(settings.organization) and not estate.unread and not listing.is_gap
    for root in estate.roots():
        if not listing.is_gap and root.removeprefix("projects/") not in estate.unread:
            yield structs.replace(listing, scope=root.removeprefix("projects/"))
            listing = structs.replace(listing, calls=0, detail=None)
        yield from _units(nowhere, api, estate, root, meter, is_whole=is_whole)


def _unread(nowhere: Scope, estate: Estate) -> Iterator[Coverage]:
    """Gaps of what was named and could not be looked up."""
    for scope, error in estate.unread.items():
        with structs.replace(nowhere, id=scope).section(LISTING) as section:
            raise error
        yield section.coverage


def _units(
    nowhere: Scope, api: GcpApi, estate: Estate, root: str, meter: Meter, *, is_whole: bool
) -> Iterator[Scope | Coverage]:
    """One for all that lies below the root where Cloud Asset answers, else one for each place."""
    projects = tuple(below(root, estate.projects.values()))
    alone = estate.projects.get(root.removeprefix("projects/")) if root.startswith("projects/") else None
    if alone is not None:
        projects = (alone,)
    place = _place(root, estate, projects)
    place = structs.replace(place, above=place.ancestors, kin=estate.kin)
    scope = structs.replace(nowhere, id=place.scope_id, context=place, feeds_within=alone is not None)
    with scope.section(PROBE, meter=meter) as probe:
        bulk = _answers(api, root, probe)
    yield probe.coverage
    failed = probe.coverage.is_gap
    place = structs.replace(place, bulk=bulk, is_whole=place.kind == "organization" and (bulk or is_whole))
    if bulk:
        yield structs.replace(scope, context=place)
        return
    own = () if alone is not None else (root, *_folders_below(root, estate))
    for name in own:
        lower = tuple(below(name, projects))
        unit = structs.replace(_place(name, estate, ()), below=lower, above=place.above if name == root else ())
        unit = structs.replace(unit, kin=place.kin, is_whole=place.is_whole)
        yield structs.replace(nowhere, id=unit.scope_id, context=unit)
    for project in projects:
        above = place.above if alone is not None else ()
        one = Place(kind="project", name=project.name, projects=(project,), ancestors=project.ancestors, above=above)
        one = structs.replace(one, kin=place.kin, is_whole=place.is_whole, bulk_failed=failed)
        yield structs.replace(nowhere, id=one.scope_id, context=one, feeds_within=True)


def _folders_below(root: str, estate: Estate) -> list[str]:
    return [
        name
        for name, parent in estate.parents.items()
        if name.startswith("folders/") and root in ancestors_of(parent, estate.parents)
    ]


def _place(name: str, estate: Estate, projects: tuple[ProjectRef, ...]) -> Place:
    if name.startswith("projects/"):
        above = projects[0].ancestors if projects else ()
        return Place(kind="project", name=name, projects=projects, ancestors=above)
    return Place(
        kind="organization" if name.startswith("organizations/") else "folder",
        name=name,
        projects=projects,
        ancestors=ancestors_of(estate.parents.get(name), estate.parents),
    )


def _answers(api: GcpApi, root: str, probe: SectionReading) -> bool:
    """Whether Cloud Asset may be used there. That it may not is no gap, since it is read in another way; silence is."""
    try:
        api.get(r.ASSETS, Anything, {"assetTypes": tuple(TYPES), "pageSize": "1"}, parent=root)
    except NoCredentials:
        raise
    except SourceError as error:
        if isinstance(error, Throttled | Unreachable) and not isinstance(error, NotGoogle):
            probe.lost(error)
        else:
            probe.note(f"not used, each project is read by its own APIs: {error}")
        return False
    return True

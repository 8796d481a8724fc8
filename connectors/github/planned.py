"""A workflow as a planned identity: the cloud identities that its jobs take, and the cloud keys stored for it.

A job takes cloud identities by GitHub's own token (``id-token: write``), or with a stored key. What ``vars``,
``secrets`` and inputs hold is not in the file: then what the workflow can become is unknown, and said so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar, Final

from msgspec import Struct

from connectors.github.workflows.jobs import FOLDER, Job, Key, Workflow
from connectors.github.workflows.roles import targets_of
from connectors.github.workflows.values import GithubContext
from connectors.planned import UNKNOWN, Known, Planned, Resource, planned_key
from connectors.planned.github_actions import JOB, WORKFLOW
from connectors.planned.shapes import text
from scanner.model import Consequence, Credential, Grant, Identity, Link, Privilege, Signal, credential_key
from scanner.model.attributes import REPOSITORY, STORED_IN, UNRESOLVED
from scanner.model.planned import PlannedIdentity, PlannedPlace

PROVIDER: Final = "github"
UNKNOWN_REPOSITORY: Final = "unknown repository"
ISSUER: Final = "token.actions.githubusercontent.com"
DEPLOY_KEY: Final = "github_repository_deploy_key"
_UNKNOWN_OWNER: Final = "unknown organization"


class WorkflowPlanner:
    """Understands workflows, and deploy keys of Terraform."""

    provider: ClassVar[str] = PROVIDER
    types: ClassVar[tuple[str, ...]] = (WORKFLOW, JOB, DEPLOY_KEY)

    @staticmethod
    def reads() -> frozenset[str]:
        """The types that are read completely."""
        return frozenset({WORKFLOW, JOB, DEPLOY_KEY})

    def planned(self, resources: Sequence[Resource], known: Known) -> Planned:
        """See ``connectors.planned.Planner``."""
        keys = tuple(planned_deploy_keys(resources, PROVIDER))
        whole = next((one for one in resources if one.type == WORKFLOW), None)
        places = {one.place.resource: one.place for one in resources if one.type == JOB}
        if whole is None or not places:
            return Planned(identities=keys)
        bodies = {one.place.resource.removeprefix("jobs."): one.values for one in resources if one.type == JOB}
        try:
            workflow = Workflow(_path(whole.place.file), {**whole.values, "jobs": bodies})
        except ValueError:
            return Planned()
        taken = tuple(
            _Placed(job, places[job.at])
            for job in workflow.jobs(GithubContext(), {})
            if job.asks_for_tokens or job.keys
        )
        return Planned(identities=(_identity(workflow, taken, known),) if taken else ())


class _Placed(Struct, frozen=True):
    """A job, and its place in the file."""

    job: Job
    place: PlannedPlace


def _path(file: str) -> str:
    """The workflow's path in its repository, as far as the file's path says."""
    path = file.replace("\\", "/")
    return path[path.rindex(FOLDER) :] if FOLDER in path else path.rpartition("/")[2]


def _identity(workflow: Workflow, taken: Sequence[_Placed], known: Known) -> PlannedIdentity:
    name = workflow.path
    found = known.named(PROVIDER, name)
    before = found[0] if len(found) == 1 else None
    key = before.key if before else f"planned:{name}"
    federated = [one.job for one in taken if one.job.asks_for_tokens]
    unresolved = [each for job in federated for each in job.unresolved]
    credentials: dict[str, tuple[Credential, PlannedPlace]] = {}
    for one in taken:
        for held in one.job.keys.values():
            credential = _credential(key, held, one.place)
            credentials.setdefault(credential.key, (credential, one.place))
    evidence = (
        *(f"{one}: what that grants is not in this file" for one in unresolved),
        *(f"what {credential.id} may do is not known" for credential, _ in credentials.values()),
    )
    identity = Identity(
        key=key,
        provider=PROVIDER,
        source="",
        scope=before.scope if before else UNKNOWN_REPOSITORY,
        kind="workflow",
        name=name,
        display_name=workflow.name,
        unique_id=before.unique_id if before else None,
        aliases=before.aliases if before else (),
        attributes={"jobs": [one.job.at for one in taken]} | ({UNRESOLVED: unresolved} if unresolved else {}),
        privilege=Privilege(level="unknown" if evidence else "normal", evidence=evidence),
        credentials=tuple(credential for credential, _ in credentials.values()),
        links=tuple(dict.fromkeys(_links(federated, known))),
    )
    return PlannedIdentity(
        identity=identity,
        effect="changed" if before else "created",
        places=tuple(one.place for one in taken),
        before=before,
        computed=frozenset({"permissions"}) if unresolved else frozenset(),
        credentials_at={one: place for one, (_, place) in credentials.items()},
        account_known=before is not None,
    )


def _links(jobs: Sequence[Job], known: Known) -> Iterator[Link]:
    """Yield the identities that the jobs become; a role that is known to trust no token of GitHub's is only named."""
    for job in jobs:
        for role in job.roles:
            for target in targets_of(role):
                one = known.identity(target)
                trusts = one is None or any(ISSUER in (trust.issuer or "") for trust in one.trusts)
                yield Link(relation="can_assume" if trusts else "federates", target=target, evidence=role.at)


def _credential(key: str, held: Key, place: PlannedPlace) -> Credential:
    stored = held.value.stored_as
    named = stored or "the file itself"
    # A literal in the file may be a secret's value; only an access key's id is public.
    public = named if stored or held.kind != "access_key" else held.value.written
    return Credential(
        key=credential_key(key, held.kind, f"{place.resource}:{public}"),
        kind=held.kind,
        id=public,
        attributes={STORED_IN: f"{named} of {place.resource}"},
    )


# --- Deploy keys that a Terraform plan adds; they work until they are deleted ---


def planned_deploy_keys(resources: Sequence[Resource], provider: str) -> Iterator[PlannedIdentity]:
    """Yield the deploy keys that the change makes. A plan does not say in which organization the repository is."""
    for made in resources:
        if made.type == DEPLOY_KEY and made.effect not in ("unchanged", "deleted"):
            yield _planned_key(made, provider)


def _planned_key(made: Resource, provider: str) -> PlannedIdentity:
    key = planned_key(made.place)
    values = made.values
    repository = text(values.get("repository")) or "an unknown repository"
    read_only = values.get("read_only", True)
    writes = read_only is not True
    credential = Credential(
        key=credential_key(key, "ssh_key", made.place.resource),
        kind="ssh_key",
        id=text(values.get("title")) or made.place.resource,
        enabled=True,
        never_expires=True,
    )
    identity = Identity(
        key=key,
        provider=provider,
        source="planned",
        scope=_UNKNOWN_OWNER,
        kind="deploy_key",
        name=text(values.get("title")) or made.place.resource,
        attributes={REPOSITORY: repository} | ({} if read_only is UNKNOWN else {"read_only": not writes}),
        signals=(Signal(says="machine", sort="provider", evidence="a deploy key"),),
        privilege=_privilege(repository, read_only),
        consequences=(Consequence(kind="read_data", actions=("contents",), narrow=True),),
        credentials=(credential,),
        grants=(
            Grant(name="contents: write" if writes else "contents: read", via="direct", resource=repository),
        ),
    )  # fmt: skip
    return PlannedIdentity(
        identity=identity,
        effect="created",
        places=(made.place,),
        computed=frozenset({"permissions"}) if read_only is UNKNOWN else frozenset(),
        credentials_at={credential.key: made.place},
        account_known=False,
    )


def _privilege(repository: str, read_only: object) -> Privilege:
    if read_only is UNKNOWN:
        return Privilege(level="unknown", evidence=("whether it may write is not known before deployment",))
    if read_only is True:
        return Privilege(level="normal")
    return Privilege(level="high", evidence=(f"changes the code of {repository}, and what its workflows run",))

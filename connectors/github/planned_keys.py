"""Deploy keys that a Terraform plan adds, as planned identities. They work until they are deleted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from connectors.planned import UNKNOWN, Resource, planned_key
from connectors.planned.shapes import text
from scanner.model import Consequence, Credential, Grant, Identity, Privilege, Signal, credential_key
from scanner.model.attributes import REPOSITORY
from scanner.model.planned import PlannedIdentity

DEPLOY_KEY: Final = "github_repository_deploy_key"
_UNKNOWN_OWNER: Final = "unknown organization"


def planned_deploy_keys(resources: Sequence[Resource], provider: str) -> Iterator[PlannedIdentity]:
    """Yield the deploy keys that the change makes. A plan does not say in which organization the repository is."""
    for made in resources:
        if made.type == DEPLOY_KEY and made.effect not in ("unchanged", "deleted"):
            yield _identity(made, provider)


def _identity(made: Resource, provider: str) -> PlannedIdentity:
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

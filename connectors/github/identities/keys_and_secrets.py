"""Deploy keys as identities, and stored secrets by their names (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from connectors.github import keys
from connectors.github.client.payloads import DeployKey, SecretName, moment
from connectors.github.identities.apps import BYPASSES
from connectors.github.identities.place import GithubScope
from scanner.model import Consequence, Credential, Grant, Identity, Privilege, Signal, StoredSecret, credential_key
from scanner.model.attributes import FORMER_MEMBER, REPOSITORY
from scanner.model.reach import Way


def deploy_key(
    place: GithubScope, full_name: str, row: DeployKey, *, former: bool | None, bypasses: Sequence[str] = ()
) -> Identity:
    """A deploy key of a repository. ``former``: whether the one who added it is no member any more.

    ``bypasses``: rulesets that do not hold for deploy keys.
    """
    facts = place.facts(f"{full_name.partition('/')[2]}/keys/{row.id}", "deploy_key", row.title or f"key {row.id}")
    repository = keys.repository(place.organization.host, full_name)
    id_ = row.fingerprint or f"deploy_key:{row.id}"
    used_at, writes = moment(row.last_used), not row.read_only
    attributes: dict[str, Any] = {"repository": full_name, "read_only": row.read_only}
    if writes and bypasses:
        attributes[BYPASSES] = sorted(bypasses)
    why = (f"changes the code of {full_name}, and what its workflows run",) if writes else ()
    return Identity(
        **facts,
        unique_id=f"deploy_key:{row.id}",
        enabled=row.enabled,
        created_at=moment(row.created_at),
        created_by=row.added_by,
        last_used_at=used_at,
        attributes=attributes,
        signals=(Signal(says="machine", sort="provider", evidence="a deploy key"),),
        credentials=(
            Credential(
                key=credential_key(facts["key"], "ssh_key", id_),
                kind="ssh_key",
                id=id_,
                enabled=row.enabled,
                created_at=moment(row.created_at),
                never_expires=True,
                last_used_at=used_at,
                attributes={FORMER_MEMBER: row.added_by} if former else {},
            ),
        ),
        grants=(Grant(name="contents: write" if writes else "contents: read", via="direct", resource=full_name),),
        privilege=Privilege(level="high" if writes else "normal", evidence=why),
        consequences=(Consequence(kind="read_data", actions=("contents",), narrow=True),),
        reach=(Way(kind="take_over", on=(repository,), by="a deploy key that may write"),) if writes else (),
    )


def stored_secret(place: GithubScope, row: SecretName, key: str, store: str, repository: str = "") -> StoredSecret:
    """A secret of Actions, Dependabot or agents. ``updated_at`` is when its value was last written.

    ``repository``: the one that has it; empty for the organization.
    """
    known = {"visibility": row.visibility, REPOSITORY: repository}
    return StoredSecret(
        **place.of(key, row.name),
        created_at=moment(row.created_at),
        rotated_at=moment(row.updated_at),
        rotation_enabled=False,
        attributes={"store": store} | {name: value for name, value in known.items() if value},
    )

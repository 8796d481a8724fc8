"""A workflow as a planned identity: the cloud identities that its jobs take, and the cloud keys stored for it.

A job takes cloud identities by GitHub's own token (``id-token: write``), or with a stored key. What ``vars``,
``secrets`` and inputs hold is not in the file: then what the workflow can become is unknown, and said so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final

from msgspec import Struct

from connectors.planned import Known, Planned, Resource
from connectors.planned.github_actions import JOB, WORKFLOW
from connectors.planned.shapes import key_of
from scanner.model import Credential, CredentialKind, Identity, Link, Privilege, credential_key
from scanner.model.attributes import STORED_IN
from scanner.model.planned import Place, PlannedIdentity

PROVIDER: Final = "github"
UNKNOWN_REPOSITORY: Final = "unknown repository"
ISSUER: Final = "token.actions.githubusercontent.com"
_FOLDER = ".github/workflows/"
_EXPRESSION = re.compile(r"\$\{\{(?P<what>[^{}]*)\}\}")
_DEEPEST = 3
"""Variables that refer to variables are followed so far."""
_REFERENCE = re.compile(r"(?P<context>env|inputs|matrix|vars|secrets|github\.event\.inputs)\.(?P<name>[\w-]+)")


class Action(Struct, frozen=True):
    """An action that signs in to a cloud. ``roles``: inputs that name an identity; ``keys``: those that hold a key."""

    roles: tuple[str, ...] = ()
    keys: Mapping[str, CredentialKind] = {}


_ACTIONS: Final[Mapping[str, Action]] = {
    "aws-actions/configure-aws-credentials": Action(("role-to-assume",), {"aws-access-key-id": "access_key"}),
    "google-github-actions/auth": Action(("service_account",), {"credentials_json": "access_key"}),
    "azure/login": Action(("client-id",), {"creds": "client_secret"}),
    "hashicorp/vault-action": Action(("role",), {"token": "token", "secretid": "secret_id"}),
}
_IN_ENVIRONMENT: Final[Mapping[str, CredentialKind]] = {
    "AWS_ACCESS_KEY_ID": "access_key",
    "GOOGLE_CREDENTIALS": "access_key",
    "GCP_SA_KEY": "access_key",
    "AZURE_CREDENTIALS": "client_secret",
    "AZURE_CLIENT_SECRET": "client_secret",
    "ARM_CLIENT_SECRET": "client_secret",
    "VAULT_TOKEN": "token",
}
"""Variables that clouds' programs take a key from, and inputs that actions name after them."""


class WorkflowPlanner:
    """Understands workflows."""

    provider: ClassVar[str] = PROVIDER
    types: ClassVar[tuple[str, ...]] = (WORKFLOW, JOB)

    def planned(self, resources: Sequence[Resource], known: Known) -> Planned:
        """See ``connectors.planned.Planner``."""
        whole = next((one for one in resources if one.type == WORKFLOW), None)
        if whole is None:
            return Planned()
        taken = [
            job for one in resources if one.type == JOB for job in (_Job(one, whole.values),) if job.takes_identities
        ]
        return Planned(identities=(_identity(whole, taken, known),) if taken else ())


class Value(Struct, frozen=True):
    """A value as the file has it. ``texts``: what it may be, if the file says; ``written``: as it stands there."""

    written: str
    texts: tuple[str, ...] = ()

    @property
    def is_secret(self) -> bool:
        """Whether it is stored in a secret."""
        return "secrets." in self.written


class _Job:
    """A job: what it may ask for, which identities it names, and which keys it uses."""

    def __init__(self, resource: Resource, whole: Mapping[str, Any]) -> None:
        self.place = resource.place
        self._values, self._whole = resource.values, whole
        self.roles: dict[str, Value] = {}
        self.keys: dict[str, tuple[CredentialKind, Value]] = {}
        steps = resource.values.get("steps")
        outer = {**_mapping(whole.get("env")), **_mapping(resource.values.get("env"))}
        # A job that calls a workflow hands over inputs and secrets.
        for handed in (outer, resource.values.get("with"), resource.values.get("secrets")):
            self._keys_in(_mapping(handed), outer)
        for step in steps if isinstance(steps, list) else ():
            if isinstance(step, dict):
                self._take_in(step, outer)

    @property
    def asks_for_tokens(self) -> bool:
        """Whether it may ask for GitHub's token; its own permissions replace the workflow's."""
        granted = self._values.get("permissions", self._whole.get("permissions"))
        return granted == "write-all" or (isinstance(granted, dict) and granted.get("id-token") == "write")

    @property
    def takes_identities(self) -> bool:
        """Whether it can become an identity elsewhere."""
        return self.asks_for_tokens or bool(self.keys)

    def _take_in(self, step: Mapping[str, Any], outer: Mapping[str, Any]) -> None:
        env = {**outer, **_mapping(step.get("env"))}
        self._keys_in(_mapping(step.get("env")), env)
        used = step.get("uses")
        action = _ACTIONS.get(used.partition("@")[0].strip().lower()) if isinstance(used, str) else None
        if action is None:
            self._keys_in(_mapping(step.get("with")), env)
            return
        given = {str(name).lower(): value for name, value in _mapping(step.get("with")).items()}
        for name in action.roles:
            if value := given.get(name):
                self.roles[f"{self.place.resource}: {name}"] = self._value(value, env)
        for name, kind in action.keys.items():
            if value := given.get(name):
                self._key(kind, self._value(value, env))

    def _keys_in(self, given: Mapping[str, Any], env: Mapping[str, Any]) -> None:
        """Take in the keys among variables, or among inputs of an action that is not known by name."""
        variables = {str(name).upper().replace("-", "_"): value for name, value in given.items()}
        for name, kind in _IN_ENVIRONMENT.items():
            if value := variables.get(name):
                found = self._value(value, env)
                if found.is_secret or found.texts:
                    self._key(kind, found)

    def _key(self, kind: CredentialKind, value: Value) -> None:
        self.keys.setdefault(value.written, (kind, value))

    def _value(self, given: Any, env: Mapping[str, Any], depth: int = 0) -> Value:
        """Resolve a value as far as the file says."""
        written = str(given).strip()
        found = _EXPRESSION.search(written)
        if found is None:
            return Value(written, (written,))
        reference = _REFERENCE.fullmatch(found["what"].strip())
        if reference is None or depth > _DEEPEST or found[0] != written:
            return Value(written)
        context, name = reference["context"], reference["name"]
        if context == "env" and name in env:
            return self._value(env[name], env, depth + 1)
        if context == "matrix":
            return Value(written, self._matrix(name))
        return Value(written)

    def _matrix(self, name: str) -> tuple[str, ...]:
        matrix = _mapping(_mapping(self._values.get("strategy")).get("matrix"))
        listed = matrix.get(name)
        texts = tuple(one for one in listed if isinstance(one, str)) if isinstance(listed, list) else ()
        return () if any("${{" in one for one in texts) else texts


def _identity(whole: Resource, jobs: Sequence[_Job], known: Known) -> PlannedIdentity:
    file = whole.place.file.replace("\\", "/")
    name = file[file.rindex(_FOLDER) :] if _FOLDER in file else file.rpartition("/")[2]
    found = known.named(PROVIDER, name)
    before = found[0] if len(found) == 1 else None
    key = before.key if before else f"planned:{name}"
    federated = [job for job in jobs if job.asks_for_tokens]
    unresolved = [f"{at} is {value.written}" for job in federated for at, value in job.roles.items() if not value.texts]
    credentials: dict[str, tuple[Credential, Place]] = {}
    for job in jobs:
        for kind, value in job.keys.values():
            credential = _credential(key, kind, value, job.place)
            credentials.setdefault(credential.key, (credential, job.place))
    evidence = (
        *(f"what {one} grants is not in this file" for one in unresolved),
        *(f"what {credential.id} may do is not known" for credential, _ in credentials.values()),
    )
    identity = Identity(
        key=key,
        provider=PROVIDER,
        source="",
        scope=before.scope if before else UNKNOWN_REPOSITORY,
        kind="workflow",
        name=name,
        display_name=_text(whole.values.get("name")),
        unique_id=before.unique_id if before else None,
        aliases=before.aliases if before else (),
        attributes={"jobs": [job.place.resource for job in jobs]} | ({"unresolved": unresolved} if unresolved else {}),
        privilege=Privilege(level="unknown" if evidence else "normal", evidence=evidence),
        credentials=tuple(credential for credential, _ in credentials.values()),
        links=tuple(dict.fromkeys(_links(federated, known))),
    )
    return PlannedIdentity(
        identity=identity,
        effect="changed" if before else "created",
        places=tuple(job.place for job in jobs),
        before=before,
        computed=frozenset({"permissions"}) if unresolved else frozenset(),
        credentials_at={one: place for one, (_, place) in credentials.items()},
        account_known=before is not None,
    )


def _links(jobs: Sequence[_Job], known: Known) -> Iterator[Link]:
    """Yield the identities that the jobs become; a role that is known to trust no token of GitHub's is only named."""
    for job in jobs:
        for at, value in job.roles.items():
            for text in value.texts:
                target = key_of(text)
                role = known.identity(target)
                trusts = role is None or any(ISSUER in (trust.issuer or "") for trust in role.trusts)
                yield Link(relation="can_assume" if trusts else "federates", target=target, evidence=at)


def _credential(key: str, kind: CredentialKind, value: Value, place: Place) -> Credential:
    stored = _EXPRESSION.search(value.written)
    named = stored["what"].strip() if stored else "the file itself"
    # A literal in the file may be a secret's value; only an access key's id is public.
    public = named if stored or kind != "access_key" else value.written
    return Credential(
        key=credential_key(key, kind, f"{place.resource}:{public}"),
        kind=kind,
        id=public,
        attributes={STORED_IN: f"{named} of {place.resource}"},
    )


def _mapping(found: Any) -> Mapping[str, Any]:
    return found if isinstance(found, dict) else {}


def _text(found: Any) -> str | None:
    return found if isinstance(found, str) and found else None

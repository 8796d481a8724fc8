"""A workflow and its jobs: their permission to request tokens, their sign-ins, and the stored keys they use. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import msgspec
from msgspec import Struct

from connectors.github.workflows.local import LocalAction, folder_of
from connectors.github.workflows.scripts import Scripts, Taken
from connectors.github.workflows.values import GithubContext, Value, inputs_of
from connectors.planned.documents import parse_document
from connectors.planned.shapes import listed, mapping
from scanner.catalog import read_table
from scanner.model import CredentialKind

FOLDER = ".github/workflows/"
CALLED = "workflow_call"
"""The trigger of a reusable workflow."""
_STARTED = "workflow_dispatch"
_SCRIPT = "actions/github-script"
_DEEPEST = 5
"""The depth to which actions that use actions are followed."""
Actions: TypeAlias = Mapping[str, LocalAction]
"""The repository's own actions, by folder."""


class Action(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An action that signs in to another system, from ``sign_in.toml``."""

    uses: str
    system: str
    roles: tuple[str, ...] = ()
    keys: Mapping[str, CredentialKind] = {}
    only: Mapping[str, str] = {}
    unless: Mapping[str, str] = {}


class Variable(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An environment variable with a key of a system."""

    system: str
    kind: CredentialKind


class _Tables(Struct, frozen=True, kw_only=True):
    actions: tuple[Action, ...]
    variables: Mapping[str, Variable]


@cache
def _tables() -> _Tables:
    return read_table("connectors.github.workflows", "sign_in.toml", _Tables)


@cache
def _actions() -> Mapping[str, Action]:
    return {action.uses: action for action in _tables().actions}


def system_of_key(name: str) -> str | None:
    """The system that a secret is a key of, judged by its name; None for other names."""
    variable = _tables().variables.get(_as_variable(name))
    return variable.system if variable else None


class GithubRole(Struct, frozen=True, kw_only=True):
    """An identity that a step signs in as. ``at``: job and input; ``given``: the step's other inputs, resolved."""

    at: str
    system: str
    input: str
    value: Value
    given: Mapping[str, Value]


class Key(Struct, frozen=True, kw_only=True):
    """A stored key that a job uses."""

    system: str
    kind: CredentialKind
    value: Value


def read(path: str, text: str) -> Workflow:
    """Return the workflow in a file. Raises InputError for invalid YAML, ValueError if it is not a workflow."""
    return Workflow(path, parse_document(Path(path), text))


class Workflow:
    """A workflow. ``values``: the parsed file; ``events``: its triggers, each with its filters.

    Raises ValueError if it has no jobs or no events.
    """

    def __init__(self, path: str, values: Mapping[str, Any]) -> None:
        self.path = path
        self.values = values
        self.events = _events(self.values.get("on"))
        self._jobs = self.values.get("jobs")
        if not self.events or not isinstance(self._jobs, dict) or not self._jobs:
            raise ValueError("it is not a workflow: it needs events and jobs")

    @property
    def name(self) -> str | None:
        """Its display name, by default the path."""
        found = self.values.get("name")
        return found if isinstance(found, str) and found else None

    @property
    def runs_by_itself(self) -> bool:
        """Whether it has a trigger other than a call."""
        return set(self.events) != {CALLED}

    def jobs(self, context: GithubContext, actions: Actions, *, is_called: bool = False) -> Iterator[Job]:
        """Yield its jobs. ``context``: known values besides the file; its inputs take precedence over the defaults.

        ``is_called``: another workflow calls it, and the context has all inputs of that call.
        """
        inputs = dict(self._inputs(CALLED, are_given=is_called))
        if not is_called:
            inputs |= dict(self._inputs(_STARTED))
        within = msgspec.structs.replace(context, inputs=inputs | dict(context.inputs), are_given=is_called)
        for name, values in self._jobs.items() if isinstance(self._jobs, dict) else ():
            if isinstance(values, dict):
                yield Job(f"jobs.{name}", values, self.values, within, actions)

    def _inputs(self, event: str, *, are_given: bool = False) -> Iterator[tuple[str, Value]]:
        return inputs_of(mapping(self.events.get(event, {}).get("inputs")), are_given=are_given)


class Job:
    """A job. ``at``: its path in the file. ``whole``: the workflow without it. ``context``: other known values."""

    def __init__(
        self, at: str, values: Mapping[str, Any], whole: Mapping[str, Any], context: GithubContext, actions: Actions
    ) -> None:
        self.at = at
        self._values, self._whole, self._actions = values, whole, actions
        outer = {**mapping(whole.get("env")), **mapping(values.get("env"))}
        self._context = msgspec.structs.replace(
            context, env=outer, matrix=mapping(mapping(values.get("strategy")).get("matrix"))
        )
        if (context.variables or context.environments) and (environment := self.environment) is not None:
            seen = context.variables_in(environment)
            self._context = msgspec.structs.replace(self._context, variables=seen)
        self.roles: list[GithubRole] = []
        self.keys: dict[str, Key] = {}
        self.systems: set[str] = set()
        self._unread: dict[str, None] = {}
        self._scripts = Scripts()
        # A job that calls a workflow passes inputs and secrets.
        for handed in (outer, values.get("with"), values.get("secrets")):
            self._keys_in(mapping(handed), self._context)
        self._scripts.add_variables(outer, self._context)
        self._add_steps(listed(values.get("steps")), self._context, ())
        taken = [*self._scripts.taken, *self._scripts.by_variables()]
        self.roles += (self._role(one) for one in taken)
        self.systems |= {one.system for one in taken}
        self._asks_otherwise = self._scripts.asks_otherwise(taken, self.systems)

    @property
    def asks_for_tokens(self) -> bool:
        """Whether it may request an OIDC token. Its own permissions replace the workflow's."""
        granted = self._values.get("permissions", self._whole.get("permissions"))
        return granted == "write-all" or (isinstance(granted, dict) and granted.get("id-token") == "write")

    @property
    def has_permissions(self) -> bool:
        """Whether the file sets its permissions. If not, a job of a called workflow has those of its caller."""
        return "permissions" in self._values or "permissions" in self._whole

    @property
    def calls(self) -> str | None:
        """The workflow that it calls: ``./.github/workflows/x.yml`` or ``OWNER/NAME/.github/workflows/x.yml@REF``."""
        found = self._values.get("uses")
        return found.strip() if isinstance(found, str) else None

    @property
    def environment(self) -> Value | None:
        """The name of its environment."""
        found = self._values.get("environment")
        name = found.get("name") if isinstance(found, dict) else found
        return None if name in (None, "") or isinstance(name, (dict, list)) else self._context.value(name)

    @property
    def unresolved(self) -> Iterator[str]:
        """Identities that it signs in as, or may, but that cannot be resolved from the file."""
        yield from (f"{role.at} is {role.value.written}" for role in self.roles if not role.value.is_whole)
        yield from (f"{self.at} uses ./{folder}, which was not read" for folder in self._unread)
        if self._asks_otherwise:
            yield f"{self.at}: a script asks for a token"

    @property
    def is_silent(self) -> bool:
        """Whether no sign-in of it is known."""
        return not (self.systems or self._unread or self._asks_otherwise)

    def handed_over(self) -> dict[str, Value]:
        """The inputs that it passes to the workflow that it calls, by name in lower case."""
        return _values_of(self._values.get("with"), self._context)

    def _add_steps(self, steps: Iterable[Any], context: GithubContext, within: tuple[str, ...]) -> None:
        """Add the steps of the job, or of an action. ``within``: the folders of the actions that use it."""
        for step in steps:
            if isinstance(step, dict):
                inner = context
                if own := mapping(step.get("env")):
                    inner = msgspec.structs.replace(context, env={**context.env, **own})
                    self._keys_in(own, inner)
                    self._scripts.add_variables(own, inner)
                self._add_step(step, inner, within)

    def _add_step(self, step: Mapping[str, Any], context: GithubContext, within: tuple[str, ...]) -> None:
        used, run = step.get("uses"), step.get("run")
        if isinstance(run, str):
            self._scripts.add(run, context)
        if not isinstance(used, str):
            return
        name = used.partition("@")[0].strip().lower()
        if name == _SCRIPT and isinstance(script := mapping(step.get("with")).get("script"), str):
            self._scripts.add(script, context)
        if used.strip().startswith("./"):
            self._follow(used.strip(), _values_of(step.get("with"), context), context, within)
        if (action := _actions().get(name)) is None:
            self._keys_in(mapping(step.get("with")), context)
            return
        self._sign_in(action, _values_of(step.get("with"), context), within)

    def _follow(self, used: str, given: Mapping[str, Value], context: GithubContext, within: tuple[str, ...]) -> None:
        """Add the steps of a composite action of the repository, which cannot use configuration variables."""
        folder = folder_of(used)
        action = self._actions.get(folder) if folder is not None else None
        if action is None or len(within) >= _DEEPEST:
            self._unread[used.removeprefix("./")] = None
        elif action.steps is not None:
            inner = msgspec.structs.replace(context, inputs=action.given(given), are_given=True, variables={})
            self._add_steps(action.steps, inner, (*within, folder or "."))

    def _sign_in(self, action: Action, given: Mapping[str, Value], within: tuple[str, ...]) -> None:
        """Add an action that signs in. An input that is known to be empty counts as missing."""
        given = {name: value for name, value in given.items() if not value.is_whole or any(value.texts)}
        by_key = [(name, kind) for name, kind in action.keys.items() if name in given]
        for name, kind in by_key:
            self.keys.setdefault(given[name].written, Key(system=action.system, kind=kind, value=given[name]))
        lacks = any(name not in given or not _may_be(given[name], text) for name, text in action.only.items())
        # With a stored key, or the identity of an earlier step, it assumes the role with that instead of a token.
        if by_key or lacks or any(name in given and _is(given[name], text) for name, text in action.unless.items()):
            return
        self.systems.add(action.system)
        role = next((one for one in action.roles if one in given), None)
        if role is not None:
            at = ": ".join((self.at, *within[-1:], role))
            self.roles.append(GithubRole(at=at, system=action.system, input=role, value=given[role], given=given))

    def _role(self, taken: Taken) -> GithubRole:
        at = f"{self.at}: {taken.by}"
        return GithubRole(at=at, system=taken.system, input=taken.input, value=taken.value, given=taken.given)

    def _keys_in(self, given: Mapping[str, Any], context: GithubContext) -> None:
        """Add the keys among variables, or among inputs of an action that is not in the table."""
        for name, value in given.items():
            variable = _tables().variables.get(_as_variable(str(name)))
            if variable is not None and value not in (None, ""):
                found = context.value(value)
                if found.is_secret or found.texts:
                    key = Key(system=variable.system, kind=variable.kind, value=found)
                    self.keys.setdefault(found.written, key)


def _values_of(given: Any, context: GithubContext) -> dict[str, Value]:
    """The inputs of a step or job, by name in lower case."""
    return {str(name).lower(): context.value("" if value is None else value) for name, value in mapping(given).items()}


def _as_variable(name: str) -> str:
    return name.upper().replace("-", "_")


def _may_be(value: Value, text: str) -> bool:
    return not value.is_whole or text in (one.lower() for one in value.texts)


def _is(value: Value, text: str) -> bool:
    return value.is_whole and {one.lower() for one in value.texts} == {text}


def _events(on: Any) -> dict[str, dict[str, Any]]:
    """The events that trigger a workflow, from a string, a list or a mapping."""
    if isinstance(on, str):
        return {on: {}} if on else {}
    if isinstance(on, list):
        return {one: {} for one in on if isinstance(one, str)}
    return {str(name): mapping(filters) for name, filters in mapping(on).items()}

"""Sign-ins in the scripts of a job that are written literally, and whether a script requests a token. Pure.

Nothing is run. Commands are parsed with their options. A variable is resolved if the workflow's ``env`` has it, or if
the script sets it once. Other ways to request a token are only reported.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import cache
from typing import Any

import msgspec
from msgspec import Struct

from connectors.github.workflows.values import GithubContext, Value
from scanner.catalog import read_table

_CONTINUED = re.compile(r"[\\`]\r?\n")
_COMMENT = re.compile(r"^[ \t]*#.*$", re.MULTILINE)
_COMMAND = re.compile(r"(?<![\w./$-])(aws|az|gcloud|vault)[ \t]+")
_WORD = re.compile(
    r"""(?:\$\{\{.*?\}\}|\$\{[^{}]*\}|\$\([^()]*\)|'[^']*'|"(?:\\.|[^"\\])*"|\\.|[^\s'"\\;|&()<>`$]|\$)+"""
)
_SET = re.compile(r"""(?<![\w$.-])([A-Za-z_]\w*)=("[^"\n]*"|'[^'\n]*'|[^\s"'`;|&<>()]*)""")
_VARIABLE = re.compile(r"\$\{([A-Za-z_]\w*)\}|\$(?:env:)?([A-Za-z_]\w*)")
_NAMED = re.compile(r"([a-z_]+)=(.*)", re.DOTALL)
_UNSTABLE = ("alpha", "beta")
_SUBSTITUTED = "(`"
"""What a command within another one follows."""
_LONGEST = 4_000
"""The most characters of a command that are read."""


class Command(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A command that signs in, from ``sign_in.toml``. Without ``roles``, it uses what was prepared before."""

    words: tuple[str, ...]
    system: str
    marker: str = ""
    needs: tuple[str, ...] = ()
    roles: Mapping[str, tuple[str, ...]] = {}
    given: Mapping[str, tuple[str, ...]] = {}
    variables: Mapping[str, str] = {}
    path: str | None = None


class Environment(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Environment variables that programs sign in with, from ``sign_in.toml``."""

    system: str
    input: str
    role: str
    needs: str
    given: Mapping[str, str] = {}


class _ScriptTables(Struct, frozen=True):
    commands: tuple[Command, ...]
    environments: tuple[Environment, ...]
    requests: tuple[str, ...]
    exchanges: tuple[str, ...]


@cache
def _tables() -> _ScriptTables:
    return read_table("connectors.github.workflows", "sign_in.toml", _ScriptTables)


@cache
def _worth_reading() -> re.Pattern[str]:
    """Matches the texts that any script with a sign-in contains."""
    tables = _tables()
    begun = (one.marker or " ".join(one.words[:2]) for one in tables.commands)
    return re.compile("|".join(map(re.escape, (*begun, *tables.requests, *tables.exchanges, *sorted(_of_interest())))))


@cache
def _counted() -> re.Pattern[str]:
    """Matches the texts that occur once in each sign-in."""
    tables = _tables()
    markers = {one.marker for one in tables.commands if one.marker}
    return re.compile("|".join(map(re.escape, (*sorted(markers), *tables.exchanges))))


@cache
def _of_interest() -> frozenset[str]:
    environments = _tables().environments
    return frozenset(name for one in environments for name in (one.role, one.needs, *one.given.values()))


class Taken(Struct, frozen=True, kw_only=True):
    """An identity that a script signs in as. ``by``: the option or variable; ``given``: the other options."""

    by: str
    system: str
    input: str
    value: Value
    given: Mapping[str, Value]


class Scripts:
    """The scripts of one job, with their environment variables."""

    def __init__(self) -> None:
        self.taken: list[Taken] = []
        self._asks = self._requests = False
        self._prepared: set[str] = set()
        self._variables: defaultdict[str, dict[Value, None]] = defaultdict(dict)

    def add_variables(self, given: Mapping[str, Any], context: GithubContext) -> None:
        """Add the environment variables of a step or job."""
        for name in _of_interest() & given.keys():
            if given[name] not in (None, ""):
                self._variables[name][context.value(given[name])] = None

    def add(self, script: str, context: GithubContext) -> None:
        """Add a script."""
        if _worth_reading().search(script) is None:
            return
        text = _CONTINUED.sub(" ", _COMMENT.sub("", script))  # a backslash in a comment continues nothing
        set_here = _set_in(text)
        names = _Names(context, set_here)
        for name in _of_interest() & set_here.keys():
            for word in set_here[name]:
                self._variables[name][names.value(word)] = None
        self._requests |= any(one in text for one in _tables().requests)
        understood = 0
        for command, options in _commands(text):
            taken = [*_taken(command, options, names)]
            self.taken += taken
            understood += bool(command.marker)
            self._asks |= bool(command.roles) and not taken
            if not command.roles:
                self._prepared.add(command.system)
        self._asks |= understood < len(_counted().findall(text))

    def by_variables(self) -> Iterator[Taken]:
        """Yield the identities that environment variables alone select, after everything was added."""
        for one in _tables().environments:
            if any(map(_is_on, self._variables.get(one.needs, ()))):
                given = {
                    name: next(iter(self._variables[of])) for name, of in one.given.items() if of in self._variables
                }
                for value in self._variables.get(one.role, ()):
                    yield Taken(by=one.role, system=one.system, input=one.input, value=value, given=given)

    def asks_otherwise(self, taken: Sequence[Taken], systems: AbstractSet[str]) -> bool:
        """Whether a script requests a token for an unknown sign-in.

        ``taken``: the identities that scripts sign in as; ``systems``: those that the job is known to sign in to.
        """
        return self._asks or (self._requests and not taken) or not self._prepared <= systems


def _is_on(value: Value) -> bool:
    return not value.is_whole or any(text.lower() not in ("", "0", "false") for text in value.texts)


class _Names:
    """Resolves words of a script: variables from ``env``, or those that the script sets once."""

    def __init__(self, context: GithubContext, set_here: Mapping[str, Sequence[str]]) -> None:
        known = {name: value for name, value in context.env.items() if name not in set_here}
        once = {name: words[0] for name, words in set_here.items() if len(words) == 1 and name not in context.env}
        known |= {name: _expression(word) for name, word in once.items() if "$(" not in word}
        self._context = msgspec.structs.replace(context, env=known)

    def value(self, word: str) -> Value:
        """The value of a word."""
        if "$(" in word:
            return Value(word, is_whole=False)
        found = self._context.value(_expression(word))
        return found if found.is_whole else Value(_unquoted(word), found.texts, is_whole=False)

    def variable(self, name: str) -> Value | None:
        """The value of a variable; None if it is not set."""
        return self.value(f"${name}") if name in self._context.env else None


def _set_in(text: str) -> dict[str, list[str]]:
    """The variables that a script sets, each with its distinct values; an assignment of itself does not count."""
    found: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for name, word in _SET.findall(text):
        if _unquoted(word) not in (f"${name}", f"${{{name}}}"):
            found[name][word] = None
    return {name: list(words) for name, words in found.items()}


def _unquoted(word: str) -> str:
    return re.sub(r"""\\(.)|["']""", lambda found: found[1] or "", word)


def _expression(word: str) -> str:
    """A word with the shell's variables as GitHub's expressions; single quotes prevent expansion."""
    if word.startswith("'"):
        return _unquoted(word)
    return _VARIABLE.sub(lambda found: f"${{{{ env.{found[1] or found[2]} }}}}", _unquoted(word))


def _commands(text: str) -> Iterator[tuple[Command, Mapping[str, str]]]:
    """Yield the commands that sign in, each with its options, and its positional arguments by number.

    The name of a program among the words of a command of its own is a word, so that each word is read once.
    """
    read_to: dict[str, int] = {}
    for start in _COMMAND.finditer(text):
        if start.start() < read_to.get(start[1], 0) and text[start.start() - 1] not in _SUBSTITUTED:
            continue
        written = list(_words(text[start.end() : start.end() + _LONGEST]))
        read_to[start[1]] = start.end() + sum(map(len, written))
        words, options = _options(iter(written))
        words = [start[1], *(one for one in words if one not in _UNSTABLE)]
        for command in _tables().commands:
            own = len(command.words)
            rest = words[own:]
            if tuple(words[:own]) == command.words and all(one in options for one in command.needs):
                if command.path is not None:
                    found = re.fullmatch(command.path, rest[0]) if rest else None
                    if found is None:
                        continue
                    options |= found.groupdict()
                yield command, options | {str(number): one for number, one in enumerate(rest, start=1)}
                break


def _words(text: str) -> Iterator[str]:
    """Yield the words of a command up to its end."""
    at = 0
    while (found := _WORD.match(text, at)) is not None:
        yield found[0]
        at = found.end()
        while text[at : at + 1] in (" ", "\t") and at < len(text):
            at += 1


def _options(words: Iterator[str]) -> tuple[list[str], dict[str, str]]:
    """The positional arguments, and the options by name, including those written as ``name=value``."""
    plain: list[str] = []
    options: dict[str, str] = {}
    waiting: str | None = None
    for word in words:
        if word.startswith("-"):
            name, sign, value = word.partition("=")
            options[name] = value
            waiting = None if sign else name
        elif waiting is not None:
            options[waiting], waiting = word, None
        elif named := _NAMED.fullmatch(word):
            options[named[1]] = named[2]
        else:
            plain.append(_unquoted(word))
    return plain, options


def _taken(command: Command, options: Mapping[str, str], names: _Names) -> Iterator[Taken]:
    said = {
        name: names.value(options[option])
        for name, spelled in command.given.items()
        for option in spelled
        if options.get(option)
    }
    by_variable = {name: names.variable(of) for name, of in command.variables.items()}
    given = {name: value for name, value in by_variable.items() if value is not None} | said
    for name, spelled in command.roles.items():
        for option in spelled:
            if word := options.get(option):
                yield Taken(by=option, system=command.system, input=name, value=names.value(word), given=given)
                return

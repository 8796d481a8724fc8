"""``[[tickets]]``: where findings become tickets, with a type for each system."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeAlias

from msgspec import Struct, field

from connectors.core.address import check_url
from scanner.model import Severity
from scanner.notify.settings import LONGEST_TIMEOUT, Kinds, read_named
from scanner.redaction.redact import SecretRef
from scanner.strict import Document

MOST_LINES = 100
"""Findings in one ticket: a description of Jira takes 32,767 characters."""
_OURS = {
    "jira": frozenset({"project", "issuetype", "summary", "description", "labels", "assignee"}),
    "servicenow": frozenset(
        {"short_description", "description", "correlation_id", "correlation_display", "work_notes", "assigned_to"}
    ),
}
"""Fields that Muster fills in itself."""

Fields: TypeAlias = Mapping[str, Any]


class _Target(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of all types.

    ``name``: a part of the marker by which a ticket is found. ``per``: one ticket per owner, or per identity.
    ``rules``, ``teams``: only findings of these rules, and of owners in these teams, if any are named.
    ``max_findings``: listed in a ticket. ``max_new``: tickets that one run opens. ``report_url``: the address of the
    report.
    """

    type: ClassVar[str]

    name: str = ""
    token: SecretRef
    per: Literal["owner", "identity"] = "owner"
    min_severity: Severity = "high"
    rules: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    max_findings: int = 20
    max_new: int = 50
    report_url: str | None = None
    public_url: str | None = None
    timeout: float = 10
    insecure_http: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.max_findings <= MOST_LINES:
            raise ValueError(f"max_findings is a number from 1 to {MOST_LINES}")
        if self.max_new < 0:
            raise ValueError("max_new is a number, 0 or more")
        if not 0 < self.timeout <= LONGEST_TIMEOUT:
            raise ValueError(f"timeout is a number of seconds, at most {LONGEST_TIMEOUT}")
        if self.report_url is not None:
            check_url(self.report_url, insecure_http=True, query=True)
        if self.public_url is not None:
            check_url(self.public_url, insecure_http=True)


def _check_labels(labels: Sequence[str], longest: int) -> None:
    if not labels:
        raise ValueError("labels is empty: the first label is what tickets are listed by")
    for label in labels:
        if not re.fullmatch(rf"[A-Za-z0-9][A-Za-z0-9_.:/-]{{0,{longest - 1}}}", label):
            raise ValueError(f"the label {label!r} is not made of letters, digits and _ . : / - without blanks")


class GitHubTarget(_Target, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Issues of one repository. ``by_severity``: further labels by the highest severity in a ticket.

    ``allow_public``: open tickets although everyone can read the repository.
    """

    type: ClassVar[str] = "github"

    repository: str
    url: str = "https://api.github.com"
    labels: tuple[str, ...] = ("muster",)
    by_severity: Mapping[Severity, tuple[str, ...]] = {}
    allow_public: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        check_url(self.url, insecure_http=self.insecure_http)
        if not re.fullmatch(r"[A-Za-z0-9-]+/(?!\.{1,2}$)[A-Za-z0-9_.-]+", self.repository):
            raise ValueError(f"repository {self.repository!r} is not written as owner/name")
        _check_labels((*self.labels, *(label for labels in self.by_severity.values() for label in labels)), 50)


class _FieldTarget(_Target, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A system whose tickets have fields. ``user``: of the ``token``; without it, the token is a bearer token.

    ``fields``: set in each new ticket; ``by_severity``: further fields by its highest severity. ``closed``: set when a
    ticket is closed.
    """

    url: str
    user: str | None = None
    fields: Fields = {}
    by_severity: Mapping[Severity, Fields] = {}
    closed: Fields = {}

    def __post_init__(self) -> None:
        super().__post_init__()
        check_url(self.url, insecure_http=self.insecure_http)
        if self.user is not None and (":" in self.user or not self.user.isprintable()):
            raise ValueError("user is a name without a colon")
        for fields in (self.fields, self.closed, *self.by_severity.values()):
            if taken := sorted(_OURS[self.type] & fields.keys()):
                raise ValueError(f"the field {taken[0]} is filled in by Muster")


class JiraTarget(_FieldTarget, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Issues of one project of Jira Cloud."""

    type: ClassVar[str] = "jira"

    project: str
    issue_type: str = "Task"
    labels: tuple[str, ...] = ("muster",)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not re.fullmatch(r"[A-Z][A-Z0-9_]{0,254}", self.project):
            raise ValueError(f"project {self.project!r} is not the key of a project, such as SEC")
        _check_labels(self.labels, 255)


_RESOLVED = {"state": "6", "close_code": "Solution provided", "close_notes": "Done, by a scan of Muster."}
_IN_PROGRESS = {"state": "2"}
"""States of an incident."""


class ServiceNowTarget(_FieldTarget, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Records of one table of ServiceNow that extends ``task``. ``done``: values of ``state`` that mean closed."""

    type: ClassVar[str] = "servicenow"

    table: str = "incident"
    closed: Fields = field(default_factory=lambda: _RESOLVED)
    reopened: Fields = field(default_factory=lambda: _IN_PROGRESS)
    done: tuple[str, ...] = ("6", "7", "8")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,79}", self.table):
            raise ValueError(f"table {self.table!r} is not the name of a table, such as incident")


Target: TypeAlias = GitHubTarget | JiraTarget | ServiceNowTarget
_TYPES: Mapping[str, type[Target]] = {kind.type: kind for kind in (GitHubTarget, JiraTarget, ServiceNowTarget)}


_TARGETS: Kinds[Target] = Kinds("tickets", _TYPES, "type says where tickets are opened")


def read_targets(
    tables: Sequence[Mapping[str, Any]], document: Document, base: Path, taken: Sequence[str]
) -> tuple[Target, ...]:
    """The ticket systems of the config. ``taken``: names of channels. Raises ConfigError with line and key."""
    return read_named(_TARGETS, tables, document, base, taken)

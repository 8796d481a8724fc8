"""The columns of the registry and of the roster, and the headings that people use for them.

A heading is listed only if it is unambiguous in such a list; others (``service``, ``role``, ``category``) need the
user's own ``columns``. Case, blanks, hyphens and punctuation are ignored.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from msgspec.structs import replace

from scanner.registry.tables.headings import Columns, Placement, normal

ACCOUNT = "account"
"""A separate heading: an identity, or, beside other ids, the cloud account of the identity."""

STAGE = "stage"
"""A separate heading: the lifecycle status, or the environment, depending on its cells."""

NAMING = frozenset({"identities", ACCOUNT, "name"})
"""The columns that name an identity; a registry needs at least one."""

OWNERS = ("owner", "technical_owner", "backup_owner")
LISTS = ("identities", ACCOUNT, *OWNERS, "systems", "permissions", "credentials", "high_consequence")
"""The registry's columns that contain lists."""
SEVERAL = ("status", "expires")
"""Columns with a single value for which a list can have several headings; the value closest to the end of life wins."""
DAYS = ("approved_on", "last_reviewed", "next_review", "expires", "created")
PLACED = NAMING | {"provider", "scope"}
"""The columns that say which identities an entry means: without one of them it could mean others, too."""

REGISTRY = Columns(
    {
        "id": ("entry id", "registry id", "record id", "nhi id", "inventory id", "asset id", "reference", "ref"),
        "name": (
            "title", "display name", "app", "app name", "application", "application name", "service name",
            "agent name", "bot name", "integration name", "nhi name", "identity name",
        ),
        "kind": ("type", "identity type", "account type", "nhi type", "entry type"),
        "purpose": (
            "description", "use case", "what it does", "justification", "business justification", "business purpose",
            "function", "reason", "what it is for", "what is it for", "what does it do",
        ),
        "identities": (
            "identity", "key", "arn", "arns", "iam arn", "role arn", "user arn", "resource arn", "arn or name",
            "service account arn", "accounts",
            "account name", "service account", "service accounts", "service account name", "service account email",
            "sa", "sa email", "machine account", "bot", "bot account", "bot user", "principal", "principals",
            "principal id", "principal name", "service principal", "service principals", "service principal id",
            "managed identity", "managed identities", "user name", "user names", "login", "login name",
            "iam user", "iam users", "iam role", "iam roles", "iam principal", "role name", "client id", "client ids",
            "application id", "app id", "object id", "unique id", "unique ids", "access key id", "access key ids",
            "alias", "aliases", "nhi", "non human identity", "non human identities",
        ),
        ACCOUNT: (),
        "provider": ("cloud", "cloud provider", "csp", "platform"),
        "scope": (
            "account id", "account number", "aws account id", "subscription id", "project id", "gcp project id",
            "tenant id",
        ),
        "owner": (
            "owners", "owner email", "owner name", "owner mail", "owned by", "primary owner", "accountable",
            "accountable owner", "accountable person", "responsible", "responsible person", "responsible owner",
            "business owner", "business owner email", "product owner", "service owner", "service owner email",
            "app owner", "application owner",
        ),
        "technical_owner": (
            "tech owner", "technical owners", "technical contact", "tech contact", "technical lead", "tech lead",
            "technical owner email", "it owner", "maintainer", "maintainers", "maintained by",
        ),
        "backup_owner": (
            "backup", "backup owners", "backup owner email", "backup contact", "deputy", "deputy owner", "secondary",
            "secondary owner", "secondary contact", "second owner", "alternate", "alternate owner", "delegate",
        ),
        "team": (
            "owner team", "owning team", "owner group", "team name", "squad", "department", "business unit",
            "org unit", "organisational unit", "organizational unit",
        ),
        "built_by": ("builder", "created by", "creator", "author", "developer", "developed by"),
        "status": (
            "state", "entry status", "registry status", "lifecycle", "lifecycle status", "lifecycle state",
            "install status", "installation status", "operational status", "account status", "record status",
            "approval status", "ci status", "life cycle stage status", "active", "is active",
            "enabled", "in use", "disabled", "inactive", "decommissioned", "retired", "deleted", "locked", "suspended",
        ),
        STAGE: ("lifecycle stage",),
        "environment": ("env", "environments"),
        "systems": ("system", "target system", "target systems", "connected systems", "system access"),
        "permissions": (
            "permission", "access", "access level", "access rights", "entitlements", "privileges", "rights", "actions",
            "allowed actions",
        ),
        "credentials": (
            "credential", "credential type", "credential types", "auth", "auth method", "auth type", "authentication",
            "authentication method", "authentication type", "key id", "key ids",
        ),
        "max_credential_age": (
            "max credential age days", "credential max age", "max key age", "max age", "max age days", "rotation",
            "rotation days", "rotation period", "rotation interval", "rotation frequency",
        ),
        "blast_radius": ("worst case", "worst case impact", "impact"),
        "high_consequence": (
            "high consequence actions", "high risk actions", "critical actions", "irreversible actions",
            "dangerous actions",
        ),
        "human_in_the_loop": (
            "hitl", "human oversight", "human approval", "human review", "approval required", "requires approval",
        ),
        "baseline": ("expected behaviour", "expected behavior", "normal behaviour", "normal behavior"),
        "approved_by": ("approver", "authorised by", "authorized by", "signed off by"),
        "approved_on": ("approved at", "approved date", "approval date", "date approved", "signed off on"),
        "last_reviewed": (
            "last review", "last review date", "last reviewed on", "reviewed", "reviewed on", "reviewed at",
            "last attested", "last attestation", "last certified", "last recertified",
        ),
        "reviewed_by": ("reviewer", "last reviewer", "attested by", "certified by", "recertified by"),
        "next_review": (
            "next review date", "next review due", "review due", "review due date", "review by", "due for review",
            "next attestation", "recertification due",
        ),
        "expires": (
            "expiry", "expiry date", "expiration", "expiration date", "expires on", "expires at", "valid until",
            "valid to", "end date", "end of life", "eol", "sunset date", "decommission date",
            "decommissioned on", "decommissioned at", "decommissioned date", "date decommissioned", "retired on",
            "retirement date", "date retired", "disabled on", "deactivated on",
        ),
        "created": (
            "created on", "created at", "created date", "creation date", "date created", "registered on",
            "registration date", "date registered", "added on", "date added",
        ),
    },
    lists=LISTS,
    several=SEVERAL,
    fallbacks={
        # Beside an owner, these are contacts without accountability.
        "owner": ("contact", "contact email", "contact person", "point of contact", "poc"),
        # Beside an id, these are its display name.
        "scope": (
            "aws account", "azure subscription", "subscription", "gcp project", "project", "tenant", "namespace",
            "cluster",
        ),
    },
)  # fmt: skip


class Exports(Columns):
    """Columns for which exports have several headings; the first of those in ``preferred`` counts."""

    def __init__(
        self,
        synonyms: Mapping[str, Sequence[str]],
        *,
        preferred: Mapping[str, Sequence[str]],
        lists: Collection[str] = (),
        given: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(synonyms, lists=lists, given=given)
        self._preferred = preferred

    def explained(self, given: Mapping[str, str]) -> Exports:
        """Return these columns with the user's own headings."""
        return Exports(self._synonyms, preferred=self._preferred, lists=self._lists, given=given)

    def _place(self, headings: tuple[str, ...]) -> Placement:
        placement = super()._place(headings)
        columns, passed_over = dict(placement.columns), []
        for column in {column for column, _, _ in placement.clashes}:
            order = [normal(heading) for heading in self._preferred.get(column, ())]
            ranks = {at: _rank(order, headings[at]) for at in placement.columns[column]}
            best = min(ranks.values())
            columns[column] = tuple(at for at, rank in ranks.items() if rank == best)
            passed_over += [at for at, rank in ranks.items() if rank > best]
        return replace(
            placement,
            columns=columns,
            unknown=tuple(sorted((*placement.unknown, *passed_over))),
            clashes=tuple(clash for clash in placement.clashes if len(columns[clash[0]]) > 1),
        )


def _rank(order: Sequence[str], heading: str) -> int:
    """Return the position in the order; headings that are not in it come last."""
    return order.index(normal(heading)) if normal(heading) in order else len(order)


# Headings of BambooHR, Workday, Personio, HiBob, Google Workspace, Entra and Okta, among others. Left out as ambiguous:
# "Employee", which with a "#" after it is BambooHR's number.
PEOPLE = Exports(
    {
        "email": (
            "mail", "email address", "mail address", "work email", "work email address", "email work", "primary email",
            "primary work email", "company email", "business email", "email address required",
        ),
        "id": (
            "employee id", "employee number", "employee no", "employee nr", "emp id", "staff id", "staff number",
            "personnel number", "person id", "people id", "worker id", "user id", "hr id", "object id",
        ),
        "name": ("full name", "display name", "employee name", "person", "worker"),
        "first_name": (
            "given name", "forename", "first name required", "preferred first name", "legal first name",
        ),
        "last_name": (
            "surname", "family name", "last name required", "preferred last name", "legal last name",
        ),
        "status": (
            "employee status", "worker status", "user status", "account status", "status read only", "active",
            "is active", "enabled", "account enabled", "lifecycle status", "employment status", "state",
        ),
        "left_on": (
            "left", "leaving date", "leaving on", "leave date", "leaves on", "date left", "date of leaving",
            "termination date", "terminated on", "last day", "last working day", "last day of work", "end date",
            "employment end date", "contract end", "contract end date", "exit date", "departure date",
            "offboarded on", "offboarding date",
        ),
        "manager": (
            "manager email", "line manager", "line manager email", "reports to", "reports to email", "reporting to",
            "supervisor", "supervisor email", "reporting manager",
        ),
        "team": (
            "team name", "department", "dept", "division", "squad", "business unit", "org unit", "organisational unit",
            "organizational unit",
        ),
        "aliases": (
            "alias", "user name", "user names", "login", "logins", "login name", "upn",
            "user principal name", "account", "accounts", "other emails", "secondary email", "second email",
            "alternate email address", "email aliases", "former emails", "github", "github username",
        ),
        "members": ("member", "group members", "team members"),
    },
    lists={"aliases", "members"},
    preferred={
        "id": ("id", "employee id", "employee number", "worker id", "object id"),
        "name": ("full name", "name", "display name", "worker"),
        "first_name": ("preferred first name", "first name", "legal first name"),
        "last_name": ("preferred last name", "last name", "legal last name"),
        # A login status says less than an employment status; "state" is often part of an address.
        "status": (
            "status", "employee status", "worker status", "lifecycle status", "user status", "account status",
            "account enabled", "active", "enabled", "employment status", "state",
        ),
        "left_on": ("termination date", "last day", "last working day", "end date", "contract end date"),
        "manager": ("manager email", "line manager email", "reports to email", "supervisor email", "manager"),
        "team": ("team", "team name", "department", "division", "business unit"),
    },
)  # fmt: skip

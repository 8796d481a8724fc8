"""Each rule as a table: when it fires, when it stays silent, and on which day."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from scanner.model import (
    AgentExposure,
    AgentVerdict,
    Assessment,
    Assignment,
    EntryAssessment,
    EntryState,
    Exemption,
    Finding,
    Grant,
    LookAlike,
    MatchCandidate,
    NatureVerdict,
    OrphanReason,
    OwnershipVerdict,
    Policy,
    Privilege,
    PrivilegeLevel,
    RegistryVerdict,
    Said,
    Signal,
    StoredSecret,
    TokenSubject,
    Trust,
    UsageVerdict,
)
from scanner.model.activity import Activity
from scanner.model.agents import Audience, ExposureKind, Reached
from scanner.rules import reviews
from scanner.rules.base import ActivityRule, PlanCredentialRule, PlanRule, Rule, RuleContext, SharedChangeRule
from scanner.rules.catalog import RULES
from scanner.rules.evaluation import JudgedSnapshot, evaluate
from tests.factories import NOW, days_ago, make_assessment, make_assignment, make_credential, make_entry, make_identity

ELSEWHERE = (ActivityRule, PlanCredentialRule, PlanRule, SharedChangeRule)
"""Kinds of rules with tables of their own: in test_activity.py, and in tests/scanner/lifecycle/gate."""
TODAY = NOW.date()
REGISTERED = RegistryVerdict(state="registered", entry="NHI-1", rung="key")
PROPOSED = RegistryVerdict(state="unregistered", proposed="NHI-1", evidence="name svc-billing = registry.csv:2")
LOOK_ALIKE = RegistryVerdict(
    state="unregistered", look_alike=LookAlike(entry="NHI-1", name="svc-billing", evidence="differs in its spaces")
)
EXEMPT = RegistryVerdict(state="exempt", evidence="managed by AWS")
UNCHECKED = RegistryVerdict(state="unchecked")
OWNED = OwnershipVerdict(state="owned", owner="ada@example.com")
HUMAN = NatureVerdict(verdict="human")


def roastable(*, password: dict[str, Any] | None = None, verdicts: Any = None, **attributes: Any) -> Assessment:
    """An account of a directory with a password of 400 days, and a service name unless another is given."""
    given = {"kind": "password", "created_at": days_ago(400), **(password or {})}
    names = {"service_principal_names": ["MSSQLSvc/db1:1433"], **attributes}
    return holding(**given, identity={"attributes": names}, verdicts=verdicts)


def orphaned(reason: OrphanReason, **facts: Any) -> OwnershipVerdict:
    """An orphan for this reason."""
    return OwnershipVerdict(state="orphaned", reason=reason, **facts)


def declared(name: str = "svc-billing", /, *, verdicts: dict[str, Any] | None = None, **facts: Any) -> Assessment:
    """A registered, owned identity on which no rule fires by itself."""
    identity = make_identity(name, **facts)
    return make_assessment(identity, **{"registry": REGISTERED, "ownership": OWNED, **(verdicts or {})})


def undeclared(**facts: Any) -> Assessment:
    """An unregistered identity."""
    return make_assessment(make_identity(**facts))


def with_verdicts(**verdicts: Any) -> Assessment:
    """A registered, owned identity but for these verdicts."""
    return declared(verdicts=verdicts)


def holding(
    *, identity: dict[str, Any] | None = None, verdicts: dict[str, Any] | None = None, **facts: Any
) -> Assessment:
    """A registered, owned identity with one credential of these facts, used lately and young unless said otherwise."""
    recent = {"created_at": days_ago(10), "last_used_at": days_ago(1)}
    return declared(credentials=(make_credential(**{**recent, **facts}),), verdicts=verdicts, **(identity or {}))


def ending(days: int) -> Assessment:
    """An identity with a certificate that was made 400 days ago to live so long."""
    made = days_ago(400)
    return holding(kind="certificate", created_at=made, expires_at=made + timedelta(days=days))


def expired(**facts: Any) -> Assessment:
    """An identity with a client secret, made 400 days ago, that ended yesterday."""
    usual = {"kind": "client_secret", "created_at": days_ago(400), "expires_at": days_ago(1), "enabled": True}
    return holding(**{**usual, **facts})


def keys(*enabled: bool | None, **facts: Any) -> Assessment:
    """An identity with so many young access keys, enabled or not."""
    credentials = tuple(
        make_credential("svc-billing", f"AKIA{number}", enabled=state, created_at=days_ago(10), last_used_at=NOW)
        for number, state in enumerate(enabled)
    )
    return declared(credentials=credentials, **facts)


def usage(state: Any, **facts: Any) -> UsageVerdict:
    """A usage verdict over 90 days."""
    return UsageVerdict(state=state, window_days=90, evidence="not used since 2026-01-05", **facts)


def level(name: PrivilegeLevel) -> Privilege:
    """A privilege with evidence."""
    return Privilege(level=name, evidence=("* on * through policy ops",))


OTHERS = Privilege(level="high", evidence=("can make app an admin: iam:PutRolePolicy",), makes_admin=("app",))
"""It controls the holder of a method, but none of the targets."""
BREAK_GLASS = RegistryVerdict(state="registered", entry="NHI-1", break_glass=True)
OFF = make_identity(enabled=False)


def at(privilege: PrivilegeLevel, use: Any) -> Assessment:
    """An unregistered identity of this privilege and use."""
    return make_assessment(privilege=level(privilege), usage=usage(use))


def leaked(privilege: PrivilegeLevel, **facts: Any) -> Assessment:
    """An unregistered identity with a key that its provider found in public."""
    credential = make_credential(attributes={"exposed": "found in public"}, **facts)
    return make_assessment(make_identity(credentials=(credential,)), privilege=level(privilege))


def own(left_on: Any = None, used: Any = None, *, nature: Any = "human", **facts: Any) -> Assessment:
    """The own account of a person who left on that day, last used at that time."""
    verdict = NatureVerdict(verdict=nature, person="ada@example.com", has_left=left_on is not None, left_on=left_on)
    used_at = UsageVerdict(state="active", last_used_at=used, window_days=90, evidence="x")
    return make_assessment(make_identity(**facts), nature=verdict, usage=used_at, registry=EXEMPT)


def trusted(*trusts: Trust, **facts: Any) -> Assessment:
    """A role that these may become."""
    return declared(trusts=trusts, **facts)


def trust(kind: Any, restriction: Any = "none", **facts: Any) -> Trust:
    """A trust as a policy states it."""
    return Trust(kind=kind, principal="them", restriction=restriction, evidence="trust policy", **facts)


PROXY = {"right": "get nodes/proxy", "by": "ClusterRole/metrics", "instead": "get on nodes/metrics"}

SHARED = {"subject": "shop:web of shop.svc.id.goog", "identities": ["kubernetes://a/web", "kubernetes://b/web"]}


def noted(*, verdicts: dict[str, Any] | None = None, enabled: bool | None = None, managed_by: str | None = None,
          **attributes: Any) -> Assessment:  # fmt: skip
    """An account with attributes that its connector noted."""
    return declared(verdicts=verdicts, enabled=enabled, managed_by=managed_by, attributes=attributes)


def near_host(privilege: PrivilegeLevel, **facts: Any) -> Assessment:
    """An account of a workload that reaches its host."""
    attributes = {"workloads_near_host": ["pod shop/agent (privileged)"], **facts}
    return noted(verdicts={"privilege": level(privilege)}, **attributes)


CROSSING = Trust(kind="principal", principal="deploy-dev", external=False, evidence="trust policy", crosses="dev")


def entry(state: EntryState, **facts: Any) -> EntryAssessment:
    """An entry with what became of it."""
    return EntryAssessment(entry=make_entry("svc-billing", **facts), state=state)


def reviewed(days: int, **facts: Any) -> EntryAssessment:
    """An entry that was found, last reviewed so many days ago."""
    return entry("found", last_reviewed=TODAY - timedelta(days=days), **facts)


def findings(
    rule: str,
    subject: Assessment | EntryAssessment | StoredSecret | Assignment | Exemption,
    entries: tuple[EntryAssessment, ...] = (),
    policy: Policy | None = None,
) -> list[Finding]:
    """What this rule finds on this subject."""
    entries = (subject,) if isinstance(subject, EntryAssessment) else entries
    snapshot = JudgedSnapshot(
        assessments=(subject,) if isinstance(subject, Assessment) else (),
        entries=entries,
        secrets=(subject,) if isinstance(subject, StoredSecret) else (),
        assignments=(subject,) if isinstance(subject, Assignment) else (),
        exemptions=(subject,) if isinstance(subject, Exemption) else (),
    )
    context = RuleContext(policy=policy or Policy(), now=NOW, entries={one.entry.id: one for one in entries})
    return [finding for finding in evaluate(snapshot, context) if finding.rule == rule]


# (rule, what is the case, subject, severity it fires with or None where it stays silent)
IDENTITY_CASES: tuple[tuple[str, str, Assessment, str | None], ...] = (
    ("unregistered", "normal", undeclared(), "medium"),
    ("unregistered", "normal, unused", make_assessment(usage=usage("dormant")), "low"),
    ("unregistered", "normal, never used", make_assessment(usage=usage("never_used")), "low"),
    ("unregistered", "normal, use unknown", make_assessment(usage=usage("unknown")), "medium"),
    ("unregistered", "normal, leaked", leaked("normal"), "high"),
    ("unregistered", "privilege unknown", make_assessment(privilege=level("unknown")), "medium"),
    ("unregistered", "privilege unknown, unused", at("unknown", "dormant"), "low"),
    ("unregistered", "high", make_assessment(privilege=level("high")), "high"),
    ("unregistered", "high, use unknown", at("high", "unknown"), "high"),
    ("unregistered", "high, unused", at("high", "never_used"), "medium"),
    ("unregistered", "high, leaked", leaked("high"), "critical"),
    ("unregistered", "leaked key disabled", leaked("high", enabled=False), "high"),
    ("unregistered", "escalation, unused", at("escalation", "dormant"), "high"),
    ("unregistered", "admin", make_assessment(privilege=level("admin")), "critical"),
    ("unregistered", "admin, unused", at("admin", "dormant"), "critical"),
    ("unregistered", "admin, disabled", make_assessment(OFF, privilege=level("admin")), "high"),
    ("unregistered", "age unknown", undeclared(created_at=None), "medium"),
    ("unregistered", "last day of grace", undeclared(created_at=days_ago(7)), "low"),
    ("unregistered", "after grace", undeclared(created_at=days_ago(7.01)), "medium"),
    ("unregistered", "disabled, one step lower", undeclared(enabled=False), "low"),
    ("unregistered", "proposed is another rule's", with_verdicts(registry=PROPOSED), None),
    ("unregistered", "registered", with_verdicts(), None),
    ("unregistered", "exempt", with_verdicts(registry=EXEMPT), None),
    ("unregistered", "no registry", with_verdicts(registry=UNCHECKED), None),
    ("orphaned", "owner left", with_verdicts(ownership=orphaned("departed")), "high"),
    ("orphaned", "empty group", with_verdicts(ownership=orphaned("group_empty")), "high"),
    ("orphaned", "no owner", with_verdicts(ownership=orphaned("never_assigned")), "medium"),
    ("orphaned", "not on the roster", with_verdicts(ownership=orphaned("unresolvable")), "medium"),
    ("orphaned", "machine", with_verdicts(ownership=orphaned("owner_is_machine")), "medium"),
    ("orphaned", "ambiguous", with_verdicts(ownership=orphaned("ambiguous")), "medium"),
    ("runs_before_approval", "an entry is proposed", make_assessment(registry=PROPOSED), "medium"),
    ("runs_before_approval", "high", make_assessment(registry=PROPOSED, privilege=level("high")), "high"),
    ("runs_before_approval", "admin", make_assessment(registry=PROPOSED, privilege=level("admin")), "critical"),
    (
        "runs_before_approval",
        "within grace",
        make_assessment(make_identity(created_at=days_ago(2)), registry=PROPOSED),
        "low",
    ),
    ("runs_before_approval", "disabled", make_assessment(make_identity(enabled=False), registry=PROPOSED), None),
    ("runs_before_approval", "nothing is proposed", undeclared(), None),
    ("runs_before_approval", "registered", with_verdicts(), None),
    ("leaver_account_used", "after the last day, exempt", own(days_ago(9).date(), days_ago(1)), "high"),
    ("leaver_account_used", "mixed", own(days_ago(9).date(), days_ago(1), nature="mixed"), "high"),
    ("leaver_account_used", "disabled since", own(days_ago(9).date(), days_ago(1), enabled=False), "high"),
    (
        "leaver_account_used",
        "a key of it",
        own(days_ago(9).date(), days_ago(20), credentials=(make_credential(last_used_at=days_ago(1)),)),
        "high",
    ),
    ("leaver_account_used", "on the last day", own(days_ago(1).date(), days_ago(1)), None),
    ("leaver_account_used", "before it", own(days_ago(1).date(), days_ago(9)), None),
    ("leaver_account_used", "never used", own(days_ago(9).date()), None),
    ("leaver_account_used", "still here", own(None, days_ago(1)), None),
    ("leaver_account_used", "a machine called so", own(days_ago(9).date(), days_ago(1), nature="non_human"), None),
    ("lookalike", "unregistered", make_assessment(registry=LOOK_ALIKE), "high"),
    ("lookalike", "disabled keeps it", make_assessment(make_identity(enabled=False), registry=LOOK_ALIKE), "high"),
    (
        "lookalike",
        "registered by a pattern",
        with_verdicts(registry=msgspec.structs.replace(REGISTERED, look_alike=LOOK_ALIKE.look_alike)),
        "high",
    ),
    ("lookalike", "a name of its own", undeclared(), None),
    ("orphaned", "unregistered is said once", with_verdicts(ownership=orphaned("unregistered")), None),
    ("orphaned", "owned", with_verdicts(), None),
    ("orphaned", "no roster", with_verdicts(ownership=OwnershipVerdict(state="unchecked")), None),
    ("orphaned", "exempt", with_verdicts(ownership=OwnershipVerdict(state="not_applicable")), None),
    ("ambiguous_registration", "two entries", with_verdicts(registry=RegistryVerdict(state="ambiguous")), "medium"),
    ("ambiguous_registration", "one entry", with_verdicts(), None),
    (
        "self_declared",
        "tag",
        with_verdicts(registry=RegistryVerdict(state="registered", entry="NHI-1", rung="tag")),
        "medium",
    ),
    ("self_declared", "full id", with_verdicts(), None),
    (
        "self_declared",
        "tag, and the entry names it besides",
        with_verdicts(registry=RegistryVerdict(state="registered", entry="NHI-1", rung="tag", also_by="name")),
        None,
    ),
    (
        "backup_owner_only",
        "backup",
        with_verdicts(ownership=OwnershipVerdict(state="owned", owner="bo@example.com", backup_only=True)),
        "low",
    ),
    ("backup_owner_only", "owner", with_verdicts(), None),
    ("dormant", "dormant", with_verdicts(usage=usage("dormant")), "medium"),
    ("dormant", "never used", with_verdicts(usage=usage("never_used")), "medium"),
    ("dormant", "admin", with_verdicts(usage=usage("dormant"), privilege=level("admin")), "high"),
    ("dormant", "escalation", with_verdicts(usage=usage("dormant"), privilege=level("escalation")), "high"),
    ("dormant", "abandoned", with_verdicts(usage=usage("dormant"), ownership=orphaned("departed")), "high"),
    ("dormant", "for emergencies", with_verdicts(usage=usage("dormant"), registry=BREAK_GLASS), None),
    ("dormant", "active", with_verdicts(usage=usage("active")), None),
    ("dormant", "unknown", with_verdicts(usage=usage("unknown")), None),
    ("dormant", "exempt", with_verdicts(usage=usage("dormant"), registry=EXEMPT), None),
    ("dormant", "disabled", declared(enabled=False, verdicts={"usage": usage("dormant")}), None),
    ("admin", "declared and owned", with_verdicts(privilege=level("admin")), "high"),
    ("admin", "unregistered", make_assessment(privilege=level("admin")), "critical"),
    (
        "admin",
        "orphaned",
        with_verdicts(privilege=level("admin"), ownership=orphaned("departed")),
        "critical",
    ),
    ("admin", "nature unknown", with_verdicts(privilege=level("admin"), nature=NatureVerdict()), "high"),
    ("admin", "person", with_verdicts(privilege=level("admin"), nature=HUMAN), None),
    ("admin", "exempt by configuration", with_verdicts(privilege=level("admin"), registry=EXEMPT), "high"),
    ("admin", "provider-managed", declared(managed_by="AWS", verdicts={"privilege": level("admin")}), None),
    ("admin", "disabled", declared(enabled=False, verdicts={"privilege": level("admin")}), None),
    ("admin", "root", declared(kind="root", verdicts={"privilege": level("admin")}), None),
    ("admin", "escalation only", with_verdicts(privilege=level("escalation")), None),
    ("escalation", "a path", with_verdicts(privilege=level("escalation")), "high"),
    ("escalation", "admin already", with_verdicts(privilege=level("admin")), None),
    ("escalation", "high", with_verdicts(privilege=level("high")), None),
    ("escalation", "unknown", with_verdicts(privilege=level("unknown")), None),
    ("can_make_others_admin", "controls no target", with_verdicts(privilege=OTHERS), "medium"),
    (
        "can_make_others_admin",
        "can escalate",
        with_verdicts(privilege=msgspec.structs.replace(OTHERS, level="escalation")),
        None,
    ),
    ("can_make_others_admin", "high", with_verdicts(privilege=level("high")), None),
    ("escalation", "disabled", declared(enabled=False, verdicts={"privilege": level("escalation")}), None),
    ("cross_environment_trust", "dev into prod", trusted(CROSSING), "medium"),
    ("cross_environment_trust", "one environment", trusted(trust("principal")), None),
    ("cross_environment_trust", "disabled", trusted(CROSSING, enabled=False), None),
    ("cross_environment_trust", "provider-managed", trusted(CROSSING, managed_by="AWS"), None),
    ("open_trust", "anyone", trusted(trust("anyone")), "critical"),
    ("open_trust", "anyone, wildcard condition", trusted(trust("anyone", "loose")), "high"),
    ("open_trust", "anyone, exact condition", trusted(trust("anyone", "exact")), None),
    ("open_trust", "outside account", trusted(trust("account", external=True)), "high"),
    ("open_trust", "outside account, wildcard", trusted(trust("account", "loose", external=True)), "medium"),
    ("open_trust", "outside account, exact", trusted(trust("account", "exact", external=True)), None),
    ("open_trust", "own account", trusted(trust("account", external=False)), None),
    ("open_trust", "whose account is unknown", trusted(trust("account")), None),
    ("open_trust", "loose subject", trusted(trust("federated", "loose", external=True)), "high"),
    ("open_trust", "no subject of an issuer for everyone", trusted(trust("federated", external=True)), "critical"),
    ("open_trust", "no subject, issuer unknown", trusted(trust("federated")), "high"),
    ("open_trust", "own issuer", trusted(trust("federated", external=False)), None),
    ("open_trust", "exact subject", trusted(trust("federated", "exact")), None),
    ("open_trust", "deleted principal", trusted(trust("deleted")), "low"),
    ("open_trust", "the worst of several counts", trusted(trust("deleted"), trust("anyone")), "critical"),
    (
        "open_trust",
        "of several that are not grave, too",
        trusted(trust("deleted"), trust("principal", external=True)),
        "medium",
    ),
    ("open_trust", "outside principal", trusted(trust("principal", external=True)), "medium"),
    ("open_trust", "outside principal, wildcard", trusted(trust("principal", "loose", external=True)), None),
    ("open_trust", "own principal", trusted(trust("principal", external=False)), None),
    ("open_trust", "whose principal is unknown", trusted(trust("principal")), None),
    ("open_trust", "service", trusted(trust("service")), None),
    ("open_trust", "service of the account", trusted(trust("service", external=False)), None),
    ("open_trust", "service for everyone", trusted(trust("service", external=True)), "low"),
    ("open_trust", "service for everyone, exact source", trusted(trust("service", "exact", external=True)), None),
    ("open_trust", "provider-managed", trusted(trust("anyone"), managed_by="AWS"), None),
    ("open_trust", "disabled", trusted(trust("anyone"), enabled=False), None),
    (
        "person_with_keys",
        "mixed",
        with_verdicts(
            nature=NatureVerdict(
                verdict="mixed", signals=(Signal(says="human", sort="credential", evidence="console password"),)
            )
        ),
        "medium",
    ),
    ("person_with_keys", "machine", with_verdicts(), None),
    ("person_with_keys", "person", with_verdicts(nature=HUMAN), None),
    ("two_active_keys", "two", keys(True, True), "low"),
    ("two_active_keys", "unknown counts as active", keys(True, None), "low"),
    ("two_active_keys", "one disabled", keys(True, False), None),
    ("two_active_keys", "one", keys(True), None),
    (
        "two_active_keys",
        "one, and a password",
        declared(credentials=(make_credential(), make_credential("svc-billing", "p", kind="password"))),
        None,
    ),
    ("two_active_keys", "two, exempt by configuration", keys(True, True, verdicts={"registry": EXEMPT}), "low"),
    ("root_access_key", "active key", keys(True, kind="root"), "critical"),
    ("root_access_key", "even if exempt", keys(True, kind="root", verdicts={"registry": EXEMPT}), "critical"),
    ("root_access_key", "disabled key", keys(False, kind="root"), None),
    ("root_access_key", "no key", keys(kind="root"), None),
    ("root_access_key", "a user's key", keys(True), None),
)

CREDENTIAL_CASES: tuple[tuple[str, str, Assessment, str | None], ...] = (
    ("credential_too_old", "last day", holding(created_at=days_ago(90)), None),
    ("credential_too_old", "day after", holding(created_at=days_ago(90.01)), "medium"),
    ("credential_too_old", "age unknown", holding(created_at=None), None),
    ("credential_too_old", "disabled", holding(created_at=days_ago(400), enabled=False), None),
    ("credential_too_old", "expired", holding(created_at=days_ago(400), expires_at=NOW), None),
    ("credential_too_old", "ends later", holding(created_at=days_ago(400), expires_at=NOW + timedelta(1)), "medium"),
    ("credential_too_old", "enabled unknown", holding(created_at=days_ago(400), enabled=None), "medium"),
    ("credential_too_old", "secret id", holding(created_at=days_ago(400), kind="secret_id"), "medium"),
    ("credential_too_old", "certificate", holding(created_at=days_ago(400), kind="certificate"), None),
    ("credential_too_old", "federation", holding(created_at=days_ago(400), kind="federation"), None),
    (
        "credential_too_old",
        "of an admin",
        holding(created_at=days_ago(400), verdicts={"privilege": level("admin")}),
        "high",
    ),
    ("credential_too_old", "provider's own", holding(created_at=days_ago(400), identity={"managed_by": "GCP"}), None),
    ("credential_never_used", "last day", holding(created_at=days_ago(45), last_used_at=None), None),
    ("credential_never_used", "day after", holding(created_at=days_ago(45.01), last_used_at=None), "medium"),
    ("credential_never_used", "used", holding(created_at=days_ago(60)), None),
    ("credential_never_used", "age unknown", holding(created_at=None, last_used_at=None), None),
    (
        "credential_never_used",
        "use not recorded",
        holding(created_at=days_ago(60), last_used_at=None, use_tracked_days=None),
        None,
    ),
    (
        "credential_never_used",
        "older than the record of use",
        holding(created_at=days_ago(60), last_used_at=None, use_tracked_days=50),
        None,
    ),
    (
        "credential_never_used",
        "identity disabled",
        holding(created_at=days_ago(60), last_used_at=None, identity={"enabled": False}),
        None,
    ),
    (
        "credential_never_used",
        "last day when it was looked at",
        holding(created_at=days_ago(60), last_used_at=None, identity={"observed_at": days_ago(15)}),
        None,
    ),
    (
        "credential_never_used",
        "record reached back when it was looked at",
        holding(
            created_at=days_ago(100), last_used_at=None, use_tracked_days=60, identity={"observed_at": days_ago(50)}
        ),
        "medium",
    ),
    ("credential_unused", "last day", holding(last_used_at=days_ago(45)), None),
    ("credential_unused", "day after", holding(last_used_at=days_ago(45.01)), "medium"),
    (
        "credential_unused",
        "last day when it was looked at",
        holding(last_used_at=days_ago(60), identity={"observed_at": days_ago(15)}),
        None,
    ),
    ("credential_unused", "never used is another rule", holding(last_used_at=None), None),
    ("credential_unused", "use not recorded", holding(last_used_at=days_ago(60), use_tracked_days=None), None),
    ("credential_unused", "record too short", holding(last_used_at=days_ago(60), use_tracked_days=44), None),
    ("credential_unused", "record just covers it", holding(last_used_at=days_ago(60), use_tracked_days=45), "medium"),
    ("credential_unused", "a machine's password", holding(last_used_at=days_ago(60), kind="password"), "medium"),
    ("credential_unused", "person", holding(last_used_at=days_ago(60), verdicts={"nature": HUMAN}), None),
    ("credential_unused", "identity disabled", holding(last_used_at=days_ago(60), identity={"enabled": False}), None),
    ("credential_lives_too_long", "just as long", holding(expires_at=days_ago(10 - 180)), None),
    ("credential_lives_too_long", "longer", holding(expires_at=days_ago(10 - 180.01)), "low"),
    ("credential_lives_too_long", "beginning unknown", holding(created_at=None, expires_at=days_ago(-999)), None),
    ("credential_lives_too_long", "end unknown", holding(kind="certificate", expires_at=None), None),
    ("credential_lives_too_long", "expired since", ending(399), None),
    ("credential_expired", "client secret", expired(), "low"),
    *(
        ("credential_expired", kind.replace("_", " "), expired(kind=kind), "low")
        for kind in ("access_key", "password", "certificate", "api_key", "ssh_key", "service_specific")
    ),
    ("credential_expired", "not disabled as far as one knows", expired(enabled=None), "low"),
    ("credential_expired", "disabled", expired(enabled=False), None),
    ("credential_expired", "valid", expired(expires_at=days_ago(-0.01)), None),
    ("credential_expired", "end unknown", expired(expires_at=None), None),
    ("credential_expired", "token, which goes by itself", expired(kind="token"), None),
    ("credential_expired", "access that ends by itself", expired(kind="federation"), None),
    ("credential_expired", "identity disabled", expired(identity={"enabled": False}), None),
    ("credential_expired", "the provider's own", expired(identity={"managed_by": "Microsoft"}), None),
    ("credential_expired", "when it was looked at", expired(identity={"observed_at": days_ago(0.5)}), "low"),
    ("credential_expired", "since it was looked at", expired(identity={"observed_at": days_ago(1.01)}), None),
    ("credential_too_old", "expired is another rule", expired(kind="access_key"), None),
    ("credential_unused", "expired is another rule", expired(last_used_at=days_ago(60)), None),
    ("token_never_expires", "token", holding(kind="token", never_expires=True), "medium"),
    ("token_never_expires", "secret id", holding(kind="secret_id", never_expires=True), "medium"),
    ("token_never_expires", "api key", holding(kind="api_key", never_expires=True), "medium"),
    ("token_never_expires", "client secret", holding(kind="client_secret", never_expires=True), "medium"),
    ("token_never_expires", "of one service", holding(kind="service_specific", never_expires=True), "medium"),
    ("token_never_expires", "access key, by nature", holding(never_expires=True), None),
    ("token_never_expires", "end unknown", holding(kind="token"), None),
    (
        "token_never_expires",
        "of an admin",
        holding(kind="token", never_expires=True, verdicts={"privilege": level("admin")}),
        "high",
    ),
)

ENTRY_CASES: tuple[tuple[str, str, EntryAssessment, str | None], ...] = (
    ("entry_not_found", "not found", entry("not_found"), "medium"),
    ("entry_not_found", "under a gap", entry("not_evaluated"), None),
    ("entry_not_found", "found", entry("found"), None),
    ("entry_not_found", "the good end", entry("retired", status="retired"), None),
    ("entry_expiring", "first day of warning", entry("found", expires=TODAY + timedelta(30)), "low"),
    ("entry_expiring", "day before the warning", entry("found", expires=TODAY + timedelta(31)), None),
    ("entry_expiring", "last day", entry("found", expires=TODAY), "low"),
    ("entry_expiring", "expired", entry("retired", expires=TODAY - timedelta(1)), None),
    ("entry_expiring", "retired anyway", entry("retired", status="retired", expires=TODAY), None),
    ("entry_expiring", "no date", entry("found"), None),
)

MATCHED_CASES: tuple[tuple[str, str, Assessment, EntryAssessment, str | None], ...] = (
    ("retired_but_alive", "retired", declared(), entry("retired_but_alive", status="retired"), "high"),
    ("retired_but_alive", "expired", declared(), entry("retired_but_alive", expires=date(2026, 1, 1)), "high"),
    ("retired_but_alive", "enabled unknown", declared(enabled=None), entry("retired_but_alive"), "high"),
    ("retired_but_alive", "disabled", declared(enabled=False), entry("retired_but_alive"), None),
    ("retired_but_alive", "live entry", declared(), entry("found"), None),
    ("retired_but_alive", "another's entry", declared(), entry("retired_but_alive", id="NHI-2"), None),
    ("entry_not_active", "suspended", declared(), entry("suspended", status="suspended"), "medium"),
    ("entry_not_active", "switched off", declared(enabled=False), entry("suspended", status="suspended"), None),
    ("entry_not_active", "active", declared(), entry("found"), None),
    (
        "credential_too_old",
        "the entry sets a limit of its own",
        holding(created_at=days_ago(400)),
        entry("found", max_credential_age=30),
        None,
    ),
    ("review_overdue", "last day", declared(), reviewed(180), None),
    ("review_overdue", "day after", declared(), reviewed(181), "low"),
    ("review_overdue", "its own date", declared(), reviewed(1, next_review=date(2026, 11, 24)), "low"),
    ("review_overdue", "its own date is today", declared(), reviewed(1, next_review=TODAY), None),
    ("review_overdue", "the earlier counts", declared(), reviewed(181, next_review=date(2030, 1, 1)), "low"),
    ("review_overdue", "an admin sooner", with_verdicts(privilege=level("admin")), reviewed(91), "medium"),
    ("review_overdue", "an admin's last day", with_verdicts(privilege=level("admin")), reviewed(90), None),
    ("review_overdue", "no date at all", declared(), entry("found"), None),
    (
        "credential_too_old",
        "no entry's word without registration",
        holding(created_at=days_ago(400), verdicts={"registry": RegistryVerdict(state="unregistered", entry="NHI-1")}),
        entry("found", max_credential_age=730),
        "medium",
    ),
)


def secret(**facts: Any) -> StoredSecret:
    """A secret in a secrets manager."""
    return StoredSecret(key="s1", provider="aws", source="prod", scope="1", name="db/password", **facts)


def application(*, verified: object = False, external: object = True, **facts: Any) -> Assessment:
    """An application of another tenant, with a right."""
    attributes = {"publisher": {"name": "Contoso", "verified": verified}, "external": external}
    held: dict[str, Any] = {"grants": (Grant(name="Mail.Read", via="direct"),), "attributes": attributes}
    return declared(**{**held, **facts})


def agent(sponsors: object, **facts: Any) -> Assessment:
    """An agent's identity, of which the provider was asked for sponsors."""
    unanswered = {"ownership": orphaned("never_assigned"), **facts.pop("verdicts", {})}
    return declared(verdicts=unanswered, kind="agent_identity", attributes={"sponsors": sponsors}, **facts)


def exposed(
    kind: ExposureKind, reached: Reached = "secrets", opened_by: Audience = "anybody", **facts: Any
) -> Assessment:
    """An agent that is exposed in this way, with what else its verdict says."""
    found = AgentExposure(
        kind=kind,
        input="mail",
        opened_by=opened_by,
        reach="read secrets",
        reached=reached,
        cut="take mail from it",
        gate=facts.pop("gate", None),
    )
    verdict = AgentVerdict(is_agent=True, exposure="exposed", exposures=(found,))
    return declared(verdicts={"agent": verdict}, **facts)


def of_agent(**verdict: Any) -> Assessment:
    """An identity with this verdict about agents."""
    return declared(verdicts={"agent": AgentVerdict(is_agent=True, **verdict)})


ANY_TOKEN = {"actions": ["bedrock-agentcore:GetWorkloadAccessToken"], "by": ["policy P (inline) statement 1"]}


def open_gateways(*gateways: dict[str, str | None]) -> Assessment:
    """An identity that these gateways run as."""
    return noted(gateways_without_authorizer=list(gateways))


def default_account(*consumers: str, privilege: PrivilegeLevel = "normal", **attributes: Any) -> Assessment:
    """The default account, with the workloads that run as it."""
    verdicts = {"privilege": level(privilege), "consumers": consumers}
    return declared(verdicts=verdicts, attributes={"default_account": True, **attributes})


def deleted(level: PrivilegeLevel = "normal", **facts: Any) -> Assignment:
    """A right whose holder is gone."""
    return make_assignment(**{"gone": True, "privilege": Privilege(level=level), **facts})


def of_foreign(*, verified: bool = False, **facts: Any) -> Assessment:
    """An agent of a blueprint of another organisation."""
    publisher = {"name": None, "verified": verified, "tenant": "7a9c"}
    return declared(kind="agent_identity", attributes={"blueprint_publisher": publisher}, **facts)


ALL_LEFT = AgentVerdict(is_agent=True, sponsors_left=("ada@example.com",))


CLOUD_CASES: tuple[tuple[str, str, Assessment | Assignment, str | None], ...] = (
    ("exposed_credential", "found", holding(attributes={"exposed": True}), "critical"),
    ("exposed_credential", "found, and where", holding(attributes={"exposed": "in a public repository"}), "critical"),
    ("exposed_credential", "not found", holding(attributes={"exposed": False}), None),
    ("exposed_credential", "another meaning", holding(attributes={"exposed": ["port"]}), None),
    ("exposed_credential", "nothing known", holding(), None),
    ("exposed_credential", "switched off", holding(attributes={"exposed": True}, enabled=False), None),
    ("exposed_credential", "a person's", holding(attributes={"exposed": True}, verdicts={"nature": HUMAN}), "critical"),
    ("former_member_credential", "left", holding(attributes={"former_member": "ada"}), "high"),
    ("former_member_credential", "another meaning", holding(attributes={"former_member": True}), None),
    ("former_member_credential", "a member's", holding(), None),
    ("unrestricted_api_key", "opens all", holding(kind="api_key", attributes={"unrestricted": True}), "medium"),
    ("unrestricted_api_key", "limited", holding(kind="api_key", attributes={"unrestricted": False}), None),
    ("unrestricted_api_key", "nothing known", holding(kind="api_key"), None),
    ("unverified_publisher", "holds rights", application(), "medium"),
    ("unverified_publisher", "holds none", application(grants=()), None),
    (
        "unverified_publisher",
        "of unknown rights",
        application(grants=(), verdicts={"privilege": level("unknown")}),
        None,
    ),
    ("unverified_publisher", "high alone", application(grants=(), verdicts={"privilege": level("high")}), "medium"),
    ("unverified_publisher", "admin", application(verdicts={"privilege": level("admin")}), "high"),
    ("unverified_publisher", "verified", application(verified=True), None),
    ("unverified_publisher", "unknown", application(verified=None), None),
    ("unverified_publisher", "our own", application(external=None), None),
    ("unverified_publisher", "no publisher", application(attributes={"external": True}), None),
    ("unverified_publisher", "another meaning", application(attributes={"external": True, "publisher": "x"}), None),
    ("unverified_publisher", "Microsoft's own", application(managed_by="Microsoft"), None),
    ("agent_exfiltration", "secrets, by anybody", exposed("exfiltration"), "critical"),
    ("agent_exfiltration", "data, by anybody", exposed("exfiltration", "data"), "high"),
    ("agent_exfiltration", "by outsiders", exposed("exfiltration", "admin", "outsiders"), "high"),
    ("agent_exfiltration", "by insiders", exposed("exfiltration", "admin", "insiders"), "medium"),
    ("agent_exfiltration", "approved by a person", exposed("exfiltration", gate="a person approves it"), "high"),
    ("agent_exfiltration", "disabled", exposed("exfiltration", enabled=False), None),
    ("agent_exfiltration", "the other kind", exposed("takeover"), None),
    ("agent_takeover", "an admin, by anybody", exposed("takeover", "admin"), "critical"),
    ("agent_takeover", "approved by a person", exposed("takeover", "admin", gate="a person approves it"), "high"),
    ("agent_takeover", "actions", exposed("takeover", "actions"), "high"),
    ("agent_takeover", "the other kind", exposed("exfiltration"), None),
    ("agent_role_shared", "two", of_agent(runs=("a", "b")), "medium"),
    ("agent_role_shared", "one", of_agent(runs=("a",)), None),
    ("gateway_without_authorizer", "one", open_gateways({"gateway": "tools", "decides": None}), "high"),
    (
        "gateway_without_authorizer",
        "decided",
        open_gateways({"gateway": "tools", "decides": "a policy engine"}),
        "medium",
    ),
    (
        "gateway_without_authorizer",
        "one of two decided",
        open_gateways({"gateway": "a", "decides": "a policy engine"}, {"gateway": "b", "decides": None}),
        "high",
    ),
    ("gateway_without_authorizer", "none", open_gateways(), None),
    ("gateway_without_authorizer", "of another shape", noted(gateways_without_authorizer="tools"), None),
    ("any_agent_token", "yes", noted(tokens_of_any_agent=ANY_TOKEN), "medium"),
    ("any_agent_token", "an admin", noted(tokens_of_any_agent=ANY_TOKEN, verdicts={"privilege": level("admin")}), None),
    ("any_agent_token", "no", noted(), None),
    ("any_agent_token", "of another shape", noted(tokens_of_any_agent=["x"]), None),
    ("deny_without_effect", "one", noted(denies_without_effect=["policy P denies aws-mcp:*"]), "medium"),
    ("deny_without_effect", "none", noted(), None),
    ("deny_without_effect", "the vendor's", noted(managed_by="AWS", denies_without_effect=["x"]), None),
    ("agent_reach_grew", "a tool", of_agent(grew=("new tool fetch",)), "medium"),
    ("agent_reach_grew", "as locked", of_agent(), None),
    ("agent_without_sponsor", "none", agent([]), "high"),
    ("agent_without_sponsor", "a blueprint", declared(kind="agent_blueprint", attributes={"sponsors": ()}), "medium"),
    ("agent_without_sponsor", "owned by declaration", agent([], verdicts={"ownership": OWNED}), "medium"),
    ("agent_without_sponsor", "one", agent([{"id": "1"}]), None),
    ("agent_without_sponsor", "not read", agent(None), None),
    ("agent_without_sponsor", "all left", agent([{"id": "1"}], verdicts={"agent": ALL_LEFT}), "high"),
    ("foreign_blueprint", "another tenant's", of_foreign(), "medium"),
    ("foreign_blueprint", "verified", of_foreign(verified=True), "medium"),
    ("foreign_blueprint", "an admin", of_foreign(verdicts={"privilege": level("admin")}), "high"),
    ("foreign_blueprint", "disabled", of_foreign(enabled=False), None),
    ("foreign_blueprint", "not said", agent([{"id": "1"}]), None),
    ("foreign_blueprint", "another meaning", declared(attributes={"blueprint_publisher": "vendor"}), None),
    ("agent_without_sponsor", "no agent", declared(attributes={"sponsors": []}), None),
    ("agent_without_sponsor", "disabled", agent([], enabled=False), None),
    ("domain_wide_delegation", "yes", declared(attributes={"domain_wide_delegation": True}), "high"),
    ("domain_wide_delegation", "scopes", declared(attributes={"domain_wide_delegation": ["gmail"]}), "high"),
    (
        "domain_wide_delegation",
        "undeclared",
        make_assessment(make_identity(attributes={"domain_wide_delegation": True})),
        "critical",
    ),
    ("domain_wide_delegation", "none", declared(attributes={"domain_wide_delegation": []}), None),
    ("domain_wide_delegation", "no", declared(attributes={"domain_wide_delegation": False}), None),
    ("kerberoastable", "old password", roastable(), "medium"),
    ("kerberoastable", "of an admin", roastable(verdicts={"privilege": level("admin")}), "high"),
    ("kerberoastable", "young password", roastable(password={"created_at": days_ago(20)}), None),
    ("kerberoastable", "day unknown", roastable(password={"created_at": None}), None),
    ("kerberoastable", "the domain sets it", roastable(password={"attributes": {"managed": True}}), None),
    ("kerberoastable", "no service name", roastable(service_principal_names=[]), None),
    ("kerberoastable", "another meaning", roastable(service_principal_names="MSSQLSvc"), None),
    ("no_preauthentication", "yes", declared(attributes={"account_flags": ["no_pre_authentication"]}), "medium"),
    (
        "no_preauthentication",
        "admin",
        declared(attributes={"account_flags": ["no_pre_authentication"]}, verdicts={"privilege": level("escalation")}),
        "high",
    ),
    ("no_preauthentication", "no", declared(attributes={"account_flags": ["password_never_expires"]}), None),
    ("no_preauthentication", "another meaning", declared(attributes={"account_flags": 7}), None),
    ("unconstrained_delegation", "yes", declared(attributes={"unconstrained_delegation": True}), "high"),
    (
        "unconstrained_delegation",
        "disabled",
        declared(attributes={"unconstrained_delegation": True}, enabled=False),
        None,
    ),
    ("unconstrained_delegation", "another meaning", declared(attributes={"unconstrained_delegation": "web"}), None),
    ("admin_count_left_behind", "yes", declared(attributes={"admin_count_left_behind": True}), "low"),
    ("admin_count_left_behind", "still in a group", declared(attributes={"admin_count": 1}), None),
    ("weak_kerberos_encryption", "RC4", declared(attributes={"encryption_types": ["RC4"]}), "low"),
    ("weak_kerberos_encryption", "guessed", roastable(encryption_types=["RC4", "DES"]), "medium"),
    ("weak_kerberos_encryption", "DES alone", declared(attributes={"account_flags": ["des_only"]}), "low"),
    ("weak_kerberos_encryption", "AES, too", declared(attributes={"encryption_types": ["RC4", "AES256"]}), None),
    ("weak_kerberos_encryption", "the domain's default", declared(attributes={"encryption_types": []}), None),
    ("shared_default_account", "runs workloads", default_account("vm"), "medium"),
    ("shared_default_account", "holds much", default_account(privilege="high"), "medium"),
    ("shared_default_account", "admin", default_account(privilege="admin"), "high"),
    ("shared_default_account", "idle and weak", default_account(), None),
    ("shared_default_account", "idle and unknown", default_account(privilege="unknown"), None),
    ("shared_default_account", "no default one", default_account("vm", default_account=False), None),
    ("shared_default_account", "roles name it", default_account(bound_by_name=["edit"]), "medium"),
    ("shared_default_account", "no role names it", default_account(bound_by_name=[]), None),
    ("powerful_near_host", "admin", near_host("admin"), "high"),
    ("powerful_near_host", "can make itself one", near_host("escalation"), "high"),
    ("powerful_near_host", "high", near_host("high"), "medium"),
    ("powerful_near_host", "weak", near_host("normal"), None),
    ("powerful_near_host", "unknown", near_host("unknown"), None),
    ("powerful_near_host", "no such workload", near_host("admin", workloads_near_host=[]), None),
    ("powerful_near_host", "of another shape", near_host("admin", workloads_near_host="agent"), None),
    ("powerful_near_host", "the vendor's", near_host("admin", managed_by="a system namespace"), None),
    ("unused_token_mounted", "has one", noted(tokens_without_rights=["pod shop/a"]), "low"),
    ("unused_token_mounted", "has none", noted(tokens_without_rights=[]), None),
    ("unused_token_mounted", "unknown", noted(), None),
    ("unused_token_mounted", "the vendor's", noted(managed_by="x", tokens_without_rights=["pod shop/a"]), None),
    ("cross_environment_grant", "dev in prod", noted(grants_across_environments=["edit in prod"]), "medium"),
    ("cross_environment_grant", "of another shape", noted(grants_across_environments={"edit": "prod"}), None),
    ("cross_environment_grant", "disabled", noted(enabled=False, grants_across_environments=["edit in prod"]), None),
    ("cross_environment_grant", "unknown", noted(), None),
    ("narrower_right", "weak", noted(narrower_rights=[PROXY]), "low"),
    (
        "narrower_right",
        "powerful",
        noted(verdicts={"privilege": level("escalation")}, narrower_rights=[PROXY]),
        "medium",
    ),
    ("narrower_right", "none", noted(narrower_rights=[]), None),
    ("narrower_right", "of another shape", noted(narrower_rights=["nodes/proxy"]), None),
    ("shared_subject", "two clusters", noted(shared_subjects=[SHARED]), "medium"),
    ("shared_subject", "admin", noted(verdicts={"privilege": level("admin")}, shared_subjects=[SHARED]), "high"),
    ("shared_subject", "of another shape", noted(shared_subjects=[{"subject": "s"}, "s"]), None),
    ("shared_subject", "none", noted(), None),
    ("missing_role", "it is missing", make_assignment(attributes={"role_missing": True}), "low"),
    ("missing_role", "it exists", make_assignment(), None),
    ("missing_role", "of another shape", make_assignment(attributes={"role_missing": "yes"}), None),
    ("orphaned_grant", "a role", deleted(), "medium"),
    ("orphaned_grant", "high", deleted("high"), "medium"),
    ("orphaned_grant", "admin", deleted("admin"), "high"),
    ("orphaned_grant", "escalation", deleted("escalation"), "high"),
    ("orphaned_grant", "its holder is there", deleted(gone=False), None),
    ("orphaned_grant", "unknown", deleted("admin", gone=None), None),
)

OTHER_CASES: tuple[tuple[str, str, StoredSecret | Exemption, str | None], ...] = (
    ("stale_secret", "last day", secret(rotated_at=days_ago(90)), None),
    ("stale_secret", "day after", secret(rotated_at=days_ago(90.01)), "low"),
    ("stale_secret", "rotated lately", secret(created_at=days_ago(400), rotated_at=days_ago(1)), None),
    ("stale_secret", "never rotated", secret(created_at=days_ago(400)), "low"),
    ("stale_secret", "no dates", secret(), None),
    ("exemption_expired", "last day", Exemption(match="a/*", reason="r", until=TODAY), None),
    ("exemption_expired", "day after", Exemption(match="a/*", reason="r", until=TODAY - timedelta(1)), "medium"),
    ("exemption_expired", "for good", Exemption(match="a/*", reason="r"), None),
)


def acting(*used: str, **facts: Any) -> Assessment:
    """An identity with permissions for four services that used these, by logs that cover 90 days."""
    identity = {"created_at": days_ago(400), **facts.pop("identity", {})}
    defaults = {"covered_from": None, "covered_to": None, "covered_days": 90, "granted_services": ("a", "b", "c", "d")}
    return declared(verdicts={"activity": Activity(used_services=used, **{**defaults, **facts})}, **identity)


ACTIVITY_CASES = [
    ("permissions_unused", "one of four used", acting("a"), "low"),
    ("permissions_unused", "half of them used", acting("a", "b"), "low"),
    ("permissions_unused", "most of them used", acting("a", "b", "c"), None),
    ("permissions_unused", "granted is unknown", acting("a", granted_services=None), None),
    ("permissions_unused", "too few days", acting("a", covered_days=89), None),
    ("permissions_unused", "too young", acting("a", identity={"created_at": days_ago(80)}), None),
    ("permissions_unused", "the others are not logged", acting("a", unlogged_services=("b", "c", "d")), None),
    ("permissions_unused", "no log", declared(), None),
]

TRUSTS_A_PIPELINE = {"issuer": "https://issuer.example", "subject": "repo:acme/app:*"}
TOKENS = {name: (TokenSubject("i", f"repo:acme/app:{name}", (Said("environment", name),)),) for name in ("", "prod")}


def trusting(**facts: Any) -> Assessment:
    """A role that trusts a pipeline."""
    return trusted(trust("federated", "exact", **TRUSTS_A_PIPELINE, **facts))


def pipeline(level: PrivilegeLevel, *environments: str, **attributes: Any) -> Assessment:
    """A workflow whose tokens are of these environments."""
    tokens = tuple(token for name in environments for token in TOKENS[name])
    privilege = Privilege(level=level, evidence=("a way",))
    return declared(token_subjects=tokens, attributes=attributes, verdicts={"privilege": privilege})


def guarded(*by: list[str]) -> Assessment:
    """A workflow that becomes an admin by tokens of environments with such rules."""
    rules = [{"environment": f"e{number}", "by": one, "text": "a rule"} for number, one in enumerate(by)]
    return pipeline("escalation", "", "prod", repository="acme/app", guarded_by=rules)


def jobs_token(default: Any, *, approves: Any) -> Assessment:
    """The token of an organization's jobs, which GitHub manages."""
    facts = {"default_workflow_permissions": default, "can_approve_pull_request_reviews": approves}
    return declared(managed_by="a token that GitHub makes", attributes={**facts, "workflows_by_default": ["a", 1]})


PIPELINE_CASES = [
    ("trust_unused", "no workflow", trusting(presented="not_presented"), "low"),
    ("trust_unused", "no repository", trusting(presented="gone"), "low"),
    ("trust_unused", "used", trusting(presented="presented"), None),
    ("trust_unused", "another form", trusting(presented="other_form"), None),
    ("trust_unused", "not known", trusting(), None),
    ("trust_by_recyclable_name", "in use", trusting(by_name=True, presented="presented"), "low"),
    ("trust_by_recyclable_name", "not known", trusting(by_name=True), "low"),
    ("trust_by_recyclable_name", "the name is free", trusting(by_name=True, presented="gone"), "high"),
    ("trust_by_recyclable_name", "by ids", trusting(presented="gone"), None),
    ("trust_never_matches", "another form", trusting(presented="other_form", sent_as="x"), "medium"),
    ("trust_never_matches", "no workflow", trusting(presented="not_presented"), None),
    ("static_key_beside_federation", "a job", secret(attributes={"federation_beside": ["a jobs.b"]}), "medium"),
    ("static_key_beside_federation", "another shape", secret(attributes={"federation_beside": "a"}), None),
    ("static_key_beside_federation", "none", secret(), None),
    ("self_hosted_runner_public", "open", declared(attributes={"allows_public_repositories": True}), "high"),
    (
        "self_hosted_runner_public",
        "for some workflows",
        declared(attributes={"allows_public_repositories": True, "restricted_to_workflows": True}),
        "medium",
    ),
    ("self_hosted_runner_public", "closed", declared(attributes={"allows_public_repositories": False}), None),
    ("default_token_writes", "by default", jobs_token("write", approves=False), "medium"),
    ("default_token_writes", "and approves", jobs_token("write", approves=True), "high"),
    ("default_token_writes", "only approves", jobs_token("read", approves=True), "low"),
    ("default_token_writes", "reads", jobs_token("read", approves=False), None),
    ("default_token_writes", "another shape", jobs_token([], approves="yes"), None),
    ("default_token_writes", "another identity", declared(), None),
    ("writers_become_admin", "by any branch", pipeline("escalation", "", "prod", repository="acme/app"), "high"),
    ("writers_become_admin", "by an environment", pipeline("escalation", "prod", repository="acme/app"), "high"),
    ("writers_become_admin", "approved", guarded(["approval"], ["branches", "approval"]), "low"),
    ("writers_become_admin", "one is approved", guarded(["approval"], ["branches"]), "medium"),
    ("writers_become_admin", "rules were not read", guarded(["unknown"]), "medium"),
    (
        "writers_become_admin",
        "rules of another shape",
        pipeline("admin", "prod", repository="r", guarded_by=[1]),
        "high",
    ),
    ("writers_become_admin", "no admin", pipeline("high", "", repository="acme/app"), None),
    ("writers_become_admin", "a deploy key", pipeline("escalation", repository="acme/app"), None),
    ("writers_become_admin", "no repository", pipeline("escalation", ""), None),
]

CASES = [
    pytest.param(rule, subject, (), severity, id=f"{rule}: {case}")
    for rule, case, subject, severity in (
        *IDENTITY_CASES,
        *CREDENTIAL_CASES,
        *ENTRY_CASES,
        *CLOUD_CASES,
        *OTHER_CASES,
        *ACTIVITY_CASES,
        *PIPELINE_CASES,
    )
] + [
    pytest.param(rule, subject, (entry,), severity, id=f"{rule}: {case}")
    for rule, case, subject, entry, severity in MATCHED_CASES
]


@pytest.mark.parametrize(("rule", "subject", "entries", "severity"), CASES)
def test_a_rule_fires_or_stays_silent(
    rule: str, subject: Any, entries: tuple[EntryAssessment, ...], severity: str | None
) -> None:
    """A rule fires once, with the severity the case deserves, or not at all."""
    found = findings(rule, subject, entries)

    assert [finding.severity for finding in found] == ([] if severity is None else [severity])


@pytest.mark.parametrize(("rule", "subject", "entries", "severity"), CASES)
def test_evidence_is_of_the_declared_kind(
    rule: str, subject: Any, entries: tuple[EntryAssessment, ...], severity: str | None
) -> None:
    """Evidence carries only facts that the rule declares, and none that says nothing."""
    declared_facts = next(known.evidence for known in RULES if known.id == rule)
    found = findings(rule, subject, entries)

    assert bool(found) == (severity is not None)
    for finding in found:
        assert set(finding.evidence) <= set(declared_facts)
        assert None not in finding.evidence.values()


def test_every_rule_has_both_kinds_of_case() -> None:
    """No rule without a test file of its own goes without a case in which it fires and one in which it is silent."""
    elsewhere = {path.stem.removeprefix("test_") for path in Path(__file__).parent.glob("test_*.py")}
    by_reviews = {rule.id for rule in vars(reviews).values() if isinstance(rule, Rule)}  # test_reviews.py
    here = [rule.id for rule in RULES if rule.id not in elsewhere | by_reviews and not isinstance(rule, ELSEWHERE)]
    cases = {(case.values[0], case.values[3] is not None) for case in CASES}

    assert {(rule, fires) for rule in here for fires in (True, False)} <= cases


EVIDENCE_CASES: dict[str, tuple[str, Any, tuple[EntryAssessment, ...], dict[str, Any]]] = {
    "dates are ISO 8601 in UTC": (
        "credential_too_old",
        holding(created_at=days_ago(100)),
        (),
        {
            "kind": "access_key",
            "id": "AKIAEXAMPLE1",
            "created_at": "2026-08-17T08:00:00Z",
            "limit_days": 90,
        },
    ),
    "provisional and the nearest entry": (
        "unregistered",
        make_assessment(
            make_identity(created_at=None),
            registry=RegistryVerdict(
                state="unregistered",
                provisional=True,
                candidates=(MatchCandidate(entry="NHI-9", score=0.8, evidence="name"),),
            ),
        ),
        (),
        {"provisional": True, "nearest_entry": "NHI-9"},
    ),
    "what has little in common is not the nearest entry": (
        "unregistered",
        make_assessment(
            make_identity(created_at=None),
            registry=RegistryVerdict(
                state="unregistered",
                candidates=(MatchCandidate(entry="NHI-9", score=0.74, evidence="name"),),
            ),
        ),
        (),
        {},
    ),
    "abandoned": (
        "dormant",
        with_verdicts(usage=usage("never_used"), ownership=orphaned("departed")),
        (),
        {
            "usage": "never_used",
            "detail": "not used since 2026-01-05",
            "limit_days": 90,
            "abandoned": True,
            "created_at": "2025-10-21T08:00:00Z",
        },
    ),
    "claiming entries are sorted": (
        "ambiguous_registration",
        with_verdicts(
            registry=RegistryVerdict(
                state="ambiguous",
                rung="glob",
                candidates=tuple(MatchCandidate(entry=name, score=1, evidence="glob") for name in ("B", "A")),
            )
        ),
        (),
        {"entries": ["A", "B"], "rung": "glob"},
    ),
    "an exemption names its last day": (
        "exemption_expired",
        Exemption(match="a/*", reason="trial", until=date(2026, 1, 31)),
        (),
        {"match": "a/*", "reason": "trial", "until": "2026-01-31"},
    ),
    "a grant to a deleted holder": (
        "orphaned_grant",
        deleted(
            "high",
            holder="0-1",
            holder_kind="ServicePrincipal",
            holder_name="old-ci",
            created_at=days_ago(10),
            attributes={"restorable_until": "2026-12-20T00:00:00Z"},
        ),
        (),
        {
            "holder": "0-1",
            "kind": "ServicePrincipal",
            "name": "old-ci",
            "grant": "Reader",
            "resource": "/subscriptions/s",
            "privilege": "high",
            "since": "2026-11-15T08:00:00Z",
            "restorable_until": "2026-12-20T00:00:00Z",
        },
    ),
    "where a credential was found": (
        "exposed_credential",
        holding(attributes={"exposed": "in a public repository"}, created_at=None),
        (),
        {"kind": "access_key", "id": "AKIAEXAMPLE1", "where": "in a public repository"},
    ),
    "whose credential it was": (
        "former_member_credential",
        holding(attributes={"former_member": "ada"}, created_at=None, last_used_at=None),
        (),
        {"kind": "access_key", "id": "AKIAEXAMPLE1", "former_member": "ada"},
    ),
    "an application of another tenant": (
        "unverified_publisher",
        application(verdicts={"privilege": level("high")}),
        (),
        {"publisher": "Contoso", "privilege": "high", "grants": 1},
    ),
    "some of what runs as a default account": (
        "shared_default_account",
        default_account(*(f"vm-{number}" for number in range(11)), privilege="unknown"),
        (),
        {"privilege": "unknown", "run_as": 11, "consumers": [f"vm-{number}" for number in range(10)]},
    ),
    "roles that name a default account": (
        "shared_default_account",
        default_account(bound_by_name=("edit", "view")),
        (),
        {"roles": ["edit", "view"], "privilege": "normal"},
    ),
    "since when a token is without an end": (
        "token_never_expires",
        holding(kind="token", never_expires=True),
        (),
        {"kind": "token", "id": "AKIAEXAMPLE1", "created_at": "2026-11-15T08:00:00Z"},
    ),
    "a token without an end, of unknown age": (
        "token_never_expires",
        holding(kind="token", never_expires=True, created_at=None),
        (),
        {"kind": "token", "id": "AKIAEXAMPLE1"},
    ),
    "since when an agent has no sponsor": (
        "agent_without_sponsor",
        agent([], created_at=days_ago(10)),
        (),
        {"kind": "agent_identity", "created_at": "2026-11-15T08:00:00Z"},
    ),
    "sponsors who have left": (
        "agent_without_sponsor",
        agent([{"id": "1"}], created_at=days_ago(10), verdicts={"agent": ALL_LEFT}),
        (),
        {"kind": "agent_identity", "created_at": "2026-11-15T08:00:00Z", "left": ["ada@example.com"]},
    ),
    "whose blueprint it is": (
        "foreign_blueprint",
        of_foreign(),
        (),
        {"privilege": "normal", "tenant": "7a9c", "verified": False},
    ),
    "rights with a narrower replacement": (
        "narrower_right",
        noted(narrower_rights=[PROXY, "no such record"]),
        (),
        {"rights": ["get nodes/proxy (ClusterRole/metrics); instead: get on nodes/metrics"]},
    ),
    "who shares a subject": (
        "shared_subject",
        noted(shared_subjects=[SHARED]),
        (),
        {"subjects": ["shop:web of shop.svc.id.goog: kubernetes://a/web, kubernetes://b/web"]},
    ),
    "some of many workloads near their hosts": (
        "powerful_near_host",
        near_host("high", workloads_near_host=[f"pod shop/{number}" for number in range(12)]),
        (),
        {"privilege": "high", "workloads": [f"pod shop/{number}" for number in range(10)], "and_more": 2},
    ),
    "who has a role that is missing": (
        "missing_role",
        make_assignment("uid-1", holder_kind="group", holder_name="staff", attributes={"role_missing": True}),
        (),
        {"grant": "Reader", "by": "direct", "resource": "/subscriptions/s", "holder": "staff", "kind": "group"},
    ),
    "the scopes of a delegation": (
        "domain_wide_delegation",
        declared(attributes={"domain_wide_delegation": ["drive", "calendar", 7]}),
        (),
        {"scopes": ["calendar", "drive"]},
    ),
    "an orphan names the owner of record": (
        "orphaned",
        with_verdicts(ownership=orphaned("departed", owner="eve@example.com", evidence="left 2026-06-30")),
        (),
        {"reason": "departed", "entry": "NHI-1", "named_owner": "eve@example.com", "detail": "left 2026-06-30"},
    ),
}


@pytest.mark.parametrize(("rule", "subject", "entries", "expected"), EVIDENCE_CASES.values(), ids=EVIDENCE_CASES)
def test_evidence_names_the_facts(
    rule: str, subject: Any, entries: tuple[EntryAssessment, ...], expected: dict[str, Any]
) -> None:
    """Evidence is what a person needs in order to check the finding, in values that JSON holds."""
    found = findings(rule, subject, entries)

    assert [finding.evidence for finding in found] == [expected]


@pytest.mark.parametrize(
    ("rule", "subject", "policy"),
    [
        pytest.param("credential_too_old", holding(created_at=days_ago(100)), Policy(rotation=100), id="rotation"),
        pytest.param(
            "credential_unused", holding(last_used_at=days_ago(60)), Policy(dormant_credential=60), id="unused"
        ),
        pytest.param("stale_secret", secret(rotated_at=days_ago(100)), Policy(rotation=10**12), id="an absurd limit"),
        pytest.param(
            "entry_expiring", entry("found", expires=TODAY + timedelta(9)), Policy(expiry_warning=8), id="expiry"
        ),
    ],
)
def test_thresholds_come_from_the_policy(
    rule: str, subject: Assessment | EntryAssessment | StoredSecret, policy: Policy
) -> None:
    """What fires with the default limits is silent when the policy allows it."""
    assert len(findings(rule, subject)) == 1
    assert findings(rule, subject, policy=policy) == []

"""Two weeks of nights through a store: arrivals and changes for the worse are told once, other nights are silent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

import pytest
from msgspec import Struct, json
from msgspec.structs import replace

from scanner.app.changes import changes_between
from scanner.app.scanning import Run, conclude
from scanner.cli.exit_codes import is_failing
from scanner.discovery.inventory import ScopeReading, join
from scanner.judging.pipeline import Declared
from scanner.matching.places import SourceRef
from scanner.model import (
    POTENTIAL,
    Coverage,
    Entry,
    Exemption,
    Finding,
    Grant,
    Identity,
    Policy,
    Privilege,
    ScanResult,
    Trust,
)
from scanner.notify.notices import Notice, Outgoing
from scanner.notify.settings import WebhookChannel
from scanner.store.store import Store
from tests.databases import SHARED, Backend, empty_store
from tests.factories import NOW, days_ago, make_coverage, make_credential, make_entry, make_identity

USERS = make_coverage(kinds=("user",))
NO_TAGS = make_coverage(section="iam.tags", status="denied", kinds=(), rungs=("tag",))
DENIED = make_coverage(kinds=("user",), status="denied")
HOOK = WebhookChannel(name="hook", url="https://hook.example.com")
NORMAL = Privilege(level="normal", evidence=())
OLD = make_identity("old", created_at=days_ago(900), privilege=NORMAL)
SHOP = make_identity("shop", created_at=days_ago(900), privilege=NORMAL)
DECLARED = (make_entry("shop", last_reviewed=days_ago(5).date()),)


class Night(Struct, frozen=True, kw_only=True):
    """What one scan reads."""

    identities: Sequence[Identity] = (OLD, SHOP)
    coverage: Sequence[Coverage] = (USERS,)
    entries: Sequence[Entry] = DECLARED
    policy: Policy = Policy()
    added: Sequence[Identity] = ()
    exemptions: Sequence[Exemption] = ()
    channel: WebhookChannel = HOOK


class Told(Struct, frozen=True, kw_only=True):
    """What it said."""

    result: ScanResult
    messages: list[Notice]

    @property
    def alarms(self) -> list[Finding]:
        """Its findings that count for ``--fail-on-new``."""
        return [one for one in self.result.findings if one.raises_alarm]

    @property
    def failed(self) -> bool:
        """Whether ``--fail-on-new`` ends it with exit code 1."""
        return is_failing(self.result.findings, None, fail_on_new=True)

    def worsened(self, rule: str) -> list[Finding]:
        """Its findings of a rule that have worsened."""
        return [one for one in self.result.findings if one.rule == rule and one.worsened]

    def appeared(self) -> list[str]:
        """Names in its message about arrivals."""
        return [
            line.key.rpartition("/")[2] for one in self.messages if one.kind == "appeared" for line in one.identities
        ]


def _scan(store: Store, number: int, night: Night) -> Told:
    readings = [
        ScopeReading(
            source="prod", scope="123456789012", identities=tuple(night.identities), coverage=tuple(night.coverage)
        )
    ]
    if night.added:
        section = make_coverage(source="second", scope="210987654321", kinds=("user",))
        readings.append(
            ScopeReading(source="second", scope="210987654321", identities=tuple(night.added), coverage=(section,))
        )
    before = {one.id for one in store.outbox.pending()}
    result = conclude(
        store,
        join(readings, {"prod": 0, "second": 0}),
        Declared(
            entries=tuple(night.entries),
            sources=(SourceRef(name="prod", provider="aws"), SourceRef(name="second", provider="aws")),
            exemptions=tuple(night.exemptions),
            policy=night.policy,
        ),
        Run(scan_id=f"night-{number}", started=NOW + timedelta(days=number)),
        lists=(),
        accept_drop=False,
        channels=(night.channel,),
    )
    loaded = store.with_past(store.load())
    assert json.decode(json.encode(loaded)) == json.decode(json.encode(result)), "a loaded scan says the same"
    sent = [json.decode(one.body, type=Outgoing).notice for one in store.outbox.pending() if one.id not in before]
    return Told(result=result, messages=sent)


def _nights(store: Store, *nights: Night) -> list[Told]:
    return [_scan(store, number, night) for number, night in enumerate(nights)]


@pytest.fixture(params=SHARED)
def store(request: pytest.FixtureRequest) -> Store:
    """An empty store, on each database."""
    backend: Backend = request.param
    return empty_store(backend)


def _new(name: str, day: int, **facts: object) -> Identity:
    key = make_credential(name, f"AKIA{name.upper()}", created_at=NOW + timedelta(days=day))
    return make_identity(name, created_at=NOW + timedelta(days=day), credentials=(key,), privilege=NORMAL, **facts)


def test_a_fortnight(store: Store) -> None:
    """Nothing is told twice, nothing new or worse goes untold, and a night without news is silent."""
    intruder, masked = _new("intruder", 1), _new("masked", 3)
    grown = replace(SHOP, privilege=Privilege(level="admin", evidence=("everything on everything",)))
    three, four = (OLD, SHOP, intruder), (OLD, SHOP, intruder, masked)
    worse = (OLD, grown, intruder, masked)
    strict = Policy(dormant_identity=30)
    second = (make_identity("far", created_at=days_ago(900), source="second", scope="210987654321"),)
    nights = _nights(
        store,
        Night(),
        Night(identities=three),
        Night(identities=three),
        Night(identities=four, coverage=(USERS, NO_TAGS)),
        Night(identities=four, coverage=(USERS, NO_TAGS)),
        Night(identities=four),
        Night(identities=worse),
        Night(identities=worse),
        Night(identities=worse),
        Night(identities=worse),
        Night(identities=worse, policy=strict),
        Night(identities=worse, policy=strict, added=second),
        Night(identities=(), coverage=(DENIED,), policy=strict, added=second),
        Night(identities=worse, policy=strict, added=second),
        Night(identities=worse, policy=strict, added=second),
    )

    told = Counter(
        (message.kind, line)
        for night in nights
        for message in night.messages
        for line in (
            *(one.key for one in message.identities),
            *((one.fingerprint, one.severity) for one in message.findings),
        )
    )
    assert {what: number for what, number in told.items() if number > 1} == {}
    assert [night.appeared() for night in nights if night.appeared()] == [["intruder"], ["masked"]]
    assert (nights[1].appeared(), nights[3].appeared()) == (["intruder"], ["masked"])
    news = {number for number, night in enumerate(nights) if night.messages}
    # 3 and 5: tags are denied, and read again; 9: grace of the intruder is over, 11: of the other. 12, 13: as 3 and 5.
    assert news == {1, 3, 5, 6, 9, 11, 12, 13}
    assert {number for number, night in enumerate(nights) if night.failed} == {1, 5, 6, 9, 11}
    assert [one.was for one in nights[9].worsened("unregistered")] == ["low"]
    assert [one.identity for one in nights[9].worsened("unregistered")] == [intruder.key]
    assert [one.cause for one in nights[9].worsened("unregistered")] == ["its 7 days of grace are over"]
    quiet = changes_between(store, "night-6", "night-8")
    assert (quiet.changes, quiet.summary.worsened) == ((), 0)
    loud = changes_between(store, "night-8", "night-9")
    assert [(one.change, one.before, one.after) for one in loud.changes if one.rule == "unregistered"] == [
        ("worsened", "low", nights[9].worsened("unregistered")[0].severity)
    ]


def test_a_first_scan_is_silent(store: Store) -> None:
    """Nothing is new there, and nobody has appeared."""
    (first,) = _nights(store, Night(identities=(OLD, SHOP, _new("intruder", 0))))

    assert (first.messages, first.failed, first.result.summary.appeared) == ([], False, 0)


def test_who_has_not_appeared(store: Store) -> None:
    """Declared and exempt ones, people, one under a new name, and one that came back."""
    renamed = replace(OLD, unique_id="AIDAOLD")
    person = make_identity(
        "ada", created_at=NOW, credentials=(make_credential("ada", "login", kind="password"),), unread=("credentials",)
    )
    robot = make_identity("robot", created_at=NOW, managed_by="the provider")
    nights = _nights(
        store,
        Night(identities=(renamed, SHOP)),
        Night(identities=(replace(renamed, key=f"{OLD.key}-2", name="old-2"), SHOP, robot, person), exemptions=(
            Exemption(match="**ada", reason="a person"),
        )),
        Night(identities=(SHOP, robot)),
        Night(identities=(renamed, SHOP, robot)),
    )  # fmt: skip

    assert [night.appeared() for night in nights] == [[], [], [], []]


def test_a_channel_without_arrivals(store: Store) -> None:
    """As configured; the summary counts them all the same."""
    quiet = replace(HOOK, appeared=False, min_severity="critical")
    nights = _nights(store, Night(), Night(identities=(OLD, SHOP, _new("intruder", 1)), channel=quiet))

    assert (nights[1].messages, nights[1].result.summary.appeared) == ([], 1)


def test_a_potential_that_becomes_real(store: Store) -> None:
    """It has worsened, and the target is the cause."""
    could = Privilege(level="high", evidence=(f"{POTENTIAL}pass a role to something new, by iam:PassRole on *",))
    does = Privilege(level="escalation", evidence=("deployer can become role/boss: PassRole to lambda",))
    nights = _nights(
        store,
        Night(identities=(OLD, replace(SHOP, privilege=could))),
        Night(identities=(OLD, replace(SHOP, privilege=does))),
    )

    (finding,) = nights[1].worsened("escalation")
    assert (finding.new, finding.was, finding.severity) == (False, "medium", "high")
    assert finding.cause == "privilege high -> escalation: deployer can become role/boss: PassRole to lambda"
    assert nights[1].failed
    (line,) = [one for message in nights[1].messages for one in message.findings if one.rule == "escalation"]
    assert (line.was, line.cause) == ("medium", finding.cause)
    diff = changes_between(store)
    (change,) = [one for one in diff.changes if one.rule == "escalation"]
    assert (change.change, change.before, change.after, change.cause) == ("worsened", "medium", "high", finding.cause)


def test_a_trust_that_was_opened_further(store: Store) -> None:
    """The cause is what changed in it."""
    account = Trust(
        kind="account", principal="999999999999", external=True, restriction="loose", evidence="statement 1"
    )
    everybody = replace(account, kind="anyone", restriction="none", principal="*")
    nights = _nights(
        store,
        Night(identities=(OLD, replace(SHOP, trusts=(account,)))),
        Night(identities=(OLD, replace(SHOP, trusts=(account, everybody)))),
    )

    (finding,) = nights[1].worsened("open_trust")
    assert (finding.was, finding.severity) == ("medium", "critical")
    assert finding.cause == "trust: anyone * (external), none restriction"
    assert nights[1].result.summary.worsened == 1


def test_a_changed_policy_is_told_once_and_fails_no_pipeline(store: Store) -> None:
    """The same estate, with a shorter limit: one message, whoever owns it."""
    aged = replace(OLD, credentials=(make_credential("old", "AKIAOLD", created_at=days_ago(60)),))
    short = Policy(rotation=30, max_lifetime=30)
    nights = _nights(
        store, Night(identities=(aged, SHOP)), *[Night(identities=(aged, SHOP), policy=short) for _ in range(2)]
    )

    assert [[one.kind for one in night.messages] for night in nights] == [[], ["setup"], []]
    assert [night.failed for night in nights] == [False, False, False]
    assert any("policy rotation: 90 -> 30" in one.setup for one in nights[1].messages)
    assert {one.cause for one in nights[1].result.findings if one.by_setup} == {"; ".join(nights[1].messages[0].setup)}


def test_a_change_on_the_day_of_a_changed_policy_still_alarms(store: Store) -> None:
    """Only what the policy alone caused is set apart."""
    aged = replace(OLD, credentials=(make_credential("old", "AKIAOLD", created_at=days_ago(60)),))
    grown = replace(SHOP, privilege=Privilege(level="admin", evidence=("everything",)))
    short = Policy(rotation=30)
    nights = _nights(store, Night(identities=(aged, SHOP)), Night(identities=(aged, grown), policy=short))

    assert [one.rule for one in nights[1].alarms if one.by_setup] == []
    assert "admin" in {one.rule for one in nights[1].alarms}
    assert sorted(one.kind for one in nights[1].messages) == ["findings", "setup"]
    assert nights[1].failed


def test_an_added_source_is_told_once(store: Store) -> None:
    """Its identities and their findings in one message; the night after, an arrival there is one."""
    far = make_identity("far", created_at=days_ago(900), source="second", scope="210987654321")
    near = replace(far, key=f"{far.key}2", name="near")
    nights = _nights(store, Night(), Night(added=(far,)), Night(added=(far, near)))

    (message,) = nights[1].messages
    assert (message.kind, [line.key for line in message.identities]) == ("setup", [far.key])
    assert message.setup == ("source was added: second",)
    assert [night.failed for night in nights] == [False, False, True]
    assert sorted(one.kind for one in nights[2].messages) == ["appeared", "findings"]


def test_a_gap_that_hides_only_credentials_of_users(store: Store) -> None:
    """It makes users provisional, not roles, and the verdict names the gap."""
    role = make_identity("role", kind="role", created_at=days_ago(900))
    blind = make_coverage(
        section="iam.service_specific_credentials", status="denied", kinds=(), rungs=("credential",), about=("user",)
    )
    roles = make_coverage(section="iam.roles", kinds=("role",))
    (night,) = _nights(store, Night(identities=(OLD, role), coverage=(USERS, roles, blind)))

    verdicts = {one.identity.name: one.registry for one in night.result.identities}
    assert {name: one.provisional for name, one in verdicts.items()} == {"old": True, "role": False}
    assert verdicts["old"].evidence == (
        "its entry may be hidden by iam.service_specific_credentials of 123456789012: denied"
    )


def test_an_upgrade_alone_is_told_once(store: Store) -> None:
    """A severity that another version gave to the same facts; what changed that night still alarms."""
    everything = Privilege(level="admin", evidence=("everything",))
    grown = replace(SHOP, privilege=everything, grants=(Grant(name="AdministratorAccess", via="direct", admin=True),))
    aged = replace(OLD, credentials=(make_credential("old", "AKIAOLD", created_at=days_ago(400)),))
    first = _scan(store, 0, Night(identities=(aged, SHOP))).result
    older = replace(
        first,
        scan=replace(first.scan, id="older", version="0.0.1"),
        findings=tuple(replace(one, severity="low") for one in first.findings if one.rule != "credential_too_old"),
    )
    store.save(older)
    night = _scan(store, 1, Night(identities=(aged, grown)))

    by_setup = {one.rule for one in night.result.findings if one.by_setup}
    assert {"credential_too_old", "dormant"} <= by_setup
    assert "admin" in {one.rule for one in night.alarms}
    assert {one.identity for one in night.alarms} == {SHOP.key}
    assert sorted(one.kind for one in night.messages) == ["findings", "setup"]


def test_acknowledging_or_its_end_is_no_worsening() -> None:
    """The severity is the rule's, whoever accepted it."""
    finding = Finding(fingerprint="f", rule="r", severity="high", title="t", remediation="x", was="low")

    assert finding.raises_alarm
    assert not replace(finding, by_setup=True).raises_alarm

"""Which messages a scan gives rise to: who gets what, what is left out, and when there is silence."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
from msgspec.structs import replace

from scanner.config.load import load_config
from scanner.model import SEVERITIES, Acknowledged, BlindSpot, Input, OwnershipVerdict, ScanResult
from scanner.notify.blindness import CoverageChanges
from scanner.notify.links import finding_page, identity_page
from scanner.notify.notices import LONGEST_TEXT, Notice, Outgoing
from scanner.notify.planning import Arrivals, messages, nothing_scanned, trial
from scanner.notify.settings import Channel, EmailChannel, WebhookChannel
from scanner.redaction.redact import SecretRef
from scanner.registry.roster import Roster
from tests.factories import NOW, make_assessment, make_coverage, make_finding, make_identity, make_person, make_result

HOOK = WebhookChannel(name="hook", url=SecretRef(env="X"))
MAIL = EmailChannel(name="mail", host="mail", sender="muster@example.com", unowned_to="security@example.com")
ROSTER = Roster(
    [
        make_person("ada@example.com"),
        make_person("bob@example.com"),
        make_person("gone@example.com", status="left"),
        make_person("team:payments", members=("ada@example.com", "bob@example.com", "gone@example.com")),
        make_person("team:empty", members=("gone@example.com",)),
        make_person("ops@example.com", members=("bob@example.com",)),
    ],
    NOW.date(),
)
GAP = make_coverage(status="denied", detail="no", permission="iam:ListUsers")
UNCHANGED = CoverageChanges()
CHANGES = CoverageChanges(
    lost=(GAP,), regained=(BlindSpot(source="prod", scope="1", section="iam.roles", status="denied", since=NOW),)
)


def owned(name: str, owner: str | None, **verdict: Any) -> Any:
    """An identity that someone answers for, or no one."""
    state = "orphaned" if owner is None else "owned"
    return make_assessment(name, ownership=OwnershipVerdict(**{"state": state, "owner": owner, **verdict}))


def finding(name: str, number: int = 1, **facts: Any) -> Any:
    """A new finding on it."""
    facts = {"fingerprint": f"{name}{number}", "identity": make_identity(name).key, "new": True, **facts}
    return make_finding(**facts)


def planned(
    channel: Channel, result: ScanResult, changes: CoverageChanges = UNCHANGED, roster: Roster | None = ROSTER
) -> list[Any]:
    """The messages of one channel."""
    return messages([channel], result, changes, roster)


def test_one_message_for_each_who_answers() -> None:
    """However many findings; what no one answers for goes to the address for that."""
    result = make_result(
        owned("a", "ada@example.com"),
        owned("b", "bob@example.com"),
        owned("c", None),
        findings=tuple(finding(name, number) for number in (1, 2) for name in ("a", "b", "c")),
    )

    sent = planned(MAIL, result)

    assert {one.to: [line.fingerprint for line in one.notice.findings] for one in sent} == {
        ("ada@example.com",): ["a1", "a2"],
        ("bob@example.com",): ["b1", "b2"],
        ("security@example.com",): ["c1", "c2"],
    }
    assert sent[0].notice.title == "2 new findings for ada@example.com (2 high)"
    assert sent[2].notice.title == "2 new findings without an owner (2 high)"


@pytest.mark.parametrize(
    ("verdict", "to"),
    [
        pytest.param({"owner": "team:payments"}, ("ada@example.com", "bob@example.com"), id="a team's active people"),
        pytest.param({"owner": "ops@example.com"}, ("ops@example.com",), id="a team's own address"),
        pytest.param({"owner": "team:empty"}, ("security@example.com",), id="a team of nobody"),
        pytest.param({"owner": "gone@example.com"}, ("security@example.com",), id="someone who left"),
        pytest.param({"owner": "evil@example.net"}, ("security@example.com",), id="a stranger"),
        pytest.param({"owner": "ada@example.com", "state": "orphaned"}, ("security@example.com",), id="not owned"),
    ],
)
def test_only_who_is_on_the_roster_is_written_to(verdict: dict[str, Any], to: tuple[str, ...]) -> None:
    """Anyone can set a tag that names an owner, and no one may be mailed about us for it."""
    suspect = finding("a", owner="evil@example.net")
    result = make_result(owned("a", **{"owner": None, **verdict}), findings=(suspect,))

    assert [one.to for one in planned(MAIL, result)] == [to]


def test_a_long_name_does_not_hide_where_it_lives() -> None:
    """Names are an attacker's to choose."""
    named = make_identity("a", name="z" * 3000)

    (sent,) = planned(MAIL, make_result(make_assessment(named), findings=(finding("a"),)))

    assert sent.notice.findings[0].subject.endswith(f"z… ({named.provider} {named.scope} {named.kind})")


def test_many_findings_of_one_rule_hide_no_other() -> None:
    """A message has few lines; graver ones stay first."""
    rules = [("high", "orphaned")] * 3 + [("high", "unregistered")] * 2 + [("medium", "admin")]
    findings = tuple(
        finding("a", number, severity=severity, rule=rule) for number, (severity, rule) in enumerate(rules)
    )

    (sent,) = planned(MAIL, make_result(owned("a", None), findings=findings))

    assert [line.fingerprint for line in sent.notice.findings] == ["a0", "a3", "a1", "a4", "a2", "a5"]


def test_the_config_is_not_sent_around() -> None:
    """The result carries its text for auditors; it names every host, account and address."""
    result = make_result(owned("a", "ada@example.com"), findings=(finding("a"),))
    expected = Input(role="config", name="config.toml", sha256="0f" * 32, text='url = "https://vault.internal"')
    result = replace(result, scan=replace(result.scan, inputs=(expected,)))

    sent = msgspec.json.encode(planned(HOOK, result))

    assert result.scan.id.encode() in sent
    assert b"vault.internal" not in sent
    assert b"inputs" not in sent


def test_an_entry_is_its_owners_matter() -> None:
    """Also where nothing was found for it."""
    found = make_finding(identity=None, entry="N-1", owner="Ada@example.com", new=True)

    assert [one.to for one in planned(MAIL, make_result(findings=(found,)))] == [("ada@example.com",)]


def test_without_a_roster_no_one_is_guessed() -> None:
    """Who is still here cannot be determined then."""
    result = make_result(owned("a", "ada@example.com"), findings=(finding("a"),))

    assert [one.to for one in planned(MAIL, result, roster=None)] == [("security@example.com",)]


@pytest.mark.parametrize(
    ("settings", "facts", "expected"),
    [
        pytest.param({}, {}, True, id="new"),
        pytest.param({}, {"new": False}, False, id="known"),
        pytest.param({"only": "open"}, {"new": False}, True, id="known, and all are wanted"),
        pytest.param({}, {"severity": "low"}, False, id="not grave enough"),
        pytest.param({"min_severity": "info"}, {"severity": "low"}, True, id="grave enough"),
        pytest.param({"rules": ("admin",)}, {}, False, id="another rule"),
        pytest.param({"rules": ("unregistered",)}, {}, True, id="that rule"),
        pytest.param(
            {"only": "open"},
            {"acknowledged": Acknowledged(reason="known", by="ada", until=NOW.date())},
            False,
            id="acknowledged",
        ),
    ],
)
def test_what_a_channel_is_reported(settings: dict[str, Any], facts: dict[str, Any], expected: bool) -> None:
    """Its settings decide, and silence is the rule."""
    sent = planned(replace(HOOK, **settings), make_result(owned("a", None), findings=(finding("a", **facts),)))

    assert bool(sent) is expected


@pytest.mark.parametrize(
    ("channel", "groups"),
    [
        pytest.param(HOOK, ["ada@example.com", None], id="owners"),
        pytest.param(replace(HOOK, to="all"), [None], id="all in one"),
        pytest.param(replace(MAIL, to=("soc@example.com", "x@example.com")), [None], id="fixed addresses"),
    ],
)
def test_everything_in_one_message_where_that_is_wanted(channel: Channel, groups: list[str | None]) -> None:
    """A security team has no use for a message an owner."""
    result = make_result(owned("a", "ada@example.com"), owned("b", None), findings=(finding("a"), finding("b")))

    assert [one.notice.recipient for one in planned(channel, result)] == groups


def test_a_long_list_has_an_end() -> None:
    """The most severe are reported, the rest is counted."""
    findings = tuple(finding("a", number, severity=SEVERITIES[number // 20]) for number in range(60))

    (sent,) = planned(replace(HOOK, max_findings=10), make_result(owned("a", None), findings=findings))

    assert [len(sent.notice.findings), sent.notice.more] == [10, 50]
    assert {one.severity for one in sent.notice.findings} == {"critical"}
    assert sent.notice.counts == {"critical": 20, "high": 20, "medium": 20}
    assert sent.notice.title.endswith("(20 critical)")


def test_blindness_has_its_own_message() -> None:
    """It goes where no one's findings go, and says what is back, too."""
    (sent,) = planned(MAIL, make_result(), CHANGES)

    assert sent.to == ("security@example.com",)
    assert sent.notice.kind == "blindness"
    assert sent.notice.title == "1 place can no longer be read in full; 1 place can be read again"
    assert [(one.section, one.permission) for one in sent.notice.lost] == [("iam.users", "iam:ListUsers")]
    assert [one.section for one in sent.notice.regained] == ["iam.roles"]


def test_blindness_and_heartbeat_can_be_chosen() -> None:
    """A channel that wants to hear neither is silent; a heartbeat is sent where there is nothing else."""
    assert planned(replace(HOOK, blindness=False), make_result(), CHANGES) == []
    assert planned(HOOK, make_result()) == []
    assert [one.notice.kind for one in planned(replace(HOOK, heartbeat=True), make_result())] == ["heartbeat"]
    assert [one.notice.kind for one in planned(replace(HOOK, heartbeat=True), make_result(), CHANGES)] == ["blindness"]


def test_nothing_scanned_is_reported_each_time() -> None:
    """A scan that read nothing finds nothing new, and must not look like one that found nothing."""
    (sent,) = nothing_scanned([HOOK, replace(HOOK, blindness=False)], [GAP], make_result().scan)

    assert [sent.notice.kind, len(sent.notice.lost)] == ["nothing_scanned", 1]


def test_a_message_has_one_id_and_every_other_another() -> None:
    """Receivers give by it what they have had already."""
    result = make_result(owned("a", "ada@example.com"), owned("b", None), findings=(finding("a"), finding("b")))
    later = replace(result, scan=replace(result.scan, id="another"))
    channels: list[Channel] = [HOOK, replace(HOOK, name="other"), MAIL]

    first = [one.notice.id for one in messages(channels, result, CHANGES, ROSTER)]

    assert first == [one.notice.id for one in messages(channels, result, CHANGES, ROSTER)]
    assert len({*first, *(one.notice.id for one in messages(channels, later, CHANGES, ROSTER))}) == 2 * len(first)


def test_hostile_text_is_short_and_plain() -> None:
    """Names are written by attackers; a message stays a message."""
    name = "\x1b[31m\u202e\ud800" + "x" * 10_000
    subject = make_identity("a", display_name=name, key=name)
    result = make_result(
        make_assessment(subject), findings=(finding("a", identity=name, title=name, remediation=name),)
    )

    (sent,) = planned(HOOK, result)

    line = sent.notice.findings[0]
    assert max(len(text) for text in (line.title, line.subject, line.remediation)) <= LONGEST_TEXT
    assert all(text.isprintable() for text in (line.title, line.subject, line.remediation))
    assert line.identity == name.replace("\ud800", "�")


def test_a_trial_goes_to_every_channel() -> None:
    """With something to read."""
    sent: list[Outgoing] = trial([HOOK, MAIL], NOW)

    assert [(one.channel, one.notice.kind, one.to) for one in sent] == [
        ("hook", "test", ()),
        ("mail", "test", ("security@example.com",)),
    ]
    assert isinstance(sent[0].notice, Notice)


def test_messages_link_to_the_served_page() -> None:
    """Its start, and a page for each item; without its address there is no link."""
    result = make_result(owned("a", "ada@example.com"), findings=(finding("a"),))
    arrivals = Arrivals(identities=(make_assessment("é/ü"),))

    def notices(channel: Channel) -> list[Notice]:
        return [one.notice for one in messages([channel], result, UNCHANGED, ROSTER, arrivals)]

    appeared, found = notices(replace(MAIL, public_url="https://muster.example/"))
    key = quote(make_identity("é/ü").key, safe="")
    assert {appeared.page_url, found.page_url} == {"https://muster.example/"}
    assert [one.url for one in appeared.identities] == [f"https://muster.example/identities/{key}"]
    assert [one.url for one in found.findings] == [f"https://muster.example/findings/{finding('a').fingerprint}"]
    assert found.page_label == "1 thing needs you"
    for notice in notices(MAIL):
        urls = [one.url for one in notice.findings] + [one.url for one in notice.identities]
        assert {notice.page_url, *urls} == {None}


def test_a_key_that_is_too_long_for_an_address_has_no_link() -> None:
    """The finding's own address is always short."""
    long = make_identity("x" * 5_000).key

    assert identity_page("https://muster.example", long) is None
    assert finding_page("https://muster.example", "0f" * 16) == f"https://muster.example/findings/{'0f' * 16}"


def test_the_address_of_the_page_is_that_of_the_server_unless_a_channel_has_another(tmp_path: Path) -> None:
    """Of channels and ticket systems alike."""
    (tmp_path / "config.toml").write_text(
        """
[serve]
public_url = "https://muster.example"
[[notify]]
type = "slack"
url = { env = "X" }
[[notify]]
type = "webhook"
url = "https://hook.example"
public_url = "https://other.example"
[[tickets]]
type = "github"
repository = "acme/tickets"
token = { env = "X" }
"""
    )
    config = load_config(tmp_path / "config.toml")

    assert [one.public_url for one in (*config.channels, *config.tickets)] == [
        "https://muster.example", "https://other.example", "https://muster.example",
    ]  # fmt: skip

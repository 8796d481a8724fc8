"""Messages in the formats of their receivers: within the published limits, and nothing from outside acts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from email import message_from_bytes, policy
from html.parser import HTMLParser
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from scanner.notify import messages
from scanner.notify.messages import email
from scanner.notify.notices import Notice, PlaceLine, ReviewLine
from tests.scanner.notify.samples import HOSTILE, PAGE, hostile, large, linked, make_notice

PLACE = PlaceLine(source="prod", scope="123", section="iam.users", status="denied", permission="iam:ListUsers")
NOTICES = {
    "findings": make_notice(),
    "blindness": make_notice(kind="blindness", findings=(), lost=(PLACE,), regained=(PLACE,)),
    "failed": make_notice(kind="failed", findings=(), errors=("registry.csv:3: id: is already used", HOSTILE)),
    "nothing scanned": make_notice(kind="nothing_scanned", findings=(), lost=(PLACE,)),
    "heartbeat": make_notice(kind="heartbeat", findings=()),
    "review": make_notice(
        kind="review",
        findings=(),
        scan=None,
        reviews=(ReviewLine(review=HOSTILE, reviewer=HOSTILE, left=2, due=date(2027, 1, 31), overdue=True),),
    ),
    "test": make_notice(kind="test", findings=(), scan=None),
    "large": large(),
    "linked": linked(),
    "linked and large": replace(
        large(), page_url=PAGE, findings=tuple(replace(one, url=f"{PAGE}x" * 60) for one in large().findings)
    ),
    "hostile": hostile(),
}
every_notice = pytest.mark.parametrize("notice", NOTICES.values(), ids=NOTICES)


def texts(value: Any) -> Iterator[str]:
    """Every ``text`` in a payload that is one."""
    if isinstance(value, dict):
        yield from (text for name, text in value.items() if name == "text" and isinstance(text, str))
        value = list(value.values())
    if isinstance(value, list):
        for member in value:
            yield from texts(member)


@every_notice
def test_slack_takes_it(notice: Notice) -> None:
    """50 blocks, 150 characters in a header, 3000 in a section."""
    payload = messages.slack_payload(notice)

    blocks = payload["blocks"]
    assert 1 <= len(blocks) <= 50
    assert blocks[0]["type"] == "header"
    assert len(blocks[0]["text"]["text"]) <= 150
    assert all(1 <= len(block["text"]["text"]) <= 3000 for block in blocks)
    assert all(block["text"]["verbatim"] for block in blocks[1:])


def test_slack_mentions_no_one_and_links_nothing() -> None:
    """No angle bracket of theirs is left, no formatting outside of code; a header is plain text."""
    payload = messages.slack_payload(hostile())

    written = [payload["text"], *(block["text"]["text"] for block in payload["blocks"][1:])]
    assert not [text for text in written if re.search(r"<|>|&(?!amp;|lt;|gt;)", text)]
    outside_code = [re.sub(r"`[^`\n]*`", "", text) for text in written]
    assert not [text for text in outside_code if "*b*" in text]
    assert {text.count("`") for text in written} == {0, 2}  # a subject ends where we end it


def test_every_format_links_to_the_served_page() -> None:
    """Once with the number of things for their owner, and from each item to its page; else there is no link."""
    notice = linked()
    slack = [block["text"]["text"] for block in messages.slack_payload(notice)["blocks"]]
    card = messages.teams_payload(notice)["attachments"][0]["content"]
    data = email(notice, sender="m@example.com", to=["ada@example.com"]).as_bytes()
    parts = message_from_bytes(data, policy=policy.default).iter_parts()
    plain, html = (part.get_content().replace("\r", "") for part in parts)
    item = f"{PAGE}findings/{notice.findings[0].fingerprint}"
    arrived = f"{PAGE}identities/arn%3Aaws%3A%3A%3C%22%27%3E%29%7C%20%26x"

    assert slack[-1] == f"*<{PAGE}|3 things need you>*"
    assert slack[-2].endswith(f"\n<{item}|Open>")
    assert slack[1].endswith(f"\n<{arrived}|Open>")
    assert card["actions"] == [{"type": "Action.OpenUrl", "title": "3 things need you", "url": PAGE}]
    links = [run["selectAction"]["url"] for block in card["body"] for run in block["inlines"] if "selectAction" in run]
    assert links == [arrived, item]
    assert f"3 things need you: {PAGE}\n" in plain
    assert f"  {item}\n" in plain
    assert re.findall(r'href="([^"]*)"', html) == [arrived, item, PAGE]
    for other in (make_notice(), hostile()):
        assert "Open" not in str(messages.slack_payload(other)) + str(messages.teams_payload(other))


def test_the_link_says_what_it_opens() -> None:
    """How many things wait only where they are all somebody's."""
    words = [
        make_notice().page_label,
        make_notice(recipient=None).page_label,
        make_notice(kind="heartbeat", findings=(), counts={}).page_label,
    ]

    assert words == ["1 thing needs you", "Open the page", "Open the page"]


def test_slack_links_to_the_report_of_the_config() -> None:
    """The one link there is, is ours."""
    last = messages.slack_payload(make_notice(report_url="https://r.example/?a=1&b=2"))["blocks"][-1]

    assert last["text"]["text"] == "<https://r.example/?a=1&amp;b=2|Open the report>"


@every_notice
def test_teams_takes_it(notice: Notice) -> None:
    """28 KB, one card, in the shape of a workflow's trigger; what does not fit is counted."""
    payload = messages.teams_payload(notice)

    (attachment,) = payload["attachments"]
    body = attachment["content"]["body"]
    assert len(msgspec.json.encode(payload)) <= 28 * 1024
    assert (payload["type"], attachment["contentType"]) == ("message", "application/vnd.microsoft.card.adaptive")
    assert (attachment["content"]["type"], attachment["content"]["version"]) == ("AdaptiveCard", "1.4")
    # Text blocks take Markdown; text runs do not.
    assert {element["type"] for element in body} == {"RichTextBlock"}
    assert {run["type"] for element in body for run in element["inlines"]} == {"TextRun"}
    assert all(texts(payload))


def test_teams_counts_what_does_not_fit() -> None:
    """No finding is dropped in silence."""
    notice = msgspec.structs.replace(large(), findings=tuple(large().findings) * 3)

    body = messages.teams_payload(notice)["attachments"][0]["content"]["body"]

    shown = sum(run["text"] == "HIGH" for element in body for run in element["inlines"])
    assert 0 < shown < 120
    assert f"And {60 + 120 - shown} more in the report." in list(texts(body))[-1]


class _Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: Any) -> None:  # noqa: ARG002  # HTMLParser's signature
        self.found.add(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


@every_notice
def test_mail_is_text_and_html_with_nothing_of_theirs_in_it(notice: Notice) -> None:
    """The same in both; headers are whole whatever stands in them."""
    data = email(notice, sender="muster@example.com", to=["ada@example.com"]).as_bytes()
    message = message_from_bytes(data, policy=policy.default)

    plain, html = message.get_body(("plain",)), message.get_body(("html",))
    assert plain is not None
    assert html is not None
    page = _Elements()
    page.feed(html.get_content())
    assert page.found <= {"html", "body", "h3", "p", "b", "code", "br", "a"}
    assert ("a" in page.found) is (notice.report_url is not None or notice.page_url is not None)
    assert all(one.subject in plain.get_content() and one.subject in page.text for one in notice.findings)
    assert message["To"] == "ada@example.com"
    assert message["Message-ID"] == f"<{notice.id}@example.com>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert max(map(len, data.split(b"\r\n"))) <= 998


def test_no_header_is_injected() -> None:
    """A line break in a title ends no header."""
    message = email(make_notice(title="a\r\nBcc: evil@example.net\n\nbody"), sender="m@example.com", to=["a@b.example"])

    assert "Bcc" not in message_from_bytes(message.as_bytes()).keys()  # noqa: SIM118  # a message, no mapping


def test_the_generic_format_is_what_the_docs_say() -> None:
    """Every key, in JSON that any program reads."""
    decoded = msgspec.json.decode(msgspec.json.encode(NOTICES["hostile"]))

    assert decoded["schema"] == "muster.notice/1"
    assert decoded["findings"][0]["subject"] == HOSTILE
    assert set(decoded) == {
        "schema", "id", "kind", "title", "recipient", "scan", "created_at", "counts", "findings", "lost", "regained",
        "errors", "reviews", "identities", "setup", "more", "report_url", "page_url",
    }  # fmt: skip

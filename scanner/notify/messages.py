"""Notices in the formats of Slack, Teams and e-mail."""

from __future__ import annotations

from collections.abc import Sequence
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from html import escape
from typing import Any

import msgspec

from scanner.notify.notices import Item, Notice, closing, items
from scanner.text import printable

# --- Slack: Block Kit for incoming webhooks; untrusted text cannot mention people or link ---

MOST_IN_HEADER, MOST_IN_SECTION = 150, 3000
MOST_IN_TEXT = 180
"""Maximum characters of each of an item's three texts, because escaping makes 5 of 1."""
_LOOKALIKES = str.maketrans({"*": "\u2217", "~": "\u223c", "`": "'"})


def slack_payload(notice: Notice) -> dict[str, Any]:
    """The request's body. ``text`` is shown in the notification."""
    title = f"Muster: {notice.title}"
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": _cut(title, MOST_IN_HEADER), "emoji": False}}
    ]
    blocks += [_section(_section_text(item)) for item in items(notice)]
    if (last := closing(notice)) is not None:
        blocks.append(_section(_plain(last)))
    if notice.report_url is not None:
        blocks.append(_section(f"<{_escaped(notice.report_url)}|Open the report>"))
    if notice.page_url is not None:
        blocks.append(_section(f"*<{_escaped(notice.page_url)}|{notice.page_label}>*"))
    return {"text": _plain(title), "blocks": blocks}


def _section(text: str) -> dict[str, Any]:
    # verbatim: addresses and channel names in it stay text.
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}


def _section_text(item: Item) -> str:
    title, subject, detail = (_cut(text, MOST_IN_TEXT) for text in (item.title, item.subject, item.detail))
    code = _escaped(subject.replace("`", "'"))
    text = "\n".join(filter(None, (f"*{item.mark.upper()}* {_plain(title)}", f"`{code}`", _plain(detail))))
    link = f"\n<{_escaped(item.url)}|Open>" if item.url else ""
    return text + link if len(text + link) <= MOST_IN_SECTION else text


def _escaped(text: str) -> str:
    """Escapes Slack's three control characters, so that text cannot mention people or link."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _plain(text: str) -> str:
    return _escaped(text.translate(_LOOKALIKES))


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


# --- Teams: one Adaptive Card for a workflow ("when a Teams webhook request is received") ---

MOST_BYTES = 28 * 1024
"""Teams refuses a longer message."""
_COLORS = {"critical": "Attention", "high": "Attention", "medium": "Warning", "ok": "Good"}


def teams_payload(notice: Notice) -> dict[str, Any]:
    """The request's body with as many items as fit."""
    points = items(notice)
    while True:
        left_out = len(items(notice)) - len(points)
        message = _message(msgspec.structs.replace(notice, more=notice.more + left_out), points)
        if len(msgspec.json.encode(message)) <= MOST_BYTES or not points:
            return message
        points = points[:-1]


def _message(notice: Notice, points: Sequence[Item]) -> dict[str, Any]:
    body = [_text({"text": f"Muster: {notice.title}", "weight": "Bolder", "size": "Large"})]
    body += [_teams_item(item) for item in points]
    if (last := closing(notice)) is not None:
        body.append(_text({"text": last, "isSubtle": True}))
    card: dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
        "msteams": {"width": "Full"},
    }
    links = ((notice.page_label, notice.page_url), ("Open the report", notice.report_url))
    if actions := [{"type": "Action.OpenUrl", "title": title, "url": url} for title, url in links if url is not None]:
        card["actions"] = actions
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


def _teams_item(item: Item) -> dict[str, Any]:
    mark = {"text": item.mark.upper(), "weight": "Bolder", "color": _COLORS.get(item.mark, "Default")}
    runs: list[dict[str, Any]] = [mark, {"text": f" {item.title}\n"}, {"text": item.subject, "fontType": "Monospace"}]
    if item.detail:
        runs.append({"text": f"\n{item.detail}", "isSubtle": True})
    if item.url:
        runs.append({"text": "\nOpen", "selectAction": {"type": "Action.OpenUrl", "url": item.url}})
    return _text(*runs)


def _text(*runs: dict[str, Any]) -> dict[str, Any]:
    # Text runs, not text blocks: these take no Markdown, so a name is never a link.
    return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", **run} for run in runs]}


# --- E-mail, as plain text and simple HTML ---


def email(notice: Notice, *, sender: str, to: Sequence[str]) -> EmailMessage:
    """The mail. Retries keep the Message-ID."""
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = ", ".join(to)
    message["Subject"] = f"Muster: {printable(notice.title)}"
    message["Date"] = format_datetime(notice.created_at)
    message["Message-ID"] = f"<{notice.id}@{sender.rpartition('@')[2]}>"
    # Suppresses automatic replies.
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(_mail_plain(notice))
    message.add_alternative(_html(notice), subtype="html")
    return message


def _mail_plain(notice: Notice) -> str:
    parts = [notice.title, *map(_point, items(notice))]
    page = f"{notice.page_label}: {notice.page_url}" if notice.page_url else None
    parts += [text for text in (closing(notice), page, notice.report_url) if text]
    return "\n\n".join(parts) + "\n"


def _point(item: Item) -> str:
    first = f"{item.mark.upper()}  {item.title}"
    return "\n".join([first, *(f"  {text}" for text in (item.subject, item.detail, item.url) if text)])


def _html(notice: Notice) -> str:
    parts = [f"<h3>{escape(notice.title)}</h3>", *map(_html_point, items(notice))]
    if (last := closing(notice)) is not None:
        parts.append(f"<p>{escape(last)}</p>")
    if notice.page_url is not None:
        parts.append(f'<p><b><a href="{escape(notice.page_url)}">{escape(notice.page_label)}</a></b></p>')
    if notice.report_url is not None:
        parts.append(f'<p><a href="{escape(notice.report_url)}">Open the report</a></p>')
    return f"<!doctype html><html><body>{''.join(parts)}</body></html>\n"


def _html_point(item: Item) -> str:
    lines = [f"<b>{escape(item.mark.upper())}</b> {escape(item.title)}", f"<code>{escape(item.subject)}</code>"]
    lines += [escape(item.detail)] if item.detail else []
    lines += [f'<a href="{escape(item.url)}">Open</a>'] if item.url else []
    return f"<p>{'<br>'.join(lines)}</p>"

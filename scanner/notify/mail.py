"""A message as e-mail, in plain text and simple HTML."""

from __future__ import annotations

from collections.abc import Sequence
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from html import escape

from scanner.notify.notices import Item, Notice, closing, items
from scanner.text import printable


def email(notice: Notice, *, sender: str, to: Sequence[str]) -> EmailMessage:
    """The mail; its Message-ID stays the same however often it is sent."""
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = ", ".join(to)
    message["Subject"] = f"Muster: {printable(notice.title)}"
    message["Date"] = format_datetime(notice.created_at)
    message["Message-ID"] = f"<{notice.id}@{sender.rpartition('@')[2]}>"
    # So that no holiday notice answers.
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(_plain(notice))
    message.add_alternative(_html(notice), subtype="html")
    return message


def _plain(notice: Notice) -> str:
    parts = [notice.title, *map(_point, items(notice))]
    parts += [text for text in (closing(notice), notice.report_url) if text]
    return "\n\n".join(parts) + "\n"


def _point(item: Item) -> str:
    first = f"{item.mark.upper()}  {item.title}"
    return "\n".join([first, f"  {item.subject}", *([f"  {item.detail}"] if item.detail else [])])


def _html(notice: Notice) -> str:
    parts = [f"<h3>{escape(notice.title)}</h3>", *map(_html_point, items(notice))]
    if (last := closing(notice)) is not None:
        parts.append(f"<p>{escape(last)}</p>")
    if notice.report_url is not None:
        parts.append(f'<p><a href="{escape(notice.report_url)}">Open the report</a></p>')
    return f"<!doctype html><html><body>{''.join(parts)}</body></html>\n"


def _html_point(item: Item) -> str:
    lines = [f"<b>{escape(item.mark.upper())}</b> {escape(item.title)}", f"<code>{escape(item.subject)}</code>"]
    return f"<p>{'<br>'.join([*lines, *([escape(item.detail)] if item.detail else [])])}</p>"

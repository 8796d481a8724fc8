"""A message as Slack's incoming webhooks take it: Block Kit, in which nothing from outside acts."""

from __future__ import annotations

from typing import Any

from scanner.notify.notices import Item, Notice, closing, items

MOST_IN_HEADER = 150
MOST_IN_TEXT = 180
"""Characters of one of a point's three texts: a section takes 3000, and escaping makes five of one."""
_LOOKALIKES = str.maketrans({"*": "\u2217", "~": "\u223c", "`": "'"})


def payload(notice: Notice) -> dict[str, Any]:
    """The request's body. ``text`` is what a notification shows of it."""
    title = f"Muster: {notice.title}"
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": _cut(title, MOST_IN_HEADER), "emoji": False}}
    ]
    blocks += [_section(_told(item)) for item in items(notice)]
    if (last := closing(notice)) is not None:
        blocks.append(_section(_plain(last)))
    if notice.report_url is not None:
        blocks.append(_section(f"<{_escaped(notice.report_url)}|Open the report>"))
    return {"text": _plain(title), "blocks": blocks}


def _section(text: str) -> dict[str, Any]:
    # verbatim: addresses and channel names in it stay text.
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}


def _told(item: Item) -> str:
    title, subject, detail = (_cut(text, MOST_IN_TEXT) for text in (item.title, item.subject, item.detail))
    code = _escaped(subject.replace("`", "'"))
    return "\n".join(filter(None, (f"*{item.mark.upper()}* {_plain(title)}", f"`{code}`", _plain(detail))))


def _escaped(text: str) -> str:
    """Slack's three characters: without them nobody is mentioned and nothing is a link."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _plain(text: str) -> str:
    return _escaped(text.translate(_LOOKALIKES))


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"

"""A message as a Teams workflow takes it ("when a Teams webhook request is received"): one Adaptive Card."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from scanner.notify.notices import Item, Notice, closing, items

MOST_BYTES = 28 * 1024
"""What Teams takes of a message; beyond it, it is refused whole."""
_COLORS = {"critical": "Attention", "high": "Attention", "medium": "Warning", "ok": "Good"}


def payload(notice: Notice) -> dict[str, Any]:
    """The request's body: as many points as fit."""
    points = items(notice)
    while True:
        left_out = len(items(notice)) - len(points)
        message = _message(msgspec.structs.replace(notice, more=notice.more + left_out), points)
        if len(msgspec.json.encode(message)) <= MOST_BYTES or not points:
            return message
        points = points[:-1]


def _message(notice: Notice, points: Sequence[Item]) -> dict[str, Any]:
    body = [_text({"text": f"Muster: {notice.title}", "weight": "Bolder", "size": "Large"})]
    body += [_told(item) for item in points]
    if (last := closing(notice)) is not None:
        body.append(_text({"text": last, "isSubtle": True}))
    card: dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
        "msteams": {"width": "Full"},
    }
    if notice.report_url is not None:
        card["actions"] = [{"type": "Action.OpenUrl", "title": "Open the report", "url": notice.report_url}]
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


def _told(item: Item) -> dict[str, Any]:
    mark = {"text": item.mark.upper(), "weight": "Bolder", "color": _COLORS.get(item.mark, "Default")}
    runs = [mark, {"text": f" {item.title}\n"}, {"text": item.subject, "fontType": "Monospace"}]
    return _text(*runs, *([{"text": f"\n{item.detail}", "isSubtle": True}] if item.detail else []))


def _text(*runs: dict[str, Any]) -> dict[str, Any]:
    # Text runs, not text blocks: these take no Markdown, so a name is never a link.
    return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", **run} for run in runs]}

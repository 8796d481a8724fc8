"""The HTML report: one file that asks nothing of the network, to be clicked through.

The template has no place for data in its markup: what comes from outside travels as base64 in blocks that no browser
executes, and the script writes it as text only. The policy in the page's head lets exactly this style and this script
run, by their hashes, and forbids everything else, connections included.
"""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files
from string import Template
from typing import BinaryIO, ClassVar

from reports.base import Screen, View
from reports.html.packing import LONGEST_TEXT, block
from reports.html.payload import blocks, texts_cut
from scanner.model import ScanResult
from scanner.text import counted

_SCRIPTS = (
    "data.js", "query.js", "dom.js", "words.js", "address.js", "grid.js", "facets.js", "overview.js",
    "charts.js", "drawings.js", "derived.js", "export.js", "panel.js", "paths.js", "activity.js", "identity.js",
    "subjects.js", "views.js", "app.js",
)  # fmt: skip
"""In the order in which each needs the ones before it; together they are one module."""


class HtmlReport:
    """A page to explore: everything is in it, and the view is where it opens."""

    name: ClassVar[str] = "html"
    title: ClassVar[str] = "One offline page to explore: sorted, filtered, every verdict with its evidence"
    default_view: ClassVar[View] = "all"
    extra: ClassVar[str | None] = None

    def write(self, result: ScanResult, view: View, out: BinaryIO, screen: Screen) -> tuple[str, ...]:
        """Write the page. A text of more than 10,000 characters is cut, and the notice says of how many identities."""
        style, script = _asset("style.css"), "\n".join(map(_asset, _SCRIPTS))
        page = Template(_asset("template.html")).substitute(
            policy=_policy(script=script, style=style),
            style=style,
            view=view,
            blocks="\n".join(
                f'<script type="application/octet-stream" id="block-{name}">{block(content)}</script>'
                for name, content in blocks(result, screen).items()
            ),
            script=script,
        )
        out.write(page.encode())
        cut = texts_cut(result)
        whose = counted(cut, "identity", "identities")
        return (f"texts of {whose} are cut at {LONGEST_TEXT:,} characters",) if cut else ()


def _asset(name: str) -> str:
    return (files("reports.html") / name).read_text(encoding="utf-8")


def _policy(*, script: str, style: str) -> str:
    """Content Security Policy Level 3; Trusted Types make a browser refuse markup made from text."""
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src '{_hash(script)}'",
            f"style-src '{_hash(style)}'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        )
    )


def _hash(content: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode("ascii")

"""The HTML report: one interactive file that sends no request.

The markup of the template contains no data: untrusted text is base64 in blocks that no browser executes, and the script
inserts it as text only. The policy in the page's head allows exactly this style and this script, by their hashes, and
forbids everything else, including connections.
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

SCRIPTS = (
    "data.js", "query.js", "dom.js", "words.js", "address.js", "grid.js", "facets.js", "overview.js",
    "charts.js", "drawings.js", "derived.js", "export.js", "panel.js", "paths.js", "activity.js", "identity.js",
    "subjects.js", "views.js", "app.js",
)  # fmt: skip
"""The scripts of the page, whatever the source of its data. Together they are one module."""
_SOURCE = "embedded.js"
_NO_SCRIPT = (
    "This page is an application in one file and needs JavaScript, which it runs without any network. "
    "The same facts are in the CSV, XLSX and JSON reports."
)
_EXPORT = '<button id="export" type="button" title="Save the list as it is filtered, as CSV">Save as CSV</button>'


class HtmlReport:
    """An interactive page with the whole result, which opens with the view."""

    name: ClassVar[str] = "html"
    title: ClassVar[str] = "One offline page to explore: sorted, filtered, every verdict with its evidence"
    default_view: ClassVar[View] = "all"
    extra: ClassVar[str | None] = None

    def write(self, result: ScanResult, view: View, out: BinaryIO, screen: Screen) -> tuple[str, ...]:
        """Write the page. A text of more than 10,000 characters is cut, and the notice says of how many identities."""
        style, script = asset("style.css"), "\n".join(map(asset, (*SCRIPTS, _SOURCE)))
        data = (
            f'<script type="application/octet-stream" id="block-{name}">{block(content)}</script>'
            for name, content in blocks(result, screen).items()
        )
        policy = _policy(script=script, style=style)
        page = markup(
            head=f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n<style>{style}</style>',
            view=view,
            without_script=_NO_SCRIPT,
            export=_EXPORT,
            scripts="\n".join((*data, f'<script type="module">{script}</script>')),
        )
        out.write(page.encode())
        cut = texts_cut(result)
        whose = counted(cut, "identity", "identities")
        return (f"texts of {whose} are cut at {LONGEST_TEXT:,} characters",) if cut else ()


def markup(*, head: str, view: View, without_script: str, export: str, scripts: str, **parts: str) -> str:
    """The page's markup, of trusted parts. ``parts``: ``above`` the overview, ``before`` and ``beside`` the lists."""
    return Template(asset("template.html")).substitute(
        head=head,
        view=view,
        without_script=without_script,
        export=export,
        scripts=scripts,
        above=parts.get("above", ""),
        before=parts.get("before", ""),
        beside=parts.get("beside", ""),
    )


def asset(name: str) -> str:
    """A script, the style or the template."""
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

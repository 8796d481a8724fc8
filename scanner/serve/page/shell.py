"""The page's markup, the same for every address, and its script and style, which have hashes in their names."""

from __future__ import annotations

import gzip
import hashlib
from functools import cache
from importlib.resources import files

from litestar import Response
from msgspec import Struct

from reports.html.report import SCRIPTS, asset, markup
from scanner.serve.answers import Refusal
from scanner.serve.answers import page as plain
from scanner.serve.index.catalog import Underway

STATIC = "/static/"
_SOURCES = (
    "fetched.js",
    "forms.js",
    "actions.js",
    "start.js",
    "trends.js",
    "decisions.js",
    "retirements.js",
    "pages.js",
)
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; "
    "trusted-types 'none'"
)
"""Nothing inline, and no markup made from text. The style of single elements is set by the script alone."""
_AGAIN = 3
"""Seconds until a page that is not ready opens itself again."""
_FOREVER = "private, max-age=31536000, immutable"
_WITHOUT_SCRIPT = "This page needs JavaScript. The same facts are in the API, and in the files of `muster report`."
_EXPORT = (
    '<span id="export" role="group" aria-label="Save the list as it is filtered">'
    '<a data-format="csv" href="/export/identities.csv">CSV</a> '
    '<a data-format="xlsx" href="/export/identities.xlsx">XLSX</a> '
    '<a data-format="json" href="/export/identities.json">JSON</a></span>'
    '<details class="facet saved"><summary>Saved queries</summary><div id="saved"></div></details>'
)
_ABOVE = (
    '<p class="quiet account"><span id="who"></span> <button id="sign-out" type="button">Sign out</button></p>'
    '<p id="trouble" role="alert" hidden></p>'
    '<p id="newer" role="status" hidden>A newer scan is there. '
    '<button id="reload" type="button">Show it</button></p>'
)
_START = '<section id="start" aria-label="For you" hidden></section>'
_BESIDE = '<div id="page" role="tabpanel" tabindex="-1" hidden></div>'


class Static(Struct, frozen=True):
    """A file with its name. ``packed``: compressed by gzip."""

    name: str
    media_type: str
    content: bytes
    packed: bytes


@cache
def statics() -> dict[str, Static]:
    """By suffix: the script and the style."""
    own = files("scanner.serve.page")
    script = "\n".join((*map(asset, SCRIPTS), *((own / name).read_text(encoding="utf-8") for name in _SOURCES)))
    style = asset("style.css") + (own / "served.css").read_text(encoding="utf-8")
    return {"js": _static("js", "text/javascript", script), "css": _static("css", "text/css", style)}


def _static(suffix: str, media_type: str, text: str) -> Static:
    content = text.encode()
    name = f"muster-{hashlib.sha256(content).hexdigest()[:16]}.{suffix}"
    return Static(name, media_type, content, gzip.compress(content, 9, mtime=0))


def static_file(name: str, accepts: str) -> Response[bytes]:
    """The file of that name. ``accepts``: the encodings that the browser takes."""
    found = next((one for one in statics().values() if one.name == name), None)
    if found is None:
        raise Refusal(404, "there is no such file", hint="reload the page")
    is_packed = "gzip" in accepts
    headers = {"cache-control": _FOREVER, "vary": "accept-encoding"}
    if is_packed:
        headers["content-encoding"] = "gzip"
    return Response(found.packed if is_packed else found.content, media_type=found.media_type, headers=headers)


def waiting(underway: Underway | None) -> Response[bytes]:
    """The page before the first index is built, which opens itself again."""
    what = f"Muster is {underway} records." if underway else "Muster is building the index."
    again = f'<meta http-equiv="refresh" content="{_AGAIN}">'
    headers = {"retry-after": str(_AGAIN)}
    return plain("Not ready yet", what, "This page opens when it is built.", status=503, head=again, headers=headers)


def page(csrf: str) -> Response[bytes]:
    """The page. ``csrf``: the token that it sends with every write."""
    script, style = (statics()[suffix].name for suffix in ("js", "css"))
    text = markup(
        head=(
            f'<meta name="csrf" content="{csrf}">\n'
            '<link rel="icon" href="data:,">\n'
            f'<link rel="stylesheet" href="{STATIC}{style}">\n'
            f'<script type="module" src="{STATIC}{script}"></script>'
        ),
        view="all",
        without_script=_WITHOUT_SCRIPT,
        export=_EXPORT,
        scripts="",
        above=_ABOVE,
        beside=_BESIDE,
        before=_START,
    )
    return Response(text.encode(), media_type="text/html", headers={"content-security-policy": _POLICY})

"""How Sphinx builds these pages as a site: ``make docs``.

Every warning is an error there: a link or an anchor that leads nowhere, or a page that ``index.md`` does not list. The
navigation is made from the links of ``index.md``, so there is one list of the pages.
"""

import re
from pathlib import Path

from sphinx.application import Sphinx

project = "Muster"
extensions = ["myst_parser"]
myst_heading_anchors = 4  # the anchors that forges give to headings
myst_linkify_fuzzy_links = False
exclude_patterns = ["images/*"]
html_theme = "furo"
html_title = "Muster"
html_copy_source = False


def navigation(text: str) -> str:
    """The table of contents in ``index.md``: a part for each of its sections, with the pages that it links."""
    parts = []
    for section in text.split("\n## ")[1:]:
        heading, _, body = section.partition("\n")
        pages = dict.fromkeys(re.findall(r"\]\(([\w/-]+)\.md\)", body))
        parts.append("\n".join(("```{toctree}", ":hidden:", f":caption: {heading}", "", *pages, "```")))
    return "\n\n".join(parts)


def without_folders(text: str, place: Path) -> str:
    """The text with links to folders as plain text: a forge lists a folder, a site has no page for it."""
    return re.sub(r"\[([^\]]+)\]\(([^)#:\s]+)\)", lambda link: link[1] if (place / link[2]).is_dir() else link[0], text)


def _read(app: Sphinx, page: str, content: list[str]) -> None:
    content[0] = without_folders(content[0], app.env.doc2path(page).parent)
    if page == "index":
        content[0] += "\n" + navigation(content[0])


def setup(app: Sphinx) -> None:
    """Sphinx calls it."""
    app.connect("source-read", _read)

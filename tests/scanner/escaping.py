"""Writing list cells, the inverse of what the readers do."""

import re


def escape_item(text: str) -> str:
    r"""A literal as an item of a list cell: read back it is the same, with ``\*`` for each star."""
    return re.sub(r"([\\;*])", r"\\\1", text)

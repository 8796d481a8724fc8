"""Whole companies in eight languages, with lists as they are kept there: what Muster makes of them, beside the truth.

Names, headings, status words and dates of each are in ``words/``: they are what people there write, and none is taken
from the tables that Muster reads by. Everything is decided by language, seed and rounds.
"""

from collections.abc import Sequence

from benchmarks.companies.company import Company, Row, Truth, make_company
from benchmarks.companies.judged import Outcome, judged
from benchmarks.companies.tables import summary, tables
from benchmarks.companies.words import LANGUAGES

__all__ = ["LANGUAGES", "Company", "Outcome", "Row", "Truth", "make_company", "outcomes", "report", "report_explained"]


def outcomes(seed: int, rounds: int, *, explained: bool = False) -> Sequence[Outcome]:
    """Every company, judged. ``explained``: with what each heading means in the config."""
    return [judged(make_company(language, seed, rounds), explained=explained) for language in LANGUAGES]


def report(seed: int, rounds: int) -> str:
    """All tables, as Markdown; the first once more with the companies' tables explained."""
    blocks = tables(outcomes(seed, rounds))
    explained = summary(outcomes(seed, rounds, explained=True))
    return "\n\n".join((*blocks, "### Companies, their tables explained", explained)) + "\n"


def report_explained(seed: int, rounds: int) -> str:
    """All tables, of names, owners and suggestions by themselves."""
    return "\n\n".join(tables(outcomes(seed, rounds, explained=True))) + "\n"

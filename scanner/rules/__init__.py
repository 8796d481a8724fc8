"""Rules: pure functions that turn verdicts into findings, one file per topic.

``catalog``: all rules by id, each with its file · ``base``: kinds of rules · ``evaluation``: runs them, and finds out
which findings are new since the last scan.
"""

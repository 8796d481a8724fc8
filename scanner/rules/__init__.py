"""Rules: pure functions that turn verdicts into findings, one file per topic."""

"""Verdicts on each identity, and the pipeline that puts them in order."""

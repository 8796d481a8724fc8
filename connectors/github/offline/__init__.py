"""Exports of `gh api` in the place of the API."""

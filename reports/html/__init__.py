"""The HTML report: one offline page."""

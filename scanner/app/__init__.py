"""The composition root: it alone wires connectors, judging, store and reports."""

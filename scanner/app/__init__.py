"""The composition root: the only package that wires connectors, judging, store and reports."""

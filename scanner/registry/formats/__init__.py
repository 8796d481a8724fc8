"""Declarations in the formats of other tools, read as rows of a list.

``documents``: the formats, and their files as objects with lines · ``declaration``: input and output of a reader · one
module per format or group of formats.
"""

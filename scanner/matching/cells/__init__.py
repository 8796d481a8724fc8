"""Reads cells of entries by what exists: several identities in a cell, other spellings, notes, providers and scopes.

``reading``: what an entry's cells name · ``existing``: look-ups among the identities · ``places``: provider and scope ·
``words``: words of several languages, as data.
"""

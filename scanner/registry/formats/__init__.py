"""Declarations in the formats of other tools, read as if they were rows of our own lists.

``catalog`` the formats there are and how each is recognised · ``documents`` their files as objects with lines ·
``declaration`` what a reader takes and gives · one module a format.
"""

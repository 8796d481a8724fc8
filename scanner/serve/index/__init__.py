"""The index of the server's lists: an SQLite file for each scan, built once and then only read.

``questions.py`` defines questions and answers, ``lists.py`` the lists. ``building.py`` builds the file: ``rows.py`` has
the cells, ``writing.py`` the tables. ``reading.py`` answers from it: ``files.py`` reads columns, ``matching.py`` finds
texts. ``catalog.py`` keeps the files of the scans that are served.
"""

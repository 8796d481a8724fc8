"""The index that the server's lists are read from: an SQLite file for each scan, built once and then only read.

``questions.py`` says what can be asked, ``lists.py`` what the lists show. ``building.py`` makes the file: ``rows.py``
has the cells, ``writing.py`` the tables. ``reading.py`` answers from it: ``files.py`` reads columns, ``matching.py``
finds texts. ``catalog.py`` keeps the files of the scans that are served.
"""

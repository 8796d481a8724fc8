"""The served page: the report's own page, whose data is fetched. ``reports/html`` has what both share.

``shell.py`` has the markup and its scripts, ``lists.py`` rows and counts, ``panels.py`` what is shown of one subject,
``overview.py`` what stands above the lists, ``changed.py`` what is new, ``routes.py`` the addresses. ``fetched.js`` is
the source of the page's data, ``forms.js`` and ``pages.js`` what only the served page has.
"""

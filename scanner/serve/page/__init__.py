"""The served page: the page of the HTML report with data from the server. ``reports/html`` has the shared parts.

``shell.py`` has the markup and its scripts, ``lists.py`` rows and counts, ``panels.py`` the panel of one subject,
``overview.py`` the part above the lists, ``changed.py`` the news, ``routes.py`` the addresses. ``fetched.js`` is the
source of the page's data, ``forms.js`` and ``pages.js`` the parts of the served page only.
"""

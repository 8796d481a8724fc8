"""``muster serve``: the store as a web application."""

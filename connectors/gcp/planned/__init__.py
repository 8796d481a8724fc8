"""Plans of Google Cloud: service accounts, and the bindings that give them roles, judged as a scan's are."""

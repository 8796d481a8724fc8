"""Who may do what: directory roles, application permissions, delegated grants, Azure roles."""

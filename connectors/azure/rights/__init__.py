"""Rights: directory roles, application permissions, delegated grants, Azure roles."""

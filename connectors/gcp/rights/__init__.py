"""Who may do what in Google Cloud: roles, bindings, deny policies, and whom they let become whom."""

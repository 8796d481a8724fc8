"""Who may do what in Google Cloud: roles, bindings, deny policies, and who they let become which identity."""

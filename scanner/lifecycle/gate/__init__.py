"""The gate: judges what plans and templates would bring, before they are deployed. Pure."""

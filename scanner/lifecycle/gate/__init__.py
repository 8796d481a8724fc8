"""The gate: judges the changes in plans and templates before they are deployed. Pure."""

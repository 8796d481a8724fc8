"""RBAC evaluation: the rights of subjects, and the accounts that these lead to. Pure."""

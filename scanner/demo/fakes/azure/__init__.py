"""A tenant of Entra with subscriptions, served over HTTP."""

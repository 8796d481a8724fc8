"""Names among ``attributes`` that rules and joins read, whoever fills them in. What is not there is not known."""

from __future__ import annotations

from typing import Final

# Of a credential.
EXPOSED: Final = "exposed"
"""True, or where the provider found it in the open, in words."""
UNRESTRICTED: Final = "unrestricted"
"""True where an API key opens every interface that its project has switched on."""

# Of an identity.
EXTERNAL: Final = "external"
"""True where another organisation made it and runs it: an application of another tenant."""
PUBLISHER: Final = "publisher"
"""Who publishes an application: ``{"name": str | None, "verified": bool}``."""
OWNERS: Final = "owners"
"""Whom the provider has as its owners: a list of ``{"id": str, "name": str | None, "email": str | None}``."""
SPONSORS: Final = "sponsors"
"""Who answers for an agent, as OWNERS has them; an empty list where the provider knows of nobody."""
DOMAIN_WIDE_DELEGATION: Final = "domain_wide_delegation"
"""True where it may act as any user of the organisation, or a list of the scopes for which it may."""
DEFAULT_ACCOUNT: Final = "default_account"
"""True where the provider made it for whatever names no account of its own."""
TOKEN_SUBJECTS: Final = "token_subjects"  # noqa: S105  # names of those whom tokens are for, no token
"""Under which names it can show itself to others: a list of ``[issuer, subject]``.

In a subject ``*`` stands for what its bearer chooses: an AWS role has ``["aws:123456789012",
"arn:aws:sts::123456789012:assumed-role/name/*"]``, whatever its session is called.
"""
RECORDS_OF_USE: Final = ("used_as", "last_successful_use", "last_used_region")
"""What else than its moment is known of its last use, by whichever provider."""
FACTS_OF_CREDENTIALS: Final = ("console_password", "active_keys", "mfa_active", "second_factors")
"""What is known of its credentials beside themselves: that it has none of a sort, how many, what guards them."""

# Of a workload.
RUNS_IN: Final = "cluster"
"""Of what it is a part, by key, or a list of them: whoever may take over all that runs there may take over it, too."""
SIGNS_TOKENS_AS: Final = "signs_tokens_as"
"""The issuer, or a list of them, whose tokens what runs in it is given: a cluster's, as trusts name it."""

# Of an assignment.
RESTORABLE_UNTIL: Final = "restorable_until"
"""Until when a holder that is gone can be brought back, and its right with it: ISO 8601."""

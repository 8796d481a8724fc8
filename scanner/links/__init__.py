"""What ties identities together: trusts, what runs as whom, who can take that over, which secret holds whose key."""

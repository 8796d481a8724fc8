"""What identities of Azure and Entra did: the activity log and the sign-ins, from files and live."""

"""Activity of identities of Azure and Entra: the activity log and the sign-ins, from files and live."""

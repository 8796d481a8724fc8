"""Plans of Azure and Entra: managed identities and applications, judged as a scan's are."""

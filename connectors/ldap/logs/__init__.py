"""Logs of Active Directory: the security events of Windows."""

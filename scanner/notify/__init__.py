"""Notifications of a scan, one message per owner, and alerts about gaps, by webhook, chat or e-mail."""

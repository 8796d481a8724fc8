"""Notifications of a scan: one message per owner, by webhook, chat or e-mail; and alarms about gaps."""

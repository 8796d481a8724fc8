"""Who is told what a scan found: one message an owner, by webhook, chat or e-mail; and what can no longer be seen."""

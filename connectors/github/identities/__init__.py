"""What is listed: apps, tokens, keys, people, runners, secrets and agents."""

"""Plans and templates of AWS: what they declare becomes the payloads of IAM's listing, judged as a scan's are."""

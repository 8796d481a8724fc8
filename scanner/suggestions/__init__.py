"""What an identity that nobody declared, and an entry that stands for nothing, might mean. Never a match."""

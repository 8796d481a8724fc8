"""What permissions amount to."""

"""What a board asks of a result, in numbers."""

"""What an unregistered identity might be, by how alike names are."""

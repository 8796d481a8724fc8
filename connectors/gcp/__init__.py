"""Google Cloud: service accounts and agents of organisations, folders and projects."""

"""When service accounts and their keys were last used, as far as Google records it."""

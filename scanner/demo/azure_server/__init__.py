"""A tenant of Entra and its Azure subscriptions over TLS, as the services' own clients speak to them."""

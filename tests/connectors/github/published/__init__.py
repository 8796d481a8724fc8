"""What GitHub publishes about its APIs, as far as the connector uses them."""

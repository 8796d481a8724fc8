"""Rights in Google Cloud: roles, bindings, deny policies, and attack paths from them."""

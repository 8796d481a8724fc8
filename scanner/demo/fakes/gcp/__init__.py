"""A Google Cloud organization, served over HTTP and gRPC."""

"""A Google Cloud in memory on loopback: REST for all APIs at one address, and IAM by gRPC."""

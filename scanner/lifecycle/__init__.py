"""What happens to identities when people and workloads come and go."""

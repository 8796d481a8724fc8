"""What the connectors of database servers share: address, password and TLS, sections with their SQL, and limits."""

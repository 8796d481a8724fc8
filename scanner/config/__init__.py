"""config.toml as typed settings."""

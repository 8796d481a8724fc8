"""config.toml as typed settings, and how what does not fit is reported."""

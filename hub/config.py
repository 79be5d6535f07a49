"""The only reader of environment and TOML: all faults at once, each room gets its own settings."""

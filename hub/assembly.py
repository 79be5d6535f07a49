"""`build(config, roles) -> Hub`: the only place that names drivers. serve, demo, bench, doctor and tests use it."""

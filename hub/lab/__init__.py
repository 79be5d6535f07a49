"""The demo, the benchmark and a real Kafka on this machine. Only `cli` and tests import it."""

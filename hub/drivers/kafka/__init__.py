"""The event log on Apache Kafka (4.x, KRaft)."""

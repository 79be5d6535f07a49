"""Embedded storage: one process, one writing connection, fsync before an answer."""

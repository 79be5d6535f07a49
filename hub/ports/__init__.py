"""What the stages need from the outside, as promises in MUST words. No code: the drivers keep the promises.

May import: `core`. Every driver of a port passes the same suite in `tests/contracts`.
"""

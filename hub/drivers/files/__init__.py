"""Blobs as files of this machine.

May import: `ports`, `core`. Never here: rules, another driver, a path that a partner had a word in.
"""

"""The partner's and the reader's side: what runs on their machines.

Here: the client that pushes events and keeps receipts (`partner`), the reader kit and reference engine of a risk system
(`risk`), the offline verifier (`verify`), and what they share: keys, a session with a hub, the command line.
May import: `schemas` and small libraries. Never here: an import of `hub`, anything POSIX-only.
"""

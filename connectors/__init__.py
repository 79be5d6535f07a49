"""The partner's and the reader's side: what runs on their machines.

Here: the client that pushes events and keeps receipts, the reader kit of a risk engine, the offline verifier.
May import: `schemas` and small libraries. Never here: an import of `hub`, anything POSIX-only.
"""

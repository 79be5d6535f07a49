"""`customs-connect`: what a partner's or a reader's machine runs."""

from __future__ import annotations


def main() -> None:
    """The console script."""

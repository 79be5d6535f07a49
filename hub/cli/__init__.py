"""`customs-hub`: one file per noun, imported when it is called, so that a trivial command stays quick."""

from __future__ import annotations


def main() -> None:
    """The console script."""

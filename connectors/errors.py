"""What a person can mend: the connectors raise it, the command line prints its text and no traceback."""

from __future__ import annotations


class ConnectorError(Exception):
    """Something expected went wrong; the text says what was found and what to do."""

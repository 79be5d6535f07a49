"""The machine's own chance (getrandom(2)), as the `Entropy` port asks for it."""

from __future__ import annotations

import os


class SystemEntropy:
    def bytes(self, count: int) -> bytes:
        return os.urandom(count)

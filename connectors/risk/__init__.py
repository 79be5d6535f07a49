"""The reader's side: a risk engine's kit, and a small reference engine built on it.

Here: reading a feed (pull, stream, Kafka as an extra), checkpoints in the engine's own transaction, rules and alerts.
May import: `schemas`, the rest of `connectors` but `partner`.
Never here: an acknowledgement before the engine's own commit.
"""

from connectors.risk.checkpoint import Checkpoint, SQLiteCheckpoint
from connectors.risk.engine import Alert, Engine
from connectors.risk.reader import Group, Reader
from connectors.risk.rules import Settings

__all__ = ["Alert", "Checkpoint", "Engine", "Group", "Reader", "SQLiteCheckpoint", "Settings"]

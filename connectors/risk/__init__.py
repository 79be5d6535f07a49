"""The reader's side: a risk engine's kit, and a small reference engine built on it.

Here: reading a feed in every way that it is delivered, checkpoints in the engine's own transaction, acknowledgements;
rules and alerts. `kafka` and `postgres` need extras of these names.
May import: `schemas`, the rest of `connectors` but `partner`.
Never here: an acknowledgement before the engine's own commit.
"""

from connectors.risk.checkpoint import Checkpoint, Overtaken, SQLiteCheckpoint
from connectors.risk.engine import Alert, Engine
from connectors.risk.following import Following
from connectors.risk.group import Group, Source
from connectors.risk.notice_reader import NoticeReader
from connectors.risk.proved import Proved, ProvedReader
from connectors.risk.reader import Reader
from connectors.risk.replay import Replay
from connectors.risk.rules import Settings
from connectors.risk.thin import ThinWebhooks
from connectors.risk.webhook import Webhooks

__all__ = [
    "Alert",
    "Checkpoint",
    "Engine",
    "Following",
    "Group",
    "NoticeReader",
    "Overtaken",
    "Proved",
    "ProvedReader",
    "Reader",
    "Replay",
    "SQLiteCheckpoint",
    "Settings",
    "Source",
    "ThinWebhooks",
    "Webhooks",
]

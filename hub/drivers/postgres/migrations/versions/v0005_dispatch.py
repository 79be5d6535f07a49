"""What customs answers companies."""

from alembic import op

revision = "0005"
down_revision = "0004"

_DISPATCH = (
    """
CREATE TABLE dispatch (
    id text COLLATE "C" PRIMARY KEY,
    sender text COLLATE "C" NOT NULL,
    own text COLLATE "C" NOT NULL,
    sent_us bigint NOT NULL,
    due_us bigint NOT NULL,
    body bytea NOT NULL,
    written_us bigint NOT NULL DEFAULT 0,
    read_us bigint NOT NULL DEFAULT 0,
    overdue_us bigint NOT NULL DEFAULT 0,
    acknowledged_us bigint NOT NULL DEFAULT 0,
    acknowledged_by text NOT NULL DEFAULT '',
    signature text NOT NULL DEFAULT ''
)
""",
    "CREATE INDEX dispatch_own ON dispatch (sender, own)",
    "CREATE INDEX dispatch_sender ON dispatch (sender, sent_us, id)",
    "CREATE INDEX dispatch_sent ON dispatch (sent_us, id)",
    "CREATE INDEX dispatch_waiting ON dispatch (sent_us, id) WHERE written_us = 0",
    "CREATE INDEX dispatch_due ON dispatch (due_us, id) WHERE due_us > 0 AND acknowledged_us = 0 AND overdue_us = 0",
)


def upgrade() -> None:
    for statement in _DISPATCH:
        op.execute(statement)

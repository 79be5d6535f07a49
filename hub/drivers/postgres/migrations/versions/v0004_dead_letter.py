"""Dead letters: what the quarantine holds, and what became of it."""

from alembic import op

revision = "0004"
down_revision = "0003"

_LETTERS = (
    """
CREATE TABLE dead_letter (
    id text COLLATE "C" PRIMARY KEY,
    cause text COLLATE "C" NOT NULL,
    partner text COLLATE "C" NOT NULL,
    agent text COLLATE "C" NOT NULL,
    state text COLLATE "C" NOT NULL,
    since_us bigint NOT NULL,
    settled_us bigint NOT NULL,    -- 0 while it waits
    body bytea NOT NULL
)
""",
    "CREATE INDEX dead_letter_by_time ON dead_letter (since_us, id)",
    "CREATE INDEX dead_letter_by_group ON dead_letter (cause, partner, state, since_us, id)",
    "CREATE INDEX dead_letter_by_partner ON dead_letter (partner, since_us, id)",
    "CREATE INDEX dead_letter_by_agent ON dead_letter (agent, since_us, id) WHERE agent <> ''",
    """
CREATE TABLE dead_letter_mark (
    generation bigint NOT NULL,
    partition integer NOT NULL,
    log_offset bigint NOT NULL,
    PRIMARY KEY (generation, partition)
)
""",
    "CREATE TABLE dead_letter_run (key text PRIMARY KEY, body bytea NOT NULL)",
)


def upgrade() -> None:
    for statement in _LETTERS:
        op.execute(statement)

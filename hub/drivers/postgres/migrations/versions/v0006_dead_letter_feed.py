"""Dead letters are found by the feed that they are about."""

import msgspec
from alembic import op
from sqlalchemy import text

revision = "0006"
down_revision = "0005"

_FILL = text("UPDATE dead_letter SET feed = :feed WHERE id = :id")


def upgrade() -> None:
    op.execute("ALTER TABLE dead_letter ADD COLUMN feed text COLLATE \"C\" NOT NULL DEFAULT ''")
    connection = op.get_bind()
    ids = connection.execute(text("SELECT id FROM dead_letter")).scalars().all()
    for id_ in ids:  # They come one at a time: each holds all that was set aside.
        body = connection.execute(text("SELECT body FROM dead_letter WHERE id = :id"), {"id": id_}).scalar_one()
        if feed := msgspec.msgpack.decode(body).get("said", {}).get("feed"):
            connection.execute(_FILL, {"id": id_, "feed": feed})
    op.execute("CREATE INDEX dead_letter_by_feed ON dead_letter (feed, state, since_us, id) WHERE feed <> ''")

"""Read what customs tells this partner (`schemas/formats/notice.md`), pulled or streamed, in the same groups as a feed.

    reader = NoticeReader(session, token=checkpoint.load(NOTICES), push=True)
    async with aclosing(reader.groups()) as groups:
        async for group in groups:          # group.records are notices
            ...

The hub keeps no place of a reader of notices: the token of the last group is what a checkpoint is for. By webhook they
come to `Webhooks` and `ThinWebhooks` as records do.
"""

from __future__ import annotations

from collections.abc import Callable

from connectors.backoff import Backoff
from connectors.risk.group import Group
from connectors.risk.reader import Reader
from connectors.session import HubRefused, HubSession, HubUnreachable

NOTICES = "hub.notices"
SCOPE = "receipts:read"


class NoticeReader(Reader):
    """From `token` on; without one, from the earliest notice that the hub keeps. Otherwise as `Reader`."""

    _pages_at, _word = "", "notice"

    def __init__(
        self,
        session: HubSession,
        *,
        token: str | None = None,
        push: bool = False,
        limit: int = 500,
        wait_seconds: int = 20,
        backoff: Backoff | None = None,
        on_idle: Callable[[], None] | None = None,
        on_waiting: Callable[[HubRefused | HubUnreachable], None] | None = None,
    ) -> None:
        super().__init__(
            session,
            NOTICES,
            token=token,
            push=push,
            limit=limit,
            wait_seconds=wait_seconds,
            backoff=backoff,
            on_idle=on_idle,
            on_waiting=on_waiting,
        )
        self._path = "/v1/notices"

    async def done(self, group: Group) -> None:
        """There is nothing to tell the hub: each notice that wants it is acknowledged by itself."""

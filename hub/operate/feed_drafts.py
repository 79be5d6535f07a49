"""A feed as it would be: what `feed.add` or `feed.change` would make of it, or all that is wrong with that."""

from __future__ import annotations

from msgspec import Struct

from hub.operate.acts import Basis
from hub.operate.checks import Checks
from hub.operate.feeds import AddFeed, ChangeFeed, add_feed, change_feed
from hub.operate.views import Plain, View, plain


class DraftFeed(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of a feed that is there, what is left out stays as it is; a new one has a recipient and a purpose."""

    name: str
    recipient: str | None = None
    purpose: str | None = None
    types: tuple[str, ...] | None = None
    filter: str | None = None


def draft(request: DraftFeed, basis: Basis, checks: Checks) -> Plain:
    """The feed, in its stored form."""
    known = basis.snapshot.feeds.get(request.name)
    if known is not None:
        for member in ("recipient", "purpose"):
            if getattr(request, member) not in (None, getattr(known, member)):
                checks.invalid(f"/{member}", getattr(request, member), "nothing, since the feed is there")
        changed = change_feed(ChangeFeed(name=known.name, types=request.types, filter=request.filter), basis, checks)
    else:
        changed = add_feed(_new(request), basis, checks)
    return {"feed": plain(changed[0] if changed else known)}


def _new(request: DraftFeed) -> AddFeed:
    return AddFeed(
        name=request.name,
        recipient=request.recipient or "",
        purpose=request.purpose or "",
        types=request.types or ("*",),
        filter=request.filter or "",
    )


VIEWS = {"feed.draft": View(DraftFeed, draft, posted=True, is_large=True)}

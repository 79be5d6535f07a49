"""Quotas: how much of the hub one account may take, measured by buckets of tokens.

An account has three buckets: events, bytes and requests. Each fills at its rate up to its capacity, and what is taken
empties it; so over any window no more than capacity + rate × time passes. The capacity is what `burst_seconds` bring,
and never less than the largest single request that the hub takes: a request is taken or refused whole, and one that
the hub takes at all fits a bucket that is full. Values in, values out: the callers keep levels and times.
"""

from __future__ import annotations

from math import ceil
from typing import Annotated, Literal

from msgspec import Meta, Struct

Rate = Annotated[int, Meta(ge=1, le=1_000_000_000)]
Most = Annotated[int, Meta(ge=1, le=100_000)]
Wait = Annotated[int, Meta(ge=1, le=31_536_000)]
BurstSeconds = Annotated[int, Meta(ge=1, le=3_600)]

Resource = Literal["events", "bytes", "requests"]
RESOURCES: tuple[Resource, ...] = ("events", "bytes", "requests")
Amounts = tuple[float, float, float]
"""Of each resource, in the order of `RESOURCES`."""
NOTHING: Amounts = (0.0, 0.0, 0.0)


class Quota(Struct, frozen=True, kw_only=True):
    """What one account may take of the hub."""

    events_per_second: Rate
    """Of events that are answered at once; what is judged later counts by its bytes."""
    bytes_per_second: Rate
    """Of request bodies."""
    requests_per_second: Rate
    burst_seconds: BurstSeconds
    """How much may come at once, after a pause: what so many seconds allow, and at least one request of any size."""
    requests_in_flight_max: Most
    streams_max: Most
    """Streams and long polls open at a time."""


def _quota(events: int, size: int, requests: int, in_flight: int, streams: int) -> Quota:
    """A row of the defaults, which all bring what ten seconds allow at once."""
    return Quota(
        events_per_second=events,
        bytes_per_second=size,
        requests_per_second=requests,
        burst_seconds=10,
        requests_in_flight_max=in_flight,
        streams_max=streams,
    )


class QuotaSettings(Struct, frozen=True, kw_only=True):
    """Quotas of the tiers, each in a table of its own; catching up; and what those may who are not known."""

    catch_up_factor: Annotated[float, Meta(ge=1, le=100)] = 3.0
    """How much faster than usual partners may send after an outage."""
    outage_seconds_min: Wait = 60
    """Once the hub took no events for so long, partners may catch up for twice as long as that lasted."""
    catch_up_seconds_min: Wait = 600
    catch_up_seconds_max: Wait = 6 * 3_600
    refusals_per_second: Rate = 100
    """Of one partner that is over its quota; its connections are read no faster, or it would cost what it may not."""
    failures_per_second: Rate = 200
    """Failed authentications of one address; beyond, its connections are read no faster, and at last not looked at."""
    addresses_max: Most = 10_000
    """Addresses whose failures are remembered; the one that failed longest ago gives way."""
    # fmt: off
    #                        events/s     bytes/s  requests/s  in flight  streams
    aeo: Quota =       _quota(  5_000,  8_388_608,      2_000,       256,      64)
    trusted: Quota =   _quota(  2_000,  4_194_304,      1_000,       128,      64)
    small: Quota =     _quota(    500,  1_048_576,        200,        64,      32)
    sandbox: Quota =   _quota(    200,    524_288,        100,        32,      16)
    api_key: Quota =   _quota(     20,    131_072,         10,         4,       2)
    """Of each API key, beside its partner's."""
    authority: Quota = _quota(  2_000,  4_194_304,      2_000,       256,     128)
    # fmt: on


class Bounds(Struct, frozen=True):
    """A quota as it is measured now."""

    rates: Amounts
    capacities: Amounts
    requests_in_flight_max: int
    streams_max: int


def bounds_of(quota: Quota, *, largest: Amounts, factor: float = 1.0) -> Bounds:
    """`largest`: the most that one request takes. `factor`: how much faster than usual, while catching up."""
    usual = quota.events_per_second, quota.bytes_per_second, quota.requests_per_second
    events, size, requests = (rate * factor for rate in usual)
    seconds = quota.burst_seconds
    return Bounds(
        (events, size, requests),
        (max(events * seconds, largest[0]), max(size * seconds, largest[1]), max(requests * seconds, largest[2])),
        quota.requests_in_flight_max,
        quota.streams_max,
    )


def refilled(levels: Amounts, seconds: float, bounds: Bounds, taken_elsewhere: Amounts = NOTHING) -> Amounts:
    """The levels after `seconds`, during which others took from the same buckets. Debts are bounded by the capacity."""
    (a, b, c), (x, y, z), (r, s, t) = levels, bounds.capacities, bounds.rates
    i, j, k = taken_elsewhere
    return (
        max(-x, min(x, a + r * seconds - i)),
        max(-y, min(y, b + s * seconds - j)),
        max(-z, min(z, c + t * seconds - k)),
    )


def less(levels: Amounts, amounts: Amounts) -> Amounts:
    return levels[0] - amounts[0], levels[1] - amounts[1], levels[2] - amounts[2]


def short(levels: Amounts, amounts: Amounts, bounds: Bounds) -> tuple[Resource, int] | None:
    """What there is too little of, and in how many whole seconds there will be enough; None: there is enough."""
    if levels[0] >= amounts[0] and levels[1] >= amounts[1] and levels[2] >= amounts[2]:
        return None
    waits = [
        (max(0.0, amount - level) / rate if amount else 0.0)
        for amount, level, rate in zip(amounts, levels, bounds.rates, strict=True)
    ]
    longest = max(waits)
    return (RESOURCES[waits.index(longest)], ceil(longest)) if longest > 0 else None

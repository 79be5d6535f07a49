"""All that each party of a story can get hold of when it has ended: every answer, every way of delivery, every page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hub.assembly.feeds import preview
from hub.core.feed import Lane, stream_of
from tests.canaries import GATE_IN, LODGED
from tests.leak_oracle import GROUPS, is_part, is_under
from tests.leak_story import RECIPIENTS, SENDERS, Came, Sent, Story, feed_name
from tests.receiver import Receiver
from tests.world import Answer

FOR_EVER = "1970-01-01T00:00:00Z"
ADDED = ("/publisher", "/receivedtime", "/hubflags", "/hubwithheld", "/hubleaf", "/id", "/source", "/subject")
"""Members of every record, as pseudonyms where they are not allowed."""
NOBODY = "QXZU9999990"
"""A container that nobody reported."""


async def collect(story: Story, receiver: Receiver) -> None:
    await story.known()
    await story.brought()
    for name in RECIPIENTS:
        for path in ("agreements/mine", "feeds", "notices", "accesses", "events", "endpoints", "replays", "documents"):
            await ask(story, name, f"/v1/{path}")
    for recipient, purpose in story.feeds:
        await of_feed(story, recipient, purpose)
        await of_replays(story, recipient, purpose)
        await of_views(story, recipient, purpose)
    await of_companies(story)
    await of_others_cursors(story)
    await of_nobody(story)
    for came in receiver.came:
        name = came.path.rpartition("/")[2]
        recipient, purpose = next(key for key in story.feeds if feed_name(*key) == name)
        raw = repr(came.headers).encode() + came.body
        story.came.append(Came(recipient, "webhook", raw, purpose, live=True, keyed=name))


async def ask(story: Story, party: str, path: str, what: str = "", purpose: str = "", **more: Any) -> Answer:
    keyed = more.pop("keyed", "")
    answer = await story.callers[party].ask(more.pop("method", "GET"), path, **more)
    head = repr(dict(answer.headers)).encode()
    what = what or path if answer.status < 300 else f"refused, {path}"
    story.came.append(Came(party, what, head + answer.body, purpose, keyed=keyed))
    if answer.status == 200 and answer.body.startswith(b"{") and answer.json.get("next"):
        story.cursors.setdefault(party, []).append(answer.json["next"])
    return answer


async def of_feed(story: Story, recipient: str, purpose: str) -> None:
    name = feed_name(recipient, purpose)
    for lane in ("main", "urgent") if story.urgent else ("main",):
        asked = f"/v1/feeds/{name}/records?from=earliest&proof=yes" + (f"&lane={lane}" if lane == "urgent" else "")
        await ask(story, recipient, asked, "records", purpose, keyed=name)
    schema = await ask(story, recipient, f"/v1/feeds/{name}/schema", "schema", purpose)
    if schema.status == 200:
        story.wrong += [f"{recipient} schema {purpose}: {each}" for each in beyond(story, recipient, purpose, schema)]
    await ask(story, recipient, f"/v1/feeds/{name}/asyncapi", "asyncapi", purpose)
    lag = await ask(story, recipient, f"/v1/feeds/{name}/lag", "lag", purpose)
    if lag.status == 200 and any(set(each["routing"]) != {"seconds"} for each in lag.json["items"]):
        story.wrong.append(f"{recipient} lag {purpose}: {lag.json}")
    for text in ("type = customs.container.gate_in", "/data/cnry0name exists", "/data/declarant/name starts cnry"):
        counted = {"method": "POST", "json": {"filter": text}}
        count = await ask(story, recipient, f"/v1/feeds/{name}/count", "count", purpose, **counted)
        story.wrong += fine(count, f"{recipient} count {purpose}")
    for cursor in ("x", "A" * 60):
        await ask(story, recipient, f"/v1/feeds/{name}/records?cursor={cursor}", "refused", purpose)
    other = next(each for each in RECIPIENTS if each != recipient)
    for path in ("records", "schema", "asyncapi", "lag", "stream"):
        refused = await story.callers[other].get(f"/v1/feeds/{name}/{path}")
        absent = await story.callers[other].get(f"/v1/feeds/nobodys/{path}")
        assert (refused.status, refused.body) == (absent.status, absent.body), path
    await of_stream(story, recipient, purpose)
    await of_topic(story, recipient, purpose)


def beyond(story: Story, recipient: str, purpose: str, schema: Answer) -> list[str]:
    """What the schema names of records, and no agreement that holds gives."""
    given = {
        pointer
        for each in story.terms
        if (each.recipient, each.purpose, story.states[each.id]) == (recipient, purpose, "active")
        for field in each.fields
        for pointer in GROUPS.get(field, (field,))
    }
    return [each for each in members(schema.json) if not is_part(each, (*given, *ADDED))]


def members(schema: Any, path: str = "", *, known: bool = False) -> Iterator[str]:
    """Pointers of all that it names of records of the types that are sent; the first item stands for all."""
    if isinstance(schema, list):
        for each in schema:
            yield from members(each, path, known=known)
    if not isinstance(schema, dict):
        return
    known |= schema.get("properties", {}).get("type", {}).get("const") in (GATE_IN, LODGED)
    for word, inner in schema.items():
        if word == "properties":
            for name, each in inner.items():
                if known:
                    yield f"{path}/{name}"
                yield from members(each, f"{path}/{name}", known=known)
        else:
            yield from members(inner, f"{path}/0" if word == "items" else path, known=known)


def fine(count: Answer, where: str) -> list[str]:
    """A figure that is told finer than it may be."""
    if count.status != 200:
        return []
    told = count.json
    rough = told["count"] % 10 == 0 and (told["count"] > 0) != ("fewer_than" in told)
    return [] if rough else [f"{where}: {told}"]


async def of_replays(story: Story, recipient: str, purpose: str) -> None:
    """By time and by what failed; a session of one's own is nobody else's."""
    name = feed_name(recipient, purpose)
    other = next(each for each in RECIPIENTS if each != recipient)
    for asked in ({"from": FOR_EVER}, {"failed": True}, {"from": FOR_EVER, "known_at": FOR_EVER}):
        start = {"method": "POST", "json": asked}
        begun = await ask(story, recipient, f"/v1/feeds/{name}/replays", "replays", purpose, **start)
        if begun.status != 201:
            continue
        path = f"{begun.headers['Location']}?proof=yes"
        whole = "replay" if asked == {"from": FOR_EVER} else "part of a replay"
        page = await ask(story, recipient, path, whole, purpose, keyed=name)
        assert whole != "replay" or page.json["replay"]["complete"], page
        assert (await story.callers[other].ask("GET", path)).status == 404
        await story.callers[recipient].ask("DELETE", path.partition("/records")[0])


async def of_views(story: Story, recipient: str, purpose: str) -> None:
    """Look-ups, and questions for what is withheld: they are answered as if it were not there."""
    caller, keyed = story.callers[recipient], f"look-up:{feed_name(recipient, purpose)}"
    listed = await ask(story, recipient, f"/v1/events?purpose={purpose}", "look-up", purpose, keyed=keyed)
    if listed.status != 200:
        return

    async def silent(asked: str, for_nobody: str) -> None:
        found, absent = await caller.ask("GET", asked), await caller.ask("GET", for_nobody)
        if seen(found) != seen(absent):
            story.wrong.append(f"{recipient} {purpose}: {asked} finds {found.json}")

    for sent in story.sent:
        container = next(each for each, pointer in sent.canaries.items() if pointer.startswith("/data/subjects/"))
        allowed = story.allowed(sent, Came(recipient, "", b"", purpose))
        asked = f"/v1/objects/iso6346/{container}?purpose={purpose}"
        if allowed and is_under(sent.canaries[container], allowed):
            await ask(story, recipient, asked, "object", purpose, keyed=keyed)
        else:
            await silent(asked, f"/v1/objects/iso6346/{NOBODY}?purpose={purpose}")
            question = f"/v1/events?purpose={purpose}&object=iso6346:"
            await silent(question + container, question + NOBODY)
    named = {sent.sender for sent in story.sent if is_under("/publisher", shown(story, sent, recipient, purpose))}
    for sender in SENDERS.keys() - named:
        question = f"/v1/events?purpose={purpose}&publisher="
        await silent(question + sender, f"{question}nobody")


def shown(story: Story, sent: Sent, recipient: str, purpose: str) -> set[str]:
    return story.allowed(sent, Came(recipient, "", b"", purpose))


def seen(answer: Answer) -> Any:
    """What is told, but for what was asked for."""
    return answer.status, {
        name: each for name, each in answer.json.items() if name not in ("known_up_to", "value", "scheme", "faults")
    }


async def of_stream(story: Story, recipient: str, purpose: str) -> None:
    """Server-sent events until a sign of life."""
    caller, name = story.callers[recipient], feed_name(recipient, purpose)
    url = f"{story.world.hub.url}/v1/feeds/{name}/stream?from=earliest"
    content = b""
    async with story.world.http.get(url, headers={"Authorization": f"Bearer {caller.token}"}) as response:
        async for line in response.content:
            if line.startswith(b": here"):
                break
            content += line
    story.came.append(Came(recipient, "sse", content, purpose, keyed=name))


async def of_topic(story: Story, recipient: str, purpose: str) -> None:
    """What stands in the log, as Kafka would give it."""
    log, name = story.world.hub.ports.log, feed_name(recipient, purpose)
    for lane in Lane:
        stream = stream_of(name, lane)
        if lane is Lane.URGENT and not story.urgent:
            continue
        async with log.reader(stream) as reader:
            for partition in range(story.world.hub.events.partitions):
                if (await log.bounds(stream, partition)).end == 0:
                    continue
                for record in await reader.read(partition, 0, records_max=1_000, bytes_max=1 << 24):
                    raw = b"\n".join((record.key or b"", record.value, record.header))
                    story.came.append(Came(recipient, "topic", raw, purpose, live=True, keyed=name))


async def of_companies(story: Story) -> None:
    for name in SENDERS:
        for path in ("events", "accesses", "notices", "agreements/mine", "feeds", "dead-letters", "documents"):
            await ask(story, name, f"/v1/{path}")
        other = next((sent for sent in story.sent if sent.sender != name), None)
        if other is not None:
            await of_another(story, name, other)


async def of_another(story: Story, party: str, other: Sent) -> None:
    """Whoever asks for another's event by name is answered as if there were none."""
    caller = story.callers[party]
    source, name = other.event["source"], other.event["id"]
    for path in ("events", "receipts", "receipts/chain", "accesses"):
        there = await caller.get(f"/v1/{path}", source=source, id=name)
        absent = await caller.get(f"/v1/{path}", source=source, id=f"{name}0")
        known = {"known_up_to": None}
        assert (there.status, {**there.json, **known}) == (absent.status, {**absent.json, **known}), path


async def of_others_cursors(story: Story) -> None:
    """A cursor that another was given opens nothing, and tells nothing."""
    for party in story.callers.keys() - {"sink"}:
        foreign = [cursors[-1] for other, cursors in story.cursors.items() if other != party]
        for cursor in foreign:
            for path in ("events", "accesses", "notices", "dead-letters"):
                refused = await ask(story, party, f"/v1/{path}?cursor={cursor}", "another's cursor")
                assert refused.status in (400, 403, 410), refused
            for recipient, purpose in story.feeds:
                if recipient == party:
                    path = f"/v1/feeds/{feed_name(recipient, purpose)}/records?cursor={cursor}"
                    assert (await ask(story, party, path, "another's cursor")).status in (400, 403, 410)


async def of_nobody(story: Story) -> None:
    """What the hub says of itself, to whoever runs it: it holds nothing of what anybody sent, and names no partner."""
    hub = story.world.hub
    port = hub.sockets.operations.getsockname()[1]
    pages = (f"http://127.0.0.1:{port}/metrics", f"http://127.0.0.1:{port}/health/ready")
    own = ("/v1/asyncapi.json", "/v1/openapi.json", "/v1/schemas", "/.well-known/customs-hub-keys.json")
    for url in (*pages, *(hub.url + path for path in own)):
        async with story.world.http.get(url) as response:
            story.came.append(Came("", url, await response.read()))
    for recipient, purpose in story.feeds:
        told = await preview(hub, {"name": feed_name(recipient, purpose), "filter": "type exists"}, None, "test")
        story.came.append(Came("", "preview", repr(told).encode()))

"""The AsyncAPI 3.0 document, generated: feeds as Kafka topics and as Server-Sent Events, and notices to partners.

The application that it describes is the hub: what it sends, readers receive.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any
from urllib.parse import urlsplit

from hub.core.feed import Feed, Way, stream_of
from hub.core.record import NOTICES
from hub.web.interface.openapi import own_schemas
from schemas.catalogue import Catalogue
from schemas.deprecation import path_of
from schemas.headers import FeedHeader

Document = dict[str, Any]
FEED_TOPIC = "hub.feed.{feed}"


def asyncapi(known: Catalogue, url: str) -> Document:
    """The whole document for a hub at `url`."""
    newest = [kind for kind in known.types if known.find(kind.name) is kind]
    messages = {kind.name: _message(kind.name, kind.schema.flat["title"], kind.dataschema, url) for kind in newest}
    where = urlsplit(url)
    schemas = own_schemas()
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Customs hub: feeds and notices",
            "version": version("customs-hub"),
            "description": _READER_RULE,
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": _servers(where.netloc, where.scheme),
        "channels": {
            "feedTopic": _channel(FEED_TOPIC, "kafka", messages, {"kafka": {"topic": FEED_TOPIC}}),
            "feedStream": _channel("/v1/feeds/{feed}/stream", "hub", messages, {"http": {}}),
            "notices": {
                "address": "/v1/notices",
                "description": f"What customs tells a partner (`{NOTICES}`), pulled with a cursor.",
                "servers": [{"$ref": "#/servers/hub"}],
                "messages": {"notice": {"$ref": "#/components/messages/notice"}},
            },
            "noticeStream": _channel_of("/v1/notices/stream", "hub", {"notice": {}}, {"http": {}}),
        },
        "operations": {
            "sendToFeedTopic": _operation("feedTopic", messages, "Records of a feed, in order within a partition."),
            "sendToFeedStream": _operation(
                "feedStream", messages, "The same as Server-Sent Events; `id:` is a cursor."
            ),
            "sendNotice": _operation("notices", {"notice": {}}, "A notice, oldest first."),
            "sendNoticeToStream": _operation(
                "noticeStream", {"notice": {}}, "The same as Server-Sent Events; `id:` is a cursor."
            ),
        },
        "components": {
            "messages": {**messages, "notice": {"name": "notice", "payload": {"$ref": "#/components/schemas/Notice"}}},
            "schemas": {name: schemas[name] for name in ("FeedRecord", "Notice", "NoticeObject", "NoticeDefect")},
            "securitySchemes": _SCHEMES,
        },
    }


def feed_asyncapi(feed: Feed, schema: Document, url: str) -> Document:
    """One feed for its recipient, on a hub at `url`; `schema`: of its records."""
    where = urlsplit(url)
    message = {
        "record": {
            "name": "record",
            "title": schema["title"],
            "contentType": "application/json",
            "headers": _HEADERS,
            "payload": {"schemaFormat": f"application/schema+json;version={_DRAFT}", "schema": schema},
        }
    }
    channels: Document = {}
    for lane in feed.lanes:
        suffix, query = lane.value.capitalize(), f"?lane={lane}" if lane else ""
        path = f"/v1/feeds/{feed.name}/stream{query}"
        channels[f"stream{suffix}"] = _channel_of(path, "hub", message, {"http": {}})
        if Way.KAFKA in feed.ways:
            topic = stream_of(feed.name, lane)
            channels[f"topic{suffix}"] = _channel_of(topic, "kafka", message, {"kafka": {"topic": topic}})
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": f"Customs hub: the feed {feed.name}",
            "version": schema["$id"].rpartition(":")[2],
            "description": f"{schema['description']}; types: {', '.join(feed.types)}; "
            f"filter: {feed.filter or 'none'}. {_READER_RULE}",
        },
        "defaultContentType": "application/json",
        "servers": _servers(where.netloc, where.scheme),
        "channels": channels,
        "operations": {
            f"send{name[0].upper()}{name[1:]}": _operation(name, message, "Records, in order of each source.")
            for name in channels
        },
        "components": {"messages": message, "securitySchemes": _SCHEMES},
    }


_SECURITY = {"$ref": "#/components/securitySchemes/token"}


_SCHEMES = {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
_DRAFT = "draft-2020-12"
_READER_RULE = (
    "Every record shows once to a reader that keeps the reader rule: per partition, the highest stamp that was "
    "processed, and nothing that is not above it."
)


def _servers(host: str, protocol: str) -> Document:
    return {
        "hub": {"host": host, "protocol": protocol, "security": [_SECURITY]},
        "kafka": {
            "host": "{bootstrap}",
            "protocol": "kafka-secure",
            "description": "For recipients whose agreement lets them read Kafka itself.",
            "variables": {"bootstrap": {"description": "told with the agreement"}},
        },
    }


def _channel(address: str, server: str, messages: Document, bindings: Document) -> Document:
    """Of any feed."""
    parameters = {"feed": {"description": "the feed's name, as agreed"}}
    return {**_channel_of(address, server, messages, bindings), "parameters": parameters}


def _channel_of(address: str, server: str, messages: Document, bindings: Document) -> Document:
    return {
        "address": address,
        "servers": [{"$ref": f"#/servers/{server}"}],
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
        "bindings": bindings,
    }


def _operation(channel: str, messages: Document, summary: str) -> Document:
    return {
        "action": "send",
        "channel": {"$ref": f"#/channels/{channel}"},
        "summary": summary,
        "messages": [{"$ref": f"#/channels/{channel}/messages/{name}"} for name in messages],
    }


def _message(name: str, title: str, dataschema: str, url: str) -> Document:
    return {
        "name": name,
        "title": title,
        "contentType": "application/json",
        "headers": _HEADERS,
        "payload": {
            "allOf": [
                {"$ref": "#/components/schemas/FeedRecord"},
                {"type": "object", "properties": {"type": {"const": name}, "dataschema": {"examples": [dataschema]}}},
            ]
        },
        "externalDocs": {"url": url + path_of(dataschema), "description": "the schema of the whole event"},
        "bindings": {
            "kafka": {"key": {"type": "string", "description": "scheme:value of the object, or its pseudonym"}}
        },
    }


_HEADERS: Document = {
    "type": "object",
    "properties": {
        "hub": {
            "description": "on Kafka, a MessagePack array: "
            + ", ".join([str(FeedHeader.__struct_config__.tag), *FeedHeader.__struct_fields__]),
            "type": "string",
            "format": "binary",
        }
    },
}

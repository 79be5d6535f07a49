"""Changing single settings of a topic: aiokafka knows only the request that puts all others back to their defaults."""

from __future__ import annotations

from collections.abc import Mapping

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResourceType
from aiokafka.errors import NoError, for_code
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Array, Boolean, Int8, Int16, Int32, Schema, String

from hub.core.errors import HubError

_SET = 0


class _Answer(Response):  # type: ignore[misc]
    """IncrementalAlterConfigs, version 0 (KIP-339)."""

    API_KEY = 44
    API_VERSION = 0
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "responses",
            Array(
                ("error_code", Int16),
                ("error_message", String("utf-8")),
                ("resource_type", Int8),
                ("resource_name", String("utf-8")),
            ),
        ),
    )


class _Asked(RequestStruct):  # type: ignore[misc]
    API_KEY = 44
    API_VERSION = 0
    RESPONSE_TYPE = _Answer
    SCHEMA = Schema(
        (
            "resources",
            Array(
                ("resource_type", Int8),
                ("resource_name", String("utf-8")),
                (
                    "configs",
                    Array(("name", String("utf-8")), ("config_operation", Int8), ("value", String("utf-8"))),
                ),
            ),
        ),
        ("validate_only", Boolean),
    )


class _Incremental(Request[_Asked]):  # type: ignore[misc]
    API_KEY = 44

    def __init__(self, topic: str, settings: Mapping[str, str]) -> None:
        self._topic, self._settings = topic, settings

    def build(self, asked: type[_Asked]) -> _Asked:
        changes = [(name, _SET, value) for name, value in self._settings.items()]
        return asked([(ConfigResourceType.TOPIC, self._topic, changes)], False)


async def set_settings(admin: AIOKafkaAdminClient, topic: str, settings: Mapping[str, str]) -> None:
    """Change these and no others. Raises `HubError` where the brokers refuse, aiokafka's errors where they are away."""
    answer = await admin._send_request(_Incremental(topic, settings))
    for code, words, _, name in answer.responses:
        if (error := for_code(code)) is not NoError:
            raise HubError(f"settings of topic {name} cannot be changed: {words or error.__name__}")

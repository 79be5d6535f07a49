"""Blobs in a bucket: `<prefix><partner>/<name>/<when it was put>`.

Theory of operation. An object of S3 is there whole or not at all, but its age is the store's, and cannot be kept when
it gets another name. So the time at which a blob was put, by the hub's clock, ends its key: 16 hexadecimal digits of
microseconds since 1970. Replacing writes a newer key, then deletes the others; where a crash leaves two, the newest
counts, and the next put or purge lets go of the other. Reading lists the few keys under a name first (listing is
consistent with what was written). Purging lists keys alone. Parts of an upload that a crash cut off are never seen; a
rule of the bucket's own lets go of them (AbortIncompleteMultipartUpload).
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Self

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from hub.core.errors import BlobMissing, StorageFull, StorageUnavailable
from hub.core.settings import S3Settings
from hub.ports.blob_store import OLDER_MAX, BlobKey, Stored, check_move
from hub.ports.system import Clock

if TYPE_CHECKING:
    from obstore.store import S3Config

CHUNK_BYTES = 262_144
AT_ONCE = 2
"""Parts of one upload under way: so many, and one that fills, are what it holds."""
_DIGITS = 16
_DELETED_AT_ONCE = 1_000
_CODE = re.compile(r"<Code>(\w+)</Code>")
_NO_ROOM = ("507 ", "StorageFull", "QuotaExceeded")


class S3BlobStore:
    """A `BlobStore` in a bucket; several processes may use it, each name by one at a time."""

    def __init__(self, store: S3Store, clock: Clock, *, prefix: str = "", part_bytes: int = 5_242_880) -> None:
        self._store = store
        self._clock = clock
        self._prefix = prefix
        self._part_bytes = part_bytes

    @classmethod
    def open_at(cls, settings: S3Settings, clock: Clock) -> Self:
        """Asks nothing of the store yet. Raises StorageUnavailable where the secret key cannot be read."""
        with _port_errors():
            secret = Path(settings.secret_key_file).read_text().strip() if settings.secret_key_file else ""
            keys: S3Config = {"access_key_id": settings.access_key_id, "secret_access_key": secret} if secret else {}
            store = S3Store(
                settings.bucket,
                config=keys,
                endpoint=settings.endpoint or None,
                region=settings.region,
                virtual_hosted_style_request=not settings.endpoint,
                client_options={
                    "allow_http": settings.endpoint.startswith("http://"),
                    "timeout": timedelta(seconds=settings.request_seconds_max),
                },
                retry_config={
                    "max_retries": settings.retry_count_max,
                    "retry_timeout": timedelta(seconds=settings.request_seconds_max),
                },
            )
        return cls(store, clock, prefix=settings.prefix, part_bytes=settings.part_bytes)

    async def put(self, key: BlobKey, chunks: AsyncIterable[bytes]) -> Stored:
        digest, size = sha256(), 0
        failed: BaseException | None = None

        async def counted() -> AsyncIterator[bytes]:
            nonlocal size, failed
            try:
                async for chunk in chunks:
                    digest.update(chunk)
                    size += len(chunk)
                    yield chunk
            except BaseException as e:
                failed = e
                raise

        before = await self._paths(key)
        path = self._path(key, self._clock.now_us())
        with _port_errors(lambda error: error is failed):
            await obstore.put_async(
                self._store, path, counted(), use_multipart=True, chunk_size=self._part_bytes, max_concurrency=AT_ONCE
            )
        await self._delete(each for each in before if each != path)
        return Stored(digest.digest(), size, not before)

    async def copy(self, source: BlobKey, target: BlobKey) -> bool:
        return await self._copy(await self._newest(source), target, self._clock.now_us())

    async def move(self, source: BlobKey, target: BlobKey) -> None:
        check_move(source, target)
        path = await self._newest(source)
        await self._copy(path, target, _time_us(path))
        await self._delete(await self._paths(source))

    @asynccontextmanager
    async def open(self, key: BlobKey) -> AsyncIterator[AsyncIterator[bytes]]:
        with _port_errors():
            try:
                found = await obstore.get_async(self._store, await self._newest(key))
            except FileNotFoundError:  # It was replaced after it was listed.
                found = await obstore.get_async(self._store, await self._newest(key))
        yield _chunks(found)

    async def delete(self, key: BlobKey) -> None:
        await self._delete(await self._paths(key))

    async def older(self, prefix: str, before_us: int) -> Sequence[BlobKey]:
        found: dict[BlobKey, None] = {}
        async for path in self._older_than(before_us):
            partner, name, _ = path.removeprefix(self._prefix).split("/")
            if name.startswith(prefix):
                found[BlobKey(partner, name)] = None
                if len(found) == OLDER_MAX:
                    break
        return list(found)

    async def purge(self, before_us: int) -> int:
        paths = [path async for path in self._older_than(before_us)]
        await self._delete(paths)
        return len(paths)

    async def examine(self) -> None:
        """Ask for one page of the bucket. Raises StorageUnavailable with what the store says."""
        async for _ in self._listed(self._prefix):
            return

    async def _copy(self, path: str, target: BlobKey, time_us: int) -> bool:
        before = await self._paths(target)
        copied = self._path(target, time_us)
        if copied != path:
            with _port_errors():
                await obstore.copy_async(self._store, path, copied)
        await self._delete(each for each in before if each != copied)
        return not before

    async def _newest(self, key: BlobKey) -> str:
        paths = await self._paths(key)
        if not paths:
            raise BlobMissing(f"there is no blob {key.name} of {key.partner}")
        return max(paths)

    async def _paths(self, key: BlobKey) -> list[str]:
        return [path async for path in self._listed(self._folder(key))]

    async def _older_than(self, before_us: int) -> AsyncIterator[str]:
        async for path in self._listed(self._prefix):
            is_ours = path.removeprefix(self._prefix).count("/") == 2  # Deeper lies what another prefix is of.
            if is_ours and _time_us(path) < before_us:
                yield path

    async def _listed(self, folder: str) -> AsyncIterator[str]:
        with _port_errors():
            async for page in obstore.list(self._store, folder or None):
                for each in page:
                    yield each["path"]

    async def _delete(self, paths: Iterator[str] | Sequence[str]) -> None:
        gone = list(paths)
        with _port_errors():
            for at in range(0, len(gone), _DELETED_AT_ONCE):
                await obstore.delete_async(self._store, gone[at : at + _DELETED_AT_ONCE])

    def _folder(self, key: BlobKey) -> str:
        return f"{self._prefix}{key.partner}/{key.name}/"

    def _path(self, key: BlobKey, time_us: int) -> str:
        return f"{self._folder(key)}{time_us:0{_DIGITS}x}"


def _time_us(path: str) -> int:
    return int(path[-_DIGITS:], 16)


async def _chunks(found: obstore.GetResult) -> AsyncIterator[bytes]:
    with _port_errors():
        async for chunk in found.stream(min_chunk_size=CHUNK_BYTES):
            yield bytes(chunk)


@contextmanager
def _port_errors(passes: Callable[[BaseException], bool] = lambda _: False) -> Iterator[None]:
    """`passes`: what is no error of the store."""
    try:
        yield
    except (BaseError, OSError, ValueError) as error:
        if passes(error):
            raise
        code = _CODE.search(str(error))
        said = code[1] if code is not None else str(error).partition("\n")[0]
        full = any(each in str(error) for each in _NO_ROOM)
        raise (StorageFull if full else StorageUnavailable)(f"the object store answered: {said}") from error

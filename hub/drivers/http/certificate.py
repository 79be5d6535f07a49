"""The certificate that the hub shows to receivers, taken up anew when its files are replaced."""

from __future__ import annotations

import ssl
from contextlib import suppress
from pathlib import Path


class ShownCertificate:
    """Loaded into the context of the connections on which it is shown."""

    def __init__(self, context: ssl.SSLContext, certificate_file: str, key_file: str) -> None:
        """`key_file` may be empty: the key lies in the other file. Raises `OSError` where the pair cannot be used."""
        self._context = context
        self._files = certificate_file, key_file or None
        self._seen: list[tuple[int, int]] = []
        self._load()

    def renew(self) -> None:
        """For connections made from now on. A pair that cannot be used, as while one of two files is replaced, leaves
        what was shown before."""
        with suppress(OSError):  # An SSLError is one.
            if self._versions() != self._seen:
                self._load()

    def _load(self) -> None:
        seen = self._versions()
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(*self._files)  # So half a new pair is not taken up.
        self._context.load_cert_chain(*self._files)
        self._seen = seen

    def _versions(self) -> list[tuple[int, int]]:
        return [(found.st_ino, found.st_mtime_ns) for found in (Path(file).stat() for file in self._files if file)]

"""Memory that processes share: a private file of fixed length, mapped. What is in it outlives them, not the machine."""

from __future__ import annotations

import mmap
import os
from pathlib import Path

from hub.core.errors import HubError


def shared_memory(path: Path, length: int) -> memoryview:
    """Map the file, made of zeros where it is not there; one of another length was another layout's, and starts anew.

    Raises HubError.
    """
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            if os.fstat(file).st_size != length:
                os.ftruncate(file, 0)
                os.ftruncate(file, length)
            return memoryview(mmap.mmap(file, length))
        finally:
            os.close(file)
    except OSError as error:
        raise HubError(f"{path} cannot be used: {error.strerror}") from error

"""What a mutation is, and how large it may make a document."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

BYTES_MAX = 10 * 1024 * 1024
GROWN_BYTES_MAX = 1024 * 1024
"""One edit of the tree makes a document no larger than this many bytes more."""

Mutation = Callable[[Random, bytes], bytes]

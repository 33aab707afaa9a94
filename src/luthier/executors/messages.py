"""What a command, its nursery and its workers say to each other."""

from __future__ import annotations

READY = b"ready"  # a nursery has imported all, and can make workers
END = b"end"  # a worker is to end after its epoch
DONE = b"done"  # a worker has done its work, and rests
MESSAGE = 1 << 17  # bytes of a message at most

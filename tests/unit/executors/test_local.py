"""The local executor runs one worker, here and now."""

import pytest

from luthier.core import LuthierError, Stop
from luthier.executors.local import Local


@pytest.mark.parametrize("workers", [0, 2])
def test_it_has_room_for_one_worker_alone(workers: int):
    seen: list[int] = []
    with pytest.raises(LuthierError, match=f"got {workers} workers, and runs one"):
        Local().launch(lambda index, stop: seen.append(index), workers)
    assert seen == []


def test_the_worker_is_this_process():
    seen: list[Stop] = []
    Local().launch(lambda index, stop: seen.append(stop), workers=1)
    assert len(seen) == 1

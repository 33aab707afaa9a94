"""Ctrl-C: once to end after the epoch, twice to end now."""

import signal
import threading

import pytest

from luthier.loop.working.interrupt import interruptible


def test_nobody_asks_to_begin_with():
    with interruptible() as stop:
        assert not stop.asked


def test_the_first_is_a_wish_to_stop():
    with interruptible() as stop:
        signal.raise_signal(signal.SIGINT)
        assert stop.asked


def test_the_second_stops_now():
    with interruptible():
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize("error", [None, ValueError, KeyboardInterrupt])
def test_who_handled_it_before_handles_it_again(error: type[BaseException] | None):
    before = signal.getsignal(signal.SIGINT)
    try:
        with interruptible():
            assert signal.getsignal(signal.SIGINT) is not before
            if error is not None:
                raise error
    except (ValueError, KeyboardInterrupt):
        pass
    assert signal.getsignal(signal.SIGINT) is before


def test_each_loop_has_its_own_wish():
    with interruptible():
        signal.raise_signal(signal.SIGINT)
    with interruptible() as stop:
        assert not stop.asked


def test_in_another_thread_nothing_is_handled():
    before, seen = signal.getsignal(signal.SIGINT), []

    def work() -> None:
        with interruptible() as stop:
            seen.append((stop.asked, signal.getsignal(signal.SIGINT)))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [(False, before)]

"""Steps that overlap keep the order, end at the first error, and are never far ahead of each other."""

import threading

import pytest

from lmsc_unet.core.pipeline import Sink, ahead, at_once, overlapped
from lmsc_unet.errors import OutputError


def test_results_come_in_order_and_at_most_three_items_are_on_their_way():
    on_their_way, most, lock = [0], [0], threading.Lock()

    def read(item):
        with lock:
            on_their_way[0] += 1
            most[0] = max(most[0], on_their_way[0])
        return item

    def write(item):
        with lock:
            on_their_way[0] -= 1
        return -item

    assert list(overlapped(range(50), read, lambda item: item, write)) == [-item for item in range(50)]
    assert 1 <= most[0] <= 4  # one of them is counted as read before another is counted as written


def test_each_step_has_its_own_thread():
    names = list(
        overlapped(
            range(3),
            lambda _: {threading.get_ident()},
            lambda seen: seen | {threading.get_ident()},
            lambda seen: seen | {threading.get_ident()},
        )
    )
    assert [len(seen) for seen in names] == [3, 3, 3]


@pytest.mark.parametrize("step", ["read", "work", "write"])
def test_an_error_of_any_step_ends_it_with_the_results_so_far(step):
    def failing(name):
        def run(item):
            if name == step and item == 3:
                raise OutputError("full")
            return item

        return run

    results = []
    with pytest.raises(OutputError, match="full"):
        results.extend(iter_into(results, overlapped(range(9), failing("read"), failing("work"), failing("write"))))
    assert results == list(range(len(results)))
    assert len(results) in (1, 2, 3)


def iter_into(results, items):
    for item in items:
        results.append(item)
    return ()


def test_ctrl_c_yields_what_was_being_written():
    def work(item):
        if item == 2:
            raise KeyboardInterrupt
        return item

    results = []
    with pytest.raises(KeyboardInterrupt):
        iter_into(results, overlapped(range(9), lambda item: item, work, lambda item: item))
    assert results == [0, 1]


def test_an_error_of_what_is_made_ahead_comes_with_its_item():
    def items():
        yield 1
        raise OutputError("gone")

    results = []
    with pytest.raises(OutputError, match="gone"):
        iter_into(results, ahead(items()))
    assert results == [1]


def test_a_sink_gives_its_blocks_in_order_and_tells_its_error_to_who_adds():
    written = []
    sink = Sink(written.extend)
    for block in range(20):
        sink.add(block)
    sink.close()
    assert written == list(range(20))

    def full(blocks):
        next(blocks)
        raise OutputError("full")

    sink = Sink(full)
    with pytest.raises(OutputError, match="full"):
        add_all(sink, range(20))


def add_all(sink, blocks):
    for block in blocks:
        sink.add(block)


def test_what_a_sink_had_begun_is_told_when_it_is_abandoned():
    ended = []

    def write(blocks):
        try:
            list(blocks)
        except BaseException as error:
            ended.append(error)
            raise

    sink = Sink(write)
    sink.add(1)
    sink.abandon()
    assert len(ended) == 1


def test_work_is_done_at_the_same_time_and_comes_in_order():
    meet = threading.Barrier(2, timeout=20)

    def work(item):
        meet.wait()  # passes only where two threads are here
        return item * item

    assert list(at_once(work, range(6), 2)) == [0, 1, 4, 9, 16, 25]


def test_work_is_never_far_ahead_of_what_is_taken():
    asked = []
    results = at_once(lambda item: item, (asked.append(item) or item for item in range(100)), 2)
    assert next(results) == 0
    assert len(asked) <= 4
    results.close()
    assert len(asked) <= 4


def test_an_error_of_work_ends_it_at_its_place():
    def work(item):
        if item == 2:
            raise OutputError("the second")
        return item

    results = at_once(work, range(9), 3)
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(OutputError, match="the second"):
        next(results)

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator

import pytest

from modelpack.errors import RegistryError
from modelpack.transfer.crew import MOST, Crew, Halted, Stop, Task, Width
from tests.transfer.making import crew


class Clock:
    def __init__(self) -> None:
        self.time = 0.0

    def __call__(self) -> float:
        return self.time


def look(width: Width, clock: Clock, rate: int) -> int:
    """Let one interval pass at ``rate`` bytes a second; return the width then."""
    clock.time += 1
    width.moved(rate)
    return width.now


def test_the_width_grows_while_that_makes_it_faster() -> None:
    clock = Clock()
    width = Width(None, clock)
    assert (width.now, width.most) == (4, 16)
    assert [look(width, clock, rate) for rate in (100, 200, 300)] == [8, 12, 16]
    assert look(width, clock, 1) == 16  # settled


def test_the_step_that_was_not_rewarded_is_taken_back_for_good() -> None:
    clock = Clock()
    width = Width(None, clock)
    assert [look(width, clock, rate) for rate in (100, 200, 219)] == [8, 12, 8]
    assert [look(width, clock, rate) for rate in (900, 9000)] == [8, 8]


def test_the_width_does_not_fall_below_its_start() -> None:
    clock = Clock()
    width = Width(None, clock)
    assert [look(width, clock, rate) for rate in (100, 100, 900)] == [8, 4, 4]


def test_nothing_is_judged_before_enough_time_has_passed() -> None:
    clock = Clock()
    width = Width(None, clock)
    for _ in range(39):
        clock.time += 0.01
        width.moved(1 << 30)
    assert width.now == 4
    clock.time += 0.02
    width.moved(1)
    assert width.now == 8


@pytest.mark.parametrize("jobs", [1, 3, 40])
def test_with_jobs_the_width_is_fixed(jobs: int) -> None:
    clock = Clock()
    width = Width(jobs, clock)
    assert {look(width, clock, 10**n) for n in range(9)} == {jobs}
    assert width.most == jobs


def test_every_task_is_done() -> None:
    done: list[int] = []

    def task(number: int) -> Task:
        return lambda: done.append(number)

    crew().run(task(n) for n in range(100))
    assert sorted(done) == list(range(100))


def test_a_crew_can_be_sent_out_again() -> None:
    team = crew()
    done: list[str] = []
    team.run([lambda: done.append("first")])
    team.run([])
    team.run([lambda: done.append("second")])
    assert done == ["first", "second"]


@pytest.mark.parametrize("jobs", [1, 2, 5])
def test_no_more_run_at_once_than_the_width_says(jobs: int) -> None:
    under_way = 0
    most = 0
    lock = threading.Lock()
    # All of one row have to be there before any of them may leave.
    row = threading.Barrier(jobs, timeout=30)

    def task() -> None:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        row.wait()
        with lock:
            under_way -= 1

    crew(jobs).run([task] * (4 * jobs))
    assert most == jobs


def test_without_jobs_no_more_run_at_once_than_the_start() -> None:
    team = Crew(Width(None, Clock()), Stop())
    row = threading.Barrier(4, timeout=30)
    lock = threading.Lock()
    counts = [0, 0]

    def task() -> None:
        with lock:
            counts[0] += 1
            counts[1] = max(counts)
        row.wait()
        with lock:
            counts[0] -= 1

    team.run([task] * 16)
    assert counts[1] == 4
    assert MOST == 16


def test_the_first_failure_ends_all() -> None:
    team = crew(2)
    failing = threading.Event()
    started: list[int] = []

    def fail() -> None:
        failing.set()
        raise RegistryError("the first")

    def wait() -> None:
        assert failing.wait(30)
        # Ends at its next block, as everything that moves bytes does.
        team.stop.wait(30)

    def tasks() -> Iterator[Task]:
        yield fail
        yield wait
        for number in range(100):
            started.append(number)
            yield lambda: None

    with pytest.raises(RegistryError, match="the first"):
        team.run(tasks())
    assert len(started) < 100
    assert not [t for t in threading.enumerate() if t.name.endswith("(_work)")]


def test_a_failure_of_the_generator_is_raised() -> None:
    def tasks() -> Iterator[Task]:
        yield lambda: None
        raise RegistryError("no list")

    with pytest.raises(RegistryError, match="no list"):
        crew().run(tasks())


def test_the_generator_sees_what_has_been_done() -> None:
    done: list[int] = []

    def tasks() -> Iterator[Task]:
        for number in range(5):
            assert done == list(range(number))
            yield lambda number=number: done.append(number)  # type: ignore[misc]

    crew(1).run(tasks())
    assert done == [0, 1, 2, 3, 4]


def test_ctrl_c_stops_the_threads_and_is_raised() -> None:
    team = crew(3)
    inside = threading.Barrier(3, timeout=30)
    ended = threading.Semaphore(0)

    def task() -> None:
        inside.wait()
        try:
            team.stop.wait(30)
        finally:
            ended.release()

    def interrupt() -> None:
        inside.wait()
        # What Ctrl-C does to the thread that waits in run().
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        team.stop.wait(30)

    with pytest.raises(KeyboardInterrupt):
        team.run([task, task, interrupt])
    assert all(ended.acquire(timeout=30) for _ in range(2))
    with pytest.raises(Halted):
        team.stop.check()


def test_a_thread_that_sees_the_end_is_no_failure_of_its_own() -> None:
    team = crew(1)
    team.stop.set()
    ran: list[int] = []
    team.run([lambda: ran.append(1)])
    assert ran == []
    with pytest.raises(Halted):
        team.stop.wait(30)

"""Tasks in several processes: each is done once, and one whose process ends is told of and hinders no other."""

import multiprocessing
import os
import signal
import time
import unittest

from harness import side_by_side
from harness.side_by_side import Lost


def square(number):
    return number * number


def ends_at_two(number):
    if number == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return os.getpid()


meeting = multiprocessing.get_context("fork").Barrier(3)


def meets(_number):
    meeting.wait(30)


def sleeps(number):
    if number == 1:
        time.sleep(60)
    return number


class SideBySideTest(unittest.TestCase):
    def test_each_task_is_done_once(self):
        for jobs in (1, 3, 50):
            results = sorted(side_by_side.run(square, 20, jobs))
            self.assertEqual(results, [(number, number * number) for number in range(20)])

    def test_nothing_to_do(self):
        self.assertEqual(list(side_by_side.run(square, 0, 4)), [])

    def test_tasks_run_at_the_same_time(self):
        self.assertEqual(sorted(side_by_side.run(meets, 3, 3)), [(0, None), (1, None), (2, None)])

    def test_a_lost_process_hinders_no_other_task(self):
        results = dict(side_by_side.run(ends_at_two, 6, 1))
        self.assertEqual(sorted(results), list(range(6)))
        self.assertEqual(results.pop(2), Lost(-signal.SIGKILL))
        self.assertEqual(len(set(results.values())), 2, "another process did what was left")

    def test_who_stops_listening_ends_what_runs(self):
        began = time.monotonic()
        tasks = side_by_side.run(sleeps, 2, 2)
        self.assertEqual(next(tasks), (0, 0))
        tasks.close()
        self.assertLess(time.monotonic() - began, 30)


if __name__ == "__main__":
    unittest.main()

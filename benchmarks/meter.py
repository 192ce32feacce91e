"""Run one command and write what it took to a file; started as a script of its own.

The kernel counts into a child's peak memory what its parent had at the moment of the
fork, so the parent has to be small: this one imports next to nothing.
"""

import json
import os
import sys
import time


def main(report: str, command: list[str]) -> int:
    """Answer the exit code of the command."""
    started = time.monotonic()
    child = os.posix_spawnp(command[0], command, os.environ)
    _, status, used = os.wait4(child, 0)
    wall = time.monotonic() - started
    measured = {
        "wall": wall,
        "cpu": used.ru_utime + used.ru_stime,
        "memory": used.ru_maxrss * 1024,
    }
    with open(report, "w", encoding="ascii") as file:  # noqa: PTH123 - pathlib is large
        json.dump(measured, file)
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))

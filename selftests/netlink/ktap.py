# SPDX-License-Identifier: GPL-2.0
"""KTAP for tests that are Python programs."""
import sys
import traceback


def skip_all(why):
    print(f"TAP version 13\n1..0 # SKIP {why}")
    sys.exit(4)


def equal(got, wanted, what=""):
    if got != wanted:
        raise AssertionError(f"{what}: {got!r}, not {wanted!r}")


def run(tests):
    """Each is a function; one that raises has failed. Ends the program."""
    failed = 0
    print(f"TAP version 13\n1..{len(tests)}", flush=True)
    for number, test in enumerate(tests, 1):
        name = test.__name__.replace("_", " ")
        try:
            test()
            print(f"ok {number} {name}", flush=True)
        except Exception:       # whatever it is, the others are run
            failed += 1
            for line in traceback.format_exc().splitlines():
                print(f"# {line}")
            print(f"not ok {number} {name}", flush=True)
    sys.exit(1 if failed else 0)

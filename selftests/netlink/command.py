# SPDX-License-Identifier: GPL-2.0
"""The tool, run where there is no daemon."""
import os
import subprocess
import module
from ktap import equal

TOOL = f"{module.BUILD}/bin/rubato"
ENVIRONMENT = {**os.environ, "RUBATO_SOCKET": "/nonexistent/control.sock"}
NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")


def run(*words, before=()):
    return subprocess.run([*before, TOOL, *words], capture_output=True,
                          text=True, check=False, env=ENVIRONMENT)


def tool(*words, before=()):
    done = run(*words, before=before)
    equal((done.returncode, done.stderr), (0, ""), " ".join(words))
    return done.stdout


def fails(why, *words, status=None, before=()):
    done = run(*words, before=before)
    assert done.returncode, f"{words} was not refused"
    assert why in done.stderr, f"{words}: {done.stderr}"
    equal(status or done.returncode, done.returncode, f"{words}: status")

# SPDX-License-Identifier: GPL-2.0
"""A real daemon, whose tenants the module keeps."""
import json
import os
import subprocess
import time
import ktap
import module


def start(directory, config):
    """Once it answers, at control.sock of @directory; its files are there."""
    with open(f"{directory}/config.json", "w", encoding="utf-8") as file:
        json.dump(config, file)
    socket = f"{directory}/control.sock"
    with open(f"{directory}/log", "w", encoding="utf-8") as log:
        daemon = subprocess.Popen(
            [f"{module.BUILD}/bin/rubatod", "--config",
             f"{directory}/config.json", "--socket", socket, "--state",
             f"{directory}/state.json", "--module", "yes"],
            stdout=log, stderr=log)
    for _ in range(300):
        if os.path.exists(socket) or daemon.poll() is not None:
            break
        time.sleep(0.1)
    if daemon.poll() is not None or not os.path.exists(socket):
        with open(f"{directory}/log", encoding="utf-8") as log:
            ktap.skip_all(f"the daemon does not run here: {log.read()[-300:]}")
    return daemon

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""
The tool with the module and no daemon, which is librubato's rubato_ctl_*: that it
does what it is told, shows what sysfs has, and says why not. How long a list of
many tenants takes beside a list of as many links is said by the way.
"""
import json
import os
import select
import subprocess
import time
import ktap
import module
from command import ENVIRONMENT, NOBODY, TOOL, fails, run, tool
from ktap import equal
from module import get, make_cgroup, put

MANY = 1024 if module.LONG else 100


def show(name):
    return json.loads(tool("-j", "tenant", "show", name))


def tenants_come_and_go():
    module.remove_all()
    tool("tenant", "add", "a", "weight", "7", "borrow", "off", "budget",
         "5000000", "period", "2ms", "when-broke", "drop")
    equal([get(f"tenants/a/{f}") for f in
           ("weight", "borrow", "budget_cycles", "period_us", "burst_cycles",
            "when_broke")],
          ["7", "0", "5000000", "2000", "0", "drop"])
    equal(show("a")["when_broke"], "drop")
    tool("tenant", "set", "a", "budget", "max", "borrow", "on")
    equal((get("tenants/a/budget_cycles"), get("tenants/a/borrow"),
           get("tenants/a/weight")), ("max", "1", "7"))
    tool("tenant", "set", "a", "when-broke", "queue")
    equal(show("a")["when_broke"], "queue")
    put("tenants/a/weight", 8)
    equal(show("a")["weight"], 8)
    equal(show("system")["slot"], 0)
    tool("tenant", "del", "a")
    equal(os.listdir(f"{module.ROOT}/tenants"), [])


def cgroups_by_path():
    module.remove_all()
    number, path = make_cgroup("rbktool")
    tool("tenant", "add", "a", "cgroup", path)
    tool("tenant", "add", "b")
    equal(os.listdir(f"{module.ROOT}/tenants/a/cgroups"), [str(number)])
    equal([(c["id"], c["path"]) for c in show("a")["cgroups"]],
          [(number, path)])
    fails("belongs to tenant a", "tenant", "set", "b", "cgroup", path)
    fails("root cgroup", "tenant", "set", "b", "cgroup", "/")
    tool("tenant", "set", "a", "cgroup-remove", path)
    equal(os.listdir(f"{module.ROOT}/tenants/a/cgroups"), [])
    fails("not in this tenant", "tenant", "set", "a", "cgroup-remove", path)


def refusals_say_why():
    module.remove_all()
    tool("tenant", "add", "a")
    fails("already", "tenant", "add", "a")
    fails("no tenant", "tenant", "del", "x")
    fails("no tenant", "tenant", "set", "x", "weight", "5")
    fails("no tenant", "tenant", "show", "x")
    fails("1..10000", "tenant", "set", "a", "weight", "0")
    fails("-", "tenant", "add", "-a")


def counters_have_their_places():
    module.remove_all()
    tool("tenant", "add", "a")
    stats = show("a")["stats"]
    flat = set(stats) - {"cycles", "dropped_packets", "phases", "drops",
                         "steered", "batches"}
    flat |= {"served_batches"}
    flat |= {f"{name}_cycles" for name in stats["phases"]}
    flat |= {f"dropped_{name}" for name in stats["drops"]}
    flat |= {f"steer_{name}" for name in stats["steered"]}
    equal(flat, set(os.listdir(f"{module.ROOT}/tenants/a/stat")))


# Tenants are the host's, whichever network namespace root happens to be in.
def from_another_network_namespace():
    module.remove_all()
    tool("tenant", "add", "a", before=("unshare", "--net"))
    equal(json.loads(tool("-j", "tenant", "show",
                          before=("unshare", "--net")))[1]["name"], "a")


# Without a daemon they are the module's.
def events_as_they_come():
    module.remove_all()
    number, _ = make_cgroup("rbktool")
    with subprocess.Popen([TOOL, "-j", "monitor"], stdout=subprocess.PIPE,
                          text=True, env=ENVIRONMENT) as monitor:
        # It does not say when it listens: what it misses is said again.
        put("tenant_add", "first")
        while not select.select([monitor.stdout], [], [], 0.2)[0]:
            put("tenants/first/weight", 5)
        put("tenant_add", "a")
        put("tenants/a/weight", 7)
        put("tenants/a/cgroup_add", number)
        put("tenants/a/cgroup_remove", number)
        put("tenant_remove", "a")
        lines = [json.loads(monitor.stdout.readline())]
        while lines[-1]["event"] != "tenant-removed":
            lines.append(json.loads(monitor.stdout.readline()))
        monitor.terminate()
    assert all(line["time_ms"] > 0 for line in lines), lines
    equal([(line["event"], line.get("cgroup")) for line in lines
           if line["tenant"] == "a"],
          [("tenant-added", None), ("tenant-changed", None),
           ("cgroup-added", number), ("cgroup-removed", number),
           ("tenant-removed", None)])


def without_privileges():
    module.remove_all()
    for words in (("tenant", "show"), ("tenant", "add", "a"),
                  ("tenant", "set", "system", "weight", "5"), ("monitor",)):
        done = run(*words, before=NOBODY)
        assert done.returncode and "only root" in done.stderr, done.stderr
    equal(os.listdir(f"{module.ROOT}/tenants"), [])
    equal(get("system/weight"), "100")


def seconds_of(command):
    begin = time.monotonic()
    subprocess.run(command, check=True, env=ENVIRONMENT,
                   stdout=subprocess.DEVNULL)
    return time.monotonic() - begin


def say_how_long(one, other):
    """The least of some, in turns; said, not judged: the machine is shared."""
    ours, theirs = (min(times) for times in
                    zip(*((seconds_of(one), seconds_of(other))
                          for _ in range(7))))
    print(f"# {MANY} tenants: {ours * 1e3:.0f} ms; {MANY} links: "
          f"{theirs * 1e3:.0f} ms; ratio {ours / theirs:.2f}")


def a_long_list_is_whole():
    module.remove_all()
    names = [f"t{i}" for i in range(MANY)]
    for name in names:
        put("tenant_add", name)
    shown = json.loads(tool("-j", "tenant", "show"))
    equal([tenant["name"] for tenant in shown], ["system"] + names)
    batch = "".join(f"link add rbkd{i} type dummy\n" for i in range(MANY))
    subprocess.run(["ip", "netns", "add", "rbklist"], check=True)
    try:
        subprocess.run(["ip", "-n", "rbklist", "-batch", "-"], input=batch,
                       text=True, check=True)
        say_how_long([TOOL, "-j", "tenant", "show"],
                     ["ip", "-n", "rbklist", "-j", "link"])
    finally:
        subprocess.run(["ip", "netns", "del", "rbklist"], check=True)


module.begin()
ktap.run([tenants_come_and_go, cgroups_by_path, refusals_say_why,
          counters_have_their_places, from_another_network_namespace,
          events_as_they_come, without_privileges, a_long_list_is_whole])

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""
What a daemon, a file and Prometheus have of the placement of page tables:
`rubato save` and `rubato restore`, the daemon's own configuration file, and
`rubato metrics`. A file that does not speak of it means what it meant before.
"""
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
import ktap
import module
from command import TOOL
from daemon import start
from jsonschema import Draft7Validator as Schema
from ktap import equal
from module import get, put

HERE = "tenants/a/pgtable"
SETTINGS = ("policy", "nodes", "max_kib", "fill_order")
PARSER = os.path.join(module.TOP, "selftests/cli/prometheus.awk")
SCHEMA = os.path.join(module.TOP, "Documentation/schemas/configuration.json")


def run(*words, text=None):
    return subprocess.run([TOOL, *words], input=text, check=False, text=True,
                          capture_output=True, env=ENVIRONMENT)


def tool(*words, text=None):
    done = run(*words, text=text)
    equal(done.returncode, 0, f"{words}: {done.stderr}")
    return done.stdout


def begin():
    for name in os.listdir(f"{module.ROOT}/tenants"):
        tool("tenant", "del", name)
    tool("tenant", "add", "a")


def settings():
    return [get(f"{HERE}/{name}") for name in SETTINGS]


def saved():
    """What the file has of page tables, by tenant."""
    config = json.loads(tool("save", "-"))
    with open(SCHEMA, encoding="utf-8") as file:
        Schema(json.load(file)).validate(config)
    return {tenant["name"]: tenant.get("pgtable")
            for tenant in config["tenants"]}


def restore(config, *words):
    return json.loads(tool("-j", "restore", "-", *words,
                           text=json.dumps(config)))


def with_pgtable(pgtable):
    return {"tenants": [{"name": "a", **({} if pgtable is None else
                                         {"pgtable": pgtable})}]}


# So that other machines, and older daemons, can read it.
def what_is_as_at_first_is_not_saved():
    begin()
    equal(saved(), {"system": None, "a": None})
    tool("pgtable", "set", "a", "max-kib", "77")
    equal(saved()["a"], {"max_kib": 77})
    tool("pgtable", "set", "a", "fill-order", "3", "nodes", "0", "max-kib",
         FIRST[2])
    equal(saved()["a"], ({} if NODES == "0" else {"nodes": "0"}) |
          {"fill_order": 3})


def what_was_saved_comes_back():
    begin()
    before = settings()
    words = ["policy", "migrate"] if POSSIBLE else []
    tool("pgtable", "set", "a", *words, "max-kib", "4096", "fill-order", "0",
         "nodes", "0")
    after = settings()
    file = tool("save", "-")
    tool("tenant", "add", "b")
    tool("tenant", "del", "a")
    said = json.loads(tool("-j", "restore", "-", "--dry-run", text=file))
    assert any(line.startswith("pgtable set a ") and "max-kib 4096" in line
               and "fill-order 0" in line for line in said), said
    equal(os.listdir(f"{module.ROOT}/tenants"), ["b"], "a dry run")
    equal(json.loads(tool("-j", "restore", "-", text=file)), said)
    equal(settings(), after)
    equal(json.loads(tool("-j", "restore", "-", text=file)), [], "once more")
    assert before != after


def a_file_that_does_not_say():
    begin()
    tool("pgtable", "set", "a", "max-kib", "77", "fill-order", "3")
    equal(restore(with_pgtable(None), "--dry-run"),
          [f"pgtable set a max-kib {FIRST[2]} fill-order 9"])
    equal(settings()[2:], ["77", "3"])
    restore(with_pgtable(None))
    equal(settings(), FIRST)
    restore(with_pgtable({"fill_order": 5}))
    equal(settings(), FIRST[:3] + ["5"])
    restore(with_pgtable({}))
    equal(settings(), FIRST)


BAD = (
    ({"policy": "best"}, 'tenants[0].pgtable: policy "best" is none of'),
    ({"policy": 1}, "is none of"), ({"nodes": "all"}, "is no list"),
    ({"nodes": 0}, "is no list"), ({"max_kib": -1}, "not a whole number"),
    ({"max_kib": "1"}, "not a whole number"), ({"fill_order": 10}, "0..9"),
    ({"colour": 1}, 'have no setting "colour"'),
    ([], "must be of type object"),
)


def what_is_wrong_changes_nothing():
    begin()
    tool("pgtable", "set", "a", "max-kib", "77")
    before = settings()
    for pgtable, why in BAD:
        done = run("restore", "-", text=json.dumps(with_pgtable(pgtable)))
        equal(done.returncode, 2, f"{pgtable}")
        assert why in done.stderr, f"{pgtable}: {done.stderr}"
        equal(settings(), before)
    done = run("restore", "-", text=json.dumps(
        {"tenants": [{"name": "system", "pgtable": {"fill_order": 1}}]}))
    assert "system" in done.stderr and done.returncode == 2, done.stderr


# Seen on the way only: what went before it is taken back.
def what_the_module_refuses_is_taken_back():
    begin()
    tool("pgtable", "set", "a", "max-kib", "77")
    before = settings()
    done = run("restore", "-", text=json.dumps({"tenants": [
        {"name": "a", "weight": 7, "pgtable": {"max_kib": 78}},
        {"name": "b", "pgtable": {"nodes": "63", "fill_order": 2}}]}))
    equal(done.returncode, 2, done.stdout)
    assert '"63" is not a list of nodes with memory' in done.stderr, done.stderr
    equal((settings(), get("tenants/a/weight")), (before, "100"))
    equal(os.listdir(f"{module.ROOT}/tenants"), ["a"])


# --- Prometheus ----------------------------------------------------------------

def metrics():
    """All samples of page tables, by name and labels; the text is parsed."""
    text = tool("metrics")
    parsed = subprocess.run(["awk", "-f", PARSER], input=text, text=True,
                            check=False, capture_output=True)
    equal(parsed.returncode, 0, parsed.stdout + parsed.stderr)
    return dict(re.findall(r"^rubato_(tenant_pgtable_\S+) (\S+)$", text,
                           re.MULTILINE))


def each_tenant_and_node_has_its_counters():
    begin()
    tool("tenant", "add", "b")
    tool("pgtable", "set", "b", "max-kib", "16")
    found = metrics()
    for tenant in ("a", "b"):
        for name in ("spaces", "refused_spaces", "entries_total", "zaps_total",
                     "conflicts_total", "shortages_total", "fallbacks_total",
                     "renewals_total", "held_back_total", "used_cpus"):
            equal(float(found[f'tenant_pgtable_{name}{{tenant="{tenant}"}}']),
                  0, name)
        for name in ("replica_bytes", "fills_total", "cpu_seconds_total"):
            equal([float(found[f'tenant_pgtable_{name}{{tenant="{tenant}",'
                               f'node="{node}"}}']) for node in EACH_NODE],
                  [0 for node in EACH_NODE], name)
    equal(found['tenant_pgtable_limit_bytes{tenant="b"}'], "16384")
    equal(found['tenant_pgtable_info{tenant="b",policy="off",'
                f'nodes="{NODES}"}}'], "1")
    assert not any("home_node" in name for name in found), found


def eventually(holds, what):
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end, f"never: {what}"
        time.sleep(0.05)


def the_numbers_are_the_modules():
    begin()
    number, path = module.make_cgroup("rbksaved")
    put("tenants/a/cgroup_add", number)
    with module.start_busy(path) as process:
        try:
            tool("pgtable", "set", "a", "policy", "replicate")
            eventually(lambda: int(get(f"{HERE}/stat/fills")), "fills")
        finally:
            process.kill()
    tool("pgtable", "set", "a", "policy", "off")
    eventually(lambda: get(f"{HERE}/stat/spaces") == "0", "none is left")
    found = metrics()
    fills = [int(found['tenant_pgtable_fills_total{tenant="a",'
                       f'node="{node}"}}']) for node in EACH_NODE]
    equal(sum(fills), int(get(f"{HERE}/stat/fills")), "fills of all nodes")
    equal(" ".join(f"N{n}={f}" for n, f in zip(EACH_NODE, fills)),
          get(f"{HERE}/stat/node_fills"))
    seconds = sum(float(found['tenant_pgtable_cpu_seconds_total{tenant="a",'
                              f'node="{node}"}}']) for node in EACH_NODE)
    cycles = int(get(f"{HERE}/stat/cycles"))
    assert abs(seconds * int(get("tsc_khz")) * 1000 - cycles) <= cycles / 1e3


# --- the daemon's own file -------------------------------------------------------

def a_daemon_begins_with_its_file():
    global daemon
    begin()
    policy = {"policy": "auto"} if POSSIBLE else {}
    daemon_stop()
    module.remove_all()
    # Of b it is said what this machine has not: the daemon runs without.
    daemon = start(DIRECTORY, {"tenants": [
        {"name": "a", "pgtable": {**policy, "max_kib": 4096}},
        {"name": "b", "pgtable": {"nodes": "63"}}]})
    equal(settings(), [policy.get("policy", "off"), NODES, "4096", "9"])
    equal(saved()["b"], None)
    with open(f"{DIRECTORY}/log", encoding="utf-8") as log:
        assert re.search('tenant b: .*"63" is not a list', log.read())
    # What was set since stays over a restart.
    tool("pgtable", "set", "a", "max-kib", "5")
    daemon_stop()
    daemon = start(DIRECTORY, {"tenants": [
        {"name": "a", "pgtable": {"max_kib": 4096}}, {"name": "b"}]})
    equal(settings()[2], "5")


def daemon_stop():
    daemon.terminate()
    equal(daemon.wait(60), 0, "the daemon's status")


module.begin()
if not os.path.isdir(f"{module.ROOT}/pgtable"):
    ktap.skip_all("the module does not place page tables")
POSSIBLE = get("pgtable/reason") == "none"
with open("/sys/devices/system/node/has_memory", encoding="utf-8") as nodes:
    NODES = nodes.read().strip()
EACH_NODE = sorted(int(name[4:]) for name in
                   os.listdir("/sys/devices/system/node")
                   if re.fullmatch("node[0-9]+", name))
DIRECTORY = tempfile.mkdtemp()
ENVIRONMENT = {**os.environ, "RUBATO_SOCKET": f"{DIRECTORY}/control.sock"}
daemon = start(DIRECTORY, {})
put("tenant_add", "a")
FIRST = settings()
try:
    ktap.run([what_is_as_at_first_is_not_saved, what_was_saved_comes_back,
              a_file_that_does_not_say, what_is_wrong_changes_nothing,
              what_the_module_refuses_is_taken_back,
              each_tenant_and_node_has_its_counters] +
             ([the_numbers_are_the_modules] if POSSIBLE else []) +
             [a_daemon_begins_with_its_file, daemon_stop])
finally:
    if daemon.poll() is None:
        daemon.kill()
        daemon.wait()
    shutil.rmtree(DIRECTORY)

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""
`rubato pgtable`, which is librubato's rubato_pgtable_*: that it sets and shows
what is in the module's files, says why not, and leaves all as it was then.
Machines that are not at hand are made of mounts over the files that tell of them.
"""
import json
import os
import tempfile
import threading
import time
import ktap
import module
from jsonschema import Draft7Validator as Schema
from command import NOBODY, fails, run, tool
from ktap import equal
from module import get, make_cgroup, put

SETTINGS = ("policy", "nodes", "max_kib", "fill_order")
SCHEMAS = os.path.join(module.TOP, "Documentation/schemas")
HERE = "tenants/a/pgtable"


def begin():
    module.remove_all()
    if get("pgtable/kill") != "0":
        put("pgtable/kill", 0)
    put("tenant_add", "a")


def pgtable(*words):
    return tool("pgtable", *words)


def said(*words):
    return json.loads(tool("-j", "pgtable", *words))


def settings():
    return [get(f"{HERE}/{name}") for name in SETTINGS]


def eventually(holds, what):
    end = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < end, f"never: {what}"
        time.sleep(0.05)


def defaults_are_shown():
    begin()
    shown = said("show", "a")
    equal([str(shown[name]) for name in SETTINGS], settings())
    equal((shown["tenant"], shown["policy"], shown["nodes"]),
          ("a", "off", NODES))
    equal(set(shown["stats"]), set(os.listdir(f"{module.ROOT}/{HERE}/stat")))
    nodes = {str(node): 0 for node in range(int(NODES.split("-")[-1]) + 1)}
    told = {name: shown["stats"].pop(name) for name in
            ("node_pages", "node_fills", "node_cycles", "home", "home_reason")}
    equal(told, {"node_pages": nodes, "node_fills": nodes,
                 "node_cycles": nodes, "home": None,
                 "home_reason": "unknown"})
    equal(set(shown["stats"].values()), {0})


def settings_are_set():
    begin()
    pgtable("set", "a", "max-kib", "4096")
    equal(settings()[1:], [NODES, "4096", "9"])
    pgtable("set", "a", "fill-order", "0", "nodes", "0")
    equal(settings(), ["off", "0", "4096", "0"])
    tool("pg", "se", "a", "f", "3", "m", "0", "p", "off")
    equal(settings(), ["off", "0", "0", "3"])
    put(f"{HERE}/max_kib", 2 ** 64 - 1)
    equal(said("show", "a")["max_kib"], 2 ** 64 - 1)


def policies_are_set():
    begin()
    for policy in ("replicate", "migrate", "auto", "off"):
        pgtable("set", "a", "policy", policy)
        equal(get(f"{HERE}/policy"), policy)
    pgtable("set", "a", "policy", "migrate", "nodes", "1", "max-kib", "8",
            "fill-order", "4")
    equal(settings(), ["migrate", "1", "8", "4"])


REFUSALS = (
    # What is a number is seen by the tool, the rest by library or module.
    (1, "not a number", "max-kib", "many"), (1, "negative", "max-kib", "-1"),
    (1, "not a whole number", "max-kib", "1.5"),
    (1, "too many digits", "max-kib", "99999999999999999999"),
    (1, "0..9", "fill-order", "10"), (1, "empty", "fill-order", ""),
    (1, "twice", "max-kib", "1", "max-kib", "2"),
    (1, "needs a value", "policy"), (1, "not understood", "colour", "blue"),
    (1, "nothing to set",),
    (2, '"best" is none of', "policy", "best"),
    (2, '"" is none of', "policy", ""),
    (2, "no list", "nodes", ""), (2, "no list", "nodes", "0 1"),
    (2, "no list", "nodes", "all"), (2, "no list", "nodes", "0\n"),
    (2, '"63" is not a list of nodes with memory, which are 0',
     "nodes", "63"),
    (2, '"9999" is not a list of nodes', "nodes", "9999"),
    (2, '"1-0" is not a list of nodes', "nodes", "1-0"),
    (2, '"," is not a list of nodes', "nodes", ","),
    (2, "no list", "nodes", "0," * 4000),
)


def what_is_refused_changes_nothing():
    begin()
    pgtable("set", "a", "max-kib", "77", "fill-order", "5")
    before = settings()
    for status, why, *words in REFUSALS:
        fails(why, "pgtable", "set", "a", *words, status=status)
        # Nor do others that are good, wherever they stand.
        good = ("fill-order", "1") if "max-kib" in words else ("max-kib", "5")
        for both in ((*good, *words), (*words, *good)) if words else ():
            assert run("pgtable", "set", "a", *both).returncode, both
        equal(settings(), before, words)


def bad_words():
    begin()
    for status, why, *words in (
            (1, "which tenant", "set"), (1, "too many", "show", "a", "b"),
            (1, "too many", "status", "a"), (1, "too many", "verify", "a"),
            (1, "on or off", "kill"), (1, "on or off", "kill", "maybe"),
            (1, "too many", "kill", "on", "off"),
            (1, "on or off", "filter"), (1, "on or off", "filter", "1"),
            (1, "too many", "filter", "on", "off"),
            (1, "several commands", "s"), (1, "no command", "frob"),
            (2, 'no tenant "b"', "show", "b"),
            (2, 'no tenant "b"', "set", "b", "max-kib", "1"),
            (2, "no processes", "show", "system"),
            (2, "no processes", "set", "system", "max-kib", "1"),
            (2, "not one of", "show", "../tenants/a"),
            (2, "too long", "set", "a" * 64, "max-kib", "1")):
        fails(why, "pgtable", *words, status=status)
    equal(get("pgtable/kill"), "0")


def under_mounts(mounts):
    """What is put before a command that is to have mounts of its own."""
    return ("unshare", "--mount", "sh", "-ec", mounts + '\nexec "$@"', "sh")


# Reading goes well, so that it is the last write that fails.
def earlier_changes_are_put_back():
    begin()
    pgtable("set", "a", "max-kib", "77", "fill-order", "5")
    before = settings()
    policy = f"{module.ROOT}/{HERE}/policy"
    fails("policy: Read-only file system", "pgtable", "set", "a", "policy",
          "off", "max-kib", "5", "nodes", "0", "fill-order", "1", status=2,
          before=under_mounts(f"mount --bind {policy} {policy}\n"
                              f"mount -o remount,bind,ro {policy}"))
    equal(settings(), before)


# Its files are where the module's are, with what was seen once on a machine.
FAKE = f"""
mount -t tmpfs none {module.ROOT}
cd {module.ROOT}
mkdir -p pgtable tenants/a/pgtable/stat
echo none > pgtable/reason
echo 3 > pgtable/checked
"""


def wrong_entries_are_told():
    begin()
    # A file of its own, that says 0, then what was written into it: 1.
    before = under_mounts(f"{FAKE}\necho 0 > pgtable/verify")
    fails("found wrong: 1;", "pgtable", "verify", status=1,
          before=before)
    # Those that were found wrong before were told before.
    done = run("pgtable", "verify",
               before=under_mounts(f"{FAKE}\necho 1 > pgtable/verify"))
    equal((done.returncode, done.stderr), (0, ""))


def a_machine_that_cannot():
    begin()
    reason = f"{module.ROOT}/pgtable/reason"
    with tempfile.NamedTemporaryFile("w") as file:
        file.write("because of the moon\n")
        file.flush()
        before = under_mounts(f"mount --bind {file.name} {reason}")
        fails("because of the moon", "pgtable", "set", "a", "max-kib", "1",
              "policy", "migrate", status=2, before=before)
        equal(get(f"{HERE}/policy"), "off")
        assert get(f"{HERE}/max_kib") != "1"
        tool("pgtable", "set", "a", "max-kib", "1", "policy", "off",
             before=before)
        equal(get(f"{HERE}/max_kib"), "1")
        equal(json.loads(tool("-j", "pgtable", "status",
                              before=before))["reason"],
              "because of the moon")


def a_machine_of_one_node():
    begin()
    for policy in ("replicate", "migrate", "auto"):
        fails("one NUMA node", "pgtable", "set", "a", "nodes", "0",
              "max-kib", "1", "policy", policy, status=2)
    equal(get(f"{HERE}/policy"), "off")
    assert get(f"{HERE}/max_kib") != "1"
    equal(said("status")["reason"], "one NUMA node")
    pgtable("verify")


def isolated():
    with open("/proc/cpuinfo", encoding="ascii") as file:
        return " pti " in file.read()


def filter_on_and_off():
    begin()
    equal(said("status")["filter"], False)
    if isolated():
        fails("isolation", "pgtable", "filter", "on", status=2)
        equal(get("pgtable/filter"), "0")
        return
    pgtable("filter", "on")
    equal((get("pgtable/filter"), said("status")["filter"]), ("1", True))
    pgtable("filter", "on")
    pgtable("filter", "off")
    equal((get("pgtable/filter"), said("status")["filter"]), ("0", False))


def a_module_without_it():
    begin()
    before = under_mounts(f"{FAKE}\nrm -r pgtable tenants/a/pgtable")
    for words in (("show",), ("show", "a"), ("set", "a", "max-kib", "1"),
                  ("home", "a"), ("status",), ("verify",), ("kill", "on"),
                  ("filter", "on")):
        fails("built without", "pgtable", *words, status=2, before=before)


def no_module():
    begin()
    module.remove_all()
    equal(module.rmmod(), 0, "rmmod")
    try:
        for words in (("show",), ("show", "a"), ("set", "a", "max-kib", "1"),
                      ("home", "a"), ("status",), ("verify",), ("kill", "on"),
                      ("filter", "on")):
            fails("not loaded", "pgtable", *words, status=2)
    finally:
        module.insmod()


def without_privileges():
    begin()
    before = settings()
    checked = get("pgtable/checked")
    for words in (("show",), ("show", "a"), ("set", "a", "max-kib", "1"),
                  ("home", "a"), ("status",), ("verify",), ("kill", "on"),
                  ("filter", "on")):
        fails("only root", "pgtable", *words, status=2, before=NOBODY)
    equal(settings(), before)
    equal((get("pgtable/kill"), get("pgtable/filter"), get("pgtable/checked")),
          ("0", "0", checked))


def cells(name):
    lines = [line.split() for line in pgtable("show").splitlines()]
    return dict(zip(lines[0], next(line for line in lines
                                   if line[0] == name)))


def the_table():
    begin()
    names = ["a"] + [f"b{number}" for number in range(9)]
    for name in names[:0:-1]:
        put("tenant_add", name)
    pgtable("set", "b1", "max-kib", "12345", "nodes", "0")
    equal([one["tenant"] for one in said("show")], names)
    equal(len(pgtable("show").splitlines()), len(names) + 1)
    equal(cells("b1"), {"TENANT": "b1", "POLICY": "off", "NODES": "0",
                        "SPACES": "0", "KIB": "0", "MAX-KIB": "12345",
                        "FILLS": "0", "CONFLICTS": "0", "FALLBACKS": "0"})
    equal(said("show", "b1"), said("show")[2])
    assert "max_kib                12345\n" in pgtable("show", "b1")


def strict(schema):
    """A copy in which no object may have a key that is not named."""
    if isinstance(schema, dict):
        schema = {key: strict(value) for key, value in schema.items()}
        if "properties" in schema:
            schema["additionalProperties"] = False
    return schema


def schema_of(name):
    with open(f"{SCHEMAS}/{name}.json", encoding="utf-8") as file:
        return strict(json.load(file))


def without_or_wrong(answer):
    """What must not be valid: without each key, with bad ones and others."""
    for key in answer:
        yield {name: answer[name] for name in answer if name != key}
        yield {**answer, key: []}
    yield {**answer, "colour": "blue"}


def as_the_schemas_have_it():
    begin()
    one, status = said("show", "a"), said("status")
    answers = ((one, Schema(schema_of("pgtable"))),
               (status, Schema(schema_of("pgtable-status"))),
               (said("home", "a"), Schema(schema_of("pgtable-home"))))
    for answer, schema in answers:
        schema.validate(answer)
        for wrong in without_or_wrong(answer):
            assert not schema.is_valid(wrong), wrong
    for stats in without_or_wrong(one["stats"]):
        assert not answers[0][1].is_valid({**one, "stats": stats}), stats
    equal(schema_of("pgtables")["items"], {"$ref": "pgtable.json"})
    equal(said("show"), [one])


# What goes while a list is made is not in it, and nothing is wrong with that.
def tenants_that_come_and_go():
    begin()
    stopped = threading.Event()

    def change():
        while not stopped.is_set():
            for number in range(20):
                put("tenant_add", f"t{number}")
            for number in range(20):
                put("tenant_remove", f"t{number}")

    thread = threading.Thread(target=change)
    thread.start()
    try:
        for _ in range(100):
            assert "a" in [one["tenant"] for one in said("show")]
    finally:
        stopped.set()
        thread.join()


def replicas_are_seen_verified_and_killed():
    begin()
    number, path = make_cgroup("rbkplace")
    put("tenants/a/cgroup_add", number)
    checked = said("status")["checked_tables"]
    with module.start_busy(path) as process:
        try:
            pgtable("set", "a", "policy", "replicate")
            eventually(lambda: said("show", "a")["stats"]["pages"] > 0,
                       "pages")
            shown = cells("a")
            equal((shown["POLICY"], shown["SPACES"]), ("replicate", "1"))
            assert int(shown["KIB"]) and not int(shown["KIB"]) % 4, shown
            assert shown["FILLS"] != "0", shown
            pgtable("verify")
            assert said("status")["checked_tables"] > checked
            pgtable("kill", "on")
            equal(said("show", "a")["stats"]["pages"], 0)
            equal((get("pgtable/kill"), said("status")["kill"]), ("1", True))
            pgtable("kill", "off")
            equal((get("pgtable/kill"), said("status")["kill"]), ("0", False))
            eventually(lambda: said("show", "a")["stats"]["pages"] > 0,
                       "pages again")
        finally:
            process.kill()
    pgtable("set", "a", "policy", "off")
    eventually(lambda: said("show", "a")["stats"]["spaces"] == 0, "none")
    equal(said("status")["wrong_entries"], 0)


EVERYWHERE = [defaults_are_shown, settings_are_set,
              what_is_refused_changes_nothing, bad_words,
              earlier_changes_are_put_back, wrong_entries_are_told,
              a_module_without_it, filter_on_and_off, without_privileges, the_table,
              as_the_schemas_have_it, tenants_that_come_and_go]
SEVERAL = [policies_are_set, a_machine_that_cannot,
           replicas_are_seen_verified_and_killed]

module.begin()
if not os.path.isdir(f"{module.ROOT}/pgtable"):
    ktap.skip_all("the module does not place page tables")
with open("/sys/devices/system/node/has_memory", encoding="utf-8") as nodes:
    NODES = nodes.read().strip()
ktap.run(EVERYWHERE + ([a_machine_of_one_node] if NODES == "0" else SEVERAL) +
         [no_module])

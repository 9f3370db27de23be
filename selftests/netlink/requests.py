#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""
Every command and attribute of the YAML, one at a time: that it does what it
says and sysfs shows the same, what it refuses and why, and to whom.
"""
import errno
import os
import socket
import subprocess
import sys
import ktap
import module
from genl import Family, Refused
from ktap import equal
from module import get, make_cgroup, put

SETTINGS = ("budget-cycles", "period-us", "burst-cycles", "weight", "borrow",
            "when-broke")
DEFAULTS = dict(zip(SETTINGS, (0, 1000, 0, 100, 1, "queue")))
SEVERAL = dict(zip(SETTINGS, (54321, 2000, 99, 77, 0, "drop")))


def fresh():
    module.remove_all()
    fam.do("tenant-new", name="a")


def files(name):
    """A tenant's settings as sysfs has them, in netlink's terms."""
    where = "system" if name == "system" else f"tenants/{name}"
    values = {s: get(f"{where}/{s.replace('-', '_')}") for s in SETTINGS}
    values["budget-cycles"] = values["budget-cycles"].replace("max", "0")
    return {s: int(v) if v.isdigit() else v for s, v in values.items()}


def settings(tenant):
    return {s: tenant[s] for s in SETTINGS}


def refused(code, message, attribute, command, **values):
    """And nothing changes."""
    before = fam.dump("tenant-get"), fam.dump("cgroup-get")
    try:
        fam.do(command, **values)
    except Refused as refusal:
        equal((refusal.errno, refusal.message, refusal.attribute),
              (code, message, attribute), f"{command} {values}")
    else:
        raise AssertionError(f"{command} {values} was not refused")
    equal((fam.dump("tenant-get"), fam.dump("cgroup-get")), before, "state")


def the_module():
    got = fam.do("module-get")
    for name in got:
        equal(str(got[name]), get(name.replace("-", "_")), name)
    equal(len(got), 6, "attributes")


def new_tenants_have_defaults():
    module.remove_all()
    fam.do("tenant-new", name="a")
    got = fam.do("tenant-get", name="a")
    equal(settings(got), DEFAULTS)
    equal(files("a"), DEFAULTS)
    equal((got["name"], got["slot"]), ("a", int(get("tenants/a/slot"))))


def new_tenants_with_all_settings():
    module.remove_all()
    generation = int(get("generation"))
    fam.do("tenant-new", name="b", **SEVERAL)
    equal(files("b"), SEVERAL)
    equal(settings(fam.do("tenant-get", name="b")), SEVERAL)
    equal(int(get("generation")), generation + 1, "one step")


def each_setting_alone():
    fresh()
    wanted = dict(DEFAULTS)
    for name, value in SEVERAL.items():
        fam.do("tenant-set", name="a", **{name: value})
        wanted[name] = value
        equal(files("a"), wanted, name)
    for name, value in DEFAULTS.items():
        text = "max" if name == "budget-cycles" else value
        put(f"tenants/a/{name.replace('-', '_')}", text)
        equal(fam.do("tenant-get", name="a")[name], value, name)


def several_settings_or_none():
    fresh()
    generation = int(get("generation"))
    fam.do("tenant-set", name="a", **SEVERAL)
    equal(int(get("generation")), generation + 1, "one step")
    refused(errno.EINVAL, "weight must be 1..10000", "weight", "tenant-set",
            name="a", budget_cycles=4000, period_us=50, weight=0)
    equal(files("a"), SEVERAL)
    fam.do("tenant-set", name="system", weight=7)
    equal(files("system")["weight"], 7)
    fam.do("tenant-set", name="system", weight=100)


def counters_are_those_of_sysfs():
    fresh()
    stats = fam.do("tenant-get", name="a")["stats"]
    equal(sorted(name.replace("-", "_") for name in stats),
          sorted(os.listdir(f"{module.ROOT}/tenants/a/stat")))
    for name, value in stats.items():
        equal(str(value), get(f"tenants/a/stat/{name.replace('-', '_')}"), name)


def a_cgroup_comes_and_goes():
    fresh()
    number, path = make_cgroup("rbknl")
    fam.do("cgroup-add", name="a", cgroup_id=number)
    equal(get(f"tenants/a/cgroups/{number}/path"), path)
    fam.do("tenant-new", name="b")
    for filter_by, count in (({}, 1), ({"name": "a"}, 1), ({"name": "b"}, 0)):
        got = fam.dump("cgroup-get", **filter_by)
        equal([(c["name"], c["cgroup-id"], c["cgroup-path"]) for c in got],
              [("a", number, path)] * count)
    refused(errno.EEXIST, "the cgroup is in this tenant already", "cgroup-id",
            "cgroup-add", name="a", cgroup_id=number)
    refused(errno.EBUSY, "the cgroup is in another tenant", "cgroup-id",
            "cgroup-add", name="b", cgroup_id=number)
    refused(errno.ENOENT, "the cgroup is not in this tenant", "cgroup-id",
            "cgroup-remove", name="b", cgroup_id=number)
    fam.do("cgroup-remove", name="a", cgroup_id=number)
    equal(os.listdir(f"{module.ROOT}/tenants/a/cgroups"), [])


PLACEMENT = ("policy", "nodes", "max-kib", "fill-order")
PLACEMENT_SEVERAL = dict(zip(PLACEMENT, ("migrate", "0", 4321, 3)))


def placement_files(name):
    """A tenant's pgtable/ as sysfs has it, in netlink's terms."""
    where = f"tenants/{name}/pgtable"
    values = {s: get(f"{where}/{s.replace('-', '_')}") for s in PLACEMENT}
    for file in os.listdir(f"{module.ROOT}/{where}/stat"):
        values[file.replace("_", "-")] = get(f"{where}/stat/{file}")
    return {"name": name, **values}


def placement_agrees(got):
    equal({name: str(value) for name, value in got.items()},
          placement_files(got["name"]))


def placement_of_page_tables():
    fresh()
    placement_agrees(fam.do("pgtable-get", name="a"))
    generation = int(get("generation"))
    fam.do("pgtable-set", name="a", **PLACEMENT_SEVERAL)
    equal(int(get("generation")), generation + 1, "one step")
    equal({s: fam.do("pgtable-get", name="a")[s] for s in PLACEMENT},
          PLACEMENT_SEVERAL)
    placement_agrees(fam.do("pgtable-get", name="a"))
    for name, value in (("policy", "off"), ("nodes", "0-1"), ("max-kib", 5),
                        ("fill-order", 9)):
        fam.do("pgtable-set", name="a", **{name: value})
        equal(get(f"tenants/a/pgtable/{name.replace('-', '_')}"), str(value))
    put("tenants/a/pgtable/policy", "auto")
    equal(fam.do("pgtable-get", name="a")["policy"], "auto")
    put("tenants/a/pgtable/policy", "off")
    fam.do("tenant-new", name="b")
    dumped = fam.dump("pgtable-get")
    equal([got["name"] for got in dumped], ["a", "b"])
    for got in dumped:
        placement_agrees(got)


def placement_out_of_range():
    fresh()
    before = fam.do("pgtable-get", name="a")
    nodes = "nodes must be a list of nodes that have memory, as 0-1,3"
    for name, values, message in (
            ("policy", (b"\x04", b"\xff"), "policy must be 0 (off), "
             "1 (replicate), 2 (migrate) or 3 (auto)"),
            ("nodes", ("", "x", "0-", "0-7", "63", "-1"), nodes),
            ("fill-order", (10, 255), "fill_order must be 0..9")):
        for value in values:
            refused(errno.EINVAL, message, name, "pgtable-set",
                    **{"name": "a", "max-kib": 7, name: value})
    refused(errno.EINVAL, "nothing to set", None, "pgtable-set", name="a")
    for command, more in (("pgtable-get", {}), ("pgtable-set", {"max_kib": 1})):
        refused(errno.ENOENT, NO_TENANT, "name", command, name="x", **more)
        refused(errno.EOPNOTSUPP, "this tenant has no placement of page tables",
                "name", command, name="system", **more)
    refused(errno.EINVAL, "Unknown attribute type", "pages", "pgtable-set",
            name="a", pages=1)
    equal(fam.do("pgtable-get", name="a"), before)


def removal():
    fresh()
    number, _ = make_cgroup("rbknl")
    fam.do("cgroup-add", name="a", cgroup_id=number)
    fam.do("tenant-del", name="a")
    equal(os.listdir(f"{module.ROOT}/tenants"), [])
    equal(fam.dump("cgroup-get"), [])


NO_TENANT = "there is no tenant of this name"
BAD_NAME = "name must be 1..63 of a-z 0-9 _ . -, the first of a-z 0-9"


def values_out_of_range():
    fresh()
    texts = {
        "budget-cycles": ("1000..2^44, or 0 for no limit",
                          (1, 999, (1 << 44) + 1, (1 << 64) - 1)),
        "period-us": ("10..10000000", (0, 9, 10000001)),
        "burst-cycles": ("0..2^44", ((1 << 44) + 1,)),
        "weight": ("1..10000", (0, 10001, (1 << 32) - 1)),
        "borrow": ("0..1", (2, 255)),
        "when-broke": ("0 (queue) or 1 (drop)", (2, 255)),
    }
    for name, (text, values) in texts.items():
        for value in values:
            message = f"{name.replace('-', '_')} must be {text}"
            refused(errno.EINVAL, message, name, "tenant-set",
                    **{"name": "a", name: value})
            refused(errno.EINVAL, message, name, "tenant-new",
                    **{"name": "c", name: value})


def names_out_of_range():
    fresh()
    for command in ("tenant-new", "tenant-del", "tenant-get", "tenant-set"):
        for name in ("", "-a", "A", "a b", "a/b", "ä"):
            refused(errno.EINVAL, BAD_NAME, "name", command, name=name)
        refused(errno.ENAMETOOLONG, BAD_NAME, "name", command, name="a" * 64)
        refused(errno.EINVAL, "name is missing", None, command)
    fam.do("tenant-new", name="a" * 63)


def things_that_are_not_there():
    fresh()
    for command, more in (("tenant-get", {}), ("tenant-del", {}),
                          ("tenant-set", {"weight": 1}),
                          ("cgroup-remove", {"cgroup_id": 5})):
        refused(errno.ENOENT, NO_TENANT, "name", command, name="x", **more)
    refused(errno.EEXIST, "there is a tenant of this name already", "name",
            "tenant-new", name="a")
    refused(errno.EEXIST, "there is a tenant of this name already", "name",
            "tenant-new", name="system")
    refused(errno.EINVAL, "system cannot be removed", "name", "tenant-del",
            name="system")
    refused(errno.EINVAL, "nothing to set", None, "tenant-set", name="a")
    number, _ = make_cgroup("rbknl")
    refused(errno.ENOENT, NO_TENANT, "name", "cgroup-add", name="x",
            cgroup_id=number)
    refused(errno.EINVAL, "system has no cgroups", "name", "cgroup-add",
            name="system", cgroup_id=number)
    refused(errno.ENOENT, "there is no such cgroup", "cgroup-id", "cgroup-add",
            name="a", cgroup_id=1 << 60)
    refused(errno.EINVAL, "the root cgroup cannot be a tenant's", "cgroup-id",
            "cgroup-add", name="a", cgroup_id=os.stat(module.mount).st_ino)
    for command in ("cgroup-add", "cgroup-remove"):
        refused(errno.EINVAL, "cgroup-id is missing", None, command, name="a")


# Kernel 6.1 has no room for words where a dump begins, but where it is parsed.
def dump_refused(code, message, attribute, command, **values):
    if os.uname().release.startswith("6.1.") and message != BAD_NAME:
        message, attribute = "", None
    try:
        fam.dump(command, **values)
    except Refused as refusal:
        equal((refusal.errno, refusal.message, refusal.attribute),
              (code, message, attribute), f"dump of {command} {values}")
    else:
        raise AssertionError(f"dump of {command} {values} was not refused")


def dumps_of_what_is_not_there():
    fresh()
    dump_refused(errno.EINVAL, "a dump is of all tenants", "name",
                 "tenant-get", name="a")
    dump_refused(errno.ENOENT, NO_TENANT, "name", "cgroup-get", name="x")
    dump_refused(errno.EINVAL, BAD_NAME, "name", "cgroup-get", name="-")


def malformed_attributes():
    fresh()
    for name, wrong in (("budget-cycles", 4), ("period-us", 4),
                        ("burst-cycles", 1), ("weight", 8), ("borrow", 4),
                        ("when-broke", 4)):
        refused(errno.EINVAL, "invalid attribute length", name, "tenant-set",
                **{"name": "a", name: b"\x01" * wrong})
    for name in ("slot", "generation"):
        refused(errno.EINVAL, "Unsupported attribute", name, "tenant-set",
                **{"name": "a", name: 1})
    for name in ("stats", "cgroup-id", "core"):
        refused(errno.EINVAL, "Unknown attribute type", name, "tenant-set",
                **{"name": "a", name: b"\0" * 8})
    refused(errno.EINVAL, "Unknown attribute type", "weight", "tenant-del",
            name="a", weight=1)
    refused(errno.EINVAL, "Unknown attribute type", "version", "module-get",
            version="1")
    refused(errno.EINVAL, "Attribute failed policy validation", "name",
            "tenant-del", name=b"not ended")


def notifications_are_no_requests():
    for command, (_, op) in spec.operations.items():
        if command.endswith("-ntf"):
            try:
                fam.do(command)
            except Refused as refusal:
                equal(refusal.errno, errno.EOPNOTSUPP, command)
            else:
                raise AssertionError(f"{command} was taken")
            assert "do" not in op and "dump" not in op, command


# What every command says to one who may not, and what "admin-perm" promises.
def nobody():
    os.setgroups([])
    os.setresgid(65534, 65534, 65534)
    os.setresuid(65534, 65534, 65534)
    return try_all()


def only(capability):
    """Root with one capability, and whether it changed anything."""
    keep = f"-all,+{capability}"
    out = subprocess.run(["setpriv", f"--bounding-set={keep}",
                          f"--inh-caps={keep}", sys.executable, __file__,
                          "--try-all"], capture_output=True, text=True,
                         check=True)
    return eval(out.stdout)         # what we printed ourselves


def try_all():
    """command: errno, for all that can be asked."""
    asker, said = Family(spec), {}
    values = {"name": "a", "weight": 5, "cgroup_id": 1, "max_kib": 1}
    takes = {"module-get": (), "tenant-set": ("name", "weight"),
             "pgtable-set": ("name", "max_kib"),
             "cgroup-add": ("name", "cgroup_id"),
             "cgroup-remove": ("name", "cgroup_id")}
    for command, (_, op) in spec.operations.items():
        for way in ("do", "dump"):
            if way not in op:
                continue
            names = takes.get(command, ("name",)) if way == "do" else ()
            try:
                getattr(asker, way)(command, **{n: values[n] for n in names})
                said[command, way] = 0
            except Refused as refusal:
                said[command, way] = refusal.errno
    try:
        asker.subscribe("events")
        said["events"] = 0
    except PermissionError:
        said["events"] = errno.EPERM
    said["module-get"] = len(asker.do("module-get"))
    return said


def in_child(function):
    """What it returned, out of another process."""
    reader, writer = os.pipe()
    if not os.fork():
        os.write(writer, repr(function()).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as said:
        answer = said.read()
    equal(os.wait()[1], 0, "child")
    return eval(answer)             # what we printed ourselves


def nobody_may_do_what_only_root_may():
    fresh()
    before = fam.dump("tenant-get")
    said = in_child(nobody)
    equal(said.pop("module-get"), 4, "what is shown of the module")
    equal({c for c, code in said.items() if code == 0},
          {("module-get", "do")})
    equal({code for c, code in said.items() if code}, {errno.EPERM})
    for command, (_, op) in spec.operations.items():
        if "do" in op or "dump" in op:
            equal("admin-perm" in op.get("flags", ()), command != "module-get",
                  command)
    equal(fam.dump("tenant-get"), before)


def changes_take_another_capability():
    fresh()
    before = fam.dump("tenant-get")
    said = only("net_admin")
    equal(said.pop("module-get"), 4, "what is shown of the module")
    equal({c for c, code in said.items() if code == 0},
          {("module-get", "do"), ("tenant-get", "do"), ("tenant-get", "dump"),
           ("cgroup-get", "dump"), ("pgtable-get", "do"),
           ("pgtable-get", "dump"), "events"})
    equal({code for code in said.values() if code}, {errno.EPERM})
    equal(fam.dump("tenant-get"), before)


# A program with privileges must not be made to send for one without.
def the_opener_of_the_socket_counts():
    fresh()
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    if not os.fork():
        os.setresuid(65534, 65534, 65534)
        opened = Family(spec).socket.sock
        socket.send_fds(theirs, [b"x"], [opened.fileno()])
        os._exit(0)
    _, fds, _, _ = socket.recv_fds(ours, 1, 1)
    os.wait()
    borrowed = Family(spec)
    borrowed.socket.sock.close()
    borrowed.socket.sock = socket.socket(fileno=fds[0])
    borrowed.socket.sock.settimeout(10)
    for command, values in (("tenant-set", {"name": "a", "weight": 9}),
                            ("tenant-get", {"name": "a"})):
        try:
            borrowed.do(command, **values)
        except Refused as refusal:
            equal(refusal.errno, errno.EPERM, command)
        else:
            raise AssertionError(f"{command} by proxy")
    equal(files("a")["weight"], 100)


def in_namespace():
    libc_new_net = 0x40000000
    import ctypes
    if ctypes.CDLL(None).unshare(libc_new_net):
        return "unshare"
    try:
        Family(spec)
    except Refused as refusal:
        return refusal.errno
    return 0


def other_namespaces_have_no_family():
    equal(in_child(in_namespace), errno.ENOENT)


def everything_was_tried():
    """All commands, and all attributes each way."""
    for command, (_, op) in spec.operations.items():
        for way in ("do", "dump"):
            for name in op.get(way, {}).get("request", {}).get("attributes", ()):
                assert (command, name) in fam.sent, f"{command}: {name} not sent"
            reply = op.get(way, {}).get("reply", {}).get("attributes", ())
            if reply:
                equal({n for c, n in fam.seen if c == command and
                       n not in spec.sets["stats"]}, set(reply), command)
        assert (command, None) in fam.sent, f"{command} not sent"
    equal({n for c, n in fam.seen if c == "tenant-get"} & set(spec.sets["stats"]),
          set(spec.sets["stats"]) - {"pad"}, "counters")


if sys.argv[1:] == ["--try-all"]:
    from genl import Spec
    spec = Spec(module.YAML)
    print(try_all())
    sys.exit()
fam = module.begin()
spec = fam.spec
ktap.run([the_module, new_tenants_have_defaults, new_tenants_with_all_settings,
          each_setting_alone, several_settings_or_none,
          counters_are_those_of_sysfs, a_cgroup_comes_and_goes,
          placement_of_page_tables, placement_out_of_range, removal,
          values_out_of_range, names_out_of_range, things_that_are_not_there,
          dumps_of_what_is_not_there, malformed_attributes,
          notifications_are_no_requests, nobody_may_do_what_only_root_may,
          changes_take_another_capability, the_opener_of_the_socket_counts,
          other_namespaces_have_no_family, everything_was_tried])

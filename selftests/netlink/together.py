#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""
Netlink while things change: dumps, events in their order, what is left in
memory, and the module unloaded.
"""
import ctypes
import errno
import fcntl
import os
import struct
import ktap
import module
from genl import F_DUMP, Family
from ktap import equal
from module import get, make_cgroup, put, remove_cgroup

MANY = 1000 if module.LONG else 100     # one more comes and goes
ROUNDS = 200 if module.LONG else 40


def make_many(count):
    module.remove_all()
    for i in range(count):
        put("tenant_add", f"t{i}")


def a_quiet_dump_is_whole():
    make_many(MANY)
    got = fam.dump("tenant-get")
    equal([t["name"] for t in got], ["system"] + [f"t{i}" for i in range(MANY)])
    equal([t["slot"] for t in got], list(range(MANY + 1)))
    equal(fam.interrupted, False, "interrupted")


# Changes between two parts, of each kind, are told of; no slot comes twice.
def a_change_in_the_middle_is_told():
    changes = (lambda: put("tenant_remove", f"t{MANY - 1}"),
               lambda: put("tenant_add", "again"),
               lambda: put("tenants/t0/weight", 5),
               lambda: fam2.do("tenant-set", name="t1", weight=6))
    for change in changes:
        at_first = iter([change])
        got = fam.dump("tenant-get", lambda n: next(at_first, int)())
        equal(fam.interrupted, True, "interrupted")
        slots = [t["slot"] for t in got]
        equal(slots, sorted(set(slots)), "slots")
        fam.dump("tenant-get")
        equal(fam.interrupted, False, "the next one")


def churn(stop):
    """Tenants that come and go, and settings, until told to stop."""
    one, i = Family(fam.spec), 0
    while not os.path.exists(stop):
        name = f"c{i % 7}"
        one.do("tenant-new", name=name)
        one.do("tenant-set", name=f"t{i % 50}", weight=i % 100 + 1)
        one.do("tenant-del", name=name)
        i += 1


# What stays meanwhile is in each dump, once; nothing is twice.
def dumps_while_tenants_come_and_go():
    make_many(MANY)
    stop, interrupted = f"/tmp/rbk-stop-{os.getpid()}", 0
    child = os.fork()
    if not child:
        try:
            churn(stop)
            os._exit(0)
        finally:
            os._exit(1)
    try:
        for _ in range(ROUNDS // 4):
            names = [t["name"] for t in fam.dump("tenant-get")]
            stay = [n for n in names if n[0] == "t"]
            equal(stay, [f"t{i}" for i in range(MANY)], "what stays")
            interrupted += fam.interrupted
    finally:
        with open(stop, "w", encoding="utf-8"):
            pass
        equal(os.waitpid(child, 0)[1], 0, "the other process")
        os.unlink(stop)
    assert interrupted, "no dump was interrupted"
    print(f"# {interrupted} of {ROUNDS // 4} dumps were interrupted")


def cgroups_in_dumps():
    make_many(3)
    for i in range(150):        # more than the 32 KiB of one part
        number, _ = make_cgroup("rbk" + "x" * 240 + str(i))
        fam.do("cgroup-add", name=f"t{i % 2}", cgroup_id=number)
    got = fam.dump("cgroup-get")
    equal(len({c["cgroup-id"] for c in got}), 150)
    equal([c["name"] for c in got], ["t0"] * 75 + ["t1"] * 75)
    equal(fam.interrupted, False)
    at_first = iter([lambda: fam2.do("cgroup-remove", name="t1",
                                     cgroup_id=got[-1]["cgroup-id"])])
    got = fam.dump("cgroup-get", lambda n: next(at_first, int)())
    equal(fam.interrupted, True)
    equal(len({c["cgroup-id"] for c in got}), len(got))


def attach():
    """A daemon, as far as the module can tell; its open device."""
    libc = ctypes.CDLL(None, use_errno=True)

    def array(value_size, entries):
        attr = struct.pack("=IIIII", 2, 4, value_size, entries, 1 << 10)
        attr = ctypes.create_string_buffer(attr, 128)
        fd = libc.syscall(321, 0, attr, 72)
        assert fd >= 0, os.strerror(ctypes.get_errno())
        return fd

    cpus = int(open("/sys/devices/system/cpu/possible",
                    encoding="utf-8").read().strip().split("-")[-1]) + 1
    fds = [array(192 + 64 * 384, 1025), array(128 + 576, 64),
           array(128, cpus * 1025)]
    device = os.open("/dev/rubato", os.O_RDWR)
    fcntl.ioctl(device, 0xc028b701,
                struct.pack("=IIiiiIIIQ", 40, 0, *fds, 4,
                            int(get("abi_version")), 0, 0))
    return device


def note(device, kind, slot, core, credit):
    fcntl.ioctl(device, 0x4020b704,
                struct.pack("=IIIIIIq", 32, 0, slot, core, kind, 0, credit))


def gone(listener, number):
    remove_cgroup("rbkev")
    (command, values), = listener.events(1)
    equal((command, values["cgroup-id"]), ("cgroup-gone-ntf", number))


# Each kind, in the order of what happened, whoever did it.
def events_come_in_order():
    module.remove_all()
    listener, device = Family(fam.spec), attach()
    listener.subscribe("events")
    number, _ = make_cgroup("rbkev")
    fam.do("tenant-new", name="e", weight=3)
    put("tenants/e/weight", 4)
    fam.do("tenant-set", name="e", weight=5, borrow=0)
    fam.do("cgroup-add", name="e", cgroup_id=number)
    slot = int(get("tenants/e/slot"))
    note(device, 0, slot, 3, -12345)
    note(device, 1, slot, 2, 77)
    put("tenants/e/cgroup_remove", number)
    fam.do("cgroup-add", name="e", cgroup_id=number)
    fam.do("tenant-del", name="e")
    got = listener.events(10)
    equal([c for c, _ in got],
          ["tenant-new-ntf", "tenant-set-ntf", "tenant-set-ntf",
           "cgroup-add-ntf", "broke-ntf", "funded-ntf", "cgroup-remove-ntf",
           "cgroup-add-ntf", "cgroup-remove-ntf", "tenant-del-ntf"])
    equal({v["name"] for _, v in got}, {"e"})
    equal([v["weight"] for c, v in got if c.startswith("tenant")], [3, 4, 5, 5])
    equal([(v["core"], v["credit-cycles"]) for _, v in got[4:6]],
          [(3, -12345), (2, 77)])
    fam.do("tenant-new", name="f")
    fam.do("cgroup-add", name="f", cgroup_id=number)
    listener.events(2)
    gone(listener, number)
    os.close(device)
    check_coverage(listener)
    listener.close()


def check_coverage(listener):
    for command, (_, op) in fam.spec.operations.items():
        if command.endswith("-ntf"):
            seen = {n for c, n in listener.seen if c == command}
            wanted = op.get("event", {}).get("attributes")
            if wanted:
                equal(seen, set(wanted), command)
            assert seen, f"no {command} came"


def refusals_are_no_events():
    module.remove_all()
    listener = Family(fam.spec)
    listener.subscribe("events")
    fam.do("tenant-new", name="e")
    for values in ({"name": "e", "weight": 0}, {"name": "x", "weight": 1}):
        try:
            fam.do("tenant-set", **values)
        except Exception:
            continue
        raise AssertionError(values)
    fam.do("tenant-del", name="e")
    equal([c for c, _ in listener.events(2)],
          ["tenant-new-ntf", "tenant-del-ntf"])
    listener.close()


# A reader who is too slow is told that something is missing.
def a_full_socket_is_told():
    module.remove_all()
    listener = Family(fam.spec)
    listener.socket.sock.setsockopt(1, 8, 2304)     # SO_RCVBUF, the least
    listener.subscribe("events")
    fam.do("tenant-new", name="e")
    for i in range(50):
        fam.do("tenant-set", name="e", weight=i + 1)
    got = 0
    try:
        for _ in range(51):
            got += len(listener.events(1))
    except OSError as error:
        equal(error.errno, errno.ENOBUFS)
    else:
        raise AssertionError("nothing was lost")
    listener.close()


def unreclaimable_kib():
    with open("/proc/meminfo", encoding="utf-8") as file:
        return next(int(line.split()[1]) for line in file
                    if line.startswith("SUnreclaim"))


# A tenant with its files takes about 10 KiB: a leak of any of them shows.
def nothing_stays_in_memory():
    def life(count):
        listener = Family(fam.spec)
        listener.subscribe("events")
        for i in range(count):
            fam.do("tenant-new", name=f"m{i}")
            fam.dump("tenant-get")
            fam.do("tenant-del", name=f"m{i}")
            listener.events(2)
        listener.close()

    module.remove_all()
    life(20)
    before = unreclaimable_kib()
    life(ROUNDS * 4)
    grown = unreclaimable_kib() - before
    print(f"# {grown} KiB more after {ROUNDS * 4} lives")
    assert grown < ROUNDS * 4 * 4, f"{grown} KiB more"


# A dump holds the module until it is closed; a listener does not.
def unloading_waits_for_a_dump():
    make_many(MANY)
    reader = Family(fam.spec)
    reader.socket.send(reader.id, reader.spec.operations["tenant-get"][0],
                       F_DUMP, b"")
    assert list(reader.socket.receive()), "the first part"
    assert module.rmmod(), "the module went in the middle of a dump"
    reader.close()
    listener = Family(fam.spec)
    listener.subscribe("events")
    equal(module.rmmod(), 0, "rmmod with a listener")
    equal(os.path.exists(module.ROOT), False)
    module.insmod()
    listener.close()
    equal([t["name"] for t in Family(fam.spec).dump("tenant-get")], ["system"])


fam = module.begin()
fam2 = Family(fam.spec)
ktap.run([a_quiet_dump_is_whole, a_change_in_the_middle_is_told,
          dumps_while_tenants_come_and_go, cgroups_in_dumps,
          events_come_in_order, refusals_are_no_events, a_full_socket_is_told,
          nothing_stays_in_memory, unloading_waits_for_a_dump])

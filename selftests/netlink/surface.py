#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""
All that a user without privileges could reach of a running Rubato, as a table:
module and daemon are there, and each way in is tried by user nobody. What is not
in the table and lets somebody in fails the test; netlink has a table of its own
in requests.py.
"""
import ctypes
import errno
import os
import shutil
import socket
import stat
import subprocess
import tempfile
import ktap
import module
from daemon import start
from ktap import equal
from module import make_cgroup, put

NOBODY = 65534
PINS = "/sys/fs/bpf/rubato"
READABLE = {"version", "abi_version", "tsc_khz", "tsc_invariant",
            "pgtable/reason"}
BPF_SYSCALL, BPF_OBJ_GET = 321, 7


def as_nobody(function):
    """Its answer, a list of strings, out of a process of that user's."""
    reader, writer = os.pipe()
    if not os.fork():
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
        with os.fdopen(writer, "w", encoding="utf-8") as out:
            out.write("\n".join(function()))
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, encoding="utf-8") as said:
        answer = said.read().splitlines()
    equal(os.wait()[1], 0, "child")
    return answer


def can_open(path, flags):
    """Whether it opens and, to read, gives anything."""
    try:
        fd = os.open(path, flags | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        return flags != os.O_RDONLY or bool(os.read(fd, 1))
    except OSError:
        return False
    finally:
        os.close(fd)


def files_below(top):
    return [os.path.join(where, name)
            for where, _, names in os.walk(top) for name in names]


def opened(top):
    """What below @top can be opened, and how."""
    return [f"{way} {path}" for path in files_below(top)
            for way, flags in (("read", os.O_RDONLY), ("write", os.O_WRONLY))
            if can_open(path, flags)]


def sysfs():
    module.remove_all()
    put("tenant_add", "a")
    number, _ = make_cgroup("rbksurf")
    put("tenants/a/cgroup_add", number)
    equal(set(as_nobody(lambda: opened(module.ROOT))),
          {f"read {module.ROOT}/{name}" for name in READABLE})
    assert len(opened(module.ROOT)) > 80, "root cannot, either"


def device():
    node = "/dev/rubato"
    equal(stat.S_IMODE(os.stat(node).st_mode), 0o600)
    equal(as_nobody(lambda: [str(flags) for flags in
                             (os.O_RDONLY, os.O_WRONLY, os.O_RDWR)
                             if can_open(node, flags)]), [])


def tracepoints():
    equal(as_nobody(lambda: opened("/sys/kernel/tracing/events/rubato")), [])


def control_socket():
    def connect():
        with socket.socket(socket.AF_UNIX) as client:
            try:
                client.connect(SOCKET)
            except OSError as error:
                return [str(error.errno)]
            return ["connected"]

    equal(as_nobody(connect), [str(errno.EACCES)])
    equal(connect(), ["connected"], "root")


def bpf_object(path):
    """Opens a pinned object: 0 or an errno."""
    libc = ctypes.CDLL(None, use_errno=True)
    name = ctypes.create_string_buffer(path.encode())
    attr = (ctypes.c_uint64 * 4)(ctypes.addressof(name), 0, 0, 0)
    fd = libc.syscall(BPF_SYSCALL, BPF_OBJ_GET, attr, 16)
    if fd < 0:
        return ctypes.get_errno()
    os.close(fd)
    return 0


def pinned_maps():
    pins = files_below(PINS)
    assert len(pins) >= 4, f"pinned: {pins}"
    for path in pins:
        equal(bpf_object(path), 0, f"root: {path}")
    equal({int(code) for code in
           as_nobody(lambda: [str(bpf_object(path)) for path in pins])} &
          {0}, set(), "maps that open")
    equal(as_nobody(lambda: opened(PINS)), [], "files that open")


def state_and_lock():
    ours = ("/log", "/config.json")
    equal(as_nobody(lambda: [line for line in opened(DIRECTORY)
                             if not line.endswith(ours)]), [])


def the_tool():
    environment = {**os.environ, "RUBATO_SOCKET": SOCKET}
    tool = f"{module.BUILD}/bin/rubato"
    for words in (["status"], ["tenant", "show"], ["tenant", "add", "x"],
                  ["port", "show"], ["policy", "set", "fifo"],
                  ["pgtable", "kill", "on"], ["pgtable", "verify"]):
        done = subprocess.run([tool, *words], env=environment, user=NOBODY,
                              group=NOBODY, extra_groups=[], check=False,
                              capture_output=True, text=True)
        assert done.returncode, f"{words}: {done.stdout}"
        assert "ermission denied" in done.stderr or \
            "root" in done.stderr, f"{words}: {done.stderr}"


def daemon_stop():
    daemon.terminate()
    equal(daemon.wait(60), 0, "the daemon's status")


module.begin()
DIRECTORY = tempfile.mkdtemp()
os.chmod(DIRECTORY, 0o755)
SOCKET = f"{DIRECTORY}/control.sock"
daemon = start(DIRECTORY, {})
try:
    ktap.run([sysfs, device, tracepoints, control_socket, pinned_maps,
              state_and_lock, the_tool, daemon_stop])
finally:
    if daemon.poll() is None:
        daemon.kill()
        daemon.wait()
    shutil.rmtree(DIRECTORY)

# SPDX-License-Identifier: GPL-2.0
"""The module, loaded and unloaded, its files, and cgroups to give it."""
import atexit
import os
import subprocess
import time
import ktap
from genl import Family, Spec

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
BUILD = os.environ.get("RUBATO_BUILD") or os.path.join(TOP, "build")
KO = f"{BUILD}/kmod-{os.uname().release}/rubato.ko"
ROOT = "/sys/kernel/rubato"
YAML = os.path.join(TOP, "Documentation/netlink/specs/rubato.yaml")
LONG = bool(os.environ.get("RUBATO_LONG"))

cgroups = []


def put(file, text):
    with open(f"{ROOT}/{file}", "w", encoding="utf-8") as out:
        out.write(str(text))


def get(file):
    with open(f"{ROOT}/{file}", encoding="utf-8") as file:
        return file.read().rstrip("\n")


def make_cgroup(name):
    """Its id and its path."""
    path = f"{mount}/{name}"
    os.mkdir(path)
    cgroups.append(path)
    return os.stat(path).st_ino, "/" + name


def start_busy(path):
    """
    A process of the cgroup that uses some memory until it is killed. The shell that
    it was has an address space of its own: that is gone before this returns.
    """
    process = subprocess.Popen(
        ["sh", "-c", f"echo $$ > {mount}{path}/cgroup.procs;"
         "exec dd if=/dev/zero of=/dev/null bs=8M status=none"])
    while process.poll() is None:
        with open(f"/proc/{process.pid}/comm", encoding="utf-8") as name:
            if name.read() == "dd\n":
                break
        time.sleep(0.01)
    return process


def remove_cgroup(name):
    cgroups.remove(f"{mount}/{name}")
    os.rmdir(f"{mount}/{name}")


def remove_all():
    for name in os.listdir(f"{ROOT}/tenants"):
        put("tenant_remove", name)
    for path in cgroups:
        os.rmdir(path)
    cgroups.clear()


def insmod():
    subprocess.run(["insmod", KO], check=True, stderr=subprocess.DEVNULL)


def rmmod():
    """Its exit status."""
    return subprocess.run(["rmmod", "rubato"], check=False,
                          stderr=subprocess.DEVNULL).returncode


def end():
    if os.path.isdir(ROOT):
        remove_all()
        rmmod()


def begin():
    """A client, where the module can be loaded."""
    if os.geteuid():
        ktap.skip_all("needs root")
    if os.path.isdir(ROOT):
        ktap.skip_all("the module is loaded already: rmmod rubato")
    if not os.path.exists(KO):
        ktap.skip_all(f"no module for this kernel: {KO}")
    try:
        insmod()
    except subprocess.CalledProcessError:
        ktap.skip_all("this kernel does not load modules")
    atexit.register(end)
    return Family(Spec(YAML))


with open("/proc/mounts", encoding="utf-8") as mounts:
    mount = next((line.split()[1] for line in mounts
                  if line.split()[2] == "cgroup2"), None)

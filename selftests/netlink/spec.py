#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""
The YAML and the header that programs are compiled with: the same names with the
same values. And the kernel's own rules for such a YAML, where its source is at
hand.
"""
import os
import re
import subprocess
import yaml
import ktap
from genl import Spec

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
YAML = os.path.join(TOP, "Documentation/netlink/specs/rubato.yaml")
HEADER = "include/uapi/linux/rubato_netlink.h"
CACHE = os.environ.get("RUBATO_CACHE") or os.path.join(
    os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"),
    "rubato")
RULES = os.path.join(CACHE, "debug-kernel/source/Documentation/netlink",
                     "genetlink.yaml")

spec = Spec(YAML)


def header_has_what_the_yaml_has():
    lines = [f'#include "{HEADER}"']
    for name, value in spec.enumerators().items():
        lines.append(f'_Static_assert({name} == {value}, "{name}");')
    for name, value in (("FAMILY_NAME", spec.name), ("MCGRP_EVENTS", "events")):
        lines.append(f'_Static_assert(!__builtin_strcmp(RUBATO_{name}, '
                     f'"{value}"), "{name}");')
    subprocess.run(["gcc", "-fsyntax-only", "-I", TOP, "-x", "c", "-"],
                   input="\n".join(lines) + "\n", text=True, check=True)


def yaml_has_what_the_header_has():
    with open(os.path.join(TOP, HEADER), encoding="utf-8") as file:
        names = re.findall(r"^\t(RUBATO_\w+)", file.read(), re.M)
    ktap.equal(names, list(spec.enumerators()), "names, in their order")


def groups_are_those_of_the_header():
    ktap.equal([g["name"] for g in spec.yaml["mcast-groups"]["list"]],
               ["events"])


def yaml_keeps_the_rules_of_the_kernel():
    if not os.path.exists(RULES):
        print("# no source of a kernel here: scripts/debug-kernel")
        return
    import jsonschema
    with open(RULES, encoding="utf-8") as file:
        jsonschema.validate(spec.yaml, yaml.safe_load(file))


ktap.run([header_has_what_the_yaml_has, yaml_has_what_the_header_has,
          groups_are_those_of_the_header, yaml_keeps_the_rules_of_the_kernel])

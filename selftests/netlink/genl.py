# SPDX-License-Identifier: GPL-2.0
"""
A generic netlink client that knows of a family only what its YAML says, as the
kernel's tools/net/ynl: so a test that uses it tests the YAML as well. It keeps
account of which commands and attributes were used.
"""
import os
import socket
import struct
import yaml

NETLINK_GENERIC = 16
SOL_NETLINK = 270
NETLINK_ADD_MEMBERSHIP, NETLINK_CAP_ACK, NETLINK_EXT_ACK = 1, 10, 11
NETLINK_GET_STRICT_CHK = 12
NLMSG_ERROR, NLMSG_DONE = 2, 3
F_REQUEST, F_ACK, F_DUMP = 1, 4, 0x300
F_DUMP_INTR, F_ACK_TLVS = 0x10, 0x200
NESTED = 0x8000
ACK_MSG, ACK_OFFSET, ACK_MISSING = 1, 2, 6
SCALARS = {"u8": "B", "u16": "H", "u32": "I", "u64": "Q", "s32": "i",
           "s64": "q"}


class Refused(Exception):
    """An error of the kernel's, with what its extended answer says."""

    def __init__(self, errno, message, attribute):
        super().__init__(f"{os.strerror(errno)}: {message} [{attribute}]")
        self.errno, self.message, self.attribute = errno, message, attribute


def c_name(name):
    return name.upper().replace("-", "_")


class Spec:
    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            self.yaml = yaml.safe_load(file)
        self.name = self.yaml["name"]
        self.words = {}         # name of an enum: its words, by value
        for enum in self.yaml["definitions"]:
            self.words[enum["name"]] = [e["name"] for e in enum["entries"]]
        self.sets = {}          # name: {attribute: (number, definition)}
        for group in self.yaml["attribute-sets"]:
            self.sets[group["name"]] = {
                attr["name"]: (number, attr) for number, attr
                in enumerate(group["attributes"], 1)}
        self.operations = {}    # name: (number, definition)
        for number, op in enumerate(self.yaml["operations"]["list"], 1):
            self.operations[op["name"]] = (number, op)

    def set_of(self, command):
        op = self.operations[command][1]
        return op.get("attribute-set") or self.set_of(op["notify"])

    def enumerators(self):
        """As the kernel's generator names them: {C name: value}."""
        family, values = c_name(self.name), {}
        for enum, words in self.words.items():
            for value, word in enumerate(words):
                values[f"{family}_{c_name(enum)}_{c_name(word)}"] = value
        for group, attrs in self.sets.items():
            for name, (number, _) in attrs.items():
                values[f"{family}_A_{c_name(group)}_{c_name(name)}"] = number
            values[f"{family}_A_{c_name(group)}_MAX"] = len(attrs)
        for name, (number, _) in self.operations.items():
            values[f"{family}_CMD_{c_name(name)}"] = number
        values[f"{family}_CMD_MAX"] = len(self.operations)
        return values


def attribute(number, payload):
    length = 4 + len(payload)
    return (struct.pack("=HH", length, number) + payload +
            b"\0" * (-length % 4))


def split(data):
    """(number, payload, offset) of each attribute."""
    at = 0
    while at + 4 <= len(data):
        length, number = struct.unpack_from("=HH", data, at)
        yield number & ~NESTED, data[at + 4:at + length], at
        at += (length + 3) & ~3


class Socket:
    """NETLINK_GENERIC, raw."""

    def __init__(self):
        self.sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW,
                                  NETLINK_GENERIC)
        for option in NETLINK_CAP_ACK, NETLINK_EXT_ACK, NETLINK_GET_STRICT_CHK:
            self.sock.setsockopt(SOL_NETLINK, option, 1)
        self.sock.settimeout(10)
        self.sequence = 0

    def send(self, family, command, flags, payload, version=1):
        self.sequence += 1
        body = struct.pack("=BBH", command, version, 0) + payload
        self.sock.send(struct.pack("=IHHII", 16 + len(body), family,
                                   F_REQUEST | flags, self.sequence, 0) + body)

    def receive(self):
        """(type, flags, body) of each message of one datagram."""
        data, at = self.sock.recv(65536), 0
        while at < len(data):
            length, kind, flags = struct.unpack_from("=IHH", data, at)
            yield kind, flags, data[at + 16:at + length]
            at += (length + 3) & ~3

    def close(self):
        self.sock.close()


class Family:
    def __init__(self, spec):
        self.spec, self.socket = spec, Socket()
        self.sent, self.seen = set(), set()     # (command, attribute)
        self.interrupted = False
        self.id, self.groups = self.resolve()

    def resolve(self):
        name = attribute(2, self.spec.name.encode() + b"\0")
        self.socket.send(16, 3, F_ACK, name)    # CTRL_CMD_GETFAMILY
        found, groups = None, {}
        for kind, body in self.answers("getfamily", {}):
            for number, payload, _ in split(body[4:]):
                if number == 1:
                    found = struct.unpack("=H", payload)[0]
                elif number == 7:
                    groups = dict(self.group(g) for _, g, _ in split(payload))
        return found, groups

    @staticmethod
    def group(data):
        parts = {number: payload for number, payload, _ in split(data)}
        return parts[1].rstrip(b"\0").decode(), struct.unpack("=I", parts[2])[0]

    # --- attributes --------------------------------------------------------

    def encode(self, attrs, name, value):
        number, definition = attrs[name]
        if isinstance(value, bytes):            # as it is, right or wrong
            return attribute(number, value)
        if definition["type"] == "string":
            return attribute(number, value.encode() + b"\0")
        if isinstance(value, str):
            value = self.spec.words[definition["enum"]].index(value)
        return attribute(number, struct.pack("=" + SCALARS[definition["type"]],
                                             value))

    def decode(self, group, data, command):
        names = {number: (name, definition) for name, (number, definition)
                 in self.spec.sets[group].items()}
        values = {}
        for number, payload, _ in split(data):
            name, definition = names[number]
            kind = definition["type"]
            if kind == "pad":
                continue
            self.seen.add((command, name))
            if kind == "nest":
                values[name] = self.decode(definition["nested-attributes"],
                                           payload, command)
            elif kind == "string":
                values[name] = payload.rstrip(b"\0").decode()
            else:
                values[name] = struct.unpack("=" + SCALARS[kind], payload)[0]
                if "enum" in definition:
                    words = self.spec.words[definition["enum"]]
                    values[name] = words[values[name]]
        return values

    # --- requests ----------------------------------------------------------

    def answers(self, command, attrs):
        """(type, body) of each answer up to the last; raises Refused."""
        while True:
            for kind, flags, body in self.socket.receive():
                self.interrupted |= bool(flags & F_DUMP_INTR)
                if kind not in (NLMSG_ERROR, NLMSG_DONE):
                    yield kind, body
                    continue
                errno = -struct.unpack_from("=i", body)[0]
                if errno > 0:
                    raise self.refusal(errno, kind, flags, body, attrs)
                return

    def refusal(self, errno, kind, flags, body, attrs):
        """Offsets count from the request's header: 20 bytes before attributes."""
        said, where = {}, None
        if flags & F_ACK_TLVS:
            skip = 20 if kind == NLMSG_ERROR else 4
            said = {number: payload for number, payload, _
                    in split(body[skip:])}
        if ACK_OFFSET in said:
            where = attrs.get(struct.unpack("=I", said[ACK_OFFSET])[0] - 20)
        return Refused(errno, said.get(ACK_MSG, b"").rstrip(b"\0").decode(),
                       where)

    def request(self, command, flags, values):
        number, _ = self.spec.operations[command]
        attrs = self.spec.sets[self.spec.set_of(command)]
        payload, offsets = b"", {}
        for name, value in values.items():
            offsets[len(payload)] = name
            payload += self.encode(attrs, name, value)
            self.sent.add((command, name))
        self.sent.add((command, None))
        self.socket.send(self.id, number, flags, payload)
        return offsets

    def do(self, command, **values):
        values = {name.replace("_", "-"): v for name, v in values.items()}
        offsets = self.request(command, F_ACK, values)
        got = [self.decode(self.spec.set_of(command), body[4:], command)
               for _, body in self.answers(command, offsets)]
        return got[0] if got else None

    def dump(self, command, between=None, **values):
        """@between is called after each datagram."""
        self.interrupted = False
        offsets = self.request(command, F_DUMP, values)
        got = []
        for _, body in self.answers(command, offsets):
            got.append(self.decode(self.spec.set_of(command), body[4:],
                                   command))
            if between:
                between(len(got))
        return got

    # --- events ------------------------------------------------------------

    def subscribe(self, group):
        self.socket.sock.setsockopt(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP,
                                    self.groups[group])

    def events(self, count):
        """The next @count of them: (command, values)."""
        names = {number: name for name, (number, _)
                 in self.spec.operations.items()}
        got = []
        while len(got) < count:
            for _, _, body in self.socket.receive():
                command = names[body[0]]
                self.sent.add((command, None))
                got.append((command, self.decode(self.spec.set_of(command),
                                                 body[4:], command)))
        return got

    def close(self):
        self.socket.close()

#!/usr/bin/python3
"""A second reader of Spacer's artifact format, written from docs/artifact-format.md alone.

Prints what it finds as JSON: artifact_reader.py FILE. Needs the xxhash module (Debian: python3-xxhash).
"""

import hashlib
import json
import struct
import sys

import xxhash

MAGIC = b"\x89SPX\r\n\x1a\n"
VERSION = 1
SECTIONS = {
    1: "manifest", 2: "strings", 3: "modules", 4: "bytecode", 5: "graph", 6: "routes", 7: "topics",
    8: "triggers", 9: "environment", 10: "settings", 11: "signature", 12: "validations",
    13: "capabilities",
}
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]
CAPABILITIES = ["http", "topic", "function", "database", "variable", "optionalVariable", "module"]
# A SubjectPublicKeyInfo of an Ed25519 key without the key (RFC 8410).
ED25519_INFO = bytes.fromhex("302a300506032b6570032100")
KINDS = ["function", "privateFunction", "library"]


class Refused(Exception):
    pass


def check(condition, problem):
    if not condition:
        raise Refused(problem)


class Artifact:
    def __init__(self, data):
        self.data = data
        check(data[:8] == MAGIC, "not an artifact")
        check(len(data) >= 64, "truncated")
        checksum, self.version, needed, length, count = struct.unpack_from("<QIIQI", data, 8)
        check(needed <= VERSION, f"needs a reader of version {needed}")
        check(length == len(data), f"{length} bytes expected, {len(data)} found")
        check(xxhash.xxh3_64_intdigest(data[16:]) == checksum, "the file's checksum does not hold")
        check(not any(data[36:64]), "reserved bytes are not zero")
        self.sections, self.entries = {}, []
        end = 64 + 32 * count
        for index in range(count):
            kind, reserved, offset, size, digest = struct.unpack_from("<IIQQQ", data, 64 + 32 * index)
            check(reserved == 0 and offset % 64 == 0, "a malformed section entry")
            check(end <= offset and offset + size <= len(data), "a section lies outside the file")
            check(not any(data[end:offset]), "bytes between sections are not zero")
            body = data[offset:offset + size]
            check(xxhash.xxh3_64_intdigest(body) == digest, f"the checksum of section {kind} does not hold")
            name = SECTIONS.get(kind, f"kind {kind}")
            self.sections[name] = body
            self.entries.append(
                {"name": name, "offset": offset, "length": size, "checksum": f"{digest:016x}"})
            end = offset + size

    def text(self, offset, length):
        strings = self.sections["strings"]
        check(offset + length < len(strings) and strings[offset + length] == 0, "a text lies outside")
        return strings[offset:offset + length].decode()

    def records(self, section, layout):
        return struct.iter_unpack("<" + layout, self.sections.get(section, b""))

    def manifest(self):
        fields = struct.unpack("<10III16x", self.sections["manifest"])
        texts = [self.text(*fields[i:i + 2]) for i in range(0, 10, 2)]
        names = ["appName", "spacerRelease", "luaRelease", "architecture"]
        result = {"formatVersion": self.version, **dict(zip(names, texts))}
        result["isRelease"] = bool(fields[10] & 1)
        result["environment"] = texts[4] if fields[10] & 2 else None
        return result

    def validations(self):
        result = {}
        for module, line, *description in self.records("validations", "IIII"):
            result.setdefault(module, []).append(
                {"line": line, "description": json.loads(self.text(*description))})
        return result

    def capabilities(self):
        result = {}
        for module, kind, is_any, *target in self.records("capabilities", "IBB2xII"):
            if kind < len(CAPABILITIES):
                result.setdefault(module, []).append(
                    {"kind": CAPABILITIES[kind], "target": None if is_any else self.text(*target)})
        return result

    def signature(self):
        if "signature" not in self.sections:
            return None
        algorithm, key = struct.unpack("<I4x32s64x", self.sections["signature"])
        check(algorithm == 1, "a signature of an unknown algorithm")
        return {"fingerprint": "SHA256:" + hashlib.sha256(ED25519_INFO + key).hexdigest()}

    def modules(self):
        validations, capabilities = self.validations(), self.capabilities()
        for index, record in enumerate(self.records("modules", "IIIIQQQB7x8I")):
            name, path, size, kind = record[0:2], record[2:4], record[5], record[7]
            yield {
                "name": self.text(*name), "path": self.text(*path), "kind": KINDS[kind], "bytes": size,
                "validations": validations.get(index, []),
                "capabilities": capabilities.get(index, []),
            }

    def routes(self, modules):
        table = self.sections["routes"]
        start, count = struct.unpack_from("<II", table, 8)
        for index in range(count):
            fields = struct.unpack_from("<IIIIBB", table, start + 32 * index)
            pattern = table[fields[0]:fields[0] + fields[1]].decode()
            named = [name for bit, name in enumerate(METHODS) if fields[4] >> bit & 1]
            yield {
                "methods": ["ANY"] if fields[4] == 0xFF else named, "pattern": pattern,
                "function": modules[fields[2]]["name"], "line": fields[3],
            }

    def settings(self):
        for offset, length, kind, payload in self.records("settings", "IIB7x8s"):
            key = self.text(offset, length)
            if kind == 0:
                yield key, self.text(*struct.unpack("<II", payload))
            elif kind == 2:
                yield key, payload[0] != 0
            else:
                yield key, struct.unpack("<q" if kind == 1 else "<d", payload)[0]

    def dump(self):
        modules = list(self.modules())
        topics = [self.text(*record) for record in self.records("topics", "II")]
        triggers = [
            {"topic": topics[topic], "event": self.text(*event), "function": modules[module]["name"]}
            for topic, module, *event in self.records("triggers", "IIII")
        ]
        return {
            **self.manifest(), "signature": self.signature(), "sections": self.entries, "modules": modules,
            "routes": list(self.routes(modules)), "topics": topics, "triggers": triggers,
            "environmentVariables": [self.text(*r) for r in self.records("environment", "II")],
            "settings": dict(self.settings()),
        }


def main():
    try:
        with open(sys.argv[1], "rb") as file:
            print(json.dumps(Artifact(file.read()).dump(), ensure_ascii=False, indent=2))
    except Refused as refusal:
        sys.exit(f"{sys.argv[1]}: {refusal}")


if __name__ == "__main__":
    main()

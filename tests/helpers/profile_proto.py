# SPDX-License-Identifier: MIT
"""profile.proto as it is in the bytes, and what scrapers demand of them.

Decodes the wire format by itself, without the writer's library and without a
reader that repairs: ids, order and encoding are judged as they were sent."""
import gzip
from collections import namedtuple

SAMPLE_TYPES_MAX = 4  # Alloy's array

Sample = namedtuple("Sample", "locations values labels")
Mapping = namedtuple("Mapping", "id start limit file build_id")
Location = namedtuple("Location", "id mapping address functions")
Function = namedtuple("Function", "id name system_name file")


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7


def message(data):
    """{field: [number or bytes, ...]} of a message."""
    at, fields = 0, {}
    while at < len(data):
        tag, at = varint(data, at)
        value, at = varint(data, at)
        if tag % 8 == 2:
            value, at = data[at:at + value], at + value
        elif tag % 8 != 0:
            raise ValueError(f"wire type {tag % 8}")
        fields.setdefault(tag // 8, []).append(value)
    return fields


def numbers(values):
    """Of a repeated number, packed or not."""
    found = []
    for value in values:
        if isinstance(value, int):
            found.append(value)
            continue
        at = 0
        while at < len(value):
            number, at = varint(value, at)
            found.append(number)
    return found


def signed(number):
    return number - (1 << 64) if number >> 63 else number


class Proto:
    def __init__(self, body):
        data = gzip.decompress(body)
        fields = message(data)
        self.size = len(data)
        self.raw_strings = fields[6]
        text = self._text
        self.types = [tuple(text(part, field) for field in (1, 2))
                      for part in map(message, fields.get(1, []))]
        self.samples = [
            Sample(numbers(part.get(1, [])), [signed(n) for n in numbers(part.get(2, []))],
                   tuple((text(label, 1), text(label, 2), label.get(3, [0])[0])
                         for label in map(message, part.get(3, []))))
            for part in map(message, fields.get(2, []))]
        self.mappings = [
            Mapping(part[1][0], part.get(2, [0])[0], part.get(3, [0])[0], text(part, 5),
                    text(part, 6)) for part in map(message, fields.get(3, []))]
        self.locations = [
            Location(part[1][0], part.get(2, [0])[0], part.get(3, [0])[0],
                     [message(line)[1][0] for line in part.get(4, [])])
            for part in map(message, fields.get(4, []))]
        self.functions = [
            Function(part[1][0], text(part, 2), text(part, 3), text(part, 4))
            for part in map(message, fields.get(5, []))]
        self.times_ns = fields.get(9, [])
        self.duration_ns = fields.get(10, [0])[0]
        self.period_type = tuple(text(part, field) for part in map(message, fields[11])
                                 for field in (1, 2))
        self.default_type = text(fields, 14)
        self.fields = set(fields)

    def _text(self, part, field):
        return self.raw_strings[part.get(field, [0])[0]].decode("utf-8", "replace")

    def by_identity(self):
        """{(addresses, labels): values}: what is one sample to Alloy."""
        addresses = [location.address for location in self.locations]
        sums = {}
        for sample in self.samples:
            key = tuple(addresses[id - 1] for id in sample.locations), sample.labels
            old = sums.get(key, [0] * len(sample.values))
            sums[key] = [a + b for a, b in zip(old, sample.values)]
        return sums

    def faults(self):
        """What a reader of pprof-compatible profiles would refuse, or take for
        something else: google/pprof, Parca, Pyroscope, Alloy, speedscope."""
        return list(self._faults())

    def _faults(self):
        if self.raw_strings[0] != b"":
            yield "the first string is not empty"
        for raw in self.raw_strings:
            try:
                raw.decode()
            except UnicodeDecodeError:
                yield f"no UTF-8: {raw!r}"
        if not 1 <= len(self.types) <= SAMPLE_TYPES_MAX:
            yield f"{len(self.types)} sample types"
        if any("-" in name for name, unit in self.types):
            yield f"a hyphen in {self.types}"
        for name in "mappings", "locations", "functions":
            ids = [one.id for one in getattr(self, name)]
            if ids != list(range(1, len(ids) + 1)):
                yield f"ids of {name} are not 1, 2, 3 ..."
        addresses = [location.address for location in self.locations]
        if 0 in addresses:
            yield "an address is 0"
        if len(set(addresses)) != len(addresses):
            yield "two locations have one address"
        yield from self._references()
        yield from self._values()
        if len(self.times_ns) != 1 or self.times_ns[0] < 10**18:
            yield f"time_nanos is {self.times_ns}"
        if not self.fields <= {1, 2, 3, 4, 5, 6, 9, 10, 11, 12, 13, 14}:
            yield f"unknown fields: {self.fields}"

    def _references(self):
        for location in self.locations:
            if not location.functions:
                yield f"a location without a line at {location.address:#x}"
            if any(not 1 <= id <= len(self.functions) for id in location.functions):
                yield "a line of no function"
            if location.mapping > len(self.mappings):
                yield "a location of no mapping"
            elif location.mapping:
                mapping = self.mappings[location.mapping - 1]
                if not mapping.start <= location.address < mapping.limit:
                    yield f"{location.address:#x} is not in {mapping}"
        if any(not function.name for function in self.functions):
            yield "a function without a name"
        if not self.mappings or not self.mappings[0].file:
            yield "no mapping of the program"

    def _values(self):
        seen = set()
        for sample in self.samples:
            if len(sample.values) != len(self.types):
                yield f"{len(sample.values)} values"
            if not sample.locations:
                yield "a sample without a stack"
            if any(not 1 <= id <= len(self.locations) for id in sample.locations):
                yield "a sample of no location"
            if not any(sample.values):
                yield "a sample of nothing"
            if any(not key or "\0" in key + text for key, text, number in sample.labels):
                yield f"labels {sample.labels}"
            key = tuple(sample.locations), sample.labels
            if key in seen:
                yield "a stack twice"
            seen.add(key)

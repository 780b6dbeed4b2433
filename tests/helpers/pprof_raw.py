# SPDX-License-Identifier: MIT
"""A profile as `go tool pprof -raw` reads it: what is sent is judged by Go's
reader, not by ours."""
import os
import re
import subprocess
import tempfile

from profile_proto import Proto


class Profile:
    """types: ["cpu/nanoseconds", ...]; samples: [(values, stack)], a stack
    being ["function", ...] leaf first, inlined frames included; lines: function
    to the set of its lines; period, duration_s."""

    def __init__(self, body):
        with tempfile.NamedTemporaryFile(suffix=".pb.gz") as file:
            file.write(body)
            file.flush()
            text = subprocess.run(["go", "tool", "pprof", "-raw", file.name], text=True,
                                  capture_output=True, check=True, timeout=60).stdout
        self.text = text
        head, rest = text.split("Samples:\n", 1)
        samples, rest = rest.split("Locations\n", 1)
        locations = rest.split("Mappings\n", 1)[0]
        # Go prints the first four characters of it, with or without the unit
        self.duration_s = Proto(body).duration_ns / 1e9
        self.period = int(re.search(r"^Period: (\d+)", head, re.M)[1])
        self.period_type = re.search(r"^PeriodType: (.*)$", head, re.M)[1]
        types, *lines = samples.splitlines()
        self.types = [re.sub(r"\[.*", "", name) for name in types.split()]
        self.lines = {}
        names = self._read_locations(locations)
        self.samples = []
        for line in lines:
            found = re.match(r" *([-\d ]+): ([\d ]*)$", line)
            if found:
                stack = [name for place in found[2].split() for name in names[place]]
                self.samples.append(([int(value) for value in found[1].split()], stack))

    def _read_locations(self, text):
        names, place = {}, None
        for line in text.splitlines():
            found = re.match(r" *(\d+): 0x[0-9a-f]+ (?:M=\d+ )?(.*)$", line)
            if found:
                place, frame = found[1], found[2]
                names[place] = []
            else:
                frame = line.strip()
            found = re.match(r"(.*?) (\S*?):(\d+)(?::\d+)? s=\d+", frame)
            name = found[1] if found else frame
            if found:
                self.lines.setdefault(name, set()).add(int(found[3]))
            names[place].append(name)
        return names

    def total(self, value=0):
        return sum(values[value] for values, _ in self.samples)

    def flat(self, name, value=0):
        """Of the samples whose leaf is `name`."""
        return sum(values[value] for values, stack in self.samples if stack[0] == name)

    def cumulative(self, name, value=0):
        return sum(values[value] for values, stack in self.samples if name in stack)

    def leaves(self):
        return {stack[0] for _, stack in self.samples}

# SPDX-License-Identifier: MIT
"""preprof-render on pipes, without a server: for tests that need a profile
taken and no HTTP."""
import os
import struct
import subprocess

MAGIC = 0x31525050


class Render:
    def __init__(self, directory):
        self.directory = directory
        self.process = subprocess.Popen(
            [os.path.join(os.environ.get("BUILD", "build/release"), "preprof-render")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.sequence = 0

    def ask(self, **keys):
        """Status and body of the answer to a request of these keys."""
        keys.setdefault("dir", self.directory)
        body = "".join(f"{key}={value}\n" for key, value in keys.items()).encode()
        self.sequence += 1
        self.process.stdin.write(struct.pack("<4I", MAGIC, self.sequence, 0, len(body)) + body)
        self.process.stdin.flush()
        magic, sequence, status, size = struct.unpack("<4I", self.process.stdout.read(16))
        assert (magic, sequence) == (MAGIC, self.sequence)
        return status, self.process.stdout.read(size)

    def end(self):
        self.process.stdin.close()
        self.process.wait(20)

"""cli_terminal.py: fsm-cli on a terminal of its own, for tests of what only a terminal shows."""
import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time

from cli_scene import CLI, PATIENCE_S, environment


class Terminal:
    """fsm-cli on a terminal of its own, which it controls; what is written can be waited for."""

    def __init__(self, *args, columns=80, rows=24, env=None):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):  # what is in the background, or under nohup, has them not
                signal.signal(number, signal.SIG_DFL)
            os.execve(CLI, [CLI, *args], {**environment(), **(env or {})})
        self.resize(columns, rows)
        self.data = b""

    def resize(self, columns, rows):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self, seconds):
        if select.select([self.fd], [], [], seconds)[0]:
            with contextlib.suppress(OSError):
                chunk = os.read(self.fd, 65536)
                self.data += chunk
                return bool(chunk)
            return False
        return None

    def until(self, pattern):
        """Reads on until what came since the last call matches."""
        deadline = time.monotonic() + PATIENCE_S
        while not (found := re.search(pattern, self.text())):
            if time.monotonic() > deadline or self.read(0.2) is False:
                raise AssertionError("%r did not come:\n%s" % (pattern, self.text()))
        self.data = self.data[len(self.text()[: found.end()].encode()) :]
        return found

    def text(self):
        return self.data.decode(errors="replace")

    def send(self, keys):
        os.write(self.fd, keys)

    def end(self):
        """All that comes, and how it ended."""
        deadline = time.monotonic() + PATIENCE_S
        while self.read(0.2) is not False:
            if time.monotonic() > deadline:
                os.kill(self.pid, signal.SIGKILL)
                raise AssertionError("it does not end:\n" + self.text())
        os.close(self.fd)
        _, status = os.waitpid(self.pid, 0)
        return os.waitstatus_to_exitcode(status), self.text().replace("\r\n", "\n")


def a_pager(directory, text):
    path = os.path.join(directory, "pager")
    with open(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o700), "w") as file:
        file.write("#!/bin/sh\n" + text)
    return {"FSM_PAGER": path}

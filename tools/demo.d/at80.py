#!/usr/bin/env python3
"""Runs a command as on a terminal 80 columns wide, without colour, and prints what it printed."""

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios

INDENT = 2


def main(words):
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 25, 80 - INDENT, 0, 0))
    child = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=slave,
                             env={**os.environ, "NO_COLOR": "1"})
    os.close(slave)
    text = b""
    try:
        while chunk := os.read(master, 65536):
            text += chunk
    except OSError:  # the other end is closed: all was read
        pass
    for line in text.decode("utf-8", "replace").replace("\r\n", "\n").splitlines():
        print((" " * INDENT + line).rstrip())
    return child.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

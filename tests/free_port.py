"""free_port.py: a port for a server that a test starts, ends and starts again.

Below those that the kernel gives to whoever connects: while the server is away nobody is given its port."""
import random
import socket

FIRST, LAST = 20000, 32000  # the kernel's begin at 32768


def free_port():
    ports = list(range(FIRST, LAST))
    random.SystemRandom().shuffle(ports)
    for port in ports:
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
                return port
            except OSError:
                pass
    raise AssertionError("no port is free")

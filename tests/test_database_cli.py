#!/usr/bin/env python3
"""fsm-cli db against a running daemon and against its files: backup, restore, check, rebuild, repair."""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

BUILD = os.environ["FSM_BUILD_DIR"]
CLI, DAEMON = os.path.join(BUILD, "fsm-cli"), os.path.join(BUILD, "fsmd")
MACHINE = json.dumps({"id": "m", "initial": "a", "context": {"n": 0}, "states": {
    "a": {"on": {"ADD": {"context": {"n": {"@expr": "context.n + 1"}}}, "GO": "b"}}, "b": {"type": "final"}}})


def cli(data, *words, expect=0):
    done = subprocess.run([CLI, "--data", data, *words], capture_output=True, text=True)
    if done.returncode != expect:
        sys.exit(f"{words}: exit {done.returncode}, expected {expect}\n{done.stdout}\n{done.stderr}")
    return done.stdout


def document(data, *words, expect=0):
    return json.loads(cli(data, *words, "-o", "json", expect=expect))


def start(data, *options):
    daemon = subprocess.Popen([DAEMON, "--data", data, "--listen", "127.0.0.1:0", "--auth", "none", *options],
                              stderr=subprocess.DEVNULL)
    for _ in range(400):
        socket = os.path.join(data, "fsmd.sock")  # without it health would answer from the files
        if subprocess.run([CLI, "--socket", socket, "health"], capture_output=True).returncode == 0:
            return daemon
        if daemon.poll() is not None:
            sys.exit("the daemon ended")
        time.sleep(0.05)
    sys.exit("the daemon does not answer")


def stop(daemon):
    daemon.send_signal(signal.SIGTERM)
    if daemon.wait(30) != 0:
        sys.exit("the daemon did not end well")


def wait_for_snapshot(data):
    for _ in range(400):
        if any(one["verified"] for one in document(data, "db", "stat")["snapshots"]):
            return
        time.sleep(0.05)
    sys.exit("no snapshot is made")


def damage(path, at, length):
    with open(path, "r+b") as file:
        file.seek(at)
        file.write(b"\x5a" * length)


def main():
    root = tempfile.mkdtemp(prefix="fsm-db-")
    data, backup, restored = (os.path.join(root, name) for name in ("data", "backup", "restored"))
    machine = os.path.join(root, "m.json")
    with open(machine, "w") as file:
        file.write(MACHINE)
    try:
        daemon = start(data)
        cli(data, "def", "deploy", machine)
        for i in range(8):
            cli(data, "start", "m", "--id", f"i{i}")
            cli(data, "send", f"i{i}", "ADD")
        told = document(data, "db", "backup", backup)
        assert told["verified"] is True and told["last"] >= 17, told
        cli(data, "db", "backup", backup, expect=4)  # it is not empty
        assert document(data, "db", "check")["ok"] is True
        assert document(data, "db", "stat")["journal"]["last"] >= 17
        cli(data, "db", "rebuild", expect=9)  # the daemon has the files
        cli(data, "send", "i0", "GO")
        stop(daemon)

        told = json.loads(subprocess.run([CLI, "db", "restore", backup, restored, "-o", "json", "--reason", "x"],
                                         capture_output=True, text=True, check=True).stdout)
        assert told["epoch"] == 1, told
        assert document(restored, "db", "check")["ok"] is True
        assert document(restored, "get", "i0")["status"] == "running"  # as it was when it was backed up
        archive = os.path.join(root, "archive")
        daemon = start(restored, "--snapshot-every", "1m", "--retain", "1h", "--archive-dir", archive)
        cli(restored, "send", "i0", "ADD")
        wait_for_snapshot(restored)
        assert os.listdir(archive) == []  # nothing is old enough
        stop(daemon)
        cli(restored, "audit", "verify")

        shutil.rmtree(os.path.join(data, "store"))
        cli(data, "db", "check", expect=7)
        cli(data, "db", "rebuild", "--reason", "the store was lost")
        cli(data, "audit", "verify")
        segment = os.path.join(data, "journal", "0", "%020d.seg" % 1)
        damage(segment, 4096, 1500)
        cli(data, "db", "repair", expect=7)
        cli(data, "db", "repair", "--yes", expect=7)  # nothing is lost without a word
        cli(data, "db", "repair", "--accept-loss", "--yes", expect=2)
        cli(data, "db", "repair", "--accept-loss", "--yes", "--reason", "no backup")
        kept = [name for name in os.listdir(os.path.dirname(segment)) if name.startswith("damaged-")]
        assert len(kept) == 1, kept
        cli(data, "audit", "verify")
        assert document(data, "db", "check")["ok"] is True
    finally:
        shutil.rmtree(root)


main()

#!/usr/bin/env python3
"""fsm-cli on terminals: -w, the pager, top.

Exit 77: the programs are not built.
"""
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import termios
import threading
import time
import unittest

import cli_scene as base
from cli_scene import CLI, PATIENCE_S, environment, run
from cli_terminal import Terminal, a_pager


class Live(base.WithDaemon):
    """-w and the pager."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for i in range(40):
            code, _, err = run("--data", cls.data, "start", "door", "--id", "d-%02d" % i)
            assert code == 0, err

    def terminal(self, *args, **kwargs):
        return Terminal(*self.here(*args), **kwargs)

    def test_w_draws_again_over_what_was_there_until_it_is_stopped(self):
        screen = self.terminal("-w", "200ms", "ls", "--limit", "5", "-s", "open")
        screen.until(r"\x1b\[H\x1b\[2J.*every 200ms: fsm-cli")
        screen.until(r"0 instances · .* · as of seq")
        self.ok(*self.here("start", "door", "--id", "w-1"))
        self.ok(*self.here("send", "w-1", "OPEN"))
        screen.until(r"\x1b\[H\x1b\[\?7l[^\x1b]*every")  # again, and not cleared before
        screen.until(r"w-1")
        screen.until(r"1 instance · ")
        screen.send(b"\x03")
        code, _ = screen.end()
        self.assertEqual(code, -signal.SIGINT)

    def test_w_fits_and_says_what_does_not(self):
        screen = self.terminal("-w", "100ms", "ls", rows=10, columns=40)
        screen.until(r"… 3\d more lines")
        screen.resize(120, 60)
        screen.until(r"d-39")
        screen.send(b"\x03")
        screen.end()

    def test_w_waits_for_a_daemon_that_comes_back(self):
        screen = self.terminal("-w", "100ms", "ls", "--limit", "1")
        screen.until("1 instance ")
        self.daemon.stop()
        screen.until(r"1 instance")  # its files are asked
        type(self).daemon = base.Daemon(self.data, *self.daemon.args)
        screen.until(r"1 instance")
        screen.until(r"1 instance")
        screen.send(b"\x03")
        screen.end()

    def test_w_elsewhere_is_one_answer_after_the_other(self):
        with subprocess.Popen([CLI, *self.here("-w", "100ms", "ls", "--limit", "1", "-o", "id")], stdout=subprocess.PIPE, env=environment()) as child:
            self.assertEqual([child.stdout.readline() for _ in range(3)], [b"d-00\n"] * 3)
            child.stdout.close()
            self.assertEqual(child.wait(PATIENCE_S), -signal.SIGPIPE)

    def test_w_is_for_what_only_looks(self):
        self.assertIn("only look", self.expect(2, *self.here("start", "door", "-w"))[1])
        self.assertIn("100ms", self.expect(2, *self.here("ls", "-w", "10ms"))[1])
        self.assertIn("nothing-there", self.expect(3, *self.here("get", "nothing-there", "-w"))[1])

    def pager(self, text):
        return a_pager(self.scratch, text)

    def test_the_pager_is_for_what_is_longer_than_the_screen(self):
        env = self.pager("echo PAGER; wc -l; echo LESS=$LESS")
        code, out = self.terminal("ls", rows=10, env=env).end()
        self.assertEqual((code, out.split()[:2]), (0, ["PAGER", "41"]), out)
        self.assertIn("LESS=FRX", out)
        self.assertRegex(out, r"40 instances · ")
        for args, rows in ((("ls",), 60), (("ls", "--no-pager"), 10), (("ls", "--limit", "3"), 10)):
            code, out = self.terminal(*args, rows=rows, env=env).end()
            self.assertEqual(code, 0)
            self.assertNotIn("PAGER", out)
            self.assertIn("d-02", out)
        for env in ({"FSM_PAGER": ""}, {"PAGER": "cat"}, {"PAGER": "no-such-pager -x"}, {**env, "TERM": "dumb"}):
            code, out = self.terminal("ls", rows=10, env=env).end()
            self.assertEqual(code, 0)
            self.assertIn("d-39", out)

    def test_a_pager_that_is_left_early_ends_it_quietly(self):
        code, out = self.terminal("log", "d-01", "-o", "json", rows=4, env=self.pager("head -n 1")).end()
        self.assertEqual((code, out), (0, "{\n"))
        code, out = self.terminal("ls", rows=10, env=self.pager("exit 0")).end()
        self.assertEqual((code, "fsm-cli:" in out), (0, False), out)

    def test_a_pager_gets_the_keys_and_ctrl_c_is_its_own(self):
        screen = self.terminal("ls", rows=10, env=self.pager("trap 'echo CAUGHT; exit 0' INT; echo READY; sleep 30 & wait"))
        screen.until("READY")
        screen.send(b"\x03")
        screen.until("CAUGHT")
        self.assertEqual(screen.end()[0], 0)

    def test_a_reader_that_goes_away_is_nobody_s_fault(self):
        for args in (("ls",), ("ls", "-o", "json"), ("ls", "-o", "csv"), ("--help",)):
            read, write = os.pipe()
            os.close(read)
            done = subprocess.run([CLI, *self.here(*args)], stdout=write, stderr=subprocess.PIPE, env=environment(), timeout=PATIENCE_S)
            os.close(write)
            self.assertEqual((done.returncode, done.stderr), (-signal.SIGPIPE, b""), args)


class Held(base.WithDaemon):
    """Whoever looks holds nothing up."""

    def test_a_pager_held_open_holds_nothing_open_in_the_store(self):
        """FSM_HOLD_S: so long (default 3 s), while others write."""
        door = http.client.HTTPConnection("localhost")
        door.sock = socket.socket(socket.AF_UNIX)
        door.sock.connect(os.path.join(self.data, "fsmd.sock"))

        def start(name):
            door.request("POST", "/v1/instances", json.dumps({"machine": "door", "id": name}), {"Content-Type": "application/json"})
            answer = door.getresponse()
            answer.read()
            self.assertEqual(answer.status, 201)

        for i in range(900):
            start("held-%03d-%s" % (i, "x" * 60))
        ready = os.path.join(self.scratch, "ready")
        screen = Terminal(*self.here("ls", "--all", "-o", "json"), rows=10, env=a_pager(self.scratch, "head -c 100 >/dev/null; touch %s; sleep 600 & wait" % ready))
        deadline = time.monotonic() + PATIENCE_S
        while not os.path.exists(ready) and time.monotonic() < deadline:
            screen.read(0.05)
        begun = time.monotonic()
        end = begun + float(os.environ.get("FSM_HOLD_S", "3"))
        written, oldest = 0, 0
        while time.monotonic() < end or written < 100:
            start("beside-%d" % written)
            written += 1
            if written % 50 == 0:
                oldest = max(oldest, json.loads(self.ok(*self.here("health", "-o", "json")))["oldest_view_ns"])
        self.assertLess(oldest, (time.monotonic() - begun) * 10**9 / 3)
        self.assertEqual(os.waitpid(screen.pid, os.WNOHANG), (0, 0), "it is not held open")
        os.killpg(screen.pid, signal.SIGTERM)
        screen.end()
        door.close()


class Slow(unittest.TestCase):
    """A walk of several pages, of a daemon that takes its time."""

    PAGES = ({"items": [], "next": "a", "seq": 9, "reached": "2026-11-21T00:00:00Z"}, {"items": [], "next": "b", "seq": 9}, {"items": [], "next": None, "seq": 9})

    def answer(self, listener):
        """The pages in their order, each after 0.6 s."""
        pages = list(self.PAGES)
        while pages:
            client, _ = listener.accept()
            with client, client.makefile("rb") as lines:
                while lines.readline():  # of a request; nobody asks: it was a knock
                    while lines.readline() not in (b"\r\n", b""):
                        pass
                    time.sleep(0.6)
                    body = json.dumps(pages.pop(0)).encode()
                    client.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
                    if not pages:
                        return

    def shown(self, *args):
        with tempfile.TemporaryDirectory(prefix="fsm-slow-") as scratch, socket.socket(socket.AF_UNIX) as listener:
            path = os.path.join(scratch, "s")
            listener.bind(path)
            listener.listen(8)
            answers = threading.Thread(target=self.answer, args=(listener,))
            answers.start()
            screen = Terminal("--socket", path, *args)
            screen.end()
            answers.join(PATIENCE_S)
            return screen.text()

    def test_how_far_it_came_is_told_and_taken_away(self):
        text = self.shown("search", "nobody")
        self.assertIn("\r0 instances so far, back to 2026-11-21T00:00:00Z …\x1b[K", text)
        self.assertIn("\r0 instances so far …\x1b[K", text)
        self.assertEqual(text.count("so far"), text.count("\r\x1b[K"))
        self.assertIn("0 records so far", self.shown("log"))

    def test_quiet_is_quiet(self):
        self.assertNotIn("so far", self.shown("-q", "ls", "--all"))


class Top(base.WithDaemon):
    """The whole screen: what it shows, which keys it knows, and that the terminal is as it was, however it ends."""

    ENTER, LEAVE = "\x1b[?1049h", "\x1b[?25h\x1b[?1049l"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for i in range(5):
            code, _, err = run("--data", cls.data, "start", "door", "--id", "d-%d" % i)
            assert code == 0, err

    def screen(self, *args, **kwargs):
        screen = Terminal(*self.here("top", "--every", "200ms", *args), **kwargs)
        screen.until(re.escape(self.ENTER))
        screen.until(r"door +closed +5")
        return screen

    def assert_left(self, screen, wanted):
        flags = termios.tcgetattr(screen.fd)[3]
        self.assertTrue(flags & termios.ECHO and flags & termios.ICANON, "the terminal is not as it was")
        code, out = screen.end()
        self.assertIn(self.LEAVE, out)
        self.assertEqual(code, wanted)

    def wait_left(self, screen):
        deadline = time.monotonic() + PATIENCE_S
        while not termios.tcgetattr(screen.fd)[3] & termios.ECHO and time.monotonic() < deadline:
            time.sleep(0.02)

    def test_keys(self):
        screen = self.screen()
        self.assertFalse(termios.tcgetattr(screen.fd)[3] & termios.ECHO)
        screen.until("by count")
        screen.send(b"s")
        screen.until("by age")
        screen.send(b"s")
        screen.until("by name")
        screen.send(b"p")
        screen.until("PAUSED")
        screen.send(b"p\x1b[Bjk\x1b[A")
        screen.until("by name")
        screen.send(b"q")
        self.wait_left(screen)
        self.assert_left(screen, 0)

    def test_every_end_gives_the_terminal_back(self):
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
            screen = self.screen()
            if number == signal.SIGINT:
                screen.send(b"\x03")
            else:
                os.kill(screen.pid, number)
            self.wait_left(screen)
            self.assert_left(screen, -number)

    def test_ctrl_z_gives_the_screen_back_until_it_goes_on(self):
        screen = self.screen()
        os.kill(screen.pid, signal.SIGTSTP)
        screen.until(re.escape(self.LEAVE))
        os.waitpid(screen.pid, os.WUNTRACED)
        os.kill(screen.pid, signal.SIGCONT)
        screen.until(re.escape(self.ENTER))
        screen.until(r"door +closed")
        screen.send(b"q")
        self.wait_left(screen)
        self.assert_left(screen, 0)

    def test_rates_and_changes_are_live(self):
        screen = self.screen()
        for i in range(6):
            self.ok(*self.here("start", "door", "--id", "x-%d-%d" % (os.getpid(), i)))
        screen.until(r"taken [1-9][0-9.]*/s")
        run(*self.here("send", "d-0", "NOTHING"))
        screen.until(r"refused [0-9.]*[1-9][0-9.]*/s|refused: [a-z_]+ [0-9.]+/s")
        screen.send(b"q")
        screen.end()
        for i in range(6):
            self.ok(*self.here("send", "x-%d-%d" % (os.getpid(), i), "LEAVE"))

    def test_it_is_as_large_as_the_terminal(self):
        screen = self.screen(rows=9, columns=40)
        screen.until(r"by count")
        screen.resize(120, 30)
        screen.until(r"memory ")
        screen.send(b"q")
        screen.end()

    def test_a_daemon_that_goes_away_is_told_and_waited_for(self):
        screen = self.screen()
        self.daemon.stop()
        screen.until("NO ANSWER: ")
        type(self).daemon = base.Daemon(self.data, *self.daemon.args)
        screen.until(r"\x1b\[Hfsmd|\x1b\[H\x1b\[\?7lfsmd")
        screen.send(b"q")
        screen.end()

    def test_without_a_terminal_it_says_what_to_do(self):
        self.assertIn("top --once", self.expect(2, *self.here("top"))[1])
        self.assertIn("200ms", self.expect(2, *self.here("top", "--once", "--every", "1ms"))[1])
        out = self.ok(*self.here("top", "--once"))
        self.assertNotIn("\x1b", out)
        self.assertRegex(out, r"^fsmd \S+ · seq \d+ · taken –/s")
        self.assertRegex(self.ok(*self.here("top", "--once", "--every", "200ms")), r"taken 0/s")
        self.assertEqual(self.expect(9, "--url", "http://127.0.0.1:1", "top", "--once")[0], "")


if __name__ == "__main__":
    if not os.path.exists(CLI):
        sys.exit(77)
    unittest.main(verbosity=2)

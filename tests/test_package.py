#!/usr/bin/env python3
"""The packages: what is in them, installed, removed and purged under a scratch root where nothing is started; the unit, as
systemd judges it; manual pages and completions, which come from the programs' own tables.

Exit 77: there is no dpkg-deb or cpack, or not all is built."""
import glob
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import unittest

BUILD, SOURCE = os.environ.get("FSM_BUILD_DIR", ""), os.environ.get("FSM_SOURCE_DIR", "")
PACKAGE = os.path.join(SOURCE, "tools", "package")
DOCS = os.path.join(BUILD, "doc")
WAIT = 180
EXPOSURE_MAX = 2.0  # of 10: what `systemd-analyze security` says of the unit
FORCED = ["--force-script-chrootless", "--force-not-root", "--force-depends", "--force-unsafe-io"]
# What the unit has to say, whatever else it says.
HARDENED = """Type=notify User=fsmd StateDirectory=fsmd StateDirectoryMode=0700 NoNewPrivileges=yes ProtectSystem=strict ProtectHome=yes
PrivateTmp=yes PrivateDevices=yes MemoryDenyWriteExecute=yes LimitCORE=0 LimitNOFILE=65536 WatchdogSec=60 Restart=on-failure CapabilityBoundingSet=
SystemCallFilter=@system-service UMask=0077""".split()


def run(*words, **more):
    done = subprocess.run(words, capture_output=True, timeout=WAIT, text=True, **more)
    assert done.returncode == 0, "%s: %d\n%s%s" % (" ".join(words), done.returncode, done.stdout, done.stderr)
    return done.stdout


def doc(name):
    with open(os.path.join(DOCS, name), encoding="utf-8") as f:
        return f.read()


def settings():
    return re.findall(r"^#?([a-z-]+) =", run(os.path.join(BUILD, "fsmd"), "--print-config"), re.M)


class Packages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.mkdtemp(prefix="test_package.")
        cls.addClassCleanup(shutil.rmtree, cls.dir)
        components = "fsmd;dev" if os.path.exists(os.path.join(BUILD, "lib", "libfsm.a")) or glob.glob(BUILD + "/lib/libfsm.so") else "fsmd"
        run("cpack", "-G", "DEB", "-B", cls.dir, "-D", "CPACK_COMPONENTS_ALL=" + components, "-D", "CPACK_DEBIAN_COMPRESSION_TYPE=gzip", cwd=BUILD)
        (cls.deb,) = glob.glob(cls.dir + "/fsmd_*.deb")
        cls.dev = (glob.glob(cls.dir + "/fsmd-dev_*.deb") or [None])[0]

    def setUp(self):
        self.root = tempfile.mkdtemp(dir=self.dir)
        for folder in ("var/lib/dpkg/info", "var/lib/dpkg/updates", "etc"):
            os.makedirs(os.path.join(self.root, folder))
        for name in ("status", "available"):
            open(os.path.join(self.root, "var/lib/dpkg", name), "w").close()

    def dpkg(self, *words, **env):
        wrap = [] if os.getuid() == 0 else ["fakeroot"]
        return subprocess.run([*wrap, "dpkg", "--root=" + self.root, *FORCED, *words], capture_output=True, timeout=WAIT, text=True,
                              env={**os.environ, **env})

    def at(self, path):
        return os.path.join(self.root, path)

    def installed(self):
        if os.getuid() != 0 and shutil.which("fakeroot") is None:
            self.skipTest("neither root nor fakeroot")
        done = self.dpkg("-i", self.deb)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_what_is_in_it_is_root_s_and_where_it_belongs(self):
        lines = [line.split(None, 5) for line in run("dpkg-deb", "-c", self.deb).splitlines()]
        files = {name: mode for mode, _, _, _, _, name in lines if not name.endswith("/")}
        self.assertEqual({owner for _, owner, *_ in lines}, {"root/root"})
        for name in ("usr/bin/fsmd", "usr/bin/fsm-cli", "etc/fsmd/fsmd.conf", "usr/lib/systemd/system/fsmd.service", "usr/lib/sysusers.d/fsmd.conf",
                     "usr/lib/tmpfiles.d/fsmd.conf", "usr/share/man/man8/fsmd.8.gz", "usr/share/man/man5/fsmd.conf.5.gz", "usr/share/man/man1/fsm-cli.1.gz",
                     "usr/share/bash-completion/completions/fsmd", "usr/share/bash-completion/completions/fsm-cli", "usr/share/zsh/vendor-completions/_fsmd",
                     "usr/share/zsh/vendor-completions/_fsm-cli", "usr/share/fish/vendor_completions.d/fsmd.fish",
                     "usr/share/fish/vendor_completions.d/fsm-cli.fish", "usr/share/doc/fsmd/copyright"):
            self.assertEqual(files.pop("./" + name, "missing")[1:], "rwxr-xr-x" if "/bin/" in name else "rw-r--r--", name)
        self.assertEqual(files, {})

    def test_it_needs_the_libraries_that_it_was_built_with(self):
        depends = run("dpkg-deb", "-f", self.deb, "Depends")
        for library in ("libc6 (>=", "liblmdb0", "libuv1", "libmicrohttpd12", "libjansson4", "libjwt", "libnats", "libcurl"):
            self.assertIn(library, depends)
        self.assertEqual(run("dpkg-deb", "-f", self.deb, "Package", "Section").splitlines(), ["Package: fsmd", "Section: database"])

    def test_the_library_is_a_package_of_its_own(self):
        if self.dev is None:
            self.skipTest("the library is not built")
        names = [line.split()[5] for line in run("dpkg-deb", "-c", self.dev).splitlines()]
        self.assertTrue(any(name.endswith("/pkgconfig/fsm.pc") for name in names), names)
        self.assertIn("./usr/include/fsmd/runtime/fsm_runtime.h", names)
        self.assertFalse([name for name in names if "/bin/" in name or "/etc/" in name])
        self.assertIn("libnats-dev", run("dpkg-deb", "-f", self.dev, "Depends"))

    def test_installed_removed_and_purged_nothing_is_started_and_the_data_stay(self):
        self.installed()
        with open(self.at("etc/passwd")) as f:
            self.assertRegex(f.read(), r"(?m)^fsmd:x:\d+:\d+:.*:/var/lib/fsmd:/usr/sbin/nologin$")
        self.assertEqual(stat.S_IMODE(os.stat(self.at("var/lib/fsmd")).st_mode), 0o700)
        self.assertEqual(glob.glob(self.at("etc/systemd/system/*")), [])  # not enabled
        data = self.at("var/lib/fsmd/kept")
        open(data, "w").close()
        with open(self.at("etc/fsmd/fsmd.conf"), "a") as f:
            f.write("# ours\n")
        self.assertEqual(self.dpkg("-i", self.deb).returncode, 0)  # again, over what was changed
        with open(self.at("etc/fsmd/fsmd.conf")) as f:
            self.assertIn("# ours", f.read())
        self.assertEqual(self.dpkg("-r", "fsmd").returncode, 0)
        self.assertFalse(os.path.exists(self.at("usr/bin")))
        self.assertTrue(os.path.exists(self.at("etc/fsmd/fsmd.conf")) and os.path.exists(data))
        done = self.dpkg("-P", "fsmd")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("the data in /var/lib/fsmd are kept", done.stderr)
        self.assertFalse(os.path.exists(self.at("etc/fsmd")))
        self.assertTrue(os.path.exists(data))

    def test_a_purge_that_is_told_so_takes_the_data(self):
        self.installed()
        self.assertEqual(self.dpkg("-P", "fsmd", FSMD_PURGE_DATA="yes").returncode, 0)
        self.assertFalse(os.path.exists(self.at("var/lib/fsmd")))

    def test_the_installed_daemon_serves_with_the_installed_settings(self):
        self.installed()
        data, socket = os.path.join(self.dir, "data"), os.path.join(self.dir, "s")
        words = [self.at("usr/bin/fsmd"), "--config", self.at("etc/fsmd/fsmd.conf"), "--data", data, "--socket", socket]
        process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
        try:
            self.assertIn("msg=started", process.stderr.readline())
            self.assertIn('"status":"ok"', run(self.at("usr/bin/fsm-cli"), "--socket", socket, "health", "-o", "json"))
        finally:
            process.terminate()
            process.communicate(timeout=WAIT)
        self.assertEqual(process.returncode, 0)


class Unit(unittest.TestCase):
    def setUp(self):
        with open(os.path.join(PACKAGE, "fsmd.service")) as f:
            self.text = f.read()

    def test_it_says_what_hardens_it(self):
        lines = self.text.splitlines()
        self.assertEqual([want for want in HARDENED if want not in lines], [])
        self.assertNotIn("PrivateUsers=yes", lines)  # the users of the socket would be nobody
        (codes,) = re.findall(r"^RestartPreventExitStatus=(.*)$", self.text, re.M)
        self.assertEqual(codes.split(), ["2", "7"])

    @unittest.skipUnless(shutil.which("systemd-analyze"), "there is no systemd-analyze")
    def test_systemd_finds_nothing_wrong_with_it(self):
        with tempfile.TemporaryDirectory(prefix="test_package.") as folder:
            path = os.path.join(folder, "fsmd.service")
            with open(path, "w") as f:
                f.write(self.text.replace("/usr/bin/fsmd", os.path.join(BUILD, "fsmd")))
            done = subprocess.run(["systemd-analyze", "verify", "--man=no", path], capture_output=True, text=True, timeout=WAIT)
        self.assertEqual((done.returncode, [line for line in done.stderr.splitlines() if "fsmd" in line]), (0, []))

    @unittest.skipUnless(shutil.which("systemd-analyze"), "there is no systemd-analyze")
    def test_its_exposure_is_small(self):
        said = run("systemd-analyze", "security", "--offline=yes", "--no-pager", os.path.join(PACKAGE, "fsmd.service"))
        self.assertLessEqual(float(re.search(r"exposure level for fsmd.service: ([\d.]+)", said)[1]), EXPOSURE_MAX)

    def test_the_settings_that_it_comes_with_exist_also_those_that_are_off(self):
        with open(os.path.join(PACKAGE, "fsmd.conf")) as f:
            named = re.findall(r"^#?([a-z-]+) =", f.read(), re.M)
        self.assertGreater(len(named), 8)
        self.assertEqual(set(named) - set(settings()), set())

    @unittest.skipUnless(shutil.which("shellcheck"), "there is no shellcheck")
    def test_the_scripts_are_clean(self):
        run("shellcheck", *(os.path.join(PACKAGE, name) for name in ("postinst", "prerm", "postrm")))


class Docs(unittest.TestCase):
    PAGES = ("fsmd.8", "fsmd.conf.5", "fsm-cli.1")

    @unittest.skipUnless(shutil.which("groff"), "there is no groff")
    def test_the_pages_are_sound(self):
        for page in self.PAGES:
            done = subprocess.run(["groff", "-man", "-Kutf8", "-Tutf8", "-ww", "-z", os.path.join(DOCS, page)], capture_output=True, text=True, timeout=WAIT)
            self.assertEqual((done.returncode, done.stderr), (0, ""), page)

    @unittest.skipUnless(shutil.which("mandoc"), "there is no mandoc")
    def test_mandoc_agrees(self):
        for page in self.PAGES:
            run("mandoc", "-T", "lint", "-W", "warning", os.path.join(DOCS, page))

    def test_every_setting_and_every_command_has_its_place(self):
        fsmd, conf, cli = (doc(page).replace("\\-", "-") for page in self.PAGES)
        self.assertGreater(len(settings()), 20)
        for name in settings():
            self.assertIn("\n.B --%s" % name, fsmd)
            self.assertIn("\n.B %s = " % name, conf)
        listed = run(os.path.join(BUILD, "fsm-cli"), "--help").partition("fsm-cli help TOPIC")[0]
        names = [line.split()[:2] for line in listed.splitlines() if re.match(r"  \S", line)]
        self.assertGreater(len(names), 25)
        for name in names:
            self.assertTrue(re.search(r"(?m)^\.SS (%s|%s %s)( |$)" % (name[0], *name), cli), name)

    def complete(self, program, *words):
        script = 'PATH="$FSM_BUILD_DIR:$PATH"; . "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _%s; printf "%%s\\n" "${COMPREPLY[@]}"' % program.replace("-", "_")
        return run("bash", "-c", script, "bash", os.path.join(DOCS, program + ".bash"), program, *words).split()

    @unittest.skipUnless(shutil.which("bash"), "there is no bash")
    def test_bash_completes(self):
        self.assertEqual(self.complete("fsmd", "--log-"), ["--log-format", "--log-level"])
        self.assertEqual(self.complete("fsmd", "--log-level", ""), ["debug", "info", "warn", "error"])
        self.assertEqual(self.complete("fsmd", "--data", PACKAGE + "/postr"), [PACKAGE + "/postrm"])
        self.assertEqual(self.complete("fsm-cli", "stu"), ["stuck"])
        self.assertIn("simulate", self.complete("fsm-cli", "def", ""))
        self.assertIn("--idem", self.complete("fsm-cli", "send", "ref", "EVENT", "--i"))
        self.assertIn("--socket", self.complete("fsm-cli", "--so"))

    def test_other_shells_can_read_theirs(self):
        for shell in ("zsh", "fish"):
            for program in ("fsmd", "fsm-cli"):
                self.assertIn(program, doc(program + "." + shell))
                if shutil.which(shell):
                    run(shell, "-n", os.path.join(DOCS, program + "." + shell))


if __name__ == "__main__":
    missing = [tool for tool in ("dpkg-deb", "dpkg", "dpkg-shlibdeps", "file", "gzip", "cpack") if shutil.which(tool) is None]
    needed = [os.path.join(BUILD, name) for name in ("fsmd", "fsm-cli", "CPackConfig.cmake", "doc/fsm-cli.fish")]
    missing += [name for name in needed if not os.path.exists(name)]
    if missing:
        print("skipped: no " + missing[0])
        sys.exit(77)
    unittest.main(verbosity=2)

#!/usr/bin/env python3
"""test_install.py: the library as it is installed: what it exports, and a C and a C++ program outside the tree, built
with pkg-config, shared and static, that run an approval.

Exit 77: no pkg-config or compiler here, or the libraries are not built.
"""
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

BUILD, SOURCE = os.environ.get("FSM_BUILD_DIR", ""), os.environ.get("FSM_SOURCE_DIR", "")
PATIENCE_S = 240
GRANTED = re.compile(r"approved: running\ngranted: an entry for [0-9a-f-]{36}\n\Z")


def run(*command, **more):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PATIENCE_S, **more)
    text = done.stdout.decode()
    assert done.returncode == 0, f"{' '.join(command)}: {done.returncode}\n{text}"
    return text


def cache():
    with open(os.path.join(BUILD, "CMakeCache.txt"), encoding="utf-8") as file:
        return dict(re.findall(r"^([A-Z_a-z]+):[A-Z]+=(.*)$", file.read(), re.M))


def build_flags(known):
    """A program in which the sanitizers of the library are at work must have them, too."""
    flags = ["-fsanitize=address,undefined"] if known.get("FSM_SANITIZE") == "ON" else []
    flags += ["-fsanitize=thread"] if known.get("FSM_TSAN") == "ON" else []
    flags += ["--coverage"] if known.get("FSM_COVERAGE") == "ON" else []
    return flags


class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = tempfile.mkdtemp(prefix="fsm-install-")
        cls.prefix = os.path.join(cls.root, "usr")
        known = cache()
        cls.cc, cls.flags = known["CMAKE_C_COMPILER"], build_flags(known)
        run("cmake", "--install", BUILD, "--prefix", cls.prefix)
        (cls.pc,) = glob.glob(cls.prefix + "/lib/**/fsm.pc", recursive=True)
        cls.lib = os.path.dirname(os.path.dirname(cls.pc))

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.root)

    def pkg_config(self, *options):
        env = dict(os.environ, PKG_CONFIG_PATH=os.path.dirname(self.pc))
        return run("pkg-config", *options, "fsm", env=env).split()

    def built(self, name, compiler, source, libs, *more):
        program = os.path.join(self.root, name)
        flags = self.pkg_config("--cflags")
        run(compiler, *more, "-Wall", "-Werror", *self.flags, *flags, source, "-o", program, *libs,
            cwd=self.root)
        return program

    def approves(self, program, **env):
        data = tempfile.mkdtemp(dir=self.root)
        self.assertRegex(run(program, os.path.join(data, "leave"), env=dict(os.environ, **env)), GRANTED)

    def embed(self):
        """A copy, so that nothing is found beside the source."""
        return shutil.copy(os.path.join(SOURCE, "examples", "embed.c"), self.root)

    def test_a_program_of_ours_runs_an_approval_with_the_shared_library(self):
        program = self.built("shared", self.cc, self.embed(), self.pkg_config("--libs"), "-std=c11")
        needed = run("readelf", "-d", program)
        self.assertRegex(needed, r"NEEDED.*\[libfsm\.so\.\d+\]")
        self.assertNotRegex(needed, r"NEEDED.*\[liblmdb")
        self.approves(program, LD_LIBRARY_PATH=self.lib)

    def test_a_program_of_ours_runs_an_approval_with_the_static_library(self):
        libs = ["-l:libfsm.a" if flag == "-lfsm" else flag for flag in self.pkg_config("--static", "--libs")]
        program = self.built("static", self.cc, self.embed(), libs, "-std=c11")
        self.assertNotRegex(run("readelf", "-d", program), r"NEEDED.*\[libfsm")
        self.approves(program)

    def test_the_example_is_under_60_lines(self):
        with open(self.embed(), encoding="utf-8") as file:
            self.assertLess(len(file.readlines()), 60)

    def test_a_cpp_file_can_include_every_installed_header_and_link(self):
        if shutil.which("g++") is None:
            self.skipTest("no g++ here")
        include = os.path.join(self.prefix, "include", "fsmd")
        headers = sorted(os.path.relpath(h, include) for h in glob.glob(include + "/**/*.h", recursive=True))
        self.assertIn("runtime/fsm_runtime.h", headers)
        source = os.path.join(self.root, "all.cpp")
        with open(source, "w", encoding="utf-8") as file:
            file.writelines(f'#include "{header}"\n' for header in headers)
            file.write("#include <cstdio>\nint main() { std::puts(fsm_version()); return fsm_command_new(FSM_CMD_SEND)"
                       ".expect_rev == -1 ? 0 : 1; }\n")
        program = self.built("cpp", "g++", source, self.pkg_config("--libs"), "-std=c++17")
        said = run(program, env=dict(os.environ, LD_LIBRARY_PATH=self.lib))
        self.assertEqual(said.split(), self.pkg_config("--modversion"))

    def test_the_shared_library_exports_what_the_headers_say_and_nothing_else(self):
        (library,) = (p for p in glob.glob(self.lib + "/libfsm.so.*") if not os.path.islink(p))
        lines = run("nm", "-D", "--defined-only", library).splitlines()
        exported = {line.split()[-1].split("@")[0] for line in lines}
        self.assertEqual([name for name in exported if not re.match(r"fsm_[a-z0-9]", name)], [])
        declared = set()
        for header in glob.glob(self.prefix + "/include/fsmd/**/*.h", recursive=True):
            with open(header, encoding="utf-8") as file:
                text = re.sub(r"/\*.*?\*/", "", file.read(), flags=re.S)
            declared |= set(re.findall(r"^FSM_API\b[^;{]*?\b(fsm_\w+)\(", text, re.M))
        self.assertGreater(len(declared), 100)
        self.assertEqual(sorted(declared - exported), [])
        self.assertEqual(sorted(exported - declared), [])
        self.assertRegex(run("readelf", "-d", library), r"SONAME.*\[libfsm\.so\.\d+\]")


if __name__ == "__main__":
    missing = [tool for tool in ("pkg-config", "readelf", "nm", "cmake") if shutil.which(tool) is None]
    if missing or not glob.glob(os.path.join(BUILD, "lib", "libfsm.so")) or not os.path.exists(os.path.join(BUILD, "fsmd")):
        print("skipped: no " + (missing[0] if missing else "build of the whole project"))
        sys.exit(77)
    unittest.main(verbosity=1)

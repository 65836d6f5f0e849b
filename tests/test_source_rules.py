#!/usr/bin/env python3
"""The rules of this house that a program can check, over every C file of the tree.

Each rule is a function from the files (path -> Source) to findings (path, line, text). Before the tree
is looked at, every rule must find what is wrong in a small bad tree and nothing in a good one, so that
a rule that has gone blind fails here and not in silence.
"""

import fnmatch
import os
import re
import sys
from collections import namedtuple

Finding = namedtuple("Finding", "path line text")

# Which folders a file may include from, by the longest prefix of its own path.
FLOORS = {
    "fsm/": ["fsm/"],
    "schema/": ["fsm/", "schema/"],
    "runtime/": ["fsm/", "schema/", "runtime/"],
    "runtime/daemon/": ["fsm/", "schema/", "runtime/", "runtime/daemon/"],
    "tools/cli/": ["fsm/", "schema/", "runtime/", "tools/cli/"],
    "tools/": ["fsm/", "schema/", "runtime/", "tools/"],
    "examples/": ["fsm/", "schema/", "runtime/", "examples/"],
    "tests/": ["fsm/", "schema/", "runtime/", "runtime/daemon/", "tools/", "tools/cli/", "tests/"],
}

# Headers of third-party libraries and the one file that may include them.
WRAPPERS = [
    (r"jansson(_config)?\.h", "schema/json.c"),
    (r"expat(_external)?\.h", "schema/xml.c"),
    (r"msgpack(\.h|/.*)", "schema/pack.c"),
    (r"lmdb\.h", "runtime/store_lmdb.h"),
    (r"openssl/.*", "runtime/hash_impl.h"),  # of hash.c, public_key.c
    (r"nats(\.h|/.*)", "runtime/bus_impl.h"),  # of bus.c, bus_connect.c, bus_stream.c
    (r"curl/.*", "runtime/web_curl.h"),  # of web_curl.c, web_far.c, web_fault.c
    (r"jwt\.h", "runtime/token.c"),
    (r"microhttpd\.h", "runtime/daemon/http_impl.h"),  # of http*.c
    (r"gnutls/.*", "runtime/daemon/http_tls.c"),
    (r"uv(\.h|/.*)", "runtime/daemon/loop.c"),
    (r"zlib\.h", "runtime/daemon/gzip.c"),
]
# tools/bench measures the libraries themselves, as the limit that ours is compared with.
WRAPPER_EXEMPT = ("tests/", "examples/", "tools/bench")

STANDARD = set(
    "assert complex ctype errno fenv float inttypes iso646 limits locale math setjmp signal stdalign stdarg"
    " stdatomic stdbool stddef stdint stdio stdlib stdnoreturn string tgmath threads time uchar wchar"
    " wctype".split())
SYSTEM = re.compile(
    r"(alloca|dirent|dlfcn|endian|execinfo|fcntl|fnmatch|ftw|getopt|glob|grp|langinfo|netdb|nmmintrin|poll|"
    r"pthread|pwd|regex|sched|semaphore|spawn|strings|syslog|termios|ucontext|unistd|utime|x86intrin|"
    r"immintrin|(arpa|asm|linux|net|netinet|sanitizer|sys)/[a-z0-9_/-]+)\.h")
# fsm/ is pure: no time, no streams beyond snprintf, no files, no network, no threads.
FSM_HEADERS = set("assert ctype errno float inttypes limits math stdalign stdarg stdbool stddef stdint stdio"
                  " stdlib string".split())
FSM_HEADERS_OF = {
    "fsm/code.c": {"unistd.h"},                      # the last words of FSM_ASSERT
    "fsm/arena.c": {"sanitizer/asan_interface.h"},   # memory that was given back is poisoned
    "fsm/expr_number.c": {"locale.h"},               # numbers read the same under every locale
}

BANNED = "gets strcpy strcat sprintf vsprintf strtok atoi system popen alloca setjmp longjmp".split()
BANNED_IN_FSM = (
    "time clock gettimeofday clock_gettime localtime gmtime mktime difftime nanosleep sleep"
    " rand srand random srandom rand_r drand48 getrandom arc4random"
    " printf fprintf vprintf vfprintf dprintf puts fputs putchar fputc putc getchar fgetc getc fgets fread"
    " fwrite fopen fdopen freopen fclose fflush fscanf scanf perror tmpfile remove rename getline"
    " open openat creat read pread mmap socket connect getenv setlocale").split()
STREAMS_IN_FSM = "stdin stdout stderr FILE".split()

FUNCTION_WARN, FUNCTION_FAIL = 70, 120
FILE_WARN, FILE_FAIL = 700, 1200
BAD_NAMES = re.compile(r"(^|_)(utils?|commons?|helpers?|managers?|handlers?|misc)(_|\.|$)")
UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME)\b")


def blank(match):
    """The same number of characters and lines, without content."""
    return re.sub(r"[^\n]", " ", match.group(0))


COMMENT_OR_LITERAL = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n\\]|\\\n|\\.)*", re.M)


class Source:
    """A file, with its text as the rules need it; lines keep their numbers in every form."""

    def __init__(self, text):
        self.text = text
        self.length = text.count("\n") + (0 if text.endswith("\n") or not text else 1)
        self.no_comments = COMMENT_OR_LITERAL.sub(
            lambda m: m.group(0) if m.group(0)[0] in "\"'" else blank(m), text)
        self.code = COMMENT_OR_LITERAL.sub(blank, text)  # directives too, for calls in macros
        self.plain = DIRECTIVE.sub(blank, self.code)     # only what braces can be counted in
        self.includes = [(m.group(1), m.group(2), line_of(text, m.start()))
                         for m in re.finditer(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"\n]+)[>"]',
                                              self.no_comments, re.M)]

    def functions(self):
        """(name, first line, lines) of each function; None when the braces do not balance."""
        depth, start, found, opened = 0, 0, [], None
        for m in re.finditer(r"[{};]", self.plain):
            mark = m.group(0)
            if mark == "{":
                head = self.plain[start:m.start()]
                if depth == 0 and re.fullmatch(r'\s*extern\s*', head):
                    start = m.end()  # extern "C": as if it were not there
                    continue
                if depth == 0:
                    opened = (head, start + len(head) - len(head.lstrip()))
                depth += 1
            elif mark == "}":
                if depth == 0:
                    start = m.end()  # that of extern "C"
                    continue
                depth -= 1
                if depth == 0:
                    name = function_name(opened[0])
                    if name:
                        first = line_of(self.plain, opened[1])
                        found.append((name, first, line_of(self.plain, m.start()) - first + 1))
                    start = m.end()
            elif depth == 0:
                start = m.end()
        return found if depth == 0 else None


def line_of(text, at):
    return text.count("\n", 0, at) + 1


def function_name(head):
    head = re.sub(r"__attribute__\s*\(\(.*?\)\)\s*(?=[A-Za-z_*]|$)", "", head, flags=re.S).strip()
    if not head.endswith(")") or "=" in head or re.match(r"(typedef|struct|enum|union)\b[^()]*$", head):
        return None
    m = re.search(r"([A-Za-z_]\w*)\s*\(", head)
    return m.group(1) if m else None


def longest_prefix(table, path):
    fitting = [prefix for prefix in table if path.startswith(prefix)]
    return max(fitting, key=len) if fitting else None


# ---- rules -----------------------------------------------------------------------------------------


def floors(files):
    """An include stays on its floor or goes down, and is written from the root."""
    for path, source in files.items():
        own = longest_prefix(FLOORS, path)
        if own is None:
            yield Finding(path, 1, "a C file outside of the floors: " + " ".join(FLOORS))
            continue
        for kind, name, line in source.includes:
            ours = longest_prefix(FLOORS, name)
            if kind == "<":
                if ours and name in files:
                    yield Finding(path, line, f"<{name}> is ours: include it with quotes")
            elif own == "tests/" and os.path.join(os.path.dirname(path), name) in files:
                continue  # what only the tests beside it use
            elif name not in files:
                yield Finding(path, line, f'"{name}" is not a file of the tree (write it from the root)')
            elif ours not in FLOORS[own]:
                yield Finding(path, line, f"{own} must not include from {ours}")
            elif name.endswith("_impl.h") and os.path.dirname(name) != os.path.dirname(path) \
                    and own != "tests/":
                yield Finding(path, line, f"{name} is for the files beside it")


def circles(files):
    """No header includes itself, by whatever way."""
    state = {}

    def visit(path, trail):
        state[path] = "open"
        for kind, name, line in files[path].includes:
            if kind == "<" or name not in files:
                continue
            if state.get(name) == "open":
                way = trail[trail.index(name):] if name in trail else [name]
                yield Finding(path, line, "a circle of includes: " + " > ".join(way + [name]))
            elif name not in state:
                yield from visit(name, trail + [name])
        state[path] = "done"

    for path in files:
        if path not in state:
            yield from visit(path, [path])


def wrappers(files):
    """Each third-party library is included in one file; fsm/ includes next to nothing."""
    for path, source in files.items():
        for kind, name, line in source.includes:
            if kind != "<" or path.startswith(WRAPPER_EXEMPT):
                continue
            home = next((home for header, home in WRAPPERS if re.fullmatch(header, name)), None)
            if home is not None:
                if path != home:
                    yield Finding(path, line, f"<{name}> is included in {home} only: use what that offers")
            elif path.startswith("fsm/"):
                if name[:-2] not in FSM_HEADERS and name not in FSM_HEADERS_OF.get(path, ()):
                    yield Finding(path, line, f"fsm/ is pure and must not include <{name}>")
            elif name[:-2] not in STANDARD and not SYSTEM.fullmatch(name):
                yield Finding(path, line, f"<{name}> belongs to no library that the table of wrappers knows")


def banned(files):
    """Calls that have no safe use, or none on the pure floor."""
    everywhere = re.compile(r"(?<![\w.>])(%s)\s*\(" % "|".join(BANNED))
    in_fsm = re.compile(r"(?<![\w.>])(?:(%s)\s*\(|(%s)\b)" % ("|".join(BANNED_IN_FSM),
                                                             "|".join(STREAMS_IN_FSM)))
    for path, source in files.items():
        for m in everywhere.finditer(source.code):
            yield Finding(path, line_of(source.code, m.start()), f"{m.group(1)}() is banned")
        if path.startswith("fsm/"):
            for m in in_fsm.finditer(source.code):
                yield Finding(path, line_of(source.code, m.start()),
                              f"{m.group(1) or m.group(2)} is banned in fsm/, which is pure")


CLOCK_CALLS = re.compile(r"(?<![\w.>])(clock_gettime|gettimeofday|timespec_get|time|clock)\s*\(")
OUR_CLOCKS = re.compile(r"\b(fsm__(?:wall|monotonic|boot)_(?:ns|ms|now))\s*\(")


def clocks(files):
    """A clock is read in runtime/clock.c and nowhere else, and by nothing that changes rows: time comes with the record."""
    for path, source in files.items():
        if path.startswith(("tests/", "tools/bench", "examples/")) or path == "runtime/clock.c":
            continue
        for m in CLOCK_CALLS.finditer(source.code):
            yield Finding(path, line_of(source.code, m.start()),
                          f"{m.group(1)}() is called in runtime/clock.c only: use what that offers")
        for m in OUR_CLOCKS.finditer(source.code) if re.match(r"(fsm|schema)/|runtime/(apply|rows)", path) else ():
            yield Finding(path, line_of(source.code, m.start()), f"{m.group(1)}(): no clock is read here")


def long_functions(files, limit=FUNCTION_FAIL):
    for path, source in files.items():
        functions = source.functions()
        if functions is None:
            yield Finding(path, 1, "the braces do not balance, so functions cannot be measured")
            continue
        for name, line, length in functions:
            if length > limit:
                yield Finding(path, line, f"{name}() has {length} lines; at most {limit}")


def long_files(files, limit=FILE_FAIL):
    for path, source in files.items():
        if source.length > limit:
            yield Finding(path, 1, f"the file has {source.length} lines; at most {limit}")


def dead_code(files):
    for path, source in files.items():
        for m in re.finditer(r"^[ \t]*#[ \t]*if[ \t]+0\b", source.no_comments, re.M):
            yield Finding(path, line_of(source.text, m.start()), "#if 0: take the code out")


def torn_tables(files):
    """Runs of blanks in a comment are columns, and rows of a table are indented: a formatter that wraps a row
    glues it to the next one and leaves the runs in the middle of prose. A shape in quotes may have them."""
    for path, source in files.items():
        for m in COMMENT_OR_LITERAL.finditer(source.text):
            if m.group(0)[0] in "\"'":
                continue
            for i, line in enumerate(m.group(0).split("\n")):
                indent, said = re.match(r"(?:\s*(?:/?\*+|//))?(\s*)(.*)", line).groups()
                said = re.sub(r'"[^"]*"', '""', re.sub(r"\s*\*/$", "", said))
                if len(indent) < 2 and re.search(r"\S {2,}\S", said):
                    yield Finding(path, line_of(source.text, m.start()) + i,
                                  "blanks in the middle of a comment: indent the rows of a table by two or more, "
                                  "and wrap them yourself")


def unfinished(files):
    for path, source in files.items():
        for m in UNFINISHED.finditer(source.text):
            yield Finding(path, line_of(source.text, m.start()), f"{m.group(1)}: do it or write an issue")


def names(files):
    """Names that say nothing draw everything."""
    for path in files:
        m = BAD_NAMES.search(os.path.basename(path))
        if m:
            yield Finding(path, 1, f'"{m.group(2)}" is no name for a file: what is the idea in it?')


def headed(files):
    """A file opens with what it is: its name in a comment."""
    for path, source in files.items():
        if not re.match(r"/\* " + re.escape(os.path.basename(path)) + r"\b", source.text) and \
                not path.startswith("tests/"):
            yield Finding(path, 1, f'the file does not open with "/* {os.path.basename(path)}: …"')


READMES = ("fsm", "schema", "runtime", "runtime/daemon", "tools/cli")


def listed(files, readmes):
    """The README of a folder names every file beside it, by its name or a pattern, and none that is gone."""
    for folder, text in readmes.items():
        path = folder + "/README.md"
        stems = {os.path.basename(file)[:-2] for file in files if os.path.dirname(file) == folder or
                 (folder == "tools/cli" and file.startswith(folder + "/"))}  # it has rooms, and one README
        named = [name for span in re.findall(r"`([^`\n]+)`", text) for name in re.split(r"[ ,]+", span)]
        patterns = {m.group(1) for m in (re.fullmatch(r"([a-z_0-9]+\*?)(\.[ch])?", name) for name in named) if m}
        for stem in sorted(stems):
            if not any(fnmatch.fnmatch(re.sub(r"_impl$", "", stem), pattern) for pattern in patterns):
                yield Finding(path, 1, f"{stem} is not named here")
        for name in named:
            if re.fullmatch(r"[a-z_0-9]+\.[ch]", name) and not any(f.endswith("/" + name) for f in files):
                yield Finding(path, line_of(text, text.index(name)), f"there is no file {name}")


RULES = [floors, circles, wrappers, banned, clocks, long_functions, long_files, dead_code, torn_tables, unfinished, names,
         headed]


# ---- the rules themselves are tested -----------------------------------------------------------------

HEAD = "/* {}: a file for the self-check. */\n"


def tree(**texts):
    """tree(fsm__a_c="…") is {"fsm/a.c": Source}; __ is a slash, the last _ the dot."""
    files = {}
    for key, text in texts.items():
        path = ".".join(key.replace("__", "/").rsplit("_", 1))
        files[path] = Source(HEAD.format(os.path.basename(path)) + text)
    return files


def body(lines):
    return "int f(void) {\n" + "  g();\n" * (lines - 2) + "}\n"


GOOD = tree(
    fsm__a_h='#ifdef __cplusplus\nextern "C" {\n#endif\nint f(int x);\n#ifdef __cplusplus\n}\n#endif\n',
    fsm__a_c='#include "fsm/a.h"\n#include <stdio.h>\n'
             '/* strcpy(a, b) and time(0) in a comment */\nstatic const char *s = "system(1) { #if 0";\n'
             "static int at_time(int x) { return x; }\nint f(int x) { return at_time(x) + p->read(x); }\n",
    schema__json_c='/* A table:\n *   one   the first,\n *         longer\n *   two   the second\n */\n'
                   '/* "label:    value" of a line */\n#include <jansson.h>\n#include "fsm/a.h"\n',
    runtime__b_c='#include <unistd.h>\n#include <sys/stat.h>\n#include "schema/c.h"\n' + body(FUNCTION_FAIL),
    schema__c_h='#include "fsm/a.h"\nenum { A };\nstruct s {\n  int x;\n};\n',
    runtime__daemon__d_c='#include "runtime/e.h"\n',
    runtime__e_h="int e(void);\n",
    tests__test_a_c='#include <cmocka.h>\n#include <setjmp.h>\n#include <lmdb.h>\n#include "runtime/x_impl.h"\n'
                    '#include "beside.h"\n',
    tests__beside_h="long f(void) { return time(0); }\n",
    runtime__clock_c="long f(void) { return time(0); }\nlong g(void) { return fsm__boot_ns(); }\n",
    runtime__writer_c="long f(void) { return fsm__wall_now(o) + fsm__boot_now(o); }\n",
    runtime__x_impl_h="int x(void);\n",
)

BAD = {
    floors: [
        tree(fsm__a_c='#include "schema/b.h"\n', schema__b_h=""),
        tree(schema__a_c='#include "runtime/b.h"\n', runtime__b_h=""),
        tree(runtime__a_c='#include "runtime/daemon/b.h"\n', runtime__daemon__b_h=""),
        tree(examples__a_c='#include "runtime/daemon/b.h"\n', runtime__daemon__b_h=""),
        tree(tools__cli__a_c='#include "tests/b.h"\n', tests__b_h=""),
        tree(fsm__a_c='#include "b.h"\n', fsm__b_h=""),
        tree(fsm__a_c="#  include <fsm/b.h>\n", fsm__b_h=""),
        tree(tools__cli__a_c='#include "runtime/b_impl.h"\n', runtime__b_impl_h=""),
        tree(elsewhere__a_c=""),
    ],
    circles: [tree(fsm__a_h='#include "fsm/b.h"\n', fsm__b_h='#include "fsm/a.h"\n'),
              tree(fsm__a_h='#include "fsm/a.h"\n')],
    wrappers: [tree(runtime__a_c=f"#include <{header}>\n") for header in
               ("jansson.h", "expat.h", "msgpack.h", "lmdb.h", "openssl/evp.h", "nats/nats.h", "curl/curl.h",
                "jwt.h", "microhttpd.h", "gnutls/gnutls.h", "uv.h", "sqlite3.h")] + [
        tree(fsm__a_c=f"#include <{header}>\n") for header in
        ("time.h", "unistd.h", "sys/socket.h", "fcntl.h", "pthread.h", "lmdb.h")],
    banned: [tree(runtime__a_c=f"void f(void) {{\n  x = {name}(y);\n}}\n") for name in BANNED] + [
        tree(runtime__a_c="#define COPY(a, b) strcpy(a, b)\n"),
        tree(fsm__a_c="long f(void) { return time(0); }\n"),
        tree(fsm__a_c="int f(void) { return rand (); }\n"),
        tree(fsm__a_c='void f(void) { fputs("x", stderr); }\n'),
        tree(fsm__a_c="void f(FILE *x);\n")],
    clocks: [tree(runtime__a_c=f"void f(void) {{\n  {call};\n}}\n") for call in
             ("clock_gettime(CLOCK_REALTIME, &t)", "t = time(NULL)", "gettimeofday(&t, NULL)", "timespec_get(&t, 1)")] + [
        tree(tools__cli__a_c="long f(void) { return time(0); }\n"),
        tree(runtime__apply_c="long f(void) { return fsm__wall_ns(); }\n"),
        tree(runtime__rows_key_c="long f(void) { return fsm__boot_now(o); }\n")],
    long_functions: [
        tree(fsm__a_c=body(FUNCTION_FAIL + 1)),
        tree(fsm__a_c="struct s {\n  int x;\n};\nstatic const int t[] = {1};\n" + body(FUNCTION_FAIL + 1)),
        tree(fsm__a_h='extern "C" {\n' + body(FUNCTION_FAIL + 1) + "}\n"),
        tree(fsm__a_c="__attribute__((noinline)) static int\nf(int x,\n  int y)\n{\n"
             + "  if (x) { y = '{'; }\n" * FUNCTION_FAIL + "}\n"),
        tree(fsm__a_c="int f(void) {\n")],
    long_files: [tree(fsm__a_c="int x;\n" * FILE_FAIL)],
    dead_code: [tree(fsm__a_c="#if 0\n#endif\n"), tree(fsm__a_c=" # if 0 /* later */\n#endif\n")],
    torn_tables: [tree(runtime__a_h="/* A table:\n *   one   the first\n * of them two   the second */\n"),
                  tree(runtime__a_c="int x; /* that    there */\n"), tree(tests__a_c="// so  and so\n")],
    unfinished: [tree(fsm__a_c="/* TO" "DO: more */\n"), tree(fsm__a_c="// FIX" "ME\n")],
    names: [tree(fsm__utils_c=""), tree(runtime__string_helpers_c=""), tree(runtime__manager_h="")],
    headed: [{"fsm/a.c": Source("int x;\n")}, {"fsm/a.c": Source("/* b.c: moved */\n")}],
}


def self_check():
    """What is wrong with the rules."""
    wrong = []
    for rule in RULES:
        for found in rule(GOOD):
            wrong.append(f"{rule.__name__} complains about a good tree: {found}")
        if not BAD.get(rule):
            wrong.append(f"{rule.__name__} has no bad tree")
        for bad in BAD.get(rule, ()):
            if not list(rule(bad)):
                wrong.append(f"{rule.__name__} does not see what is wrong in "
                             + "; ".join(f"{p}: {s.text[:160]!r}" for p, s in bad.items()))
    files = tree(runtime__a_c="", runtime__a_impl_h="", runtime__b_two_c="")
    for good in ("`a`, `b*`", "| `a b_two` | |", "`a.c` and `b_two.c`"):
        if list(listed(files, {"runtime": good})):
            wrong.append(f"listed complains about {good}")
    for bad in ("`a.c`, `*`", "`a.c`", "a, `b*`", "`a.c`, `b_two.c`, `c.c`"):
        if not list(listed(files, {"runtime": bad})):
            wrong.append(f"listed does not see what is wrong in {bad}")
    return wrong


# ---- the tree -----------------------------------------------------------------------------------------


def load(root):
    files = {}
    for top in ("fsm", "schema", "runtime", "tools", "examples", "tests"):
        for folder, _, entries in os.walk(os.path.join(root, top)):
            for entry in entries:
                if entry.endswith((".c", ".h")):
                    full = os.path.join(folder, entry)
                    with open(full, encoding="utf-8") as file:
                        files[os.path.relpath(full, root)] = Source(file.read())
    return dict(sorted(files.items()))


def load_readmes(root):
    readmes = {}
    for folder in READMES:
        with open(os.path.join(root, folder, "README.md"), encoding="utf-8") as file:
            readmes[folder] = file.read()
    return readmes


def show(kind, found):
    print(f"{kind}: {found.path}:{found.line}: {found.text}")


def main():
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    root = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("FSM_SOURCE_DIR", here)
    wrong = self_check()
    for text in wrong:
        print("self-check: " + text)
    files = load(root)
    for floor in FLOORS:
        if floor != "tools/" and not any(path.startswith(floor) for path in files):
            wrong.append(floor)
            print(f"self-check: nothing was found in {floor}")
    for rule, limit in ((long_functions, FUNCTION_WARN), (long_files, FILE_WARN)):
        for found in rule(files, limit):
            show("warning", found)
    failures = [found for rule in RULES for found in rule(files)] + list(listed(files, load_readmes(root)))
    for found in failures:
        show("failure", found)
    count = sum(len(source.functions() or ()) for source in files.values())
    print(f"{len(RULES) + 1} rules, {len(files)} files, {count} functions: {len(failures)} failures")
    return 1 if failures or wrong else 0


if __name__ == "__main__":
    sys.exit(main())

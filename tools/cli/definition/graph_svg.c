/* graph_svg.c: DOT to SVG by the program dot of Graphviz, without a shell in between.
 *
 * The text goes in as a file that has no name, so that neither side can wait for the other. What Graphviz may
 * take, in time and in bytes, is bounded: its layout of some hundred states with many arrows has no end.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/clock.h"
#include "tools/cli/cli.h"
#include "tools/cli/definition/graph.h"

enum { CHUNK = 64 * 1024, SHELL_NOT_FOUND = 127, TURN_MS_MAX = 60000 };

/* Of both attempts. */
typedef struct deadline {
  int64_t limit_ns, at_ns;
} deadline;

extern char **environ;

static fsm_code not_installed(fsm_error *err) {
  return fsm_fail(
      err, FSM_ENOTFOUND, "dot",
      "svg is drawn by Graphviz, whose program dot is not here: install graphviz, or take -o mermaid "
      "or -o dot");
}

/* What dot can be told, the second time when it could not do it the first: arrows that its plain
 * layout loses between clusters (a fault of 2.43) are found by another. */
typedef enum attempt { ATTEMPT_PLAIN, ATTEMPT_SAFE, ATTEMPT_COUNT } attempt;

static int wire(posix_spawn_file_actions_t *files, int in, const int out[2], attempt how) {
  int failed = posix_spawn_file_actions_adddup2(files, in, STDIN_FILENO);
  if (failed == 0) failed = posix_spawn_file_actions_adddup2(files, out[1], STDOUT_FILENO);
  if (failed == 0) failed = posix_spawn_file_actions_addclose(files, out[0]);
  if (failed == 0 && how == ATTEMPT_PLAIN)
    failed = posix_spawn_file_actions_addopen(files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  return failed;
}

static fsm_code start(int in, const int out[2], attempt how, pid_t *pid, fsm_error *err) {
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  sigset_t defaults;
  char *argv[] = {(char[]){"dot"}, (char[]){"-Tsvg"},
                  how == ATTEMPT_PLAIN ? NULL : (char[]){"-Gnewrank=true"}, (char[]){"-Gsplines=line"}, NULL};
  if (posix_spawn_file_actions_init(&files) != 0) return fsm_fail(err, FSM_ENOMEM, "dot", "no memory");
  if (posix_spawnattr_init(&attributes) != 0) {
    posix_spawn_file_actions_destroy(&files);
    return fsm_fail(err, FSM_ENOMEM, "dot", "no memory");
  }
  sigemptyset(&defaults);
  sigaddset(&defaults, SIGPIPE); /* which this program ignores */
  int failed = wire(&files, in, out, how);
  if (failed == 0) failed = posix_spawnattr_setsigdefault(&attributes, &defaults);
  if (failed == 0) failed = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
  if (failed == 0) failed = posix_spawnp(pid, argv[0], &files, &attributes, argv, environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  if (failed == ENOENT) return not_installed(err);
  return failed == 0 ? FSM_OK : fsm_fail(err, FSM_EIO, "dot", "cannot be started: %s", strerror(failed));
}

static fsm_code too_long(int64_t limit_ns, fsm_error *err) {
  char limit[32];
  fsm_duration_format(limit_ns, limit, sizeof limit);
  return fsm_fail(err, FSM_ETIMEOUT, "dot",
                  "Graphviz has not drawn it in %s, as it may not of hundreds of states: take mermaid or dot "
                  "(which another layout draws: sfdp -Tsvg), or wait longer with --timeout",
                  limit);
}

/* Is there something to read before the time is over? */
static fsm_code await(int fd, const deadline *end, fsm_error *err) {
  for (;;) {
    const int64_t left_ms = (end->at_ns - fsm__monotonic_ns() + 999999) / 1000000;
    struct pollfd one = {.fd = fd, .events = POLLIN};
    if (left_ms <= 0) return too_long(end->limit_ns, err);
    const int ready = poll(&one, 1, left_ms < TURN_MS_MAX ? (int)left_ms : TURN_MS_MAX);
    if (ready > 0) return FSM_OK;
    if (ready < 0 && errno != EINTR)
      return fsm_fail(err, FSM_EIO, "dot", "its drawing cannot be waited for: %s", strerror(errno));
  }
}

static fsm_code read_all(int fd, const deadline *end, fsm_buf *out, fsm_error *err) {
  for (;;) {
    fsm_code code = await(fd, end, err);
    if (code != FSM_OK) return code;
    if (out->len > CLI_SVG_BYTES_MAX)
      return fsm_fail(err, FSM_ETOOLARGE, "dot", "the drawing has more than %d MiB: take mermaid or dot",
                      CLI_SVG_BYTES_MAX >> 20);
    if (!fsm_buf_reserve(out, CHUNK)) return fsm_fail(err, FSM_ENOMEM, "dot", "no memory for the drawing");
    ssize_t got = read(fd, out->data + out->len, CHUNK);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fsm_fail(err, FSM_EIO, "dot", "its drawing cannot be read: %s", strerror(errno));
    if (got == 0) return FSM_OK;
    out->len += (size_t)got;
  }
}

static fsm_code finish(pid_t pid, fsm_error *err) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0)
    if (errno != EINTR) return fsm_fail(err, FSM_EIO, "dot", "is lost: %s", strerror(errno));
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return FSM_OK;
  if (WIFEXITED(status) && WEXITSTATUS(status) == SHELL_NOT_FOUND) return not_installed(err);
  return fsm_fail(err, FSM_EIO, "dot", "Graphviz could not draw it (%s %d); its input: -o dot",
                  WIFEXITED(status) ? "exit" : "signal",
                  WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
}

static fsm_code draw(FILE *in, attempt how, const deadline *end, fsm_buf *out, fsm_error *err) {
  int ends[2];
  pid_t pid = 0;
  fsm_buf_reset(out);
  if (fseek(in, 0, SEEK_SET) != 0 || pipe(ends) != 0)
    return fsm_fail(err, FSM_EIO, "dot", "no way to it: %s", strerror(errno));
  fsm_code code = start(fileno(in), ends, how, &pid, err);
  close(ends[1]);
  if (code == FSM_OK) {
    code = read_all(ends[0], end, out, err);
    close(ends[0]);
    if (code != FSM_OK) kill(pid, SIGKILL);
    fsm_code ended = finish(pid, code == FSM_OK ? err : NULL);
    return code == FSM_OK ? ended : code;
  }
  close(ends[0]);
  return code;
}

static fsm_code draw_text(fsm_buf *dot, const deadline *end, fsm_buf *out, fsm_error *err) {
  FILE *in = tmpfile();
  if (in == NULL) return fsm_fail(err, FSM_EIO, "dot", "no temporary file: %s", strerror(errno));
  fsm_code code = FSM_OK;
  if (fwrite(fsm_buf_text(dot), 1, dot->len, in) != dot->len || fflush(in) != 0)
    code = fsm_fail(err, FSM_EIO, "dot", "the temporary file cannot be written: %s", strerror(errno));
  if (code == FSM_OK) {
    code = FSM_EIO;
    for (attempt how = ATTEMPT_PLAIN; code == FSM_EIO && how < ATTEMPT_COUNT; how++)
      code = draw(in, how, end, out, err);
  }
  fclose(in);
  return code;
}

fsm_code cli_graph_svg(cli_run *cli, const cli_graph *graph, fsm_error *err) {
  fsm_buf dot = {0};
  const char *timeout = cli_setting(cli, "timeout");
  deadline end = {.limit_ns = CLI_SVG_NS};
  fsm_code code = timeout == NULL ? FSM_OK : fsm_duration_parse(timeout, &end.limit_ns, err);
  if (code != FSM_OK) return code;
  end.at_ns = fsm__monotonic_ns() + end.limit_ns;
  cli_graph_dot(graph, &dot);
  code = fsm_buf_ok(&dot) ? draw_text(&dot, &end, &cli->text, err)
                          : fsm_fail(err, FSM_ENOMEM, "", "no memory for the drawing");
  fsm_buf_free(&dot);
  return code;
}

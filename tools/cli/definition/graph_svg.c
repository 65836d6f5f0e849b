/* graph_svg.c: DOT to SVG by the program dot of Graphviz, without a shell in between.
 *
 * The text goes in as a file that has no name, so that neither side can wait for the other.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/cli/definition/graph.h"

enum { CHUNK = 64 * 1024, SHELL_NOT_FOUND = 127 };

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

static fsm_code read_all(int fd, fsm_buf *out, fsm_error *err) {
  for (;;) {
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

static fsm_code draw(FILE *in, attempt how, fsm_buf *out, fsm_error *err) {
  int ends[2];
  pid_t pid = 0;
  fsm_buf_reset(out);
  if (fseek(in, 0, SEEK_SET) != 0 || pipe(ends) != 0)
    return fsm_fail(err, FSM_EIO, "dot", "no way to it: %s", strerror(errno));
  fsm_code code = start(fileno(in), ends, how, &pid, err);
  close(ends[1]);
  if (code == FSM_OK) {
    code = read_all(ends[0], out, err);
    close(ends[0]);
    fsm_code end = finish(pid, code == FSM_OK ? err : NULL);
    return code == FSM_OK ? end : code;
  }
  close(ends[0]);
  return code;
}

fsm_code cli_graph_svg(const char *dot, size_t len, fsm_buf *out, fsm_error *err) {
  FSM_ASSERT(dot != NULL && out != NULL);
  FILE *in = tmpfile();
  if (in == NULL) return fsm_fail(err, FSM_EIO, "dot", "no temporary file: %s", strerror(errno));
  fsm_code code = FSM_OK;
  if (fwrite(dot, 1, len, in) != len || fflush(in) != 0)
    code = fsm_fail(err, FSM_EIO, "dot", "the temporary file cannot be written: %s", strerror(errno));
  if (code == FSM_OK) {
    code = FSM_EIO;
    for (attempt how = ATTEMPT_PLAIN; code == FSM_EIO && how < ATTEMPT_COUNT; how++)
      code = draw(in, how, out, err);
  }
  fclose(in);
  return code;
}

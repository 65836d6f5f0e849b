/* outlet.c: stdout and the pager before it. */
#include "tools/cli/show/outlet.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/cli/cli.h"

/* ---- the pager -------------------------------------------------------------------------------------- */

/* Is the first word a program that there is? What it says itself when it is not would take the answer's
 * place. */
static bool exists(const char *command) {
  const char *path = getenv("PATH");
  const size_t len = strcspn(command, " \t");
  char file[4096];
  if (memchr(command, '/', len) != NULL || strpbrk(command, "\"'$`\\") != NULL)
    return true; /* the shell says */
  for (path = path == NULL ? "" : path; *path != 0;) {
    const size_t dir = strcspn(path, ":");
    const int whole = snprintf(file, sizeof file, "%.*s/%.*s", (int)dir, path, (int)len, command);
    if (dir > 0 && whole > 0 && (size_t)whole < sizeof file && access(file, X_OK) == 0) return true;
    path += dir + (path[dir] == ':');
  }
  return false;
}

/* NULL: none is wanted, or there is none. */
static const char *pager(void) {
  const char *command = getenv("FSM_PAGER");
  if (command == NULL) command = getenv("PAGER");
  if (command == NULL) command = "less";
  return *command == 0 || strcmp(command, "cat") == 0 || !exists(command) ? NULL : command;
}

void cli_page(cli_run *cli) {
  const char *term = getenv("TERM");
  const bool dumb = term == NULL || strcmp(term, "dumb") == 0;
  if (cli->outlet.kind != CLI_OUTLET_PLAIN || !cli->screen.tty || dumb) return;
  if (isatty(STDIN_FILENO) != 1 || cli_setting_on(cli, "no-pager") || pager() == NULL) return;
  cli->outlet.kind = CLI_OUTLET_WAITS;
}

__attribute__((noreturn)) static void become(int from, const char *command) {
  (void)dup2(from, STDIN_FILENO);
  (void)signal(SIGPIPE, SIG_DFL);
  (void)setenv("LESS", "FRX", 0);
  (void)execl("/bin/sh", "sh", "-c", command, (char *)NULL);
  _exit(127);
}

/* Ctrl-C is the pager's now: it knows what to do with it. */
static bool start(cli_outlet *outlet) {
  int ends[2];
  const char *command = pager();
  if (command == NULL || pipe2(ends, O_CLOEXEC) != 0) return false;
  outlet->pid = fork();
  if (outlet->pid == 0) become(ends[0], command);
  close(ends[0]);
  if (outlet->pid < 0) {
    close(ends[1]);
    return false;
  }
  (void)signal(SIGINT, SIG_IGN);
  (void)signal(SIGQUIT, SIG_IGN);
  outlet->fd = ends[1];
  return true;
}

/* ---- writing ---------------------------------------------------------------------------------------- */

static fsm_code put(cli_run *cli, int fd, const char *text, size_t len, fsm_error *err) {
  while (len > 0) {
    const ssize_t done = write(fd, text, len);
    if (done < 0 && errno == EINTR) continue;
    cli->hung_up = done < 0 && errno == EPIPE;
    if (cli->hung_up) return fsm_fail(err, FSM_EIO, "", "%s", "");
    if (done < 0) return fsm_fail(err, FSM_EIO, "stdout", "cannot be written: %s", strerror(errno));
    text += done;
    len -= (size_t)done;
  }
  return FSM_OK;
}

static fsm_code put_held(cli_run *cli, int fd, fsm_error *err) {
  fsm_buf *held = &cli->outlet.held;
  if (!fsm_buf_ok(held)) return fsm_fail(err, FSM_ENOMEM, "", "no memory for what is to be printed");
  fsm_code code = put(cli, fd, held->data, held->len, err);
  fsm_buf_reset(held);
  return code;
}

static bool fits(const fsm_buf *held, unsigned rows) {
  unsigned lines = 0;
  for (size_t i = 0; i < held->len; i++) lines += held->data[i] == '\n';
  return lines < rows;
}

static fsm_code hold(cli_run *cli, fsm_error *err) {
  cli_outlet *outlet = &cli->outlet;
  fsm_buf_add(&outlet->held, cli->text.data, cli->text.len);
  if (outlet->kind == CLI_OUTLET_FRAME || fits(&outlet->held, cli->screen.rows)) return FSM_OK;
  outlet->kind = start(outlet) ? CLI_OUTLET_PAGER : CLI_OUTLET_PLAIN;
  return put_held(cli, outlet->kind == CLI_OUTLET_PAGER ? outlet->fd : STDOUT_FILENO, err);
}

fsm_code cli_outlet_write(cli_run *cli, fsm_error *err) {
  fsm_buf *text = &cli->text;
  fsm_code code = FSM_OK;
  if (!fsm_buf_ok(text)) return fsm_fail(err, FSM_ENOMEM, "", "no memory for what is to be printed");
  switch (cli->outlet.kind) {
    case CLI_OUTLET_PLAIN: code = put(cli, STDOUT_FILENO, text->data, text->len, err); break;
    case CLI_OUTLET_PAGER: code = put(cli, cli->outlet.fd, text->data, text->len, err); break;
    case CLI_OUTLET_WAITS:
    case CLI_OUTLET_FRAME: code = hold(cli, err); break;
  }
  fsm_buf_reset(text);
  return code;
}

fsm_code cli_outlet_end(cli_run *cli, fsm_error *err) {
  cli_outlet *outlet = &cli->outlet;
  const cli_outlet_kind kind = outlet->kind;
  fsm_code code = FSM_OK;
  outlet->kind = CLI_OUTLET_PLAIN;
  if (kind == CLI_OUTLET_WAITS) code = put_held(cli, STDOUT_FILENO, err);
  if (kind == CLI_OUTLET_PAGER) {
    close(outlet->fd);
    while (waitpid(outlet->pid, NULL, 0) < 0 && errno == EINTR) continue;
    (void)signal(SIGINT, SIG_DFL);
    (void)signal(SIGQUIT, SIG_DFL);
    cli->left = cli->hung_up; /* whoever leaves a pager has read enough */
  }
  fsm_buf_free(&outlet->held);
  return code;
}

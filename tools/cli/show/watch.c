/* watch.c: -w: the same command again and again.
 *
 * A frame is the command's whole answer, drawn with one write over the one before, line by line, so that
 * nothing flickers and no state of the terminal outlives it: any signal may end the program. What does not
 * fit is said. A fault of the first frame ends it; later ones are shown and the next frame connects anew.
 * Of stopped files nothing stays open between frames, so that a daemon can start. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "runtime/clock.h"
#include "tools/cli/cli.h"

#define EVERY_DEFAULT_NS (INT64_C(2) * 1000000000)
#define EVERY_MIN_NS (INT64_C(100) * 1000000)
#define NS_PER_S INT64_C(1000000000)

/* ---- drawing ---------------------------------------------------------------------------------------- */

static void on_resize(int signal) { (void)signal; } /* ends the sleep */

static void add_title(const cli_run *cli, int64_t every_ns, fsm_buf *out) {
  char every[64], now[32] = "";
  const time_t seconds = (time_t)(fsm__wall_ns() / NS_PER_S);
  struct tm tm;
  if (gmtime_r(&seconds, &tm) != NULL) (void)strftime(now, sizeof now, "%Y-%m-%d %H:%M:%SZ", &tm);
  fsm_duration_format(every_ns, every, sizeof every);
  fsm_buf_printf(out, "%s  every %s: fsm-cli", now, every);
  for (char *const *word = cli->argv + 1; *word != NULL; word++) {
    fsm_buf_char(out, ' ');
    cli_escape(out, *word, strlen(*word));
  }
  fsm_buf_char(out, '\n');
}

/* So many lines of text, each to the end of its row. */
static unsigned add_lines(fsm_buf *out, const char *text, unsigned room) {
  unsigned lines = 0;
  for (; *text != 0; lines++) {
    const size_t len = strcspn(text, "\n");
    if (lines < room) {
      fsm_buf_add(out, text, len);
      fsm_buf_str(out, "\x1b[K\n");
    }
    text += len + (text[len] == '\n');
  }
  return lines;
}

static fsm_code draw(cli_run *cli, int64_t every_ns, bool first, fsm_error *err) {
  fsm_buf frame = {0}, title = {0};
  const unsigned rows = cli->screen.rows > 4 ? cli->screen.rows : 4,
                 room = rows - 3; /* title, footer, cursor */
  fsm_buf_str(&frame, first ? "\x1b[H\x1b[2J\x1b[?7l" : "\x1b[H\x1b[?7l");
  add_title(cli, every_ns, &title);
  (void)add_lines(&frame, fsm_buf_text(&title), 1);
  const unsigned lines = add_lines(&frame, fsm_buf_text(&cli->outlet.held), room);
  if (lines > room) fsm_buf_printf(&frame, "… %u more lines · ", lines - room);
  (void)add_lines(&frame, fsm_buf_text(&cli->footer), 1);
  fsm_buf_str(&frame, "\x1b[J\x1b[?7h");
  fsm_buf_reset(&cli->footer);
  fsm_buf_reset(&cli->outlet.held);
  cli->outlet.kind = CLI_OUTLET_PLAIN;
  fsm_buf_reset(&cli->text);
  fsm_buf_add(&cli->text, frame.data, frame.len);
  if (!fsm_buf_ok(&frame) || !fsm_buf_ok(&title)) cli->text.failed = true;
  fsm_buf_free(&frame);
  fsm_buf_free(&title);
  return cli_flush(cli, err);
}

/* Where nobody looks, frames follow each other. */
static fsm_code append(cli_run *cli, bool first, fsm_error *err) {
  fsm_buf held = cli->outlet.held;
  cli->outlet = (cli_outlet){0};
  if (!first && (cli->format == CLI_TABLE || cli->format == CLI_WIDE || cli->format == CLI_TREE))
    fsm_buf_char(&cli->text, '\n');
  fsm_buf_add(&cli->text, held.data, held.len);
  fsm_code code =
      fsm_buf_ok(&held) ? cli_flush(cli, err) : fsm_fail(err, FSM_ENOMEM, "", "no memory for the answer");
  fsm_buf_free(&held);
  if (code == FSM_OK) cli_footer_print(cli);
  return code;
}

/* ---- frames ----------------------------------------------------------------------------------------- */

/* A fault with a sentence is part of the frame, on a terminal. */
static void add_fault(cli_run *cli, const fsm_error *fault) {
  if (fault->text[0] == 0 || cli->hung_up) return;
  if (!cli->screen.tty) {
    cli_fault(cli, fault);
    return;
  }
  fsm_buf_reset(&cli->text);
  cli_fault_add(cli, fault, &cli->outlet.held);
}

/* Each frame has its own memory; `fault` is told before that is gone. */
static fsm_code frame(cli_run *cli, bool first, fsm_error *fault) {
  const fsm_arena kept = cli->arena;
  fsm_arena_init(&cli->arena, 0);
  cli->ref = cli->cut = NULL;
  cli->screen = cli_screen_of(STDOUT_FILENO, cli_setting_on(cli, "no-color"));
  cli->outlet.kind = CLI_OUTLET_FRAME;
  cli->began_ns = fsm__monotonic_ns();
  fsm_code code = cli->command->run(cli, fault);
  if (code != FSM_OK && first && fault->text[0] != 0)
    cli_fault(cli, fault);
  else if (code != FSM_OK)
    add_fault(cli, fault);
  if (code != FSM_OK || cli->source.runtime != NULL) cli_source_close(&cli->source);
  fsm_arena_free(&cli->arena);
  cli->arena = kept;
  cli->ref = cli->cut = NULL;
  return code;
}

static void rest(int64_t ns) {
  struct timespec left = fsm__timespec_of(ns);
  (void)nanosleep(&left, NULL);
}

fsm_code cli_watch(cli_run *cli, const char *every, fsm_error *err) {
  int64_t every_ns = EVERY_DEFAULT_NS;
  if (!cli->command->reads)
    return fsm_fail(err, FSM_EARGUMENT, "watch",
                    "-w goes with commands that only look; this one does something");
  fsm_code code = *every == 0 ? FSM_OK : fsm_duration_parse(every, &every_ns, err);
  if (code == FSM_OK && every_ns < EVERY_MIN_NS)
    code = fsm_fail(err, FSM_EARGUMENT, "watch", "-w takes 100ms or longer, such as -w 5s");
  struct sigaction resize = {.sa_handler = on_resize};
  (void)sigaction(SIGWINCH, &resize, NULL);
  for (bool first = true; code == FSM_OK; first = false) {
    fsm_error fault = {0};
    const fsm_code got = frame(cli, first, &fault);
    if (cli->hung_up) return got;
    if (got != FSM_OK && first && fault.text[0] != 0) return got; /* it has been told */
    code = cli->screen.tty ? draw(cli, every_ns, first, err) : append(cli, first, err);
    if (code == FSM_OK) rest(every_ns);
  }
  return code;
}

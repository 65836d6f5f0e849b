/* cmd_top.c: fsm-cli top: the daemon on a whole screen, live.
 *
 * The terminal is put back on every way out: signals are not caught but read (signalfd), between requests
 * that take two seconds at most, so that there is one loop and one end. Stopped by Ctrl-Z it gives the screen
 * back, too. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "runtime/clock.h"
#include "tools/cli/cli.h"
#include "tools/cli/find/top.h"

#define EVERY_DEFAULT_NS (INT64_C(2) * 1000000000)
#define EVERY_MIN_NS (INT64_C(200) * 1000000)
#define PATIENCE_NS (INT64_C(2) * 1000000000)

typedef struct top {
  cli_run *cli;
  top_sample samples[2]; /* the newer one is samples[newer] */
  unsigned newer;
  top_view view;
  char fault[FSM_TEXT_MAX + FSM_WHERE_MAX];
  int64_t every_ns;
  struct termios before;
  int signals; /* a file descriptor */
  int ended_by;
  bool over;
} top;

/* ---- samples ---------------------------------------------------------------------------------------- */

static fsm_code sample(top *t, fsm_error *err) {
  cli_run *cli = t->cli;
  top_sample next = {.known = true};
  fsm_arena_init(&next.arena, 0);
  cli->hasty_ns = PATIENCE_NS;
  fsm_code code = cli_connect(cli, true, err); /* files do not move */
  if (code == FSM_OK) code = cli_metrics_get(&cli->source, &next.arena, &next.metrics, err);
  next.at_ns = fsm__monotonic_ns();
  if (code != FSM_OK) {
    fsm_arena_free(&next.arena);
    cli_source_close(&cli->source);
    return code;
  }
  t->newer ^= 1;
  fsm_arena_free(&t->samples[t->newer].arena);
  t->samples[t->newer] = next;
  return FSM_OK;
}

/* One that fails is told on the screen, and tried again. */
static void refresh(top *t) {
  fsm_error err = {0};
  fsm_buf text = {0};
  t->view.fault = NULL;
  if (sample(t, &err) == FSM_OK) return;
  cli_escape(&text, err.text, strlen(err.text));
  const size_t len = text.len < sizeof t->fault ? text.len : sizeof t->fault - 1;
  memcpy(t->fault, fsm_buf_text(&text), len);
  t->fault[len] = 0;
  t->view.fault = t->fault;
  fsm_buf_free(&text);
}

/* ---- the screen ------------------------------------------------------------------------------------- */

static fsm_code put(cli_run *cli, const char *text, fsm_error *err) {
  fsm_buf_str(&cli->text, text);
  return cli_flush(cli, err);
}

static fsm_code enter(top *t, fsm_error *err) {
  struct termios raw = t->before;
  raw.c_lflag &= (tcflag_t) ~(ICANON | ECHO);
  raw.c_cc[VMIN] = 0;
  raw.c_cc[VTIME] = 0;
  if (tcsetattr(STDIN_FILENO, TCSANOW, &raw) != 0)
    return fsm_fail(err, FSM_EIO, "the terminal", "cannot be set: %s", strerror(errno));
  return put(t->cli, "\x1b[?1049h\x1b[?25l\x1b[H\x1b[2J", err);
}

static void leave(top *t) {
  (void)tcsetattr(STDIN_FILENO, TCSANOW, &t->before);
  const fsm_code gone = put(t->cli, "\x1b[?25h\x1b[?1049l", NULL);
  (void)gone; /* a terminal that has gone needs nothing */
}

/* Over what was there, with one write. */
static fsm_code draw(top *t, fsm_error *err) {
  cli_run *cli = t->cli;
  fsm_buf frame = {0};
  cli->screen = cli_screen_of(STDOUT_FILENO, cli_setting_on(cli, "no-color"));
  top_frame(&t->samples[t->newer], &t->samples[t->newer ^ 1], &t->view, &cli->screen, &frame);
  fsm_buf_str(&cli->text, "\x1b[H\x1b[?7l");
  for (const char *at = fsm_buf_text(&frame); *at != 0;) {
    const size_t len = strcspn(at, "\n");
    fsm_buf_add(&cli->text, at, len);
    fsm_buf_str(&cli->text, at[len] == '\n' ? "\x1b[K\r\n" : "\x1b[K");
    at += len + (at[len] == '\n');
  }
  fsm_buf_str(&cli->text, "\x1b[J\x1b[?7h");
  if (!fsm_buf_ok(&frame)) cli->text.failed = true;
  fsm_buf_free(&frame);
  return cli_flush(cli, err);
}

/* ---- keys and signals ------------------------------------------------------------------------------- */

static void on_key(top *t, char key) {
  top_view *view = &t->view;
  switch (key) {
    case 'q': t->over = true; break;
    case 'p': view->paused = !view->paused; break;
    case 's': view->sort = (top_sort)((view->sort + 1) % TOP_SORT_COUNT); break;
    case 'j': view->first++; break;
    case 'k': view->first -= view->first > 0; break;
    default: break;
  }
}

/* An arrow is three bytes, the last of them A or B. */
static void read_keys(top *t) {
  char keys[64];
  const ssize_t got = read(STDIN_FILENO, keys, sizeof keys);
  if (got == 0) t->over = true;
  for (ssize_t i = 0; i < got; i++) {
    const bool arrow = keys[i] == 0x1b && i + 2 < got && keys[i + 1] == '[';
    if (arrow) on_key(t, keys[i + 2] == 'A' ? 'k' : keys[i + 2] == 'B' ? 'j' : 0);
    if (arrow)
      i += 2;
    else
      on_key(t, keys[i]);
  }
}

static fsm_code read_signals(top *t, fsm_error *err) {
  struct signalfd_siginfo info;
  while (read(t->signals, &info, sizeof info) == (ssize_t)sizeof info) {
    if (info.ssi_signo == SIGWINCH) continue; /* the next frame asks how large it is */
    if (info.ssi_signo != SIGTSTP) {
      t->ended_by = (int)info.ssi_signo;
      t->over = true;
      continue;
    }
    leave(t);
    (void)raise(SIGSTOP);
    const fsm_code code = enter(t, err);
    if (code != FSM_OK) return code;
  }
  return FSM_OK;
}

static fsm_code loop(top *t, fsm_error *err) {
  fsm_code code = FSM_OK;
  int64_t due = 0;
  while (code == FSM_OK && !t->over) {
    if (fsm__monotonic_ns() >= due) {
      if (!t->view.paused) refresh(t);
      due = fsm__monotonic_ns() + t->every_ns;
    }
    code = draw(t, err);
    struct pollfd watched[] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = t->signals, .events = POLLIN}};
    const int64_t left = due - fsm__monotonic_ns();
    if (poll(watched, 2, left <= 0 ? 0 : (int)(left / 1000000) + 1) <= 0) continue;
    if ((watched[0].revents & POLLIN) != 0) read_keys(t);
    if ((watched[0].revents & (POLLHUP | POLLERR)) != 0) t->over = true;
    if (code == FSM_OK && watched[1].revents != 0) code = read_signals(t, err);
  }
  return code;
}

static fsm_code live(top *t, fsm_error *err) {
  sigset_t set, kept;
  (void)sigemptyset(&set);
  static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) (void)sigaddset(&set, numbers[i]);
  if (tcgetattr(STDIN_FILENO, &t->before) != 0)
    return fsm_fail(err, FSM_EIO, "the terminal", "cannot be asked: %s", strerror(errno));
  t->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  if (t->signals < 0) return fsm_fail(err, FSM_EIO, "signals", "cannot be read: %s", strerror(errno));
  (void)sigprocmask(SIG_BLOCK, &set, &kept);
  fsm_code code = enter(t, err);
  if (code == FSM_OK) code = loop(t, err);
  leave(t);
  (void)sigprocmask(SIG_SETMASK, &kept, NULL);
  close(t->signals);
  if (t->ended_by != 0) (void)raise(t->ended_by);
  return code;
}

static fsm_code once(top *t, fsm_error *err) {
  cli_screen screen = t->cli->screen;
  screen.rows = 0;
  top_frame(&t->samples[t->newer], &t->samples[t->newer ^ 1], &t->view, &screen, &t->cli->text);
  return cli_flush(t->cli, err);
}

static fsm_code run(cli_run *cli, fsm_error *err) {
  top t = {.cli = cli, .every_ns = EVERY_DEFAULT_NS};
  const char *every = cli_args_get(&cli->args, "every");
  const bool only_once = cli_args_has(&cli->args, "once");
  if (!only_once && (!cli->screen.tty || isatty(STDIN_FILENO) != 1))
    return fsm_fail(err, FSM_EARGUMENT, "",
                    "top needs a terminal; elsewhere: fsm-cli top --once, or fsm-cli stats -w");
  fsm_code code = every == NULL ? FSM_OK : fsm_duration_parse(every, &t.every_ns, err);
  if (code == FSM_OK && t.every_ns < EVERY_MIN_NS)
    code = fsm_fail(err, FSM_EARGUMENT, "every", "--every takes 200ms or longer");
  if (code == FSM_OK) code = sample(&t, err); /* what is wrong at first is wrong with the command line */
  if (code == FSM_OK && only_once && every != NULL) {
    const struct timespec rest = fsm__timespec_of(t.every_ns);
    (void)nanosleep(&rest, NULL);
    code = sample(&t, err);
  }
  if (code == FSM_OK) code = only_once ? once(&t, err) : live(&t, err);
  for (size_t i = 0; i < 2; i++) fsm_arena_free(&t.samples[i].arena);
  return code;
}

static const cli_option options[] = {
    {"every", 0, "DUR", "a new frame every so often; 2s", false},
    {"once", 0, NULL, "one frame, also without a terminal; rates with --every", false},
    {NULL, 0, NULL, NULL, false}};

static const char *const examples[] = {"top", "top --every 500ms", "top --once --every 1s", NULL};

extern const cli_command cli_top;
const cli_command cli_top = {
    .group = "",
    .heading = CLI_FIND,
    .name = "top",
    .words = "",
    .summary = "live: rates, what is late, sinks, where instances are",
    .more =
        "q ends it, p pauses, s sorts by count, age or name, j and k or arrows scroll. CHANGE is\n"
        "since the frame before; OLDEST is more than what is shown. A daemon that does not\n"
        "answer is asked again.",
    .options = options,
    .examples = examples,
    .formats = CLI_HAS(CLI_TABLE),
    .run = run};

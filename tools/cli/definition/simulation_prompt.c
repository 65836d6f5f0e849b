/* simulation_prompt.c: what is typed: EVENT [JSON], or one of a few commands in small letters.
 *
 * On a terminal a mistake is said and forgiven; elsewhere it ends the run, as in a script. A line that is a
 * JSON object is a line of a script.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/cli/definition/simulation.h"
#include "tools/cli/nearest.h"

static const char help_text[] =
    "  EVENT [JSON]      send an event, with data\n"
    "  send EVENT [JSON] the same, for an event that is named like a command\n"
    "  @SESSION EVENT    send it to a child; sessions are named by: state\n"
    "  +5m, advance DUR  let time pass; timers fire, each at its time\n"
    "  jump DUR          the same at once, as after a downtime\n"
    "  next              let time pass until the next timer has fired\n"
    "  done TASK [JSON]  answer a task, with its output\n"
    "  fail TASK [JSON]  let it fail, with its error\n"
    "  actor JSON        who acts from now on; null = nobody\n"
    "  state, enabled    where it is, what it waits for, what may be sent and why not\n"
    "  context           its data\n"
    "  back              undo the last of the above that did something\n"
    "  save FILE         write what was done as a script for -f\n"
    "  help, quit\n";

typedef enum word {
  WORD_SEND,
  WORD_ADVANCE,
  WORD_JUMP,
  WORD_NEXT,
  WORD_DONE,
  WORD_FAIL,
  WORD_ACTOR,
  WORD_STATE,
  WORD_ENABLED,
  WORD_CONTEXT,
  WORD_BACK,
  WORD_SAVE,
  WORD_HELP,
  WORD_QUIT,
  WORD_COUNT
} word;
static const char *const words[WORD_COUNT] = {"send",  "advance", "jump",    "next", "done", "fail", "actor",
                                              "state", "enabled", "context", "back", "save", "help", "quit"};

typedef struct prompt {
  cli_simulation *sim;
  bool terminal, quit;
  unsigned line;
  fsm_code last;
} prompt;

/* ---- words of a line ------------------------------------------------------------------------------ */

/* Cuts the first word off *rest. */
static char *take_word(char **rest) {
  char *start = *rest + strspn(*rest, " \t");
  char *end = start + strcspn(start, " \t");
  *rest = end + strspn(end, " \t");
  *end = 0;
  return start;
}

static int word_of(const char *text) {
  for (int i = 0; i < WORD_COUNT; i++)
    if (strcmp(words[i], text) == 0) return i;
  return -1;
}

static fsm_code read_data(cli_simulation *sim, const char *text, fsm_value *out, fsm_error *err) {
  *out = fsm_null();
  if (*text == 0) return FSM_OK;
  fsm_error fault = {0};
  fsm_code code = fsm_json_parse(&sim->kept, text, strlen(text), FSM_JSON_SORTED, out, &fault);
  if (code == FSM_OK) return FSM_OK;
  const char *column = strchr(fault.where, ':');
  return fsm_fail(err, code, "", "\"%.40s\" is no JSON, at its column %s: %s", text,
                  column == NULL ? "?" : column + 1, fault.text);
}

static fsm_code need(const char *value, const char *usage, fsm_error *err) {
  return *value != 0 ? FSM_OK : fsm_fail(err, FSM_EARGUMENT, "", "say %s; see: help", usage);
}

/* ---- lines that do something ---------------------------------------------------------------------- */

static fsm_code named_entry(cli_simulation *sim, cli_entry_kind kind, char *rest, const char *usage,
                            cli_entry *out, fsm_error *err) {
  char *name = take_word(&rest);
  fsm_code code = need(name, usage, err);
  if (code != FSM_OK) return code;
  out->kind = kind;
  out->name = fsm_arena_strdup(&sim->kept, name);
  if (out->name == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory");
  return read_data(sim, rest, &out->data, err);
}

static fsm_code next_entry(const cli_simulation *sim, cli_entry *out, fsm_error *err) {
  int64_t due;
  if (!fsm_sessions_next_due(sim->sessions, &due)) return fsm_fail(err, FSM_EARGUMENT, "", "no timer is set");
  out->kind = CLI_ENTRY_AFTER;
  out->ns = due - fsm_sessions_now(sim->sessions);
  return FSM_OK;
}

static fsm_code wait_entry(cli_entry_kind kind, const char *text, cli_entry *out, fsm_error *err) {
  out->kind = kind;
  fsm_code code = need(text, "how long: 90s, 5m, 2d", err);
  return code == FSM_OK ? cli_entry_duration(text, &out->ns, err) : code;
}

static fsm_code actor_entry(cli_simulation *sim, const char *text, cli_entry *out, fsm_error *err) {
  out->kind = CLI_ENTRY_ACTOR;
  fsm_code code = need(text, "who: actor {\"sub\":\"anna\"}, or actor null", err);
  if (code == FSM_OK) code = read_data(sim, text, &out->data, err);
  if (code != FSM_OK || fsm_is(&out->data, FSM_MAP) || fsm_is(&out->data, FSM_NULL)) return code;
  return fsm_fail(err, FSM_EARGUMENT, "", "an actor is an object or null");
}

/* The rest of the line behind the word. */
static fsm_code entry_of(cli_simulation *sim, int what, char *rest, cli_entry *out, fsm_error *err) {
  switch (what) {
    case WORD_SEND: return named_entry(sim, CLI_ENTRY_EVENT, rest, "which event: send EVENT", out, err);
    case WORD_DONE: return named_entry(sim, CLI_ENTRY_DONE, rest, "which task: done TASK", out, err);
    case WORD_FAIL: return named_entry(sim, CLI_ENTRY_FAIL, rest, "which task: fail TASK", out, err);
    case WORD_ADVANCE: return wait_entry(CLI_ENTRY_AFTER, rest, out, err);
    case WORD_JUMP: return wait_entry(CLI_ENTRY_JUMP, rest, out, err);
    case WORD_ACTOR: return actor_entry(sim, rest, out, err);
    default: return next_entry(sim, out, err);
  }
}

/* The step and the status show most of it: here is what they cannot. */
static void tell_refusal(prompt *p, const cli_entry *entry, const fsm_error *refusal) {
  if (entry->outcome == FSM_OK || p->sim->cli->json) return;
  fsm_buf *out = &p->sim->cli->text, line = {0};
  const char *near = entry->outcome == FSM_EEVENT && entry->name != NULL
                         ? cli_simulation_near(p->sim, entry->name, &p->sim->kept)
                         : NULL;
  if (near != NULL) fsm_buf_printf(&line, "  did you mean %s?", near);
  if (entry->outcome == FSM_EDATA) fsm_buf_printf(&line, "  %s", refusal->text);
  if (line.len > 0) {
    cli_wrap(out, cli_safe(&p->sim->kept, fsm_buf_text(&line)), p->sim->cli->screen.columns, 2);
    fsm_buf_char(out, '\n');
  }
  fsm_buf_free(&line);
}

static fsm_code expect(prompt *p, const cli_entry *entry, fsm_error *err) {
  fsm_code code = cli_simulation_expect(p->sim, &entry->data, p->last, err);
  if (code == FSM_OK && !p->sim->cli->json) fsm_buf_str(&p->sim->cli->text, "  as expected\n\n");
  return code;
}

static fsm_code perform(prompt *p, cli_entry *entry, fsm_error *err) {
  fsm_error refusal = {0};
  if (entry->kind == CLI_ENTRY_EXPECT) return expect(p, entry, err);
  fsm_code code = cli_simulation_do(p->sim, entry, &refusal, err);
  if (code != FSM_OK) return code;
  p->last = entry->outcome;
  tell_refusal(p, entry, &refusal);
  cli_simulation_show_after(p->sim, entry);
  return code;
}

/* ---- lines that look ------------------------------------------------------------------------------ */

static void show_context(const cli_simulation *sim) {
  fsm_buf raw = {0};
  fsm_json_write_pretty(&raw, &fsm_session_snapshot(sim->session)->context);
  cli_escape_json(&sim->cli->text, fsm_buf_text(&raw), raw.len);
  fsm_buf_char(&sim->cli->text, '\n');
  fsm_buf_free(&raw);
}

static fsm_code back(prompt *p, fsm_error *err) {
  fsm_code code = cli_simulation_back(p->sim, err);
  if (code == FSM_OK) cli_simulation_show(p->sim);
  return code;
}

static fsm_code save(const prompt *p, const char *path, fsm_error *err) {
  fsm_code code = need(path, "where: save FILE", err);
  if (code == FSM_OK) code = cli_simulation_save(p->sim, path, err);
  if (code == FSM_OK && !p->sim->cli->json)
    fsm_buf_printf(&p->sim->cli->text, "  saved; run it: fsm-cli def simulate %s -f %s\n",
                   cli_safe(&p->sim->kept, p->sim->file.path), cli_safe(&p->sim->kept, path));
  return code;
}

static fsm_code look(prompt *p, int what, const char *rest, fsm_error *err) {
  switch (what) {
    case WORD_CONTEXT: show_context(p->sim); return FSM_OK;
    case WORD_BACK: return back(p, err);
    case WORD_SAVE: return save(p, rest, err);
    case WORD_HELP: fsm_buf_str(&p->sim->cli->text, help_text); return FSM_OK;
    case WORD_QUIT: p->quit = true; return FSM_OK;
    default: cli_simulation_show(p->sim); return FSM_OK;
  }
}

/* ---- a line --------------------------------------------------------------------------------------- */

/* A command that is misspelt is not sent as an event, unless the machine knows one of that name or an event
 * is as near. */
static fsm_code check_misspelt(const prompt *p, const char *name, fsm_error *err) {
  const char *near = cli_nearest(name, words, WORD_COUNT);
  if (near == NULL || fsm_machine_knows_event(p->sim->file.machine, name)) return FSM_OK;
  if (cli_simulation_near(p->sim, name, &p->sim->kept) != NULL) return FSM_OK;
  return fsm_fail(err, FSM_EARGUMENT, "", "there is no command %s; did you mean %s?", name, near);
}

static fsm_code run_line(prompt *p, char *line, fsm_error *err) {
  cli_entry entry = {.data = fsm_null()};
  line += strspn(line, " \t");
  fsm_code code;
  if (*line == '{') {
    code = cli_entry_read(&p->sim->kept, line, strlen(line), &entry, err);
    return code == FSM_OK ? perform(p, &entry, err) : code;
  }
  if (*line == '+') {
    code = wait_entry(CLI_ENTRY_AFTER, line + 1 + strspn(line + 1, " \t"), &entry, err);
    return code == FSM_OK ? perform(p, &entry, err) : code;
  }
  if (*line == '@') {
    entry.session = fsm_arena_strdup(&p->sim->kept, take_word(&line) + 1);
    code = entry_of(p->sim, WORD_SEND, line, &entry, err);
    return code == FSM_OK ? perform(p, &entry, err) : code;
  }
  char *rest = line, *first = take_word(&rest);
  int what = word_of(first);
  if (what > WORD_ACTOR) return look(p, what, rest, err);
  if (what >= 0) {
    code = entry_of(p->sim, what, rest, &entry, err);
    return code == FSM_OK ? perform(p, &entry, err) : code;
  }
  code = check_misspelt(p, first, err);
  if (code == FSM_OK && *rest != 0 && strchr("{[\"", *rest) == NULL &&
      !fsm_machine_knows_event(p->sim->file.machine, first))
    return fsm_fail(err, FSM_EARGUMENT, "", "%s is neither a command nor an event of the machine; see: help",
                    first);
  if (code == FSM_OK) code = read_data(p->sim, rest, &entry.data, err);
  entry.name = fsm_arena_strdup(&p->sim->kept, first);
  return code == FSM_OK ? perform(p, &entry, err) : code;
}

/* ---- all lines ------------------------------------------------------------------------------------ */

static fsm_code read_line(prompt *p, char **line, size_t *room, bool *end, fsm_error *err) {
  if (p->terminal) {
    fsm_buf_str(&p->sim->cli->text, "fsm> ");
    fsm_code code = cli_flush(p->sim->cli, err);
    if (code != FSM_OK) return code;
  }
  ssize_t got = getline(line, room, stdin);
  *end = got < 0;
  p->line++;
  if (got < 0) {
    if (p->terminal) fsm_buf_char(&p->sim->cli->text, '\n');
    return FSM_OK;
  }
  if (got > CLI_ENTRY_BYTES_MAX || strlen(*line) != (size_t)got)
    return fsm_fail(err, FSM_EARGUMENT, "", "a line is text of at most %d bytes", CLI_ENTRY_BYTES_MAX);
  while (got > 0 && strchr(" \t\r\n", (*line)[got - 1]) != NULL) (*line)[--got] = 0;
  return FSM_OK;
}

static void echo(const prompt *p, const char *line) {
  if (p->terminal || p->sim->cli->json) return;
  fsm_buf_str(&p->sim->cli->text, "> ");
  cli_escape(&p->sim->cli->text, line, strlen(line));
  fsm_buf_char(&p->sim->cli->text, '\n');
}

/* Says it and goes on, or names the line. */
static fsm_code forgive(prompt *p, fsm_code code, const fsm_error *fault, fsm_error *err) {
  fsm_code flushed = cli_flush(p->sim->cli, err);
  if (flushed != FSM_OK) return flushed;
  if (!p->terminal || code == FSM_ENOMEM) {
    fsm_buf where = {0};
    fsm_buf_printf(&where, "stdin:%u%s%s", p->line, fault->where[0] == 0 ? "" : ": ", fault->where);
    code = fsm_fail(err, code, fsm_buf_text(&where), "%s", fault->text);
    fsm_buf_free(&where);
    return code;
  }
  fsm_error whole = {.code = FSM_OK}; /* without code and usage */
  (void)fsm_fail(&whole, FSM_EARGUMENT, "", "%s%s%s", fault->where, fault->where[0] == 0 ? "" : ": ",
                 fault->text);
  cli_wrap(&p->sim->cli->text, cli_safe(&p->sim->kept, whole.text), p->sim->cli->screen.columns, 2);
  fsm_buf_char(&p->sim->cli->text, '\n');
  return cli_flush(p->sim->cli, err);
}

fsm_code cli_simulation_prompt(cli_simulation *sim, fsm_error *err) {
  FSM_ASSERT(sim != NULL);
  prompt p = {.sim = sim, .terminal = isatty(STDIN_FILENO) == 1 && sim->cli->screen.tty};
  char *line = NULL;
  size_t room = 0;
  bool end = false;
  fsm_code code = FSM_OK;
  if (p.terminal) fsm_buf_str(&sim->cli->text, "type an event, or: help, quit\n");
  while (code == FSM_OK && !p.quit && !end) {
    fsm_error fault = {0};
    fsm_code one = read_line(&p, &line, &room, &end, &fault);
    if (one == FSM_OK && !end && *line != 0) {
      echo(&p, line);
      one = run_line(&p, line, &fault);
    }
    code = one == FSM_OK ? cli_flush(sim->cli, err) : forgive(&p, one, &fault, err);
  }
  free(line);
  return code;
}

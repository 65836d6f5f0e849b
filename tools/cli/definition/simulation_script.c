/* simulation_script.c: a script, line by line; the first line that goes wrong ends it.
 *
 * An event that is refused is wrong, too, unless the next line expects just that: a script whose events
 * fall on deaf ears must not pass for one that works.
 */
#include <string.h>

#include "tools/cli/definition/simulation.h"

/* ---- lines ---------------------------------------------------------------------------------------- */

typedef struct script {
  cli_simulation *sim;
  const char *path;
  unsigned line;
  fsm_code last;     /* what came of the entry before */
  fsm_error refusal; /* its sentence, while nobody has expected it */
  unsigned refused;  /* its line; 0 = none is open */
} script;

/* "events.jsonl:5", or with the column that a JSON fault names. */
static fsm_code fault_at(const script *s, unsigned line, fsm_code code, const fsm_error *fault,
                         fsm_error *err) {
  fsm_error copy = *fault;
  const char *column = strncmp(copy.where, "1:", 2) == 0 ? copy.where + 1 : "";
  fsm_buf where = {0};
  fsm_buf_printf(&where, "%s:%u%s", s->path, line, column);
  bool known = *column != 0 || copy.where[0] == 0 || strstr(copy.text, copy.where) != NULL;
  code = fsm_fail(err, code, fsm_buf_text(&where), "%s%s%s", known ? "" : copy.where, known ? "" : ": ",
                  copy.text);
  fsm_buf_free(&where);
  return code;
}

static void echo(const script *s, const char *line, size_t len) {
  if (s->sim->cli->json) return;
  fsm_buf safe = {0};
  while (len > 0 && strchr(" \t\r", line[len - 1]) != NULL) len--;
  cli_escape(&safe, line, len);
  fsm_buf_str(&s->sim->cli->text, "> ");
  if (s->sim->cli->screen.columns > 2)
    cli_clip(&s->sim->cli->text, fsm_buf_text(&safe), s->sim->cli->screen.columns - 2);
  else
    fsm_buf_str(&s->sim->cli->text, fsm_buf_text(&safe));
  fsm_buf_char(&s->sim->cli->text, '\n');
  fsm_buf_free(&safe);
}

static void tell_expectation(const script *s, const fsm_error *fault) {
  fsm_pair pairs[4] = {{fsm_string("kind"), fsm_string("expect")},
                       {fsm_string("line"), fsm_uint(s->line)},
                       {fsm_string("ok"), fsm_bool(fault == NULL)}};
  fsm_value document;
  size_t count = 3;
  if (fault != NULL) pairs[count++] = (fsm_pair){fsm_string("text"), fsm_string(fault->text)};
  if (fsm_map(pairs, count, &document, NULL) == FSM_OK) cli_simulation_json(s->sim, &document);
  if (!s->sim->cli->json && fault == NULL) fsm_buf_str(&s->sim->cli->text, "  as expected\n\n");
}

static fsm_code expect(script *s, const cli_entry *entry, fsm_error *err) {
  fsm_error fault = {0};
  fsm_code code = cli_simulation_expect(s->sim, &entry->data, s->last, &fault);
  if (code != FSM_OK && code != FSM_EEXPECT) return fault_at(s, s->line, code, &fault, err);
  tell_expectation(s, code == FSM_OK ? NULL : &fault);
  if (fsm_map_get(&entry->data, "refused") != NULL) s->refused = 0;
  return code == FSM_OK ? FSM_OK : fault_at(s, s->line, code, &fault, err);
}

static fsm_code still_refused(const script *s, fsm_error *err) {
  return s->refused == 0 ? FSM_OK : fault_at(s, s->refused, s->refusal.code, &s->refusal, err);
}

static fsm_code run_line(script *s, const char *line, size_t len, fsm_error *err) {
  cli_entry entry = {0};
  fsm_error fault = {0};
  fsm_code code = len > CLI_ENTRY_BYTES_MAX
                      ? fsm_fail(&fault, FSM_ETOOLARGE, "", "a line is over %d bytes", CLI_ENTRY_BYTES_MAX)
                      : cli_entry_read(&s->sim->kept, line, len, &entry, &fault);
  if (code == FSM_EMALFORMED && *line != '{')
    code = fsm_fail(&fault, code, "", "a line is a JSON object, like {\"event\":\"APPROVE\"}");
  if (code != FSM_OK) return fault_at(s, s->line, code, &fault, err);
  bool expects = entry.kind == CLI_ENTRY_EXPECT;
  if (!expects || fsm_map_get(&entry.data, "refused") == NULL) code = still_refused(s, err);
  if (code != FSM_OK) return code;
  echo(s, line, len);
  if (expects) return expect(s, &entry, err);
  s->refusal = (fsm_error){0};
  code = cli_simulation_do(s->sim, &entry, &s->refusal, &fault);
  if (code != FSM_OK) return fault_at(s, s->line, code, &fault, err);
  s->last = entry.outcome;
  s->refused = entry.outcome == FSM_OK ? 0 : s->line;
  cli_simulation_show_after(s->sim, &entry);
  return cli_flush(s->sim->cli, err);
}

fsm_code cli_simulation_script(cli_simulation *sim, const char *path, fsm_buf *text, fsm_error *err) {
  FSM_ASSERT(sim != NULL && path != NULL);
  script s = {.sim = sim, .path = strcmp(path, "-") == 0 ? "stdin" : path};
  fsm_code code = FSM_OK;
  for (size_t at = 0; code == FSM_OK && at < text->len;) {
    const char *end = memchr(text->data + at, '\n', text->len - at);
    size_t len = end == NULL ? text->len - at : (size_t)(end - text->data) - at;
    s.line++;
    if (strspn(fsm_buf_text(text) + at, " \t\r") < len) code = run_line(&s, text->data + at, len, err);
    at += len + 1;
  }
  if (code == FSM_OK) code = still_refused(&s, err);
  return code;
}

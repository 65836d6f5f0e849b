/* output.c: single documents in each form, csv, the line below a table. */
#include "tools/cli/show/output.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "runtime/clock.h"
#include "schema/safe_text.h"
#include "tools/cli/cli.h"

/* ---- formats ---------------------------------------------------------------------------------------- */

static const char *const format_names[CLI_FORMAT_COUNT] = {
#define X(symbol, name) name,
    CLI_FORMAT_ROWS(X)
#undef X
};

cli_format cli_format_of(const char *name) {
  unsigned format = 0;
  while (format < CLI_FORMAT_COUNT && strcmp(format_names[format], name) != 0) format++;
  return (cli_format)format;
}

const char *cli_formats_text(fsm_arena *arena, unsigned formats) {
  fsm_buf out = {0};
  for (unsigned format = 0; format < CLI_FORMAT_COUNT; format++) {
    const unsigned rest = formats >> format;
    if ((rest & 1) == 0) continue;
    fsm_buf_printf(&out, "%s%s", out.len == 0 ? "" : rest == 1 ? " or " : ", ", format_names[format]);
  }
  const char *text = fsm_arena_strdup(arena, fsm_buf_text(&out));
  fsm_buf_free(&out);
  return text == NULL ? "" : text;
}

/* ---- csv -------------------------------------------------------------------------------------------- */

/* On a terminal nothing is raw. */
static bool is_raw(const cli_run *cli) { return cli->raw && !cli->screen.tty; }

void cli_csv_text(cli_run *cli, const char *text) {
  fsm__csv_cell(&cli->text, text, strlen(text), is_raw(cli));
}

static void add_plain(fsm_buf *out, const fsm_value *value) {
  if (fsm_is(value, FSM_STRING))
    fsm_buf_add(out, value->s, value->len);
  else if (!fsm_is(value, FSM_NULL))
    fsm_json_write(out, value);
}

void cli_csv_value(cli_run *cli, const fsm_value *value) {
  fsm_buf plain = {0};
  const bool list = fsm_is(value, FSM_LIST);
  for (uint32_t i = 0; list && i < value->len; i++) {
    if (i > 0) fsm_buf_str(&plain, ", ");
    add_plain(&plain, &value->items[i]);
  }
  if (!list) add_plain(&plain, value);
  fsm__csv_cell(&cli->text, fsm_buf_text(&plain), plain.len, is_raw(cli));
  if (!fsm_buf_ok(&plain)) cli->text.failed = true;
  fsm_buf_free(&plain);
}

const fsm_value *cli_member_at(const fsm_value *document, const char *path) {
  const fsm_value *value = document;
  for (const char *dot = path; value != NULL && dot != NULL; path = dot + 1) {
    if (!fsm_is(value, FSM_MAP)) return NULL;
    dot = strchr(path, '.');
    value = fsm_map_getn(value, path, dot == NULL ? strlen(path) : (size_t)(dot - path));
    if (dot == NULL) break;
  }
  return value;
}

/* A row of names and one of values. */
static void add_members(cli_run *cli, const fsm_value *document) {
  fsm_buf *out = &cli->text;
  for (uint32_t i = 0; i < document->len; i++) {
    if (i > 0) fsm_buf_char(out, ',');
    cli_csv_value(cli, &document->pairs[i].key);
  }
  fsm_buf_char(out, '\n');
  for (uint32_t i = 0; i < document->len; i++) {
    if (i > 0) fsm_buf_char(out, ',');
    cli_csv_value(cli, &document->pairs[i].value);
  }
  fsm_buf_char(out, '\n');
}

/* ---- one document ------------------------------------------------------------------------------------ */

fsm_code cli_show(cli_run *cli, const fsm_value *document,
                  void (*print)(cli_run *cli, const fsm_value *document), fsm_error *err) {
  const fsm_value *id = cli_member_at(document, "id");
  if (id == NULL) id = cli_member_at(document, "instance"); /* an answer to a command */
  cli_page(cli);
  switch (cli->format) {
    case CLI_JSON:
    case CLI_JSONL: return cli_print_json(cli, document, err);
    case CLI_ID:
      if (id == NULL)
        return fsm_fail(err, FSM_EARGUMENT, "output", "-o id: the answer has no id; see -o json");
      fsm_buf_printf(&cli->text, "%s\n", cli_text(&cli->arena, id));
      break;
    case CLI_CSV:
      if (fsm_is(document, FSM_MAP)) add_members(cli, document);
      break;
    default: print(cli, document);
  }
  return cli_flush(cli, err);
}

/* ---- the line below a table ------------------------------------------------------------------------- */

static void add_count(fsm_buf *out, int64_t count, const char *noun) {
  if (count == 1 && strcmp(noun, "people") == 0) noun = "person";
  const size_t len = strlen(noun);
  const bool one = count == 1 && len > 1 && noun[len - 1] == 's';
  const bool ies = one && len > 3 && strcmp(noun + len - 3, "ies") == 0;
  fsm_buf_printf(out, "%lld %.*s%s", (long long)count,
                 (int)(len - (ies   ? 3
                              : one ? 1
                                    : 0)),
                 noun, ies ? "y" : "");
}

static int64_t elapsed_ms(const cli_run *cli) { return (fsm__monotonic_ns() - cli->began_ns) / 1000000; }

void cli_footer(cli_run *cli, int64_t count, const char *noun, const fsm_value *document, const char *more) {
  int64_t seq;
  if (cli->quiet || (cli->format != CLI_TABLE && cli->format != CLI_WIDE)) return;
  fsm_buf *line = &cli->footer;
  add_count(line, count, noun == NULL ? "items" : noun);
  fsm_buf_printf(line, " · %lld ms", (long long)elapsed_ms(cli));
  if (document != NULL && cli_number(fsm_map_get(document, "seq"), &seq))
    fsm_buf_printf(line, " · as of seq %lld", (long long)seq);
  if (more != NULL) fsm_buf_printf(line, " · there are more: %s", more);
  fsm_buf_char(line, '\n');
}

void cli_footer_note(cli_run *cli, const char *note) {
  fsm_buf *line = &cli->footer;
  if (line->len == 0 || line->failed) return;
  line->len--; /* its end */
  fsm_buf_printf(line, " · %s\n", note);
}

void cli_footer_print(cli_run *cli) {
  fputs(fsm_buf_text(&cli->footer), stderr);
  fsm_buf_reset(&cli->footer);
}

/* ---- progress ---------------------------------------------------------------------------------------- */

enum { PATIENCE_MS = 500 };

static bool waits(const cli_run *cli) { return elapsed_ms(cli) >= PATIENCE_MS; }

void cli_progress(cli_run *cli, int64_t count, const char *noun, const fsm_value *document) {
  const fsm_value *reached = fsm_map_get(document, "reached");
  const bool ours = cli->outlet.kind == CLI_OUTLET_PLAIN || cli->outlet.kind == CLI_OUTLET_WAITS;
  if (cli->quiet || !ours || !waits(cli) || isatty(STDERR_FILENO) != 1) return;
  fprintf(stderr, "\r%lld %s so far", (long long)count, noun == NULL ? "items" : noun);
  if (reached != NULL && fsm_is(reached, FSM_STRING))
    fprintf(stderr, ", back to %s", cli_safe(&cli->arena, reached->s));
  fputs(" …\x1b[K", stderr);
  fflush(stderr);
  cli->progress = true;
}

void cli_progress_end(cli_run *cli) {
  if (!cli->progress) return;
  fputs("\r\x1b[K", stderr);
  fflush(stderr);
  cli->progress = false;
}

/* crowd.c: see crowd.h. */
#include "tools/cli/act/crowd.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/cli/show/table.h"

enum { EXIT_PARTLY = 6, ROWS_AT_ONCE = 100, BAR_WIDTH = 30 };

/* From left to right; a fault has its sentence, a success where it is now. */
static const cli_column columns[] = {
    {.title = "INSTANCE", .min = 16, .keep_both = true, .cut_last = true},
    {.title = "RESULT"},
    {.title = "STATE", .min = 14, .shrink = 2, .keep_end = true, .if_any = true},
    {.title = "REV", .right = true, .if_any = true, .may_go = true},
    {.title = "SEQ", .right = true, .if_any = true, .may_go = true},
    {.title = "WHY", .min = 20, .shrink = 3, .if_any = true}};
enum { COLUMN_COUNT = sizeof columns / sizeof columns[0] };

typedef struct show {
  cli_run *cli;
  const cli_who *who;
  cli_table table;
  fsm_arena arena; /* of the table's rows */
  size_t told;
  bool bar, barred; /* barred: there is one on the screen */
  fsm_code code;    /* of printing */
  fsm_error *err;
} show;

/* ---- progress --------------------------------------------------------------------------------------- */

static void wipe(show *s) {
  if (s->barred) fputs("\r\033[K", stderr);
  s->barred = false;
}

static void draw(show *s, size_t done) {
  const size_t all = s->who->count;
  if (!s->bar) return;
  char line[BAR_WIDTH + 1];
  const size_t full = all > 0 ? done * BAR_WIDTH / all : 0;
  for (size_t i = 0; i < BAR_WIDTH; i++) line[i] = i < full ? '#' : '.';
  line[BAR_WIDTH] = 0;
  fprintf(stderr, "\r\033[K[%s] %zu of %zu", line, done, all);
  fflush(stderr);
  s->barred = true;
}

/* ---- rows ------------------------------------------------------------------------------------------- */

static bool is_ok(const fsm_value *document) {
  const fsm_value *ok = fsm_map_get(document, "ok");
  return ok != NULL && fsm_is(ok, FSM_BOOL) && ok->b;
}

static const char *result_of(fsm_arena *arena, const fsm_value *document) {
  const fsm_value *answer = fsm_map_get(document, "answer"), *records;
  if (answer == NULL) return cli_field(arena, fsm_map_get(document, "problem"), "code");
  const fsm_value *replayed = fsm_map_get(answer, "replayed");
  if (replayed != NULL && fsm_is(replayed, FSM_BOOL) && replayed->b) return "done before";
  if ((records = fsm_map_get(answer, "records")) == NULL || !fsm_is(records, FSM_LIST)) return "done";
  return fsm_arena_printf(arena, "would write %u", (unsigned)records->len);
}

static void cells_of(fsm_arena *arena, const fsm_value *document, const char *cells[COLUMN_COUNT]) {
  const fsm_value *answer = fsm_map_get(document, "answer"), *problem = fsm_map_get(document, "problem");
  cells[0] = cli_field(arena, document, "instance");
  cells[1] = result_of(arena, document);
  cells[2] = answer == NULL ? "" : cli_change(arena, fsm_map_get(answer, "from"), fsm_map_get(answer, "to"));
  cells[3] = answer == NULL ? "" : cli_field(arena, answer, "rev");
  cells[4] = answer == NULL ? "" : cli_field(arena, answer, "seq");
  cells[5] = problem == NULL ? "" : cli_field(arena, problem, "detail");
}

static void print_csv(show *s, const char *const cells[COLUMN_COUNT]) {
  fsm_buf *out = &s->cli->text;
  if (s->told == 0) fsm_buf_str(out, "instance,result,state,rev,seq,why\n");
  for (size_t c = 0; c < COLUMN_COUNT; c++) {
    if (c > 0) fsm_buf_char(out, ',');
    cli_csv_text(s->cli, cells[c]);
  }
  fsm_buf_char(out, '\n');
}

static void print_json(show *s, const fsm_value *document) {
  fsm_buf raw = {0};
  if (s->cli->format == CLI_JSON) fsm_buf_str(&raw, s->told == 0 ? "{\"items\":[" : ",");
  fsm_json_write(&raw, document);
  if (s->cli->format == CLI_JSONL) fsm_buf_char(&raw, '\n');
  cli_escape_json(&s->cli->text, fsm_buf_text(&raw), raw.len);
  fsm_buf_free(&raw);
}

static fsm_code flush_table(show *s) {
  fsm_code code = FSM_OK;
  if (s->table.rows > 0) {
    code = cli_table_print(&s->table, &s->cli->screen, &s->cli->text, s->err);
    cli_table_clear(&s->table);
    fsm_arena_reset(&s->arena);
  }
  return code;
}

static fsm_code print_item(show *s, const fsm_value *document) {
  const char *cells[COLUMN_COUNT];
  cells_of(&s->arena, document, cells);
  switch (s->cli->format) {
    case CLI_JSON:
    case CLI_JSONL: print_json(s, document); break;
    case CLI_CSV: print_csv(s, cells); break;
    case CLI_ID:
      if (is_ok(document)) fsm_buf_printf(&s->cli->text, "%s\n", cells[0]);
      break;
    default:
      cli_table_row(&s->table, cells);
      if (s->table.rows >= ROWS_AT_ONCE) return flush_table(s);
      return FSM_OK; /* their arena is the rows' */
  }
  fsm_arena_reset(&s->arena);
  return FSM_OK;
}

static bool told(void *arg, size_t done, const fsm_value *document) {
  show *s = arg;
  if (document == NULL) {
    draw(s, done);
    return s->code == FSM_OK;
  }
  if (s->code == FSM_OK) s->code = print_item(s, document);
  s->told++;
  if (s->cli->text.len > 0 && s->code == FSM_OK) {
    wipe(s);
    s->code = cli_flush(s->cli, s->err);
  }
  return s->code == FSM_OK;
}

/* ---- the end ---------------------------------------------------------------------------------------- */

static fsm_code print_end(show *s, const cli_bulk_end *end) {
  fsm_code code = flush_table(s);
  if (code == FSM_OK && s->cli->format == CLI_JSON)
    fsm_buf_printf(&s->cli->text, "%s],\"done\":%zu,\"failed\":%zu,\"left\":%zu}\n",
                   s->told == 0 ? "{\"items\":[" : "", end->done, end->failed, s->who->count - end->begun);
  wipe(s);
  return code == FSM_OK ? cli_flush(s->cli, s->err) : code;
}

static void say_end(const show *s, const cli_deed *deed, const cli_bulk_end *end) {
  const size_t left = s->who->count - end->begun;
  if (s->cli->quiet && left == 0 && end->failed == 0) return;
  fprintf(stderr, "fsm-cli: %s%zu of %zu %s", end->stopped ? "stopped: " : "", end->done, s->who->count,
          deed->dry_run ? "would go" : "done");
  if (end->failed > 0) fprintf(stderr, ", %zu refused or failed", end->failed);
  if (left > 0) fprintf(stderr, ", %zu not begun", left);
  if (left > 0 && deed->idem != NULL) fprintf(stderr, "; to go on: the same with --idem %s", deed->idem);
  fputc('\n', stderr);
}

/* All went: OK. Nothing went: the first fault speaks for them. Some: exit 6. */
static fsm_code verdict(cli_run *cli, const cli_who *who, const cli_bulk_end *end, fsm_error *err) {
  if (end->done == who->count) return FSM_OK;
  if (end->done > 0 || end->stopped) {
    cli->exit = EXIT_PARTLY;
    return FSM_OK;
  }
  return fsm_fail(err, end->first.code, end->first.where, "%s", end->first.text);
}

fsm_code cli_crowd_run(cli_run *cli, const cli_deed *deed, const cli_who *who, fsm_error *err) {
  show s = {.cli = cli, .who = who, .bar = !cli->quiet && isatty(STDERR_FILENO) != 0, .err = err};
  cli_bulk bulk = {.deed = deed, .who = who, .told = told, .arg = &s};
  cli_bulk_end end;
  fsm_code code = cli_args_number(&cli->args, "rate", 1, CLI_RATE_MAX, 0, &bulk.rate, err);
  if (code != FSM_OK) return code;
  fsm_arena_init(&s.arena, 0);
  cli_table_begin(&s.table, &s.arena, columns, COLUMN_COUNT);
  code = cli_bulk_run(cli, &bulk, &end, err);
  if (code == FSM_OK) code = s.code;
  if (code == FSM_OK) code = print_end(&s, &end);
  fsm_arena_free(&s.arena);
  if (code != FSM_OK) return code;
  say_end(&s, deed, &end);
  return verdict(cli, who, &end, err);
}

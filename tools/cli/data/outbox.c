/* outbox.c: sinks as the daemon shows them, or as their files do; orders to them. */
#include "tools/cli/data/outbox.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/cursors.h"
#include "runtime/parked.h"
#include "tools/cli/data/database.h"

static const char *path_of(cli_run *cli, const char *sink, const char *tail) {
  fsm_buf path = {0};
  fsm_buf_str(&path, "/v1/sinks/");
  fsm_web_escape(&path, sink, strlen(sink));
  fsm_buf_str(&path, tail);
  const char *text = fsm_arena_strdup(&cli->arena, fsm_buf_text(&path));
  fsm_buf_free(&path);
  return text != NULL ? text : "";
}

static uint64_t last_seq(cli_run *cli) {
  fsm_value document;
  fsm_query query = {.kind = FSM_QUERY_HEALTH};
  if (cli_source_query(&cli->source, &query, &cli->arena, &document, NULL) != FSM_OK) return 0;
  const fsm_value *seq = fsm_map_get(&document, "seq");
  return seq == NULL ? 0 : fsm_is(seq, FSM_INT) ? (uint64_t)seq->i : fsm_is(seq, FSM_UINT) ? seq->u : 0;
}

/* How far one came; a file of it that is damaged is told in its row, and the others are shown. */
static fsm_code row_of(cli_run *cli, const char *dir, const char *sink, uint64_t last, fsm_value *out,
                       fsm_error *err) {
  enum { MEMBERS = 6 };
  fsm__cursor cursor;
  fsm__parked *list = NULL;
  size_t parked = 0, n = 0;
  bool there = false;
  fsm_error fault = {.text = ""};
  fsm_pair *pairs = fsm_arena_alloc(&cli->arena, MEMBERS * sizeof *pairs);
  if (pairs == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for the sinks");
  fsm_code code = fsm__cursor_load(dir, sink, &cursor, &there, &fault);
  if (code == FSM_OK) code = fsm__parked_load(dir, sink, &list, &parked, &fault);
  free(list);
  pairs[n++] = (fsm_pair){fsm_string("name"), fsm_string(sink)};
  pairs[n++] = (fsm_pair){fsm_string("status"), fsm_string(code == FSM_OK ? "no daemon" : "damaged")};
  if (code == FSM_OK) {
    pairs[n++] = (fsm_pair){fsm_string("seq"), fsm_uint(cursor.seq)};
    pairs[n++] = (fsm_pair){fsm_string("settled_seq"), fsm_uint(cursor.settled_seq)};
    pairs[n++] = (fsm_pair){fsm_string("lag"), fsm_uint(last > cursor.seq ? last - cursor.seq : 0)};
    pairs[n++] = (fsm_pair){fsm_string("parked"), fsm_uint(parked)};
  } else {
    const char *why = fsm_arena_printf(&cli->arena, "%s: %s", fault.where, fault.text);
    if (why == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for the sinks");
    pairs[n++] = (fsm_pair){fsm_string("last_error"), fsm_string(why)};
  }
  return fsm_map(pairs, n, out, err);
}

/* Nobody publishes: what is known is how far each one came. */
static fsm_code of_files(cli_run *cli, fsm_value *out, fsm_error *err) {
  const char *dir = NULL;
  size_t count = 0;
  fsm__cursor *names = fsm_arena_zalloc(&cli->arena, FSM_CURSORS_MAX, sizeof *names);
  fsm_value *items = fsm_arena_zalloc(&cli->arena, FSM_CURSORS_MAX, sizeof *items);
  fsm_pair *whole = fsm_arena_alloc(&cli->arena, sizeof *whole);
  if (names == NULL || items == NULL || whole == NULL)
    return fsm_fail(err, FSM_ENOMEM, "", "no memory for the sinks");
  fsm_code code = cli_db_dir(cli, &dir, err);
  if (code == FSM_OK) code = fsm__cursors_list(dir, names, &count, err);
  const uint64_t last = last_seq(cli);
  for (size_t i = 0; i < count && code == FSM_OK; i++)
    code = row_of(cli, dir, names[i].sink, last, &items[i], err);
  if (code != FSM_OK) return code;
  *whole = (fsm_pair){fsm_string("items"), fsm_list(items, count)};
  return fsm_map(whole, 1, out, err);
}

fsm_code cli_outbox_sinks(cli_run *cli, fsm_value *out, fsm_error *err) {
  fsm_code code = cli_connect(cli, false, err);
  if (code != FSM_OK) return code;
  return cli->source.web != NULL ? cli_source_get(&cli->source, "/v1/sinks", &cli->arena, out, err)
                                 : of_files(cli, out, err);
}

fsm_code cli_outbox_parked(cli_run *cli, const char *sink, fsm_value *out, fsm_error *err) {
  fsm_code code = cli_connect(cli, false, err);
  if (code != FSM_OK) return code;
  if (cli->source.web != NULL)
    return cli_source_get(&cli->source, path_of(cli, sink, "/parked"), &cli->arena, out, err);
  const char *dir = NULL;
  fsm__parked *list = NULL;
  size_t count = 0;
  fsm__cursor cursor;
  bool there = false;
  code = cli_db_dir(cli, &dir, err);
  if (code == FSM_OK && !fsm__sink_name_fits(sink))
    return fsm_fail(err, FSM_EARGUMENT, sink, "no sink has such a name");
  if (code == FSM_OK) code = fsm__cursor_load(dir, sink, &cursor, &there, err);
  if (code == FSM_OK && !there) return fsm_fail(err, FSM_ENOTFOUND, sink, "there is no such sink");
  if (code == FSM_OK) code = fsm__parked_load(dir, sink, &list, &count, err);
  if (code == FSM_OK) code = fsm__parked_view(&cli->arena, sink, list, count, out, err);
  free(list);
  return code;
}

fsm_code cli_outbox_seq(const char *text, const char *what, uint64_t *out, fsm_error *err) {
  char *end = NULL;
  errno = 0;
  unsigned long long n = *text >= '0' && *text <= '9' ? strtoull(text, &end, 10) : 0;
  if (end == NULL || *end != 0 || errno != 0 || n < 1 || n > INT64_MAX)
    return fsm_fail(err, FSM_EARGUMENT, what, "expected the number of a record, not \"%.64s\"", text);
  *out = n;
  return FSM_OK;
}

static fsm_code write_body(const char *what, uint64_t from, uint64_t to, const char *reason, fsm_buf *out,
                           fsm_error *err) {
  fsm_pair pairs[4] = {{fsm_string("what"), fsm_string(what)}, {fsm_string("reason"), fsm_string(reason)}};
  size_t n = 2;
  fsm_value body;
  if (from > 0) pairs[n++] = (fsm_pair){fsm_string("from"), fsm_int((int64_t)from)};
  if (to > 0) pairs[n++] = (fsm_pair){fsm_string("to"), fsm_int((int64_t)to)};
  fsm_code code = fsm_map(pairs, n, &body, err);
  if (code == FSM_OK) fsm_json_write(out, &body);
  return code;
}

fsm_code cli_outbox_order(cli_run *cli, const char *what, uint64_t from, uint64_t to, fsm_error *err) {
  const char *sink = cli->args.words[0], *reason = cli_args_get(&cli->args, "reason");
  fsm_value document;
  fsm_buf text = {0};
  if (reason == NULL || *reason == 0)
    return fsm_fail(err, FSM_EARGUMENT, "", "say why, for the record of it: --reason TEXT");
  fsm_code code = cli_connect(cli, true, err);
  if (code == FSM_OK) code = write_body(what, from, to, reason, &text, err);
  if (code == FSM_OK) {
    const cli_post post = {
        .path = path_of(cli, sink, "/orders"), .body = fsm_buf_text(&text), .body_len = text.len};
    code = cli_source_post(&cli->source, &post, &cli->arena, &document, err);
  }
  fsm_buf_free(&text);
  if (code != FSM_OK) return code;
  if (cli->json) return cli_print_json(cli, &document, err);
  cli_db_lines(cli, &document);
  return cli_flush(cli, err);
}

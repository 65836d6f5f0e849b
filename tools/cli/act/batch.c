/* batch.c: see batch.h. */
#include "tools/cli/act/batch.h"

#include <stdio.h>
#include <string.h>

#include "schema/json.h"

static bool is_send(const cli_deed *deed) { return deed->kind == FSM_CMD_SEND; }
static const char *list_of(const cli_deed *deed) { return is_send(deed) ? "events" : "commands"; }

/* ---- the request ------------------------------------------------------------------------------------ */

/* What is the same for all: the deed's members, and what has a header when it goes alone; without its {. */
static fsm_code write_deed(const cli_deed *deed, fsm_arena *arena, fsm_buf *out, fsm_error *err) {
  fsm_value body, more;
  fsm_pair pairs[4];
  size_t n = 0;
  if (!is_send(deed)) pairs[n++] = (fsm_pair){fsm_string("command"), fsm_string(deed->verb)};
  if (deed->idem != NULL) pairs[n++] = (fsm_pair){fsm_string("idem"), fsm_string(deed->idem)};
  if (deed->corr != NULL) pairs[n++] = (fsm_pair){fsm_string("correlation"), fsm_string(deed->corr)};
  if (deed->expect_rev >= 0) pairs[n++] = (fsm_pair){fsm_string("expect_rev"), fsm_int(deed->expect_rev)};
  fsm_code code = cli_deed_body(deed, arena, &body, err);
  if (code == FSM_OK) code = fsm_map(pairs, n, &more, err);
  if (code == FSM_OK) code = fsm_map_merge(arena, &body, &more, &body);
  if (code != FSM_OK) return fsm_fail(err, code, "", "no memory for the command");
  fsm_buf json = {0};
  fsm_json_write(&json, &body);
  fsm_buf_str(out, fsm_buf_text(&json) + 1);
  const bool whole = fsm_buf_ok(&json) && fsm_buf_ok(out);
  fsm_buf_free(&json);
  return whole ? FSM_OK : fsm_fail(err, FSM_ENOMEM, "", "no memory for the command");
}

fsm_code cli_batch_room(const cli_deed *deed, size_t *room, fsm_error *err) {
  enum { AROUND = 16 + FSM_INSTANCE_ID_MAX }; /* the id and its member's name */
  fsm_arena arena;
  fsm_buf json = {0};
  const size_t most = deed->dry_run ? CLI_BATCH_DRY_MAX : CLI_BATCH_MAX;
  fsm_arena_init(&arena, 0);
  fsm_code code = write_deed(deed, &arena, &json, err);
  *room = CLI_BATCH_BYTES / (json.len + AROUND);
  if (*room > most) *room = most;
  if (*room == 0 || cli_deed_of_task(deed)) *room = 1;
  fsm_buf_free(&json);
  fsm_arena_free(&arena);
  return code;
}

static fsm_code write_body(const cli_deed *deed, const char *const *ids, size_t count, fsm_arena *arena,
                           fsm_buf *out, fsm_error *err) {
  fsm_buf of_each = {0};
  fsm_code code = write_deed(deed, arena, &of_each, err);
  fsm_buf_printf(out, "{\"%s\":[", list_of(deed));
  for (size_t i = 0; i < count && code == FSM_OK; i++) {
    fsm_buf_str(out, i > 0 ? ",{\"instance\":" : "{\"instance\":");
    fsm_json_quote(out, ids[i], strlen(ids[i]));
    fsm_buf_char(out, ',');
    fsm_buf_add(out, fsm_buf_text(&of_each), of_each.len);
  }
  fsm_buf_str(out, "]}");
  fsm_buf_free(&of_each);
  return code != FSM_OK || fsm_buf_ok(out) ? code
                                           : fsm_fail(err, FSM_ENOMEM, "", "no memory for the commands");
}

/* ---- what came of them ------------------------------------------------------------------------------ */

/* A place is told in the deed, not in the request: /events/17/data is /data. */
static fsm_code without_place(const cli_deed *deed, fsm_arena *arena, fsm_value *problem) {
  const fsm_value *where = fsm_map_get(problem, "where");
  char head[16];
  const int len = snprintf(head, sizeof head, "/%s/", list_of(deed));
  if (where == NULL || !fsm_is(where, FSM_STRING) || where->len < (uint32_t)len ||
      memcmp(where->s, head, (size_t)len) != 0)
    return FSM_OK;
  uint32_t at = (uint32_t)len;
  while (at < where->len && where->s[at] >= '0' && where->s[at] <= '9') at++;
  fsm_pair pair = {fsm_string("where"), fsm_stringn(where->s + at, where->len - at)};
  fsm_value change;
  fsm_code code = fsm_map(&pair, 1, &change, NULL);
  return code == FSM_OK ? fsm_map_merge(arena, problem, &change, problem) : code;
}

static fsm_code read_outcome(const cli_deed *deed, const fsm_value *item, fsm_arena *arena, cli_outcome *out,
                             fsm_error *err) {
  const fsm_value *answer = fsm_is(item, FSM_MAP) ? fsm_map_get(item, "answer") : NULL,
                  *problem = fsm_is(item, FSM_MAP) ? fsm_map_get(item, "problem") : NULL;
  *out = (cli_outcome){.answer = fsm_null(), .problem = fsm_null()};
  if (answer != NULL && fsm_is(answer, FSM_MAP)) {
    out->answer = *answer;
    return FSM_OK;
  }
  if (problem == NULL || !fsm_is(problem, FSM_MAP))
    return fsm_fail(err, FSM_EUNREACHABLE, "", "what came of one is not in the answer; is that a fsmd?");
  out->problem = *problem;
  if (without_place(deed, arena, &out->problem) != FSM_OK)
    return fsm_fail(err, FSM_ENOMEM, "", "no memory for the answer");
  (void)cli_problem_fault(&out->problem, FSM_EIO, &out->fault);
  return FSM_OK;
}

static fsm_code read_items(const cli_deed *deed, const fsm_value *document, size_t count, fsm_arena *arena,
                           cli_outcome *out, fsm_error *err) {
  const fsm_value *items = fsm_map_get(document, "items");
  if (items == NULL || !fsm_is(items, FSM_LIST) || items->len != count)
    return fsm_fail(err, FSM_EUNREACHABLE, "", "the answer is not of what was asked; is that a fsmd?");
  fsm_code code = FSM_OK;
  for (size_t i = 0; i < count && code == FSM_OK; i++)
    code = read_outcome(deed, &items->items[i], arena, &out[i], err);
  return code;
}

fsm_code cli_batch_post(cli_source *source, const cli_deed *deed, const char *const *ids, size_t count,
                        fsm_arena *arena, cli_outcome *out, fsm_error *err) {
  FSM_ASSERT(count > 0 && count <= CLI_BATCH_MAX);
  fsm_buf body = {0};
  fsm_value document;
  char path[32];
  snprintf(path, sizeof path, "/v1/%s%s", list_of(deed), deed->dry_run ? "?dry_run=true" : "");
  fsm_code code = write_body(deed, ids, count, arena, &body, err);
  const fsm_web_header headers[] = {{"X-Correlation-ID", deed->corr}};
  const cli_post post = {
      .path = path, .headers = headers, .header_count = 1, .body = fsm_buf_text(&body), .body_len = body.len};
  if (code == FSM_OK) code = cli_source_post(source, &post, arena, &document, err);
  if (code == FSM_OK) code = read_items(deed, &document, count, arena, out, err);
  fsm_buf_free(&body);
  return code;
}

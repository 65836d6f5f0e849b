/* format_seed.c: {level, time, context, fsm, msg}: the log line that services of this house began with.
 * People read it as it runs through a terminal, so what a terminal acts on is escaped: the same document. */
#include <string.h>

#include "runtime/format_text.h"
#include "schema/json.h"
#include "schema/safe_text.h"

typedef enum spelling {
  AS_IS,   /* as in the JSON form; absent: left out */
  OR_NULL, /* absent: null */
  NEW_CONTEXT,
  CHANGED, /* did it change anything? */
  LEVEL,
  SUMMARY
} spelling;

/* Grouped by what stands before the dot. */
static const struct {
  const char *target, *source;
  spelling spelling;
} rows[] = {
    {"level", "", LEVEL},
    {"time", "time", AS_IS},
    {"context.correlationId", "corr", AS_IS},
    {"context.userId", "act.sub", AS_IS},
    {"context.sessionId", "act.sid", AS_IS},
    {"fsm.id", "mach", AS_IS},
    {"fsm.instance", "inst", AS_IS},
    {"fsm.kind", "kind", AS_IS},
    {"fsm.seq", "seq", AS_IS},
    {"fsm.value", "to", OR_NULL},
    {"fsm.event", "trigger", OR_NULL},
    {"fsm.context", "ctx", NEW_CONTEXT},
    {"fsm.changed", "", CHANGED},
    {"fsm.previousValue", "from", OR_NULL},
    {"msg", "", SUMMARY},
};
enum { ROWS = sizeof rows / sizeof *rows };

const char *fsm__refuses_seed(const char *name) {
  static const char *const own[] = {"level", "time", "context", "fsm", "msg"};
  for (size_t i = 0; i < sizeof own / sizeof *own; i++)
    if (strcmp(own[i], name) == 0) return "seed has a field of this name";
  return fsm__refuses_any(name);
}

static void put_context(fsm_buf *out, const fsm_value *ctx) {
  fsm_buf_char(out, '{');
  for (uint32_t i = 0; ctx != NULL && ctx->type == FSM_MAP && i < ctx->len; i++) {
    const fsm_pair pair = ctx->pairs[i];
    const fsm_value *now = &pair.value;
    if (now->type == FSM_LIST && now->len > 0) now = &now->items[now->len - 1];
    if (i) fsm_buf_char(out, ',');
    fsm_json_quote(out, pair.key.type == FSM_STRING ? pair.key.s : "",
                   pair.key.type == FSM_STRING ? pair.key.len : 0);
    fsm_buf_char(out, ':');
    fsm_json_write(out, now);
  }
  fsm_buf_char(out, '}');
}

static void put_summary(fsm_buf *out, const fsm_record *record) {
  fsm_buf text = {0};
  fsm__summary(&text, record);
  if (!fsm_buf_ok(&text)) out->failed = true;
  fsm_json_quote(out, text.data, text.len);
  fsm_buf_free(&text);
}

static void put_row(fsm_buf *out, unsigned row, const fsm_record *record, const fsm_value *value) {
  static const char *const levels[] = {"info", "warn", "error"};
  const bool step = record->outcome == FSM_TAKEN && record->ctxh != NULL;
  switch (rows[row].spelling) {
    case AS_IS: fsm_json_write(out, value); return;
    case OR_NULL: value != NULL ? fsm_json_write(out, value) : fsm_buf_str(out, "null"); return;
    case NEW_CONTEXT: put_context(out, value); return;
    case CHANGED: fsm_buf_str(out, step ? "true" : "false"); return;
    case LEVEL: fsm_buf_printf(out, "\"%s\"", levels[(fsm__severity_of(record).number - 9) / 4]); return;
    case SUMMARY: put_summary(out, record); return;
  }
}

/* `,"fsm":{"id":` and the like: opens and closes as the group changes. */
static void put_name(fsm_buf *out, const char *target, const char **group, bool *first) {
  const char *dot = strchr(target, '.');
  size_t len = dot != NULL ? (size_t)(dot - target) : 0;
  bool same = dot != NULL && *group != NULL && strncmp(*group, target, len + 1) == 0;
  if (!same && *group != NULL) fsm_buf_char(out, '}');
  if (!same && dot != NULL) {
    if (!*first) fsm_buf_char(out, ',');
    fsm_buf_printf(out, "\"%.*s\":{", (int)len, target);
    *first = true;
  }
  *group = dot != NULL ? target : NULL;
  if (!*first) fsm_buf_char(out, ',');
  fsm_buf_printf(out, "\"%s\":", dot != NULL ? dot + 1 : target);
  *first = false;
}

fsm_code fsm__append_seed(const fsm__formatter *formatter, const fsm__exported *exported, fsm_arena *scratch,
                          fsm_buf *out, fsm_error *err) {
  fsm_record record;
  fsm_value view;
  fsm_code code = fsm__exported_record(exported, scratch, &record, NULL, err);
  if (code == FSM_OK) code = fsm_record_view(scratch, &record, &exported->origin, &view, err);
  if (code != FSM_OK) return code;
  const char *group = NULL;
  const size_t from = out->len;
  bool first = true;
  fsm_buf_char(out, '{');
  for (unsigned i = 0; i < ROWS; i++) {
    const fsm_value *value = *rows[i].source ? fsm__path_value(&view, rows[i].source) : NULL;
    if (rows[i].spelling == AS_IS && value == NULL) continue;
    put_name(out, rows[i].target, &group, &first);
    put_row(out, i, &record, value);
  }
  code = fsm__append_lifted(formatter, exported, scratch, out, err);
  fsm_buf_char(out, '}');
  fsm__json_make_safe(out, from);
  return code;
}

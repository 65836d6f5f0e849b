/* format_csv.c: one line of RFC 4180. A line is one line: a line break inside of a text is written as \n or
 * \r. */
#include <string.h>

#include "runtime/format_text.h"

/* The columns when none are named. */
static const char *const rows[] = {
    "time", "seq",  "kind",  "outcome", "reason",  "mach",  "defv",         "inst",
    "key",  "rev",  "from",  "to",      "trigger", "cause", "act.sub=user", "act.sid=session",
    "corr", "caus", "level", "id",      "leaf",    "data",  "ctx",
};

const char *const *fsm__csv_columns(size_t *count) {
  *count = sizeof rows / sizeof *rows;
  return rows;
}

static void put_cell(fsm_buf *out, const char *text, size_t len) {
  bool quoted = false;
  for (size_t i = 0; i < len && !quoted; i++)
    quoted = text[i] == ',' || text[i] == '"' || text[i] == '\n' || text[i] == '\r';
  quoted = quoted || (len > 0 && (text[0] == ' ' || text[len - 1] == ' '));
  if (!quoted) {
    fsm_buf_add(out, text, len);
    return;
  }
  fsm_buf_char(out, '"');
  for (size_t i = 0; i < len; i++) {
    if (text[i] == '\n' || text[i] == '\r')
      fsm_buf_str(out, text[i] == '\n' ? "\\n" : "\\r");
    else
      fsm_buf_char(out, text[i]);
    if (text[i] == '"') fsm_buf_char(out, '"');
  }
  fsm_buf_char(out, '"');
}

static void put_picked(fsm_buf *out, const fsm_value *view, const fsm__picked *picked) {
  const fsm_value *value = fsm__path_value(view, picked->path);
  fsm_buf text = {0};
  if (value != NULL) fsm__plain_text(&text, value);
  if (!fsm_buf_ok(&text)) out->failed = true;
  put_cell(out, text.data, text.len);
  fsm_buf_free(&text);
}

bool fsm__csv_head(const fsm__formatter *formatter, fsm_buf *out) {
  for (size_t i = 0; i < formatter->column_count; i++) {
    if (i) fsm_buf_char(out, ',');
    put_cell(out, formatter->columns[i].name, strlen(formatter->columns[i].name));
  }
  for (size_t i = 0; i < formatter->lift_count; i++) {
    fsm_buf_char(out, ',');
    put_cell(out, formatter->lift[i].name, strlen(formatter->lift[i].name));
  }
  return fsm_buf_ok(out);
}

fsm_code fsm__append_csv(const fsm__formatter *formatter, const fsm__exported *record, fsm_arena *scratch,
                         fsm_buf *out, fsm_error *err) {
  fsm_value view;
  fsm_code code = fsm__exported_view(record, scratch, &view, err);
  if (code != FSM_OK) return code;
  for (size_t i = 0; i < formatter->column_count; i++) {
    if (i) fsm_buf_char(out, ',');
    put_picked(out, &view, &formatter->columns[i]);
  }
  for (size_t i = 0; i < formatter->lift_count; i++) {
    fsm_buf_char(out, ',');
    put_picked(out, &view, &formatter->lift[i]);
  }
  return FSM_OK;
}

/* format.c: the table of formats; options as they are read. See format.h. */
#include "runtime/format.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/format_impl.h"

/* clang-format off */
static const fsm__format_row rows[] = {
    {"json", "application/json", true, fsm__append_json, fsm__refuses_json},
    {"seed", "application/json", true, fsm__append_seed, fsm__refuses_seed},
    {"ecs", "application/json", true, fsm__append_ecs, fsm__refuses_ecs},
    {"cloudevents", "application/cloudevents+json", true, fsm__append_cloudevents, fsm__refuses_cloudevents},
    {"otlp", "application/json", true, fsm__append_otlp, fsm__refuses_otlp},
    {"msgpack", "application/msgpack", false, fsm__append_msgpack, fsm__refuses_msgpack},
    {"csv", "text/csv; charset=utf-8; header=absent", true, fsm__append_csv, fsm__refuses_any},
};
/* clang-format on */
enum { ROWS = sizeof rows / sizeof *rows };

const char *const *fsm__format_names(void) {
  static const char *const names[] = {"json", "seed", "ecs", "cloudevents", "otlp", "msgpack", "csv", NULL};
  _Static_assert(sizeof names / sizeof *names == ROWS + 1, "a name per row");
  return names;
}

static const fsm__format_row *row_of(const char *name) {
  for (unsigned i = 0; i < ROWS; i++)
    if (strcmp(rows[i].name, name) == 0) return &rows[i];
  return NULL;
}

/* ---- options ----------------------------------------------------------------------------------- */

enum { NAME_MAX_BYTES = 64 };

const char *fsm__refuses_any(const char *name) {
  size_t len = strlen(name);
  if (len == 0 || len > NAME_MAX_BYTES) return "a name has 1 to 64 characters";
  for (const char *c = name; *c; c++) {
    bool letter = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || *c == '_';
    bool digit = (*c >= '0' && *c <= '9') || *c == '-';
    if (!letter && (c == name || !digit)) return "a name is of letters, digits, _ and -, a letter first";
  }
  return NULL;
}

static fsm_code no_memory(fsm_error *err) { return fsm_fail(err, FSM_ENOMEM, "", "no memory for a format"); }

/* "context.amount=amount_eur": path and name. */
static fsm_code pick(fsm__formatter *f, const char *text, const char *where, fsm__picked *out,
                     fsm_error *err) {
  const char *equals = strchr(text, '=');
  size_t len = equals != NULL ? (size_t)(equals - text) : strlen(text);
  if (len > FSM_LIFT_PATH_MAX)
    return fsm_fail(err, FSM_EARGUMENT, where, "a path has at most %d bytes, this one has %zu",
                    FSM_LIFT_PATH_MAX, len);
  char *path = fsm_arena_strndup(&f->arena, text, len);
  if (path == NULL) return no_memory(err);
  const char *fault = fsm__path_fault(path);
  if (fault != NULL) return fsm_fail(err, FSM_EARGUMENT, where, "%.200s: %s", path, fault);
  const char *last = strrchr(path, '.');
  const char *name = equals != NULL ? fsm_arena_strdup(&f->arena, equals + 1)
                     : last != NULL ? last + 1
                                    : path;
  if (name == NULL) return no_memory(err);
  *out = (fsm__picked){path, name};
  return FSM_OK;
}

static fsm_code read_lift(fsm__formatter *f, const fsm__format_options *options, fsm_error *err) {
  if (options->lift_count > FSM_LIFT_MAX)
    return fsm_fail(err, FSM_EARGUMENT, "lift", "at most %d fields are lifted, these are %zu", FSM_LIFT_MAX,
                    options->lift_count);
  for (size_t i = 0; i < options->lift_count; i++) {
    char where[32];
    snprintf(where, sizeof where, "lift[%zu]", i);
    fsm__picked *picked = &f->lift[i];
    fsm_code code = pick(f, options->lift[i], where, picked, err);
    if (code != FSM_OK) return code;
    const char *why = f->row->refuses(picked->name);
    if (why != NULL)
      return fsm_fail(err, FSM_EARGUMENT, where,
                      "%.200s cannot be lifted as \"%.80s\" in %s: %s; name it after =", picked->path,
                      picked->name, f->row->name, why);
    for (size_t k = 0; k < i; k++)
      if (strcmp(f->lift[k].name, picked->name) == 0)
        return fsm_fail(err, FSM_EARGUMENT, where,
                        "two fields are lifted as \"%s\": name one after =", picked->name);
    f->lift_count = i + 1;
  }
  return FSM_OK;
}

static fsm_code read_columns(fsm__formatter *f, const fsm__format_options *options, fsm_error *err) {
  size_t count = options->column_count;
  const char *const *columns = options->columns;
  if (columns == NULL || count == 0) columns = fsm__csv_columns(&count);
  f->columns = fsm_arena_zalloc(&f->arena, count, sizeof *f->columns);
  if (f->columns == NULL) return no_memory(err);
  for (size_t i = 0; i < count; i++) {
    char where[32];
    snprintf(where, sizeof where, "columns[%zu]", i);
    fsm_code code = pick(f, columns[i], where, &f->columns[i], err);
    if (code != FSM_OK) return code;
  }
  f->column_count = count;
  fsm_buf head = {0};
  bool good = fsm__csv_head(f, &head);
  f->head = good ? fsm_arena_strndup(&f->arena, head.data, head.len) : NULL;
  fsm_buf_free(&head);
  return f->head != NULL ? FSM_OK : no_memory(err);
}

fsm_code fsm__formatter_new(const fsm__format_options *options, fsm__formatter **out, fsm_error *err) {
  FSM_ASSERT(options != NULL && out != NULL);
  const char *name = options->format != NULL ? options->format : "json";
  const fsm__format_row *row = row_of(name);
  if (row == NULL)
    return fsm_fail(
        err, FSM_EARGUMENT, "format",
        "there is no format \"%.40s\"; there are json, seed, ecs, cloudevents, otlp, msgpack and csv", name);
  fsm__formatter *f = calloc(1, sizeof *f);
  if (f == NULL) return no_memory(err);
  f->row = row;
  fsm_arena_init(&f->arena, 0);
  fsm__json_order(f->order);
  fsm_code code = read_lift(f, options, err);
  if (code == FSM_OK && row->append == fsm__append_csv) code = read_columns(f, options, err);
  if (code != FSM_OK) {
    fsm__formatter_free(f);
    return code;
  }
  *out = f;
  return FSM_OK;
}

void fsm__formatter_free(fsm__formatter *formatter) {
  if (formatter == NULL) return;
  fsm_arena_free(&formatter->arena);
  free(formatter);
}

/* ---- what it is -------------------------------------------------------------------------------- */

const char *fsm__formatter_name(const fsm__formatter *formatter) { return formatter->row->name; }
const char *fsm__formatter_type(const fsm__formatter *formatter) { return formatter->row->type; }
bool fsm__formatter_is_line(const fsm__formatter *formatter) { return formatter->row->line; }
const char *fsm__formatter_head(const fsm__formatter *formatter) { return formatter->head; }

fsm_code fsm__format(const fsm__formatter *formatter, const fsm__exported *record, fsm_arena *scratch,
                     fsm_buf *out, fsm_error *err) {
  FSM_ASSERT(formatter != NULL && record != NULL && scratch != NULL && out != NULL);
  FSM_ASSERT(record->data != NULL);
  size_t start = out->len;
  fsm_code code = formatter->row->append(formatter, record, scratch, out, err);
  if (code == FSM_OK && !fsm_buf_ok(out)) code = no_memory(err);
  if (code != FSM_OK) out->len = start;
  return code;
}

/* query_groups_by.c: by what instances are grouped, and what of them is summed: names and paths made
 * expressions over a row. */
#include <string.h>

#include "runtime/query_groups.h"
#include "schema/json.h"

enum { TEXT_MAX = 512 };

/* a.b → context.?a.?b: what is not there is null. */
static const char *path_text(fsm_arena *arena, const char *path) {
  const char *text = "context";
  for (size_t len; *path != '\0' && text != NULL; path += len + (path[len] == '.')) {
    len = strcspn(path, ".");
    const bool name =
        len > 0 && strspn(path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") >= len &&
        (path[0] < '0' || path[0] > '9');
    if (!name || (path[len] == '.' && path[len + 1] == '\0')) return "";
    text = fsm_arena_printf(arena, "%s.?%.*s", text, (int)len, path);
  }
  return text;
}

static fsm_code bad_field(const char *what, const char *field, fsm_error *err) {
  return fsm_fail(
      err, FSM_EARGUMENT, what,
      "\"%.64s\" is nothing to group by: state, machine, version, status, label:NAME, field:PATH (a "
      "path of names in the context: a.b)",
      field);
}

static fsm_code field_text(fsm_arena *arena, const char *field, const char **out, fsm_error *err) {
  static const char *const plain[] = {"machine", "status", "version"};
  fsm_buf quoted = {0};
  *out = NULL;
  for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
    if (strcmp(field, plain[i]) == 0) *out = plain[i];
  if (strcmp(field, "state") == 0) *out = "state";
  if (strncmp(field, "label:", 6) == 0 && field[6] != '\0' && strlen(field) <= FSM__GROUP_NAME_MAX) {
    fsm_json_quote(&quoted, field + 6, strlen(field + 6));
    *out = fsm_buf_ok(&quoted) ? fsm_arena_printf(arena, "labels[?%s]", fsm_buf_text(&quoted)) : "";
    fsm_buf_free(&quoted);
  }
  if (strncmp(field, "field:", 6) == 0 && field[6] != '\0') *out = path_text(arena, field + 6);
  return *out == NULL || **out == '\0' ? bad_field("by", field, err) : FSM_OK;
}

static fsm_code read_expr(fsm_arena *arena, const char *what, const char *field, const char *text,
                          fsm__condition *out, fsm_error *err) {
  fsm_error why = {.text = ""};
  fsm_code code = fsm__condition_read(arena, text, false, out, &why);
  return code == FSM_OK || code == FSM_ENOMEM ? code : bad_field(what, field, err);
}

fsm_code fsm__groups_read(const fsm_query *query, fsm__groups *all, fsm_error *err) {
  const char *by = query->by;
  if (by == NULL)
    return fsm_fail(err, FSM_EARGUMENT, "by", "by what? by=state, machine, label:NAME, field:PATH");
  if (strlen(by) > TEXT_MAX) return fsm_fail(err, FSM_EARGUMENT, "by", "by has more than %d bytes", TEXT_MAX);
  for (bool last = false; !last;) {
    const size_t len = strcspn(by, ",");
    const char *text = NULL, *field = fsm_arena_strndup(all->arena, by, len);
    if (field == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for an answer");
    if (all->field_count == FSM__GROUP_FIELDS_MAX)
      return fsm_fail(err, FSM_EARGUMENT, "by", "at most %d fields to group by", FSM__GROUP_FIELDS_MAX);
    for (unsigned i = 0; i < all->field_count; i++)
      if (strcmp(all->names[i], field) == 0)
        return fsm_fail(err, FSM_EARGUMENT, "by", "\"%.64s\" is there twice", field);
    fsm_code code = field_text(all->arena, field, &text, err);
    if (code == FSM_OK) code = read_expr(all->arena, "by", field, text, &all->fields[all->field_count], err);
    if (code != FSM_OK) return code;
    all->names[all->field_count++] = field;
    last = by[len] == '\0';
    by += len + !last;
  }
  all->sums = query->sum != NULL;
  if (!all->sums) return FSM_OK;
  if (strlen(query->sum) > TEXT_MAX)
    return fsm_fail(err, FSM_EARGUMENT, "sum", "sum has more than %d bytes", TEXT_MAX);
  const char *path = path_text(all->arena, query->sum);
  if (path == NULL || *path == '\0' || *query->sum == '\0')
    return fsm_fail(err, FSM_EARGUMENT, "sum", "\"%.64s\" is no path of names in the context: a.b",
                    query->sum);
  return read_expr(all->arena, "sum", query->sum, path, &all->sum, err);
}

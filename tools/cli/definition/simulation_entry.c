/* simulation_entry.c: one line of a script, both ways. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tools/cli/definition/simulation.h"
#include "tools/cli/nearest.h"

#define NS_PER_MS INT64_C(1000000)

static const struct {
  const char *name, *with; /* the member that makes it one; the member that it may have besides */
} kinds[] = {
    [CLI_ENTRY_EVENT] = {"event", "data"}, [CLI_ENTRY_AFTER] = {"after", NULL},
    [CLI_ENTRY_JUMP] = {"jump", NULL},     [CLI_ENTRY_DONE] = {"done", "output"},
    [CLI_ENTRY_FAIL] = {"fail", "error"},  [CLI_ENTRY_ACTOR] = {"actor", NULL},
    [CLI_ENTRY_EXPECT] = {"expect", NULL},
};
enum { KIND_COUNT = sizeof kinds / sizeof kinds[0] };

static bool takes_session(cli_entry_kind kind) {
  return kind == CLI_ENTRY_EVENT || kind == CLI_ENTRY_DONE || kind == CLI_ENTRY_FAIL;
}

static fsm_code of_milliseconds(double ms, int64_t *ns, fsm_error *err) {
  if (!(ms > 0) || ms > (double)FSM_DELAY_MS_MAX)
    return fsm_fail(err, FSM_EARGUMENT, "", "a time to wait is more than nothing and at most 100 years");
  *ns = (int64_t)ceil(ms * (double)NS_PER_MS);
  return FSM_OK;
}

fsm_code cli_entry_duration(const char *text, int64_t *ns, fsm_error *err) {
  char *end;
  double ms = strtod(text, &end);
  if (end != text && *end == 0) return of_milliseconds(ms, ns, err);
  fsm_code code = fsm_duration_parse(text, ns, err);
  if (code != FSM_OK) return code;
  return of_milliseconds((double)*ns / (double)NS_PER_MS, &(int64_t){0}, err);
}

static fsm_code read_duration(const fsm_value *value, int64_t *ns, fsm_error *err) {
  if (fsm_is(value, FSM_INT)) return of_milliseconds((double)value->i, ns, err);
  if (fsm_is(value, FSM_DOUBLE)) return of_milliseconds(value->d, ns, err);
  if (!fsm_is(value, FSM_STRING))
    return fsm_fail(err, FSM_EARGUMENT, "", "a time to wait is \"5m\" or a number of milliseconds");
  return cli_entry_duration(value->s, ns, err);
}

/* Names that C code takes have no NUL in them: the JSON reader refuses it. */
static fsm_code read_text(fsm_arena *arena, const fsm_value *value, const char *member, const char **out,
                          fsm_error *err) {
  if (!fsm_is(value, FSM_STRING) || value->len == 0)
    return fsm_fail(err, FSM_EARGUMENT, member, "\"%s\" takes a text", member);
  *out = fsm_arena_strndup(arena, value->s, value->len);
  return *out != NULL ? FSM_OK : fsm_fail(err, FSM_ENOMEM, "", "no memory");
}

static int kind_of(const fsm_value *line) {
  for (int kind = 0; kind < KIND_COUNT; kind++)
    if (fsm_map_get(line, kinds[kind].name) != NULL) return kind;
  return -1;
}

static fsm_code no_kind(const fsm_value *line, fsm_error *err) {
  const char *names[KIND_COUNT], *near = NULL;
  for (int i = 0; i < KIND_COUNT; i++) names[i] = kinds[i].name;
  for (uint32_t i = 0; i < line->len && near == NULL; i++)
    near = cli_nearest(line->pairs[i].key.s, names, KIND_COUNT);
  if (near != NULL)
    return fsm_fail(err, FSM_EARGUMENT, "", "nothing here says what to do; did you mean \"%s\"?", near);
  return fsm_fail(
      err, FSM_EARGUMENT, "",
      "a line has one of \"event\", \"after\", \"jump\", \"done\", \"fail\", \"actor\", \"expect\"");
}

static fsm_code check_members(const fsm_value *line, int kind, fsm_error *err) {
  for (uint32_t i = 0; i < line->len; i++) {
    const fsm_value *key = &line->pairs[i].key;
    bool known = fsm_is_text(key, kinds[kind].name) ||
                 (kinds[kind].with != NULL && fsm_is_text(key, kinds[kind].with)) ||
                 (takes_session((cli_entry_kind)kind) && fsm_is_text(key, "session"));
    if (!known)
      return fsm_fail(err, FSM_EARGUMENT, "", "\"%.*s\" has no place beside \"%s\"", (int)key->len, key->s,
                      kinds[kind].name);
  }
  return FSM_OK;
}

static fsm_code fill(fsm_arena *arena, const fsm_value *line, cli_entry *out, fsm_error *err) {
  const fsm_value *main = fsm_map_get(line, kinds[out->kind].name);
  const fsm_value *session = fsm_map_get(line, "session");
  fsm_code code = session == NULL ? FSM_OK : read_text(arena, session, "session", &out->session, err);
  if (code != FSM_OK) return code;
  if (out->kind == CLI_ENTRY_AFTER || out->kind == CLI_ENTRY_JUMP) return read_duration(main, &out->ns, err);
  if (out->kind == CLI_ENTRY_ACTOR || out->kind == CLI_ENTRY_EXPECT) {
    out->data = *main;
    if (fsm_is(main, FSM_MAP) || (out->kind == CLI_ENTRY_ACTOR && fsm_is(main, FSM_NULL))) return FSM_OK;
    return fsm_fail(err, FSM_EARGUMENT, "", "\"%s\" takes an object", kinds[out->kind].name);
  }
  const fsm_value *data = fsm_map_get(line, kinds[out->kind].with);
  if (data != NULL) out->data = *data;
  return read_text(arena, main, kinds[out->kind].name, &out->name, err);
}

fsm_code cli_entry_read(fsm_arena *arena, const char *line, size_t len, cli_entry *out, fsm_error *err) {
  FSM_ASSERT(arena != NULL && line != NULL && out != NULL);
  fsm_value document;
  fsm_code code = fsm_json_parse(arena, line, len, FSM_JSON_SORTED, &document, err);
  if (code != FSM_OK) return code;
  if (!fsm_is(&document, FSM_MAP)) return fsm_fail(err, FSM_EARGUMENT, "", "a line is a JSON object");
  int kind = kind_of(&document);
  if (kind < 0) return no_kind(&document, err);
  *out = (cli_entry){.kind = (cli_entry_kind)kind, .data = fsm_null()};
  code = check_members(&document, kind, err);
  return code == FSM_OK ? fill(arena, &document, out, err) : code;
}

/* ---- writing -------------------------------------------------------------------------------------- */

static void add_member(fsm_buf *out, const char *name, const fsm_value *value) {
  fsm_buf_printf(out, "%s\"%s\":", out->data[out->len - 1] == '{' ? "" : ",", name);
  fsm_json_write(out, value);
}

static void add_text(fsm_buf *out, const char *name, const char *text) {
  const fsm_value value = fsm_string(text);
  add_member(out, name, &value);
}

void cli_entry_write(fsm_buf *out, const cli_entry *entry) {
  FSM_ASSERT(out != NULL && entry != NULL);
  const char *main = kinds[entry->kind].name, *with = kinds[entry->kind].with;
  const fsm_value ms = entry->ns % NS_PER_MS == 0 ? fsm_int(entry->ns / NS_PER_MS)
                                                  : fsm_double((double)entry->ns / (double)NS_PER_MS);
  fsm_buf_char(out, '{');
  if (!fsm_buf_ok(out)) return;
  if (entry->name != NULL)
    add_text(out, main, entry->name);
  else if (entry->kind == CLI_ENTRY_AFTER || entry->kind == CLI_ENTRY_JUMP)
    add_member(out, main, &ms);
  else
    add_member(out, main, &entry->data);
  if (with != NULL && !fsm_is(&entry->data, FSM_NULL)) add_member(out, with, &entry->data);
  if (entry->session != NULL) add_text(out, "session", entry->session);
  fsm_buf_str(out, "}\n");
}

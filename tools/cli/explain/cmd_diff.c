/* cmd_diff.c: fsm-cli diff: what is different of an instance between two moments.
 *
 * Two documents of the instance (get --as-of), member by member: maps by their keys, tasks, timers and
 * messages by their ids, all else as a whole. {id, from: {seq, time}, to: {seq, time}, changes: [{path, old?,
 * new?}]}. */
#include <string.h>

#include "tools/cli/cli.h"

typedef struct differ {
  fsm_arena *arena;
  fsm_value *items;
  uint32_t count, cap;
  bool failed;
} differ;

static fsm_value change_of(differ *d, const char *path, const fsm_value *before, const fsm_value *after) {
  fsm_value out = fsm_null();
  fsm_pair *pairs = fsm_arena_alloc(d->arena, 3 * sizeof *pairs);
  size_t count = 0;
  if (pairs == NULL) return out;
  if (after != NULL) pairs[count++] = (fsm_pair){fsm_string("new"), *after};
  if (before != NULL) pairs[count++] = (fsm_pair){fsm_string("old"), *before};
  pairs[count++] = (fsm_pair){fsm_string("path"), fsm_string(path)};
  if (fsm_map(pairs, count, &out, NULL) != FSM_OK) d->failed = true;
  return out;
}

static void add(differ *d, const char *path, const fsm_value *before, const fsm_value *after) {
  if (d->count == d->cap) {
    const uint32_t cap = d->cap ? d->cap * 2 : 16;
    fsm_value *grown = fsm_arena_alloc(d->arena, cap * sizeof *grown);
    if (grown == NULL) {
      d->failed = true;
      return;
    }
    if (d->count > 0) memcpy(grown, d->items, d->count * sizeof *grown);
    d->items = grown;
    d->cap = cap;
  }
  d->items[d->count++] = change_of(d, path, before, after);
}

static const char *below(differ *d, const char *path, const fsm_value *key) {
  const bool text = fsm_is(key, FSM_STRING);
  const char *out =
      text ? fsm_arena_printf(d->arena, "%s%s%.*s", path, *path != 0 ? "." : "", (int)key->len, key->s)
           : NULL;
  if (out == NULL) d->failed = true;
  return out == NULL ? path : out;
}

static void compare(differ *d, const char *path, const fsm_value *before, const fsm_value *after);

static void compare_maps(differ *d, const char *path, const fsm_value *before, const fsm_value *after) {
  for (uint32_t i = 0; i < before->len; i++) {
    const fsm_pair *pair = &before->pairs[i];
    compare(d, below(d, path, &pair->key), &pair->value, fsm_map_find(after, &pair->key));
  }
  for (uint32_t i = 0; i < after->len; i++)
    if (fsm_map_find(before, &after->pairs[i].key) == NULL)
      compare(d, below(d, path, &after->pairs[i].key), NULL, &after->pairs[i].value);
}

static const fsm_value *with_id(const fsm_value *list, const fsm_value *id) {
  for (uint32_t i = 0; list != NULL && i < list->len; i++) {
    const fsm_value *other = fsm_map_get(&list->items[i], "id");
    if (other != NULL && fsm_value_same(other, id)) return &list->items[i];
  }
  return NULL;
}

/* Of items that have an id; an id that comes twice is compared with the first. */
static void compare_items(differ *d, const char *path, const fsm_value *before, const fsm_value *after) {
  for (uint32_t i = 0; i < before->len; i++) {
    const fsm_value *id = fsm_map_get(&before->items[i], "id");
    compare(d, below(d, path, id), &before->items[i], with_id(after, id));
  }
  for (uint32_t i = 0; i < after->len; i++) {
    const fsm_value *id = fsm_map_get(&after->items[i], "id");
    if (with_id(before, id) == NULL) compare(d, below(d, path, id), NULL, &after->items[i]);
  }
}

static bool have_ids(const fsm_value *list) {
  for (uint32_t i = 0; i < list->len; i++) {
    const fsm_value *id = fsm_is(&list->items[i], FSM_MAP) ? fsm_map_get(&list->items[i], "id") : NULL;
    if (id == NULL || !fsm_is(id, FSM_STRING)) return false;
  }
  return true;
}

static void compare(differ *d, const char *path, const fsm_value *before, const fsm_value *after) {
  const bool both = before != NULL && after != NULL;
  if (both && fsm_value_same(before, after)) return;
  if (both && fsm_is(before, FSM_MAP) && fsm_is(after, FSM_MAP))
    compare_maps(d, path, before, after);
  else if (both && fsm_is(before, FSM_LIST) && fsm_is(after, FSM_LIST) && before->len + after->len > 0 &&
           have_ids(before) && have_ids(after))
    compare_items(d, path, before, after);
  else
    add(d, path, before, after);
}

/* ---- the document --------------------------------------------------------------------------------- */

/* What always differs, or is told by what does. */
static bool is_compared(const fsm_value *key) {
  static const char *const not [] = {"now", "as_of", "updated", "seq"};
  for (size_t i = 0; i < sizeof not / sizeof *not ; i++)
    if (fsm_is_text(key, not [i])) return false;
  return true;
}

static fsm_value without(fsm_arena *arena, const fsm_value *document) {
  fsm_pair *pairs = fsm_arena_alloc(arena, (document->len + 1) * sizeof *pairs);
  fsm_value out = {.type = FSM_MAP, .pairs = pairs};
  for (uint32_t i = 0; pairs != NULL && i < document->len; i++)
    if (is_compared(&document->pairs[i].key)) pairs[out.len++] = document->pairs[i];
  return out;
}

static fsm_code make(cli_run *cli, const fsm_value *before, const fsm_value *after, fsm_value *out,
                     fsm_error *err) {
  differ d = {.arena = &cli->arena};
  const fsm_value old = without(&cli->arena, before), new = without(&cli->arena, after);
  fsm_pair *pairs = fsm_arena_alloc(&cli->arena, 4 * sizeof *pairs);
  if (pairs == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory for the differences");
  compare_maps(&d, "", &old, &new);
  if (d.failed) return fsm_fail(err, FSM_ENOMEM, "", "no memory for the differences");
  const fsm_value *id = fsm_map_get(after, "id"), *from = fsm_map_get(before, "as_of"),
                  *to = fsm_map_get(after, "as_of");
  pairs[0] = (fsm_pair){fsm_string("changes"), fsm_list(d.items, d.count)};
  pairs[1] = (fsm_pair){fsm_string("from"), from != NULL ? *from : fsm_null()};
  pairs[2] = (fsm_pair){fsm_string("id"), id != NULL ? *id : fsm_null()};
  pairs[3] = (fsm_pair){fsm_string("to"), to != NULL ? *to : fsm_null()};
  return fsm_map(pairs, 4, out, err);
}

/* ---- the text ------------------------------------------------------------------------------------- */

static const char *value_text(fsm_arena *arena, const fsm_value *value) {
  if (fsm_is(value, FSM_STRING) || fsm_is(value, FSM_LIST)) return cli_text(arena, value);
  fsm_buf json = {0};
  fsm_json_write(&json, value);
  const char *text = cli_safe(arena, fsm_buf_text(&json));
  fsm_buf_free(&json);
  return text;
}

static void print_value(cli_run *cli, const char *colour, const fsm_value *value) {
  if (cli->screen.colour) fsm_buf_str(&cli->text, colour);
  fsm_buf_str(&cli->text, value_text(&cli->arena, value));
  if (cli->screen.colour) fsm_buf_str(&cli->text, "\x1b[0m");
}

static void print_moment(cli_run *cli, const char *label, const fsm_value *moment) {
  fsm_arena *arena = &cli->arena;
  const char *text = moment != NULL && fsm_is(moment, FSM_MAP)
                         ? fsm_arena_printf(arena, "seq %s, %s", cli_field(arena, moment, "seq"),
                                            cli_time(arena, fsm_map_get(moment, "time")))
                         : "now";
  cli_print_line(cli, label, text == NULL ? "" : text);
}

static void print(cli_run *cli, const fsm_value *document) {
  static const char red[] = "\x1b[31m", green[] = "\x1b[32m";
  const fsm_value *changes = fsm_map_get(document, "changes");
  cli_print_line(cli, "id", cli_field(&cli->arena, document, "id"));
  print_moment(cli, "from", fsm_map_get(document, "from"));
  print_moment(cli, "to", fsm_map_get(document, "to"));
  for (uint32_t i = 0; changes != NULL && i < changes->len; i++) {
    const fsm_value *old = fsm_map_get(&changes->items[i], "old"),
                    *new = fsm_map_get(&changes->items[i], "new");
    fsm_buf_printf(&cli->text, "%c %s: ",
                   old == NULL   ? '+'
                   : new == NULL ? '-'
                                 : '~',
                   cli_field(&cli->arena, &changes->items[i], "path"));
    if (old != NULL) print_value(cli, red, old);
    if (old != NULL && new != NULL) fsm_buf_str(&cli->text, " → ");
    if (new != NULL) print_value(cli, green, new);
    fsm_buf_char(&cli->text, '\n');
  }
  cli_footer(cli, changes == NULL ? 0 : changes->len, "differences", NULL, NULL);
}

/* ---- the command ---------------------------------------------------------------------------------- */

static fsm_code run(cli_run *cli, fsm_error *err) {
  fsm_value before, after, document;
  const fsm_query query = {.kind = FSM_QUERY_INSTANCE, .as_of = cli->args.words[1]};
  fsm_query then = {.kind = FSM_QUERY_INSTANCE,
                    .as_of = cli->args.word_count > 2 ? cli->args.words[2] : NULL};
  fsm_code code = cli_about_query(cli, query, &before, err);
  then.ref = cli->ref;
  if (code == FSM_OK) code = cli_source_query(&cli->source, &then, &cli->arena, &after, err);
  if (code == FSM_OK) code = make(cli, &before, &after, &document, err);
  return code == FSM_OK ? cli_show(cli, &document, print, err) : code;
}

static const char *const examples[] = {"diff doc-17 @8812", "diff doc-17 @8812 @8830", "diff doc-17 2h",
                                       "diff doc-17 yesterday -o json", NULL};

extern const cli_command cli_diff;
const cli_command cli_diff = {.group = "",
                              .heading = CLI_EXPLAIN,
                              .name = "diff",
                              .words = "REF TIME|@SEQ [TIME|@SEQ]",
                              .summary = "what changed of an instance since then, or between two moments",
                              .examples = examples,
                              .words_min = 2,
                              .words_max = 3,
                              .reads = true,
                              .run = run};

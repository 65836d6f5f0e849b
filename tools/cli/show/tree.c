/* tree.c: records below what caused them. See tree.h. */
#include "tools/cli/show/tree.h"

#include <string.h>

#include "tools/cli/explain/records.h"

typedef struct node {
  const fsm_value *item, *record;
  int64_t seq, by;
  uint32_t first, last, next; /* children and siblings, as index + 1; 0 = none */
  uint32_t depth;
} node;

static fsm_code nomem(fsm_error *err) { return fsm_fail(err, FSM_ENOMEM, "", "no memory for a tree"); }

static const fsm_value *record_of(const fsm_value *item) {
  const fsm_value *record = fsm_is(item, FSM_MAP) ? fsm_map_get(item, "record") : NULL;
  return record != NULL && fsm_is(record, FSM_MAP) ? record : NULL;
}

/* By seq; count when there is none. */
static uint32_t find(const node *nodes, uint32_t count, int64_t seq) {
  uint32_t from = 0, to = count;
  while (from < to) {
    const uint32_t at = from + (to - from) / 2;
    if (nodes[at].seq < seq)
      from = at + 1;
    else
      to = at;
  }
  return from < count && nodes[from].seq == seq ? from : count;
}

static uint32_t grow(const fsm_value *items, node *nodes) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < items->len; i++) {
    node *n = &nodes[count];
    *n = (node){.item = &items->items[i], .record = record_of(&items->items[i])};
    if (n->record == NULL || !cli_number(fsm_map_get(n->record, "seq"), &n->seq)) continue;
    if (count > 0 && n->seq <= nodes[count - 1].seq) continue;
    if (!cli_number(fsm_map_get(n->item, "by"), &n->by)) n->by = 0;
    const uint32_t parent = n->by > 0 && n->by < n->seq ? find(nodes, count, n->by) : count;
    n->by = parent < count ? n->by : 0;
    if (parent < count) {
      node *p = &nodes[parent];
      n->depth = p->depth + 1;
      if (p->last != 0) nodes[p->last - 1].next = count + 1;
      if (p->first == 0) p->first = count + 1;
      p->last = count + 1;
    }
    count++;
  }
  return count;
}

/* ---- lines ---------------------------------------------------------------------------------------- */

static const char *moment(fsm_arena *arena, const fsm_value *record) {
  const char *time = cli_text(arena, fsm_map_get(record, "time"));
  const char *text = strlen(time) < 23 ? NULL : fsm_arena_printf(arena, "%.10s %.12s", time, time + 11);
  return text == NULL ? cli_time(arena, fsm_map_get(record, "time")) : text;
}

/* {machine, version} as labels.h wants it. */
static fsm_value machine_of(fsm_pair pairs[2], const fsm_value *record) {
  const fsm_value *machine = fsm_map_get(record, "mach"), *version = fsm_map_get(record, "defv");
  pairs[0] = (fsm_pair){fsm_string("machine"), machine != NULL ? *machine : fsm_null()};
  pairs[1] = (fsm_pair){fsm_string("version"), version != NULL ? *version : fsm_int(0)};
  return (fsm_value){.type = FSM_MAP, .len = 2, .pairs = pairs};
}

static const char *change_of(cli_run *cli, const fsm_value *record) {
  const fsm_value *from = fsm_map_get(record, "from"), *to = fsm_map_get(record, "to");
  fsm_pair pairs[2];
  const fsm_value item = machine_of(pairs, record), none = fsm_null();
  const fsm_value began = from != NULL ? cli_path_labels(cli, &cli->arena, &item, from) : none,
                  ended = to != NULL ? cli_path_labels(cli, &cli->arena, &item, to) : none;
  if (to == NULL || (from != NULL && fsm_value_same(&began, &ended) && !fsm_value_same(from, to)))
    return cli_record_change(&cli->arena, record, false); /* two states of one name: by their paths */
  return cli_change(&cli->arena, from != NULL ? &began : NULL, &ended);
}

static void print_line(cli_run *cli, const node *n, const char *branch) {
  fsm_arena *arena = &cli->arena;
  const char *trigger = cli_field(arena, n->record, "trigger"), *kind = cli_field(arena, n->record, "kind");
  const char *inst = cli_field(arena, n->record, "inst"), *who = cli_record_user(arena, n->record);
  const char *went = change_of(cli, n->record), *why = cli_record_reason(arena, n->record);
  fsm_buf line = {0};
  fsm_buf_printf(&line, "%s  %s%s", moment(arena, n->record), branch, *inst != 0 ? inst : "(store)");
  fsm_buf_printf(&line, "  %s", kind);
  if (*trigger != 0) fsm_buf_printf(&line, " %s", trigger);
  if (*went != 0) fsm_buf_printf(&line, "  %s", went);
  if (*who != 0) fsm_buf_printf(&line, "  by %s", who);
  if (*why != 0) fsm_buf_printf(&line, "  (%s)", why);
  fsm_buf_printf(&line, "  @%lld", (long long)n->seq);
  if (!fsm_buf_ok(&line)) cli->text.failed = true;
  if (cli->screen.columns > 0)
    cli_clip(&cli->text, fsm_buf_text(&line), cli->screen.columns);
  else
    fsm_buf_str(&cli->text, fsm_buf_text(&line));
  fsm_buf_char(&cli->text, '\n');
  fsm_buf_free(&line);
}

/* Lines of a node's levels: more[d] tells whether the one of depth d has siblings behind it. */
static void print_node(cli_run *cli, const node *n, bool *more) {
  fsm_buf branch = {0};
  const uint32_t depth = n->depth < CLI_TREE_DEPTH ? n->depth : CLI_TREE_DEPTH - 1;
  if (n->depth < CLI_TREE_DEPTH) more[n->depth] = n->next != 0;
  for (uint32_t d = 1; d < depth; d++) fsm_buf_str(&branch, more[d] ? "│  " : "   ");
  if (depth > 0) fsm_buf_str(&branch, n->next != 0 ? "├─ " : "└─ ");
  print_line(cli, n, fsm_buf_text(&branch));
  fsm_buf_free(&branch);
}

static void print_all(cli_run *cli, const node *nodes, uint32_t count, uint32_t *stack) {
  bool more[CLI_TREE_DEPTH] = {false};
  for (uint32_t root = 0; root < count; root++) {
    if (nodes[root].by != 0) continue;
    uint32_t top = 0;
    stack[top++] = root;
    while (top > 0) {
      const node *n = &nodes[stack[--top]];
      print_node(cli, n, more);
      if (n->next != 0 && n->by != 0) stack[top++] = n->next - 1;
      if (n->first != 0) stack[top++] = n->first - 1;
    }
  }
}

fsm_code cli_tree_print(cli_run *cli, const fsm_value *items, fsm_error *err) {
  node *nodes = fsm_arena_alloc(&cli->arena, (items->len + 1) * sizeof *nodes);
  uint32_t *stack = fsm_arena_alloc(&cli->arena, (2 * (size_t)items->len + 2) * sizeof *stack);
  if (nodes == NULL || stack == NULL) return nomem(err);
  print_all(cli, nodes, grow(items, nodes), stack);
  return FSM_OK;
}

/* ---- what caused what ------------------------------------------------------------------------------- */

/* The seq in an id of the same store, 0 = none. */
static int64_t seq_in(const fsm_value *id, const fsm_value *store) {
  int64_t seq = 0;
  if (id == NULL || store == NULL || !fsm_is(id, FSM_STRING) || !fsm_is(store, FSM_STRING)) return 0;
  if (id->len <= store->len || memcmp(id->s, store->s, store->len) != 0 || id->s[store->len] != '.') return 0;
  uint32_t dot = id->len;
  while (dot > 0 && id->s[dot - 1] != '.') dot--;
  for (uint32_t i = dot; i < id->len; i++) {
    if (id->s[i] < '0' || id->s[i] > '9' || seq > INT64_MAX / 10 - 1) return 0;
    seq = seq * 10 + (id->s[i] - '0');
  }
  return seq;
}

static int64_t cause_of(const fsm_value *record, int64_t seq, const char **how) {
  int64_t place = 0, by = 0;
  const fsm_value *store = fsm_map_get(record, "store");
  *how = "frame";
  if (cli_number(fsm_map_get(record, "i"), &place) && place > 0 && place < seq) return seq - place;
  *how = "caus";
  if ((by = seq_in(fsm_map_get(record, "caus"), store)) > 0 && by < seq) return by;
  *how = "parent";
  return (by = seq_in(fsm_map_get(record, "parent"), store)) < seq ? by : 0;
}

fsm_code cli_tree_items(fsm_arena *arena, const fsm_value *records, fsm_value *out, fsm_error *err) {
  fsm_value *items = fsm_arena_alloc(arena, (records->len + 1) * sizeof *items);
  if (items == NULL) return nomem(err);
  for (uint32_t i = 0; i < records->len; i++) {
    const fsm_value *record = &records->items[i];
    fsm_pair *pairs = fsm_arena_alloc(arena, 3 * sizeof *pairs);
    const char *how = NULL;
    int64_t seq = 0, by = 0;
    size_t count = 0;
    if (pairs == NULL) return nomem(err);
    if (cli_number(fsm_map_get(record, "seq"), &seq)) by = cause_of(record, seq, &how);
    if (by > 0) pairs[count++] = (fsm_pair){fsm_string("by"), fsm_int(by)};
    if (by > 0) pairs[count++] = (fsm_pair){fsm_string("how"), fsm_string(how)};
    pairs[count++] = (fsm_pair){fsm_string("record"), *record};
    fsm_code code = fsm_map(pairs, count, &items[i], err);
    if (code != FSM_OK) return code;
  }
  *out = fsm_list(items, records->len);
  return FSM_OK;
}

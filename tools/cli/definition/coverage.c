/* coverage.c: see coverage.h. An instance's moves are kept as a hash of the transitions it took, one after
 * the other, and held against that of each path at the end: memory does not grow with their length. */
#include "tools/cli/definition/coverage.h"

#include <string.h>

enum { TABLE = 1 << 18 };

typedef struct followed {
  uint64_t id, moves; /* hashes; id 0 = free */
} followed;

static uint64_t mix(uint64_t hash, uint64_t part) {
  hash = (hash ^ part) * UINT64_C(0x9e3779b97f4a7c15);
  return hash ^ (hash >> 31);
}

static uint64_t hash_text(const fsm_value *text) {
  uint64_t hash = text->len;
  for (uint32_t i = 0; i < text->len; i++) hash = mix(hash, (unsigned char)text->s[i]);
  return hash == 0 ? 1 : hash;
}

/* The place of the instance; NULL when there are too many. */
static followed *follow(followed *table, uint64_t id, cli_coverage *out) {
  size_t at = id % TABLE;
  while (table[at].id != 0 && table[at].id != id) at = (at + 1) % TABLE;
  if (table[at].id == id) return &table[at];
  if (out->instances == CLI_COVERAGE_INSTANCES_MAX) {
    out->whole = false;
    return NULL;
  }
  out->instances++;
  table[at].id = id;
  return &table[at];
}

static bool is_of(const fsm_value *record, uint32_t version) {
  const fsm_value *defv = fsm_map_get(record, "defv");
  return defv != NULL &&
         ((defv->type == FSM_INT && defv->i == version) || (defv->type == FSM_UINT && defv->u == version));
}

static void count(const fsm_value *record, const cli_machine_word *word, followed *table, cli_coverage *out) {
  const fsm_value *tr = fsm_map_get(record, "tr"), *id = fsm_map_get(record, "inst");
  const unsigned most = fsm_machine_transitions(word->file.machine);
  if (!is_of(record, word->version) || id == NULL || id->type != FSM_STRING) return;
  out->records++;
  followed *one = follow(table, hash_text(id), out);
  for (uint32_t i = 0; tr != NULL && tr->type == FSM_LIST && i < tr->len; i++) {
    const uint64_t number = tr->items[i].u;
    if (number < most) out->transitions[number]++;
  }
  if (one == NULL || tr == NULL || tr->type != FSM_LIST || tr->len == 0) return;
  for (uint32_t i = 0; i < tr->len; i++) one->moves = mix(one->moves, tr->items[i].u + 1);
  one->moves = mix(one->moves, UINT64_MAX); /* the end of a move */
}

static uint64_t hash_path(const fsm_exploration *seen, const fsm_path *path) {
  uint64_t hash = 0;
  for (unsigned i = 0; i < path->count; i++) {
    const fsm_explore_move *move = &seen->moves[path->moves[i]];
    for (unsigned j = 0; j < move->count; j++) hash = mix(hash, (uint64_t)move->transitions[j] + 1);
    hash = mix(hash, UINT64_MAX);
  }
  return hash;
}

static void count_paths(const followed *table, const fsm_exploration *seen, const fsm_paths *paths,
                        cli_coverage *out) {
  for (size_t i = 0; i < paths->count; i++) {
    const uint64_t hash = hash_path(seen, &paths->paths[i]);
    for (size_t j = 0; j < TABLE; j++) out->paths[i] += table[j].id != 0 && table[j].moves == hash;
  }
}

static fsm_code read_pages(cli_run *cli, const cli_machine_word *word, followed *table, cli_coverage *out,
                           fsm_error *err) {
  fsm_pair pair = {fsm_string("machine"), fsm_string(fsm_machine_id(word->file.machine))};
  fsm_query query = {.kind = FSM_QUERY_RECORDS, .limit = FSM_PAGE_MAX};
  fsm_arena page;
  fsm_code code = FSM_OK;
  char after[64] = "";
  query.records = (fsm_value){.type = FSM_MAP, .len = 1, .pairs = &pair};
  fsm_arena_init(&page, 0);
  for (bool more = true; more && code == FSM_OK;) {
    fsm_value document;
    fsm_arena_reset(&page);
    code = cli_source_query(&cli->source, &query, &page, &document, err);
    if (code != FSM_OK) break;
    const fsm_value *items = fsm_map_get(&document, "items"), *next = fsm_map_get(&document, "next");
    for (uint32_t i = 0; items != NULL && items->type == FSM_LIST && i < items->len; i++)
      count(&items->items[i], word, table, out);
    more = next != NULL && next->type == FSM_STRING && next->len < sizeof after &&
           !fsm_is_text(next, after) && items != NULL && items->len > 0;
    if (more) {
      memcpy(after, next->s, next->len);
      after[next->len] = 0;
      query.after = after;
    }
  }
  fsm_arena_free(&page);
  return code;
}

fsm_code cli_coverage_read(cli_run *cli, const cli_machine_word *word, const fsm_exploration *seen,
                           const fsm_paths *paths, cli_coverage *out, fsm_error *err) {
  *out = (cli_coverage){.whole = true};
  followed *table = fsm_arena_zalloc(&cli->arena, TABLE, sizeof *table);
  out->transitions = fsm_arena_zalloc(&cli->arena, fsm_machine_transitions(word->file.machine) + 1u, 8);
  out->paths = fsm_arena_zalloc(&cli->arena, paths->count + 1, 8);
  if (table == NULL || out->transitions == NULL || out->paths == NULL)
    return fsm_fail(err, FSM_ENOMEM, "", "no memory for the coverage");
  fsm_code code = read_pages(cli, word, table, out, err);
  if (code == FSM_OK) count_paths(table, seen, paths, out);
  return code;
}

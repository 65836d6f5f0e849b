/* repair.c: see repair.h.
 *
 * A plan changes no byte. A repair that is done leaves a directory that opens and verifies, with a record of
 * kind `repaired`, and every seq that was there before is there still or in what that record says is lost.
 * One that is not done says why, and changes no byte. */
#include "repair.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "schema/json.h"

/* ---- bytes -------------------------------------------------------------------------------------- */

static uint64_t mix(uint64_t sum, const void *data, size_t len) {
  for (size_t i = 0; i < len; i++) sum = (sum ^ ((const uint8_t *)data)[i]) * 0x100000001B3u;
  return sum;
}

static uint64_t sum_of_file(const char *path) {
  static char buf[65536];
  FILE *file = fopen(path, "rb");
  uint64_t sum = 0xcbf29ce484222325u;
  for (size_t got; file != NULL && (got = fread(buf, 1, sizeof buf, file)) > 0;) {
    uint64_t words[2] = {got, 0};
    for (size_t i = 0; i + 8 <= got; i += 8) {
      uint64_t word;
      memcpy(&word, buf + i, 8);
      words[1] = (words[1] ^ word) * 0x9E3779B97F4A7C15u + (words[1] >> 29);
    }
    sum = mix(mix(sum, words, sizeof words), buf + got / 8 * 8, got % 8);
  }
  if (file != NULL) fclose(file);
  return sum;
}

/* Of all files but LMDB's table of readers; in any order. */
static uint64_t sum_of_tree(const char *path) {
  DIR *dir = opendir(path);
  uint64_t sum = 0;
  for (struct dirent *e; dir != NULL && (e = readdir(dir)) != NULL;) {
    char below[1200];
    if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 || strcmp(e->d_name, "lock.mdb") == 0)
      continue;
    snprintf(below, sizeof below, "%s/%s", path, e->d_name);
    uint64_t one = e->d_type == DT_DIR ? sum_of_tree(below) : sum_of_file(below);
    sum += mix(one, e->d_name, strlen(e->d_name));
  }
  if (dir != NULL) closedir(dir);
  return sum;
}

/* ---- what the repair said ------------------------------------------------------------------------ */

typedef struct attempt {
  fsm_arena arena;
  fsm_value told;
  fsm_code code;
  fsm_error err;
  bool done;
} attempt;

static int wrong(const char *what, const fsm_error *err) {
  printf("damage: repair: %s: %s: %s\n", what, err != NULL ? err->where : "", err != NULL ? err->text : "");
  return WRONG;
}

static uint64_t number(const fsm_value *map, const char *name) {
  const fsm_value *value = map != NULL ? fsm_map_get(map, name) : NULL;
  return value != NULL && fsm_is(value, FSM_INT) ? (uint64_t)value->i : 0;
}

static void try(attempt *a, const char *dir, const fsm_database_order *order, bool loud) {
  fsm_buf text = {0};
  fsm_arena_init(&a->arena, 0);
  a->err = (fsm_error){.text = ""};
  a->code = fsm_database_repair(dir, order, &a->arena, &a->told, &a->err);
  const fsm_value *done = a->code == FSM_OK ? fsm_map_get(&a->told, "done") : NULL;
  a->done = done != NULL && done->b;
  if (!loud) return;
  if (a->code == FSM_OK) fsm_json_write(&text, &a->told);
  printf("damage: repair: %s %s: %s%s\n", fsm_code_name(a->code), a->err.where, a->err.text,
         fsm_buf_text(&text));
  fsm_buf_free(&text);
}

/* The plan has words, or the fault has. */
static bool says_why(const attempt *a) {
  const fsm_value *plan = a->code == FSM_OK ? fsm_map_get(&a->told, "plan") : NULL;
  return a->code == FSM_OK ? plan != NULL && plan->len > 0 : a->err.text[0] != '\0';
}

/* ---- what there is now --------------------------------------------------------------------------- */

/* Every seq up to last is kept, or told of as lost. */
static int hold_against(fsm_runtime *runtime, const attempt *a, uint64_t last) {
  fsm_arena arena;
  fsm_value page;
  fsm_error err = {.text = ""};
  int code = WRONG;
  const uint64_t seq = number(&a->told, "record");
  fsm_arena_init(&arena, 0);
  char after[24];
  snprintf(after, sizeof after, "%llu", (unsigned long long)(seq - 1));
  const fsm_query query = {.kind = FSM_QUERY_RECORDS, .after = after, .limit = 1};
  if (seq == 0 || fsm_query_wait(runtime, &query, &arena, &page, &err) != FSM_OK) {
    wrong("the record of it is not there", &err);
  } else {
    const fsm_value *items = fsm_map_get(&page, "items");
    const fsm_value *record = items != NULL && items->len == 1 ? &items->items[0] : NULL;
    const fsm_value *kind = record != NULL ? fsm_map_get(record, "kind") : NULL;
    const fsm_value *detail = record != NULL ? fsm_map_get(record, "detail") : NULL;
    const uint64_t from = number(detail, "lost_from"), to = number(detail, "lost_to");
    const uint64_t fork = number(detail, "fork"), kept = number(detail, "kept_from");
    const fsm_value *more = detail != NULL ? fsm_map_get(detail, "lost_more") : NULL;
    if (kind == NULL || strncmp(kind->s, "repaired", 8) != 0)
      wrong("its record is of another kind", NULL);
    else if (kept == 0 && seq <= last &&
             (from != fork + 1 || from != seq || (to < last && !(more != NULL && more->b))))
      wrong("records are gone, and the repair does not say so", NULL);
    else if (kept > 0 && from > 0 && to + 1 != kept)
      wrong("the front that went is not the one that is told of", NULL);
    else if (kept > 0 && seq != last + 1)
      wrong("more went than the front", NULL);
    else
      code = from > 0 ? REPAIRED_WITH_LOSS : REPAIRED;
  }
  fsm_arena_free(&arena);
  return code;
}

static int look_again(const char *dir, const attempt *a, uint64_t last, open_fn *open_at) {
  fsm_runtime *runtime = NULL;
  fsm_verified verified;
  fsm_error err = {.text = ""};
  if (open_at(dir, &runtime, &err) != FSM_OK) return wrong("it was repaired, and does not open", &err);
  int code = hold_against(runtime, a, last);
  if (fsm_runtime_verify(runtime, &verified, &err) != FSM_OK)
    code = wrong("it was repaired, and does not verify", &err);
  fsm_runtime_close(runtime);
  return code;
}

int repair_damage(const char *dir, uint64_t last, open_fn *open_at, bool loud) {
  const fsm_database_order orders[] = {
      {.actor = "test"},
      {.actor = "test", .yes = true},
      {.actor = "test", .yes = true, .accept_loss = true, .reason = "a test"}};
  const uint64_t before = sum_of_tree(dir);
  int code = NOT_REPAIRED;
  for (unsigned i = 0; i < sizeof orders / sizeof *orders && code == NOT_REPAIRED; i++) {
    attempt a;
    try(&a, dir, &orders[i], loud);
    if (a.done)
      code = look_again(dir, &a, last, open_at);
    else if (!says_why(&a))
      code = wrong("it says nothing", NULL);
    else if (sum_of_tree(dir) != before)
      code = wrong("it was not done, and something has changed", &a.err);
    fsm_arena_free(&a.arena);
  }
  return code;
}

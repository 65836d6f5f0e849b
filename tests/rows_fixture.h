/* rows_fixture.h: a bare store with a catalog over it, and all its rows as one text. No journal, no writer:
 * what a test puts there is all there is. */
#ifndef ROWS_FIXTURE_H
#define ROWS_FIXTURE_H

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "runtime/apply.h"
#include "runtime/rows.h"
#include "schema/json.h"

typedef struct rig {
  char root[64], dir[80];
  fsm__store *store;
  fsm__catalog *catalog;
  fsm_arena arena;
} rig;

/* A machine with a compound state, a task, a timer and an end. */
static const char RIG_MACHINE[] =
    "{\"id\":\"m\",\"initial\":\"a\",\"context\":{\"n\":0},\"states\":{"
    "\"a\":{\"on\":{\"GO\":\"b\",\"ADD\":{\"context\":{\"n\":{\"@expr\":\"context.n + 1\"}}},"
    "\"HIGH\":{\"target\":\"b\",\"guard\":{\"@expr\":\"context.n > 5\"}}}},"
    "\"b\":{\"initial\":\"x\",\"after\":{\"60000\":\"done\"},"
    "\"invoke\":{\"id\":\"job\",\"src\":\"svc\",\"onDone\":\"done\",\"onError\":\"a\"},"
    "\"states\":{\"x\":{\"on\":{\"NEXT\":\"y\"}},\"y\":{\"on\":{\"END\":\"#m.done\"}}}},"
    "\"done\":{\"type\":\"final\",\"output\":{\"n\":{\"@expr\":\"context.n\"}}}}}";

static inline void rig_open(rig *r) {
  fsm_error err = {.text = ""};
  static const uint8_t id[16] = "a store of tests";
  fsm_code code =
      fsm__store_open(&(fsm__store_options){.dir = r->dir, .map_bytes = (size_t)64 << 20, .new_store_id = id},
                      &r->store, &err);
  if (code == FSM_OK) code = fsm__catalog_open(r->store, &r->catalog, &err);
  if (code != FSM_OK) fail_msg("%s: %s: %s", fsm_code_name(code), err.where, err.text);
}

static inline void rig_close(rig *r) {
  fsm__catalog_free(r->catalog);
  if (r->store != NULL) fsm__store_close(r->store);
  r->catalog = NULL;
  r->store = NULL;
}

static inline rig *rig_new(void) {
  rig *r = calloc(1, sizeof *r);
  snprintf(r->root, sizeof r->root, "/tmp/fsm-rows-XXXXXX");
  assert_non_null(mkdtemp(r->root));
  snprintf(r->dir, sizeof r->dir, "%s/store", r->root);
  fsm_arena_init(&r->arena, 0);
  rig_open(r);
  return r;
}

static inline void rig_free(rig *r) {
  rig_close(r);
  DIR *dir = opendir(r->dir);
  for (struct dirent *e; dir != NULL && (e = readdir(dir)) != NULL;)
    if (e->d_name[0] != '.') unlinkat(dirfd(dir), e->d_name, 0);
  if (dir != NULL) closedir(dir);
  rmdir(r->dir);
  rmdir(r->root);
  fsm_arena_free(&r->arena);
  free(r);
}

/* Commits what waits in the overlay. */
static inline void rig_round(rig *r, uint64_t seq) {
  fsm_error err = {.text = ""};
  fsm__hash leaf = fsm__leaf(&seq, sizeof seq);
  if (fsm__store_round(r->store, seq, &leaf, &err) != FSM_OK) fail_msg("%s: %s", err.where, err.text);
}

static inline void rig_reopen(rig *r, uint64_t seq) {
  rig_round(r, seq);
  rig_close(r);
  rig_open(r);
}

static inline const fsm__deployed *rig_deploy(rig *r, const char *source, uint64_t seq) {
  fsm_error err = {.text = ""};
  fsm_definition *definition = NULL;
  fsm_code code = fsm_definition_load(source, strlen(source), &definition, &err);
  if (code == FSM_OK)
    code = fsm__catalog_add(r->catalog, source, strlen(source), definition, seq, (int64_t)seq * 1000, &err);
  if (code != FSM_OK) fail_msg("%s: %s: %s", fsm_code_name(code), err.where, err.text);
  return fsm__catalog_find(r->catalog, fsm_machine_id(fsm_definition_machine(definition)), 0);
}

static inline fsm_value rig_json(rig *r, const char *text) {
  fsm_value value;
  fsm_error err = {.text = ""};
  if (fsm_json_parse(&r->arena, text, strlen(text), FSM_JSON_SORTED, &value, &err) != FSM_OK)
    fail_msg("json: %s: %s", err.where, err.text);
  return value;
}

static inline void rows_add_hex(fsm_buf *buf, const void *data, size_t len) {
  for (size_t i = 0; i < len; i++) fsm_buf_printf(buf, "%02x", ((const uint8_t *)data)[i]);
}

/* Every row of every table, a line each, overlay merged in. Lives in the rig's arena. */
static inline const char *rig_dump(rig *r) {
  fsm_buf buf = {0};
  for (unsigned t = 0; t < FSM_TABLE_COUNT; t++) {
    fsm__range range;
    fsm__row row;
    bool found = false;
    fsm__range_open(&range, r->store, (fsm__table)t, NULL, 0);
    for (;;) {
      assert_int_equal(fsm__range_next(&range, &row, &found, NULL), FSM_OK);
      if (!found) break;
      fsm_buf_printf(&buf, "%s ", fsm__table_name((fsm__table)t));
      rows_add_hex(&buf, row.key, row.key_len);
      fsm_buf_char(&buf, ' ');
      rows_add_hex(&buf, row.value, row.value_len);
      fsm_buf_char(&buf, '\n');
    }
    fsm__range_close(&range);
  }
  const char *text = fsm_arena_strdup(&r->arena, fsm_buf_text(&buf));
  fsm_buf_free(&buf);
  return text;
}

static inline unsigned rig_count(rig *r, fsm__table table, const void *prefix, size_t len) {
  fsm__range range;
  fsm__row row;
  bool found = false;
  unsigned count = 0;
  fsm__range_open(&range, r->store, table, prefix, len);
  while (fsm__range_next(&range, &row, &found, NULL) == FSM_OK && found) count++;
  fsm__range_close(&range);
  return count;
}

/* What a counter gave last. */
static inline int64_t rig_counter(fsm__store *store, const char *name) {
  uint64_t last = 0;
  assert_int_equal(fsm__counter_read(store, name, &last, NULL), FSM_OK);
  return (int64_t)last;
}

static inline uint32_t rig_name(rig *r, const char *text) {
  uint32_t number = 0;
  assert_int_equal(fsm__name_find(r->store, text, strlen(text), &number, NULL), FSM_OK);
  return number;
}

static inline int rig_setup(void **state) {
  rig *r = rig_new();
  rig_deploy(r, RIG_MACHINE, 1);
  *state = r;
  return 0;
}

static inline int rig_teardown(void **state) {
  rig_free(*state);
  return 0;
}

#define R(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

#endif

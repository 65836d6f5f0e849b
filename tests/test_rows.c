/* test_rows.c: keys in their order, rows there and back, and rows that cannot be read. */
#include "rows_fixture.h"

#include "schema/pack.h"

/* ---- keys --------------------------------------------------------------------------------------- */

static void keys_sort_as_their_numbers(void **state) {
  (void)state;
  const uint64_t numbers[] = {0, 1, 255, 256, 65535, 65536, UINT32_MAX, (uint64_t)UINT32_MAX + 1, UINT64_MAX};
  for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
    fsm__key key = {.len = 0};
    fsm__key_u64(&key, numbers[i]);
    assert_int_equal(key.len, 8);
    assert_true(fsm__key_read_u64(key.bytes) == numbers[i]);
    if (i == 0) continue;
    fsm__key before = {.len = 0};
    fsm__key_u64(&before, numbers[i - 1]);
    assert_true(memcmp(before.bytes, key.bytes, 8) < 0);
  }
  fsm__key key = {.len = 0};
  fsm__key_u32(&key, 0xA1B2C3D4);
  assert_true(fsm__key_read_u32(key.bytes) == 0xA1B2C3D4);
}

static int order_of(fsm__key a, fsm__key b) {
  size_t shared = a.len < b.len ? a.len : b.len;
  int order = memcmp(a.bytes, b.bytes, shared);
  return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static fsm__key timer_due(int64_t ns, uint64_t seq, uint16_t place, uint64_t number, const char *id) {
  const fsm__timer timer = {.id = id, .due_ns = ns, .seq = seq, .place = place};
  return fsm__key_due_timer(number, &timer);
}

static void due_keys_sort_by_time_then_by_the_order_of_setting(void **state) {
  (void)state;
  assert_true(order_of(timer_due(1, 9, 9, 9, "z"), timer_due(2, 1, 0, 1, "a")) < 0);
  assert_true(order_of(timer_due(2, 1, UINT16_MAX, 9, "z"), timer_due(2, 2, 0, 1, "a")) < 0);
  assert_true(order_of(timer_due(2, 1, 0, 9, "z"), timer_due(2, 1, 1, 1, "a")) < 0);
  assert_true(order_of(timer_due(2, FSM_TIMER_SEQ_MAX - 1, 0, 9, "z"),
                       timer_due(2, FSM_TIMER_SEQ_MAX, 0, 1, "a")) < 0);
  assert_true(order_of(fsm__key_due(2, UINT64_MAX, 'k', "z"), timer_due(2, 1, 0, 1, "a")) < 0);
  assert_true(order_of(fsm__key_due(1, 9, 'm', "z"), fsm__key_due(2, 1, 'k', "a")) < 0);
  assert_true(order_of(fsm__key_due(2, 1, 'm', "a"), fsm__key_due(2, 2, 'k', "a")) < 0);
  assert_true(order_of(fsm__key_due(INT64_MAX - 1, 2, 'm', "a"), fsm__key_due(INT64_MAX, 1, 'm', "a")) < 0);
}

static void by_state_keys_sort_the_longest_held_first(void **state) {
  (void)state;
  assert_true(order_of(fsm__key_by_state(1, 2, 100, 9), fsm__key_by_state(1, 2, 101, 1)) < 0);
  assert_true(order_of(fsm__key_by_state(1, 2, 101, 1), fsm__key_by_state(1, 3, 0, 1)) < 0);
  assert_true(order_of(fsm__key_by_state(1, 9, 9, 9), fsm__key_by_state(2, 0, 0, 0)) < 0);
}

static void a_creation_is_found_in_its_hour(void **state) {
  (void)state;
  const int64_t hour = (int64_t)3600 * 1000000000;
  const uint8_t hash[16] = "0123456789abcde";
  assert_int_equal(order_of(fsm__key_start(5 * hour, 1, hash), fsm__key_start(6 * hour - 1, 1, hash)), 0);
  assert_true(order_of(fsm__key_start(6 * hour - 1, 9, hash), fsm__key_start(6 * hour, 1, hash)) < 0);
}

/* ---- there and back ----------------------------------------------------------------------------- */

static fsm__instance sample(rig *r) {
  static fsm__since active[3] = {{0, 100}, {2, 200}, {3, INT64_MAX}};
  fsm__instance in = {.number = 7,
                      .deployed = fsm__catalog_find(r->catalog, "m", 0),
                      .id = "i-7",
                      .key = "K\xc3\xa4",
                      .corr = "corr",
                      .labels = rig_json(r, "{\"team\":\"it\"}"),
                      .status = FSM_INCIDENT,
                      .active = active,
                      .active_count = 3,
                      .context = rig_json(r, "{\"n\":1,\"deep\":[{\"a\":[1.5,null,true]}]}"),
                      .history = rig_json(r, "{\"b.hist\":[\"b.y\"]}"),
                      .rev = 42,
                      .last_seq = 99,
                      .created_seq = 3,
                      .created_ns = 1000,
                      .updated_ns = 2000,
                      .counter = 5,
                      .idem_rows = 6,
                      .output = rig_json(r, "[1]"),
                      .incident = rig_json(r, "{\"reason\":\"loop_limit\"}")};
  memset(in.context_hash.bytes, 0xAB, sizeof in.context_hash.bytes);
  return in;
}

static fsm_code load(rig *r, uint64_t number, fsm__instance *out, fsm_error *err) {
  return fsm__instance_load(r->store, r->catalog, number, &r->arena, out, err);
}

static void assert_same_instance(const fsm__instance *a, const fsm__instance *b) {
  assert_true(a->number == b->number && a->deployed == b->deployed && a->status == b->status);
  assert_string_equal(a->id, b->id);
  assert_true(a->rev == b->rev && a->last_seq == b->last_seq && a->created_seq == b->created_seq);
  assert_true(a->created_ns == b->created_ns && a->updated_ns == b->updated_ns);
  assert_true(a->counter == b->counter && a->idem_rows == b->idem_rows);
  assert_true(fsm_value_same(&a->labels, &b->labels) && fsm_value_same(&a->context, &b->context));
  assert_true(fsm_value_same(&a->history, &b->history));
  assert_true(fsm_value_same(&a->output, &b->output) && fsm_value_same(&a->incident, &b->incident));
  assert_memory_equal(a->context_hash.bytes, b->context_hash.bytes, FSM_HASH_BYTES);
  assert_int_equal(a->active_count, b->active_count);
  for (unsigned i = 0; i < a->active_count; i++) {
    assert_int_equal(a->active[i].state, b->active[i].state);
    assert_true(a->active[i].ns == b->active[i].ns);
  }
}

static void an_instance_comes_back_as_it_was_put(void **state) {
  rig *r = *state;
  fsm__instance in = sample(r), back;
  fsm__instance_put(r->store, &in);
  assert_int_equal(load(r, 7, &back, NULL), FSM_OK);
  assert_same_instance(&in, &back);
  assert_string_equal(back.key, in.key);
  assert_string_equal(back.corr, in.corr);
  rig_reopen(r, 2);
  assert_int_equal(load(r, 7, &back, NULL), FSM_OK);
  in.deployed = fsm__catalog_find(r->catalog, "m", 0);
  assert_same_instance(&in, &back);
}

static void an_instance_without_key_labels_and_output_comes_back_without(void **state) {
  rig *r = *state;
  fsm__instance in = sample(r), back;
  in.key = in.corr = NULL;
  in.labels = in.output = in.incident = in.history = fsm_null();
  in.status = FSM_RUNNING;
  fsm__instance_put(r->store, &in);
  assert_int_equal(load(r, 7, &back, NULL), FSM_OK);
  assert_same_instance(&in, &back);
  assert_null(back.key);
  assert_null(back.corr);
}

/* The bytes that the version before histories wrote. */
static const char ROW_OF_BEFORE[] =
    "dc00140101a3692d37a34bc3a4a4636f727281a47465616da2697402930002039364ccc8cf7fffffffffffffff82a4646565"
    "709181a16193cb3ff8000000000000c0c3a16e01c420abababababababababababababababababababababababababababab"
    "abababab2a6303cd03e8cd07d00506910181a6726561736f6eaa6c6f6f705f6c696d6974"
    "";

static const char *row_hex(rig *r) {
  fsm__key key = fsm__key_instance(7, 's', NULL, 0);
  const void *value = NULL;
  size_t len = 0;
  fsm_buf hex = {0};
  assert_int_equal(fsm__store_get(r->store, FSM_T_INSTANCES, key.bytes, key.len, &value, &len, NULL), FSM_OK);
  rows_add_hex(&hex, value, len);
  const char *text = fsm_arena_strdup(&r->arena, fsm_buf_text(&hex));
  fsm_buf_free(&hex);
  return text;
}

static void a_row_of_before_histories_is_read_and_written_as_it_was(void **state) {
  rig *r = *state;
  uint8_t bytes[sizeof ROW_OF_BEFORE / 2];
  fsm__instance in = sample(r), back;
  fsm__key key = fsm__key_instance(7, 's', NULL, 0);
  in.history = fsm_null();
  fsm__instance_put(r->store, &in);
  assert_string_equal(row_hex(r), ROW_OF_BEFORE);
  for (size_t i = 0; i < sizeof bytes; i++)
    bytes[i] = (uint8_t)strtoul((const char[3]){ROW_OF_BEFORE[2 * i], ROW_OF_BEFORE[2 * i + 1], 0}, NULL, 16);
  fsm__store_put(r->store, FSM_T_INSTANCES, key.bytes, key.len, bytes, sizeof bytes);
  assert_int_equal(load(r, 7, &back, NULL), FSM_OK);
  assert_same_instance(&in, &back);
}

static void timers_tasks_and_keys_come_back(void **state) {
  rig *r = *state;
  fsm__timer timer = {.id = "t",
                      .event = "late",
                      .due_ns = INT64_MAX,
                      .data = fsm_null(),
                      .seq = FSM_TIMER_SEQ_MAX,
                      .place = UINT16_MAX},
             timer_back;
  fsm__timer_put(r->store, 7, &timer);
  assert_int_equal(fsm__timer_load(r->store, 7, "t", &r->arena, &timer_back, NULL), FSM_OK);
  assert_string_equal(timer_back.id, "t");
  assert_string_equal(timer_back.event, "late");
  assert_true(timer_back.due_ns == INT64_MAX && fsm_is(&timer_back.data, FSM_NULL));
  assert_true(timer_back.seq == FSM_TIMER_SEQ_MAX && timer_back.place == UINT16_MAX);
  fsm__task task = {.id = "job",
                    .service = "svc",
                    .corr = "c",
                    .input = rig_json(r, "{\"a\":1}"),
                    .token = "token of a task",
                    .attempts = 100,
                    .attempt = 3,
                    .timeout_ns = 5,
                    .next_ns = 6,
                    .started = true,
                    .seq = 12,
                    .heartbeat_ns = 13,
                    .begun_ns = 14,
                    .later = true,
                    .error = "why"},
            task_back;
  fsm__task_put(r->store, 7, &task);
  assert_int_equal(fsm__task_load(r->store, 7, "job", &r->arena, &task_back, NULL), FSM_OK);
  assert_string_equal(task_back.service, "svc");
  assert_string_equal(task_back.corr, "c");
  assert_true(fsm_value_same(&task_back.input, &task.input));
  assert_memory_equal(task_back.token, task.token, 16);
  assert_true(task_back.attempts == 100 && task_back.attempt == 3 && task_back.started);
  assert_true(task_back.timeout_ns == 5 && task_back.next_ns == 6 && task_back.seq == 12);
  assert_true(task_back.heartbeat_ns == 13 && task_back.begun_ns == 14 && task_back.later);
  assert_string_equal(task_back.error, "why");
  fsm__key key = fsm__key_instance(7, 'i', "0123456789abcdef", 16);
  fsm__idem idem = {.fingerprint = "fifteen letters", .expiry_ns = 8, .seq = 9}, idem_back;
  fsm__idem_put(r->store, FSM_T_INSTANCES, &key, &idem);
  assert_int_equal(fsm__idem_load(r->store, FSM_T_INSTANCES, &key, &r->arena, &idem_back, NULL), FSM_OK);
  assert_memory_equal(idem_back.fingerprint, idem.fingerprint, 16);
  assert_true(idem_back.expiry_ns == 8 && idem_back.seq == 9);
}

static void one_id_is_many_timers_that_come_in_the_order_they_were_set_in(void **state) {
  rig *r = *state;
  static const uint64_t seqs[] = {300, 5, 5, 4};
  static const uint16_t places[] = {0, 7, 1, 9};
  fsm__timer back;
  for (size_t i = 0; i < 4; i++) {
    fsm__timer timer = {.id = "t", .event = "e", .data = fsm_null(), .seq = seqs[i], .place = places[i]};
    fsm__timer_put(r->store, 7, &timer);
    timer.id = "t2"; /* no neighbour is taken for it */
    fsm__timer_put(r->store, 7, &timer);
  }
  uint64_t order = 0;
  for (size_t i = 0; i < 4; i++, order = fsm__timer_order(&back) + 1) {
    assert_int_equal(fsm__timer_load_from(r->store, 7, "t", order, &r->arena, &back, NULL), FSM_OK);
    assert_true(back.seq == seqs[3 - i] && back.place == places[3 - i]);
    assert_string_equal(back.id, "t");
  }
  assert_int_equal(fsm__timer_load_from(r->store, 7, "t", order, &r->arena, &back, NULL), FSM_ENOTFOUND);
}

static void the_longest_ids_fit_into_keys(void **state) {
  rig *r = *state;
  char id[FSM_TIMER_ID_MAX + 1];
  memset(id, 'x', sizeof id - 1);
  id[sizeof id - 1] = '\0';
  fsm__timer timer = {.id = id, .event = "e", .due_ns = 1, .data = fsm_null()}, back;
  fsm__timer_put(r->store, UINT64_MAX, &timer);
  fsm__key due = fsm__key_due_timer(UINT64_MAX, &timer);
  fsm__store_put(r->store, FSM_T_DUE, due.bytes, due.len, "", 0);
  assert_int_equal(fsm__store_fault(r->store, NULL), FSM_OK);
  assert_int_equal(fsm__timer_load(r->store, UINT64_MAX, id, &r->arena, &back, NULL), FSM_OK);
  assert_string_equal(back.id, id);
  id[FSM_KEY_MAX] = '\0';
  fsm__key business = fsm__key_business(UINT32_MAX, id);
  assert_int_equal(business.len, 4 + FSM_KEY_MAX);
}

static void all_rows_of_an_instance_lie_together(void **state) {
  rig *r = *state;
  fsm__instance in = sample(r);
  for (in.number = 6; in.number <= 8; in.number++) {
    fsm__timer timer = {.id = "t", .event = "e", .data = fsm_null()};
    fsm__instance_put(r->store, &in);
    fsm__timer_put(r->store, in.number, &timer);
  }
  fsm__key prefix = {.len = 0};
  fsm__key_u64(&prefix, 7);
  assert_int_equal(rig_count(r, FSM_T_INSTANCES, prefix.bytes, prefix.len), 2);
}

/* ---- what is not there, what cannot be read ----------------------------------------------------- */

static void what_is_absent_is_not_found_and_leaves_the_error_alone(void **state) {
  rig *r = *state;
  fsm_error err = {.code = FSM_OK, .text = "untouched"};
  fsm__instance in;
  fsm__timer timer;
  fsm__task task;
  fsm__idem idem;
  uint64_t number;
  fsm__key key = fsm__key_instance(1, 'i', "0123456789abcdef", 16);
  assert_int_equal(load(r, 1, &in, &err), FSM_ENOTFOUND);
  assert_int_equal(fsm__timer_load(r->store, 1, "t", &r->arena, &timer, &err), FSM_ENOTFOUND);
  assert_int_equal(fsm__task_load(r->store, 1, "t", &r->arena, &task, &err), FSM_ENOTFOUND);
  assert_int_equal(fsm__idem_load(r->store, FSM_T_INSTANCES, &key, &r->arena, &idem, &err), FSM_ENOTFOUND);
  assert_int_equal(fsm__instance_number(r->store, "nobody", &number, &err), FSM_ENOTFOUND);
  assert_int_equal(fsm__instance_by_key(r->store, 1, "nobody", &number, &err), FSM_ENOTFOUND);
  assert_string_equal(err.text, "untouched");
}

/* The instance's row with its item at `at` replaced. */
static void put_mutated(rig *r, unsigned at, fsm_value item) {
  fsm__instance in = sample(r);
  fsm__instance_put(r->store, &in);
  fsm__key key = fsm__key_instance(7, 's', NULL, 0);
  const void *value = NULL;
  size_t len = 0;
  fsm_value row;
  assert_int_equal(fsm__store_get(r->store, FSM_T_INSTANCES, key.bytes, key.len, &value, &len, NULL), FSM_OK);
  char *bytes = fsm_arena_strndup(&r->arena, value, len);
  assert_int_equal(fsm_unpack(&r->arena, bytes, len, &row, NULL), FSM_OK);
  fsm_value *items = fsm_arena_alloc(&r->arena, (row.len + 1) * sizeof *items);
  memcpy(items, row.items, row.len * sizeof *items);
  items[at] = item;
  fsm_value changed = fsm_list(items, at == row.len ? row.len + 1 : row.len);
  fsm_buf buf = {0};
  assert_int_equal(fsm_pack(&buf, &changed, NULL), FSM_OK);
  fsm__store_put(r->store, FSM_T_INSTANCES, key.bytes, key.len, buf.data, buf.len);
  fsm_buf_free(&buf);
}

static void an_instance_row_that_cannot_be_read_is_corrupt(void **state) {
  rig *r = *state;
  const struct {
    unsigned at;
    const char *item;
  } cases[] = {{0, "99"},          {1, "99"},         {2, "null"}, {6, "5"},          {6, "-1"},
               {7, "[0]"},         {7, "[0,2,99]"},   {7, "[]"},   {7, "[0,-1,3]"},   {8, "[1,2]"},
               {8, "[1,2,\"x\"]"}, {8, "[1,2,-1]"},   {9, "1"},    {10, "1"},         {11, "\"x\""},
               {16, "null"},       {21, "1"},         {20, "1"},   {20, "null"},      {20, "{}"},
               {7, "[0,2,\"a\"]"}, {0, "4294967297"}, {1, "0"},    {1, "4294967297"}, {3, "7"},
               {4, "[]"},          {5, "1"},          {11, "-1"},  {16, "-1"},        {16, "4294967296"},
               {17, "-1"},         {19, "7"}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    fsm_error err = {.text = ""};
    fsm__instance in;
    put_mutated(r, cases[i].at, rig_json(r, cases[i].item));
    if (load(r, 7, &in, &err) != FSM_ECORRUPT) fail_msg("case %zu is taken", i);
    assert_string_equal(err.where, "store: instances");
    assert_non_null(strstr(err.text, "number 7"));
  }
  fsm__key key = fsm__key_instance(7, 's', NULL, 0);
  fsm__store_put(r->store, FSM_T_INSTANCES, key.bytes, key.len, "\xc1", 1);
  fsm__instance in;
  assert_int_equal(load(r, 7, &in, NULL), FSM_ECORRUPT);
}

static void open_rows_that_cannot_be_read_are_corrupt(void **state) {
  rig *r = *state;
  fsm__key timer_key = fsm__key_timer(1, &(fsm__timer){.id = "t"}),
           task_key = fsm__key_instance(1, 'k', "k", 1),
           idem_key = fsm__key_instance(1, 'i', "0123456789abcdef", 16);
  static const char *const rows[] = {"[]", "[1]", "{}", "[\"a\",\"b\",\"c\"]", "[1,2,3,4,5,6,7,8,9]"};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    fsm_value row = rig_json(r, rows[i]);
    fsm_buf buf = {0};
    fsm__timer timer;
    fsm__task task;
    fsm__idem idem;
    assert_int_equal(fsm_pack(&buf, &row, NULL), FSM_OK);
    fsm__store_put(r->store, FSM_T_INSTANCES, timer_key.bytes, timer_key.len, buf.data, buf.len);
    fsm__store_put(r->store, FSM_T_INSTANCES, task_key.bytes, task_key.len, buf.data, buf.len);
    fsm__store_put(r->store, FSM_T_INSTANCES, idem_key.bytes, idem_key.len, buf.data, buf.len);
    fsm_buf_free(&buf);
    assert_int_equal(fsm__timer_load(r->store, 1, "t", &r->arena, &timer, NULL), FSM_ECORRUPT);
    assert_int_equal(fsm__task_load(r->store, 1, "k", &r->arena, &task, NULL), FSM_ECORRUPT);
    assert_int_equal(fsm__idem_load(r->store, FSM_T_INSTANCES, &idem_key, &r->arena, &idem, NULL),
                     FSM_ECORRUPT);
  }
}

static void a_number_that_is_none_is_corrupt(void **state) {
  rig *r = *state;
  uint64_t number;
  fsm_error err = {.text = ""};
  fsm__store_put(r->store, FSM_T_IDS, "i", 1, "1234567", 7);
  assert_int_equal(fsm__instance_number(r->store, "i", &number, &err), FSM_ECORRUPT);
  assert_non_null(strstr(err.text, "ids"));
}

static int64_t next_of(rig *r, const char *name) {
  uint64_t next = 0;
  assert_int_equal(fsm__counter_next(r->store, name, &next, NULL), FSM_OK);
  return (int64_t)next;
}

static int64_t last_of(rig *r, const char *name) { return rig_counter(r->store, name); }

/* From 1 again it would give a new instance the rows of the first. */
static void a_counter_that_cannot_be_read_does_not_begin_anew(void **state) {
  rig *r = *state;
  uint64_t next = 7;
  fsm_error err = {.text = ""};
  fsm__store_put(r->store, FSM_T_COUNTERS, "instance", 8, "123", 3);
  assert_int_equal(fsm__counter_read(r->store, "instance", &next, &err), FSM_ECORRUPT);
  assert_int_equal(fsm__counter_next(r->store, "instance", &next, &err), FSM_ECORRUPT);
  assert_non_null(strstr(err.text, "instance"));
}

static void row_of_everything(rig *r) {
  fsm__since active[] = {{0, 1}, {1, 1}};
  const fsm__instance in = {.number = 9,
                            .deployed = fsm__catalog_find(r->catalog, "m", 0),
                            .id = "an instance",
                            .key = "a key",
                            .corr = "a correlation",
                            .active = active,
                            .active_count = 2,
                            .context = fsm_map_empty()};
  const fsm__task task = {.id = "job", .service = "svc", .corr = "a correlation", .error = "why"};
  fsm__instance_put(r->store, &in);
  fsm__task_put(r->store, 9, &task);
}

static void a_row_is_read_whole_or_there_was_no_memory(void **state) {
  rig *r = *state;
  unsigned whole = 0, none = 0;
  row_of_everything(r);
  for (size_t limit = 16; limit < 8192; limit += 16) {
    fsm_arena arena;
    fsm__instance in;
    fsm__task task;
    fsm_arena_init(&arena, limit);
    fsm_code code = fsm__instance_load(r->store, r->catalog, 9, &arena, &in, NULL);
    if (code == FSM_OK) assert_string_equal(in.key, "a key");
    if (code == FSM_OK) assert_string_equal(in.corr, "a correlation");
    if (code != FSM_OK) assert_int_equal(code, FSM_ENOMEM);
    code == FSM_OK ? whole++ : none++;
    fsm_arena_reset(&arena);
    code = fsm__task_load(r->store, 9, "job", &arena, &task, NULL);
    if (code == FSM_OK) assert_string_equal(task.error, "why");
    if (code == FSM_OK) assert_string_equal(task.corr, "a correlation");
    if (code != FSM_OK) assert_int_equal(code, FSM_ENOMEM);
    fsm_arena_free(&arena);
  }
  assert_true(whole > 0 && none > 0);
}

static void counters_give_one_and_grow_and_a_peek_takes_nothing(void **state) {
  rig *r = *state;
  assert_int_equal(last_of(r, "c"), 0);
  assert_int_equal(last_of(r, "c"), 0);
  assert_int_equal(next_of(r, "c"), 1);
  assert_int_equal(next_of(r, "c"), 2);
  assert_int_equal(next_of(r, "other"), 1);
  rig_reopen(r, 2);
  assert_int_equal(last_of(r, "c"), 2);
}

static void only_what_can_go_on_is_open(void **state) {
  (void)state;
  assert_true(fsm__status_open(FSM_RUNNING) && fsm__status_open(FSM_PAUSED) &&
              fsm__status_open(FSM_INCIDENT));
  assert_false(fsm__status_open(FSM_COMPLETED) || fsm__status_open(FSM_CANCELLED));
  assert_string_equal(fsm__status_name(FSM_CANCELLED), "cancelled");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(keys_sort_as_their_numbers),
      cmocka_unit_test(due_keys_sort_by_time_then_by_the_order_of_setting),
      cmocka_unit_test(by_state_keys_sort_the_longest_held_first),
      cmocka_unit_test(a_creation_is_found_in_its_hour),
      R(an_instance_comes_back_as_it_was_put),
      R(an_instance_without_key_labels_and_output_comes_back_without),
      R(a_row_of_before_histories_is_read_and_written_as_it_was),
      R(timers_tasks_and_keys_come_back),
      R(one_id_is_many_timers_that_come_in_the_order_they_were_set_in),
      R(the_longest_ids_fit_into_keys),
      R(all_rows_of_an_instance_lie_together),
      R(what_is_absent_is_not_found_and_leaves_the_error_alone),
      R(an_instance_row_that_cannot_be_read_is_corrupt),
      R(open_rows_that_cannot_be_read_are_corrupt),
      R(a_number_that_is_none_is_corrupt),
      R(counters_give_one_and_grow_and_a_peek_takes_nothing),
      R(a_counter_that_cannot_be_read_does_not_begin_anew),
      R(a_row_is_read_whole_or_there_was_no_memory),
      cmocka_unit_test(only_what_can_go_on_is_open),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* fuzz_store.h: targets rows (stored rows that are damaged) and apply (records that decode but do not fit).
 */
#ifndef FSM_TESTS_FUZZ_STORE_H
#define FSM_TESTS_FUZZ_STORE_H

#include "tests/fuzz/fuzz_definition.h"
#include "tests/fuzz/fuzz_record.h"
#include "tests/rows_fixture.h"

/* ---- rows ---------------------------------------------------------------------------------------- */

enum {
  ROW_INSTANCE,
  ROW_MORE,
  ROW_TIMER,
  ROW_TASK,
  ROW_SEND,
  ROW_IDEM,
  ROW_STARTS,
  ROW_KINDS
}; /* the last is no msgpack */

static inline fsm__table rows_table(unsigned kind) {
  return kind == ROW_STARTS ? FSM_T_COUNTERS : FSM_T_INSTANCES;
}

#define ROW_SEND_ID "00000000000000000009.00002"

static inline fsm__key rows_key(unsigned kind) {
  fsm__key starts = {.len = 0};
  switch (kind) {
    case ROW_INSTANCE: return fsm__key_instance(7, 's', NULL, 0);
    case ROW_MORE: return fsm__key_instance(8, 's', NULL, 0);
    case ROW_TIMER: return fsm__key_timer(7, &(fsm__timer){.id = "t"});
    case ROW_TASK: return fsm__key_instance(7, 'k', "job", 3);
    case ROW_SEND: return fsm__key_instance(7, 'm', ROW_SEND_ID, strlen(ROW_SEND_ID));
    case ROW_STARTS: fsm__key_add(&starts, "starts", 6); return starts;
    default: return fsm__key_instance(7, 'i', "0123456789abcdef", 16);
  }
}

static inline void rows_seed(fuzz_run *run, unsigned kind) {
  rig *r = run->own;
  fsm__key key = rows_key(kind);
  const void *value = NULL;
  size_t len = 0;
  if (fsm__store_get(r->store, rows_table(kind), key.bytes, key.len, &value, &len, NULL) != FSM_OK)
    fail_msg("no row of kind %u", kind);
  fuzz_seed_add(run, value, len);
}

static inline void rows_put_samples(rig *r) {
  static fsm__since active[3] = {{0, 100}, {2, 200}, {3, INT64_MAX}};
  fsm__instance in = {.number = 7,
                      .deployed = fsm__catalog_find(r->catalog, "m", 0),
                      .id = "i-1",
                      .key = "K",
                      .corr = "c",
                      .labels = rig_json(r, "{\"team\":\"it\"}"),
                      .status = FSM_INCIDENT,
                      .active = active,
                      .active_count = 3,
                      .context = rig_json(r, "{\"n\":1,\"deep\":[{\"a\":[1.5,null,true]}]}"),
                      .rev = 42,
                      .last_seq = 99,
                      .created_seq = 3,
                      .created_ns = 1000,
                      .updated_ns = 2000,
                      .counter = 5,
                      .idem_rows = 6,
                      .output = rig_json(r, "[1]"),
                      .incident = rig_json(r, "{\"reason\":\"loop_limit\"}")};
  fsm__instance_put(r->store, &in);
  in.number = 8; /* what few have */
  in.status = FSM_CANCELLED;
  in.history = rig_json(r, "{\"b\":[\"b.x\"]}");
  in.forced = in.has_parent = true;
  memcpy(in.parent, "token of a task", sizeof in.parent);
  in.cancelled = rig_json(r, "{\"reason\":\"r\",\"seq\":5}");
  fsm__instance_put(r->store, &in);
  fsm__timer timer = {.id = "t", .event = "late", .due_ns = 77, .data = rig_json(r, "{\"a\":1}")};
  fsm__timer_put(r->store, 7, &timer);
  fsm__task task = {.id = "job",
                    .service = "svc",
                    .corr = "c",
                    .input = rig_json(r, "{\"a\":1}"),
                    .token = "token of a task",
                    .attempts = 100,
                    .attempt = 3,
                    .timeout_ns = 5,
                    .next_ns = 6,
                    .started = true};
  fsm__task_put(r->store, 7, &task);
  fsm__key key = rows_key(ROW_IDEM);
  fsm__idem idem = {.fingerprint = "fifteen letters", .expiry_ns = 8, .seq = 9};
  fsm__idem_put(r->store, FSM_T_INSTANCES, &key, &idem);
  fsm__send send = {.id = ROW_SEND_ID,
                    .to = "i-2",
                    .kind = FSM_SEND_EVENT,
                    .event = "GO",
                    .data = rig_json(r, "{\"a\":1}"),
                    .has_token = true,
                    .token = "token of a task",
                    .due_ns = 77,
                    .seq = 9,
                    .corr = "c",
                    .about = rig_json(r, "{\"type\":\"scxml\"}")};
  fsm__send_put(r->store, 7, &send);
  fsm__starts_put(r->store, &(fsm__starts){.rows = 3, .dropped = "where the next one is"});
}

static inline void rows_open(fuzz_run *run) {
  run->tokens = record_tokens;
  rig *r = rig_new();
  run->own = r;
  rig_deploy(r, RIG_MACHINE, 1);
  rows_put_samples(r);
  for (unsigned kind = 0; kind < ROW_KINDS; kind++) rows_seed(run, kind);
}

static inline void rows_close(fuzz_run *run) { rig_free(run->own); }

/* An instance that loads can be worked with. */
static inline void rows_expect_instance(fuzz_run *run, const fsm__instance *in) {
  if (!fuzz_expect(run, in->deployed && in->deployed->machine && in->id && in->active_count > 0,
                   "an instance has what it needs"))
    return;
  fuzz_expect(run, (unsigned)in->status < FSM_STATUS_COUNT, "an instance has a status");
  const fsm_machine *machine = in->deployed->machine;
  for (unsigned i = 0; i < in->active_count; i++)
    fuzz_expect(run, in->active[i].state < fsm_machine_states(machine), "a state is one of the machine");
}

/* Loads the row and, when it is taken, puts it back. */
static inline fsm_code rows_load(fuzz_run *run, unsigned kind, fsm_error *err) {
  rig *r = run->own;
  fsm__key key = rows_key(kind);
  fsm__instance in;
  fsm__timer timer;
  fsm__task task;
  fsm__idem idem;
  fsm__send send;
  fsm__starts starts;
  fsm_code code;
  switch (kind) {
    case ROW_INSTANCE:
    case ROW_MORE:
      code = fsm__instance_load(r->store, r->catalog, kind == ROW_MORE ? 8 : 7, &run->arena, &in, err);
      if (code == FSM_OK) rows_expect_instance(run, &in);
      if (code == FSM_OK) fsm__instance_put(r->store, &in);
      return code;
    case ROW_TIMER:
      code = fsm__timer_load(r->store, 7, "t", &run->arena, &timer, err);
      if (code == FSM_OK) fsm__timer_put(r->store, 7, &timer);
      return code;
    case ROW_TASK:
      code = fsm__task_load(r->store, 7, "job", &run->arena, &task, err);
      if (code == FSM_OK) fsm__task_put(r->store, 7, &task);
      return code;
    case ROW_SEND:
      code = fsm__send_load(r->store, 7, ROW_SEND_ID, &run->arena, &send, err);
      if (code == FSM_OK) fuzz_expect(run, send.kind < FSM_SEND_KIND_COUNT, "a message is of a kind");
      if (code == FSM_OK) fsm__send_put(r->store, 7, &send);
      return code;
    case ROW_STARTS:
      code = fsm__starts_load(r->store, &starts, err);
      if (code == FSM_OK) fsm__starts_put(r->store, &starts);
      return code;
    default:
      code = fsm__idem_load(r->store, FSM_T_INSTANCES, &key, &run->arena, &idem, err);
      if (code == FSM_OK) fsm__idem_put(r->store, FSM_T_INSTANCES, &key, &idem);
      return code;
  }
}

static inline void rows_one(fuzz_run *run) {
  rig *r = run->own;
  unsigned kind = (unsigned)fuzz_below(run, ROW_KINDS);
  fuzz_seed first = run->seeds[0];
  run->seeds[0] = run->seeds[kind]; /* mostly the seed of its own kind */
  size_t count = run->seed_count;
  bool packed = kind != ROW_STARTS;
  run->seed_count = packed && fuzz_one_in(run, 8) ? ROW_STARTS : 1;
  if (!packed || !fuzz_one_in(run, 4) || !pack_input_from_tree(run)) fuzz_input_mutated(run);
  run->seeds[0] = first;
  run->seed_count = count;
  fsm__key key = rows_key(kind);
  fsm__store_put(r->store, rows_table(kind), key.bytes, key.len, run->input, run->input_len);
  fsm_error err = fuzz_error();
  fsm_code code = rows_load(run, kind, &err);
  fuzz_count(run, code);
  if (!fuzz_expect_error(run, code, &err)) return;
  fuzz_expect(run, code == FSM_OK || code == FSM_ECORRUPT, "a damaged row is corrupt");
  if (code != FSM_OK) return;
  const void *value = NULL;
  size_t len = 0;
  code = fsm__store_get(r->store, rows_table(kind), key.bytes, key.len, &value, &len, NULL);
  fuzz_expect(run, code == FSM_OK && len == run->input_len && memcmp(value, run->input, len) == 0,
              "a row that is taken is put back as the same bytes");
}

/* ---- catalog ------------------------------------------------------------------------------------- */

static inline void catalog_open(fuzz_run *run) {
  run->tokens = definition_tokens;
  rig *r = rig_new();
  run->own = r;
  rig_deploy(r, RIG_MACHINE, 1);
  rig_deploy(r, "{\"id\":\"k\",\"initial\":\"a\",\"states\":{\"a\":{\"on\":{\"GO\":\"a\"}}}}", 2);
  fsm__range range;
  fsm__row row;
  bool found = true;
  fsm__range_open(&range, r->store, FSM_T_MACHINES, NULL, 0);
  while (fsm__range_next(&range, &row, &found, NULL) == FSM_OK && found)
    fuzz_seed_add(run, row.value, row.value_len);
  fsm__range_close(&range);
}

static inline void catalog_one(fuzz_run *run) {
  rig *r = run->own;
  if (!fuzz_one_in(run, 2) || !pack_input_from_tree(run)) fuzz_input_mutated(run);
  fsm__key key = {.len = 0};
  fsm__key_u32(&key, 1);
  fsm__key_u32(&key, 1);
  fsm__store_put(r->store, FSM_T_MACHINES, key.bytes, key.len, run->input, run->input_len);
  fsm__catalog *catalog = NULL;
  fsm_error err = fuzz_error();
  fsm_code code = fsm__catalog_open(r->store, &catalog, &err);
  bool good = fuzz_expect_error(run, code, &err) &&
              fuzz_expect(run, code == FSM_OK || code == FSM_ECORRUPT, "a damaged catalog is corrupt");
  const fsm__deployed *deployed = good && code == FSM_OK ? fsm__catalog_at(catalog, 1, 1) : NULL;
  if (deployed) {
    fsm_error fault = fuzz_error();
    fuzz_expect(run, strlen(deployed->id) <= FSM_MACHINE_ID_MAX, "a machine's id is bounded");
    code = fsm__catalog_need(catalog, deployed, &fault);
    fuzz_expect_error(run, code, &fault);
    fuzz_expect(run, code != FSM_OK || deployed->machine != NULL, "what is needed is there");
    fuzz_expect(run, code == FSM_OK || code == FSM_ECORRUPT,
                "a definition that does not load any more is corrupt");
  }
  fuzz_count(run, code);
  if (catalog) fsm__catalog_free(catalog);
}

/* ---- apply --------------------------------------------------------------------------------------- */

static const uint8_t apply_hash[32] = {0xab, 1, 2, 3};

static inline fsm_record apply_record(fsm_record_kind kind, uint64_t seq) {
  fsm_record r = fsm_record_new(kind);
  r.seq = seq;
  r.time_ns = 1700000000000000000 + (int64_t)seq;
  r.prev = r.def = apply_hash;
  r.mach = "m";
  r.defv = 1;
  r.inst = "i-1";
  r.rev = seq;
  r.iprev = seq - 1;
  r.corr = "c";
  r.tok = (const uint8_t *)"token of a task";
  return r;
}

static inline fsm_record apply_change(rig *r, fsm_record_kind kind, uint64_t seq, const char *context,
                                      const char *from, const char *to, const char *since) {
  static fsm__hash hashes[16];
  fsm_record record = apply_record(kind, seq);
  fsm_value after = rig_json(r, context);
  FSM_ASSERT(seq < 16 && fsm__context_hash(&after, &hashes[seq], NULL) == FSM_OK);
  record.ctxh = hashes[seq].bytes;
  record.to = rig_json(r, to);
  record.since = rig_json(r, since);
  record.cause = FSM_CAUSE_EXTERNAL;
  if (kind == FSM_RECORD_CREATED) return record;
  record.from = rig_json(r, from);
  record.tr = rig_json(r, "[0]");
  record.trigger = "GO";
  return record;
}

static inline fsm_value apply_idem(rig *r, const char *key) {
  fsm_value *items = fsm_arena_zalloc(&r->arena, 3, sizeof *items);
  items[0] = fsm_bytes(key, 16);
  items[1] = fsm_bytes(apply_hash, 16);
  items[2] = fsm_int(1700086400000000000);
  return fsm_list(items, 3);
}

/* A task as it is opened: its token is bytes, which JSON has not. */
static inline fsm_value apply_tasks(rig *r) {
  fsm_pair *pairs = fsm_arena_zalloc(&r->arena, 6, sizeof *pairs);
  fsm_value *task = fsm_arena_zalloc(&r->arena, 1, sizeof *task);
  pairs[0] = (fsm_pair){fsm_string("id"), fsm_string("job")};
  pairs[1] = (fsm_pair){fsm_string("service"), fsm_string("svc")};
  pairs[2] = (fsm_pair){fsm_string("tok"), fsm_bytes("token of a task", 16)};
  pairs[3] = (fsm_pair){fsm_string("attempts"), fsm_int(3)};
  pairs[4] = (fsm_pair){fsm_string("timeout"), fsm_int(1000)};
  pairs[5] = (fsm_pair){fsm_string("next"), fsm_int(1700000000000000009)};
  FSM_ASSERT(fsm_map(pairs, 6, task, NULL) == FSM_OK);
  return fsm_list(task, 1);
}

static inline void apply_seed(fuzz_run *run, const fsm_record *record) {
  fsm_buf buf = {0};
  fsm_error err;
  if (fsm_record_encode(&buf, record, &err) != FSM_OK) fail_msg("%s: %s", err.where, err.text);
  fuzz_seed_add(run, buf.data, buf.len);
  fsm_buf_free(&buf);
}

static inline void apply_seed_answer(fuzz_run *run, fsm_record_kind kind, const char *detail) {
  fsm_record record = apply_record(kind, 5);
  record.att = 1;
  record.reason = "expression";
  record.detail = rig_json(run->own, detail);
  apply_seed(run, &record);
}

/* The store that every iteration begins with: i-1 in b.x with a timer and a task, all in one round. */
static inline void apply_prepare(fuzz_run *run) {
  rig *r = run->own;
  fsm_record frames[2] = {
      apply_change(r, FSM_RECORD_CREATED, 2, "{\"n\":0}", NULL, "[\"a\"]", "[\"a\"]"),
      apply_change(r, FSM_RECORD_TRANSITION, 3, "{\"n\":0}", "[\"a\"]", "[\"b.x\"]", "[\"b\",\"b.x\"]")};
  frames[0].key = "K";
  frames[0].ctx = rig_json(r, "{\"n\":[0]}");
  frames[0].idem = apply_idem(r, "0123456789abcdef");
  frames[1].idem = apply_idem(r, "fedcba9876543210");
  frames[1].timers = rig_json(r,
                              "[{\"id\":\"t\",\"event\":\"late\",\"due\":1700000060000000000,\"data\":{\"a\":"
                              "1}},{\"cancel\":\"u\"}]");
  frames[1].tasks = apply_tasks(r);
  for (unsigned i = 0; i < 2; i++) {
    fsm_error err;
    if (fsm__apply_frame(r->store, r->catalog, &frames[i], 1, NULL, &r->arena, &err) != FSM_OK)
      fail_msg("%s: %s", err.where, err.text);
    apply_seed(run, &frames[i]);
  }
  rig_round(r, 3);
}

static inline void apply_open(fuzz_run *run) {
  run->tokens = record_tokens;
  rig *r = rig_new();
  run->own = r;
  rig_deploy(r, RIG_MACHINE, 1);
  apply_prepare(run);
  fsm_record other = apply_change(r, FSM_RECORD_CREATED, 4, "{\"n\":0}", NULL, "[\"a\"]", "[\"a\"]");
  other.inst = "i-2";
  other.ctx = rig_json(r, "{\"n\":[0]}");
  apply_seed(run, &other);
  fsm_record back = apply_change(r, FSM_RECORD_TRANSITION, 6, "{\"n\":1}", "[\"b.x\"]", "[\"a\"]", "[\"a\"]");
  back.ctx = rig_json(r, "{\"n\":[0,1]}");
  back.timers = rig_json(r, "[{\"cancel\":\"t\"}]");
  back.tasks = rig_json(r, "[{\"cancel\":\"job\"}]");
  apply_seed(run, &back);
  apply_seed_answer(run, FSM_RECORD_TASK_STARTED, "{\"task\":\"job\",\"deadline\":1700000090000000000}");
  apply_seed_answer(run, FSM_RECORD_TASK_DONE, "{\"task\":\"job\"}");
  apply_seed_answer(run, FSM_RECORD_TASK_FAILED,
                    "{\"task\":\"job\",\"error\":{\"message\":\"m\"},\"retry_at\":1700000090000000000}");
  apply_seed_answer(run, FSM_RECORD_TIMER_FIRED, "{\"timer\":\"t\"}");
  apply_seed_answer(run, FSM_RECORD_INCIDENT_OPENED, "{\"text\":\"why\"}");
  apply_seed_answer(run, FSM_RECORD_REJECTED, "{\"text\":\"why\"}");
  fsm_record completed = apply_record(FSM_RECORD_COMPLETED, 7);
  completed.out = rig_json(r, "{\"n\":1}");
  apply_seed(run, &completed);
  fsm_record deployed = apply_record(FSM_RECORD_DEPLOYED, 8);
  fsm_pair source = {
      fsm_string("source"),
      fsm_string("{\"id\":\"k\",\"initial\":\"a\",\"states\":{\"a\":{\"on\":{\"GO\":\"a\"}}}}")};
  deployed.detail = (fsm_value){.type = FSM_MAP, .len = 1, .pairs = &source};
  deployed.inst = NULL;
  deployed.rev = deployed.iprev = 0;
  apply_seed(run, &deployed);
}

static inline void apply_expect_legal(fuzz_run *run, const fsm__instance *in) {
  const fsm_machine *machine = in->deployed->machine;
  uint64_t *config = fuzz_take(run, fsm_machine_words(machine), sizeof *config);
  for (unsigned i = 0; i < in->active_count; i++)
    config[in->active[i].state / 64] |= (uint64_t)1 << (in->active[i].state % 64);
  fuzz_expect(run, fsm_config_legal(machine, config), "an instance stands in a legal configuration");
}

/* All rows can still be read, and the instance too. */
static inline void apply_expect_readable(fuzz_run *run) {
  rig *r = run->own;
  for (uint64_t number = 1; number <= 2; number++) {
    fsm__instance in;
    fsm_error err = fuzz_error();
    fsm_code code = fsm__instance_load(r->store, r->catalog, number, &run->arena, &in, &err);
    if (!fuzz_expect(run, code == FSM_OK || code == FSM_ENOTFOUND, "what was applied can be loaded")) return;
    if (code != FSM_OK) continue;
    rows_expect_instance(run, &in);
    apply_expect_legal(run, &in);
    fsm__hash hash;
    fuzz_expect(run,
                fsm__context_hash(&in.context, &hash, NULL) == FSM_OK &&
                    memcmp(&hash, &in.context_hash, sizeof hash) == 0,
                "the context has its hash");
    uint64_t found = 0;
    fuzz_expect(run, fsm__instance_number(r->store, in.id, &found, NULL) == FSM_OK && found == number,
                "the instance is found by its id");
  }
  fsm__key one = {.len = 0};
  fsm__key_u64(&one, 1);
  fsm__range range;
  fsm__row row;
  bool found = false;
  fsm__range_open(&range, r->store, FSM_T_INSTANCES, one.bytes, one.len);
  while (fsm__range_next(&range, &row, &found, NULL) == FSM_OK && found) {
    fsm__timer timer;
    fsm__task task;
    if (((const char *)row.key)[8] == 't')
      fuzz_expect(run, fsm__timer_read(&row, &run->arena, &timer, NULL) == FSM_OK,
                  "a timer that was applied can be read");
    if (((const char *)row.key)[8] == 'k')
      fuzz_expect(run, fsm__task_read(&row, &run->arena, &task, NULL) == FSM_OK,
                  "a task that was applied can be read");
  }
  fsm__range_close(&range);
}

static inline void apply_one(fuzz_run *run) {
  rig *r = run->own;
  bool from_tree = !fuzz_one_in(run, 16) && pack_input_from_tree(run);
  if (run->failure[0]) return;
  if (!from_tree) fuzz_input_mutated(run);
  fsm_record record;
  if (fsm_record_decode(&run->arena, run->input, run->input_len, &record, NULL) != FSM_OK) return;
  fsm_error err = fuzz_error();
  fsm_code code = fsm__apply_frame(r->store, r->catalog, &record, 1, NULL, &run->arena, &err);
  fuzz_count(run, code);
  if (fuzz_expect_error(run, code, &err)) {
    bool said = code == FSM_OK || code == FSM_ECORRUPT || record.kind == FSM_RECORD_DEPLOYED;
    if (!said) fuzz_say("fuzz: %s: %s: %s\n", fsm_code_name(code), err.where, err.text);
    fuzz_expect(run, said, "a record that does not fit is corrupt");
  }
  if (code == FSM_OK) apply_expect_readable(run);
  rig_close(r); /* what no round has committed is dropped */
  rig_open(r);
}

#endif

/* test_apply.c: records made by hand become rows, kind by kind; what cannot fit is corrupt and names its seq.
 */
#include "rows_fixture.h"

#define SECOND ((int64_t)1000000000)

static const uint8_t TOKEN[16] = "token of a task";

/* Two regions and a history of them. */
static const char REGIONS[] =
    "{\"id\":\"m\",\"initial\":\"w\",\"context\":{\"n\":0},\"states\":{\"w\":{\"type\":\"parallel\","
    "\"states\":{"
    "\"l\":{\"initial\":\"a\",\"states\":{\"a\":{},\"b\":{}}},\"r\":{\"initial\":\"a\",\"states\":{\"a\":{}}}"
    ","
    "\"h\":{\"type\":\"history\",\"history\":\"deep\"}}},\"z\":{}}}";

/* A record of instance i1 that has what every record has; its time is its seq in seconds. */
static fsm_record rec(rig *r, fsm_record_kind kind, uint64_t seq) {
  const fsm__deployed *deployed = fsm__catalog_find(r->catalog, "m", 1);
  fsm_record record = fsm_record_new(kind);
  record.seq = record.rev = seq;
  record.time_ns = (int64_t)seq * SECOND;
  record.mach = "m";
  record.def = deployed->hash.bytes;
  record.defv = 1;
  record.inst = "i1";
  record.corr = "corr";
  record.cause = FSM_CAUSE_EXTERNAL;
  return record;
}

static void set_context(rig *r, fsm_record *record, const char *delta, const char *after) {
  fsm_value context = rig_json(r, after);
  fsm__hash *hash = fsm_arena_alloc(&r->arena, sizeof *hash);
  record->ctx = rig_json(r, delta);
  assert_int_equal(fsm__context_hash(&context, hash, NULL), FSM_OK);
  record->ctxh = hash->bytes;
}

static fsm_record created(rig *r, uint64_t seq) {
  fsm_record record = rec(r, FSM_RECORD_CREATED, seq);
  record.key = "K1";
  record.labels = rig_json(r, "{\"team\":\"it\"}");
  record.to = record.since = rig_json(r, "[\"a\"]");
  set_context(r, &record, "{\"n\":[0]}", "{\"n\":0}");
  return record;
}

/* With a bytes token, which JSON cannot say. */
static fsm_value task_list(rig *r, const char *entry) {
  fsm_value map = rig_json(r, entry), *item = fsm_arena_alloc(&r->arena, sizeof *item);
  fsm_pair tok[1] = {{fsm_string("tok"), fsm_bytes(TOKEN, 16)}};
  fsm_value patch = {.type = FSM_MAP, .len = 1, .pairs = tok};
  assert_int_equal(fsm_map_merge(&r->arena, &map, &patch, item), FSM_OK);
  return fsm_list(item, 1);
}

/* Into b.x, where a timer runs and a task is open. */
static fsm_record entered(rig *r, uint64_t seq) {
  fsm_record record = rec(r, FSM_RECORD_TRANSITION, seq);
  record.from = rig_json(r, "[\"a\"]");
  record.to = rig_json(r, "[\"b.x\"]");
  record.since = rig_json(r, "[\"b\",\"b.x\"]");
  record.timers = rig_json(r, "[{\"id\":\"t1\",\"event\":\"late\",\"due\":90000000000}]");
  record.tasks = task_list(r, "{\"id\":\"job\",\"service\":\"svc\",\"attempts\":3,\"timeout\":5,\"next\":2}");
  return record;
}

static fsm_code apply_frame(rig *r, const fsm_record *records, size_t count, fsm_error *err) {
  return fsm__apply_frame(r->store, r->catalog, records, count, NULL, &r->arena, err);
}

static void apply(rig *r, fsm_record record) {
  fsm_error err = {.text = ""};
  fsm_code code = apply_frame(r, &record, 1, &err);
  if (code != FSM_OK) fail_msg("%s: %s: %s", fsm_code_name(code), err.where, err.text);
}

static fsm__instance loaded(rig *r) {
  fsm__instance in;
  uint64_t number = 0;
  assert_int_equal(fsm__instance_number(r->store, "i1", &number, NULL), FSM_OK);
  assert_int_equal(fsm__instance_load(r->store, r->catalog, number, &r->arena, &in, NULL), FSM_OK);
  return in;
}

/* Is there exactly this row of by_state? */
static bool indexed(rig *r, const char *state, int64_t seconds) {
  fsm__key key = fsm__key_by_state(1, fsm__name_find(r->store, state, strlen(state)), seconds * SECOND, 1);
  return rig_count(r, FSM_T_BY_STATE, key.bytes, key.len) == 1;
}

static bool is_due(rig *r, int64_t ns, char type, const char *id) {
  fsm__key key = fsm__key_due(ns, 1, type, id);
  return rig_count(r, FSM_T_DUE, key.bytes, key.len) == 1;
}

static unsigned rows_of_type(rig *r, char type) {
  fsm__key prefix = fsm__key_instance(1, type, NULL, 0);
  return rig_count(r, FSM_T_INSTANCES, prefix.bytes, prefix.len);
}

static fsm_code task_of(rig *r, fsm__task *out) {
  return fsm__task_load(r->store, 1, "job", &r->arena, out, NULL);
}

/* ---- kind by kind ------------------------------------------------------------------------------- */

static void created_makes_the_instance_and_its_indexes(void **state) {
  rig *r = *state;
  apply(r, created(r, 10));
  fsm__instance in = loaded(r);
  assert_true(in.number == 1 && in.rev == 10 && in.last_seq == 10 && in.created_seq == 10);
  assert_true(in.created_ns == 10 * SECOND && in.updated_ns == 10 * SECOND);
  assert_int_equal(in.status, FSM_RUNNING);
  assert_string_equal(in.key, "K1");
  assert_true(fsm_map_get(&in.context, "n")->i == 0);
  assert_int_equal(in.active_count, 2);
  assert_true(indexed(r, "a", 10));
  assert_int_equal(rig_count(r, FSM_T_BY_STATE, NULL, 0), 1); /* the root is in no index */
  uint64_t number = 0;
  assert_int_equal(fsm__instance_by_key(r->store, 1, "K1", &number, NULL), FSM_OK);
  assert_true(number == 1);
}

static void a_transition_moves_the_index_sets_timers_and_opens_tasks(void **state) {
  rig *r = *state;
  apply(r, created(r, 1));
  apply(r, entered(r, 2));
  assert_false(indexed(r, "a", 1));
  assert_true(indexed(r, "b", 2) && indexed(r, "b.x", 2));
  assert_true(is_due(r, 90 * SECOND, 't', "t1") && is_due(r, 2, 'k', "job"));
  fsm__task task;
  assert_int_equal(task_of(r, &task), FSM_OK);
  assert_memory_equal(task.token, TOKEN, 16);
  assert_true(task.attempts == 3 && task.attempt == 0 && !task.started && task.timeout_ns == 5);
  assert_string_equal(task.corr, "corr");
}

static void a_state_that_stays_active_keeps_its_time(void **state) {
  rig *r = *state;
  apply(r, created(r, 1));
  apply(r, entered(r, 2));
  fsm_record move = rec(r, FSM_RECORD_TRANSITION, 3);
  move.to = move.since = rig_json(r, "[\"b.y\"]");
  apply(r, move);
  assert_true(indexed(r, "b", 2) && indexed(r, "b.y", 3));
  assert_false(indexed(r, "b.x", 2));
}

static void a_state_that_is_entered_again_gets_a_new_time(void **state) {
  rig *r = *state;
  apply(r, created(r, 1));
  fsm_record again = rec(r, FSM_RECORD_TRANSITION, 2);
  again.to = again.since = rig_json(r, "[\"a\"]");
  apply(r, again);
  assert_false(indexed(r, "a", 1));
  assert_true(indexed(r, "a", 2));
}

/* i1 in both regions of version 2 of its machine. */
static fsm_record in_regions(rig *r, fsm_record_kind kind, uint64_t seq, const char *hist) {
  fsm_record record = rec(r, kind, seq);
  record.def = fsm__catalog_find(r->catalog, "m", 2)->hash.bytes;
  record.defv = 2;
  record.to = rig_json(r, "[\"w.l.a\",\"w.r.a\"]");
  if (hist != NULL) record.hist = rig_json(r, hist);
  return record;
}

static void every_active_state_of_every_region_is_indexed(void **state) {
  rig *r = *state;
  rig_deploy(r, REGIONS, 2);
  apply(r, in_regions(r, FSM_RECORD_CREATED, 3, NULL));
  assert_true(indexed(r, "w", 3) && indexed(r, "w.l", 3) && indexed(r, "w.r", 3));
  assert_true(indexed(r, "w.l.a", 3) && indexed(r, "w.r.a", 3));
  fsm_record move = in_regions(r, FSM_RECORD_TRANSITION, 4, NULL);
  move.to = rig_json(r, "[\"w.l.b\",\"w.r.a\"]");
  move.since = rig_json(r, "[\"w.l.b\"]");
  apply(r, move);
  assert_true(indexed(r, "w.l.b", 4) && indexed(r, "w.r.a", 3));
  assert_int_equal(rig_count(r, FSM_T_BY_STATE, NULL, 0), 5);
}

static void a_history_stands_until_another_is_recorded_and_goes_with_an_empty_one(void **state) {
  rig *r = *state;
  rig_deploy(r, REGIONS, 2);
  apply(r, in_regions(r, FSM_RECORD_CREATED, 3, NULL));
  fsm__instance in = loaded(r);
  assert_false(fsm_is(&in.history, FSM_MAP));
  apply(r, in_regions(r, FSM_RECORD_TRANSITION, 4, "{\"w.h\":[\"w.l.b\",\"w.r.a\"],\"#bound\":[\"w\"]}"));
  apply(r, in_regions(r, FSM_RECORD_TRANSITION, 5, NULL));
  fsm_value wanted = rig_json(r, "{\"w.h\":[\"w.l.b\",\"w.r.a\"],\"#bound\":[\"w\"]}");
  in = loaded(r);
  assert_true(fsm_value_same(&in.history, &wanted));
  apply(r, in_regions(r, FSM_RECORD_CONTEXT, 6, "{}"));
  in = loaded(r);
  assert_false(fsm_is(&in.history, FSM_MAP));
}

static void a_history_that_the_machine_does_not_have_is_corrupt(void **state) {
  rig *r = *state;
  rig_deploy(r, REGIONS, 2);
  apply(r, in_regions(r, FSM_RECORD_CREATED, 3, NULL));
  static const char *const cases[] = {"{\"w.l\":[\"w.l.a\"]}", "{\"w.h\":[\"nowhere\"]}",
                                      "{\"w.h\":\"w.l.a\"}", "{\"h\":[]}", "{\"\":[]}"};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    fsm_record record = in_regions(r, FSM_RECORD_TRANSITION, 4, cases[i]);
    fsm_error err = {.text = ""};
    if (apply_frame(r, &record, 1, &err) != FSM_ECORRUPT) fail_msg("%s is taken", cases[i]);
    assert_string_equal(err.where, "seq 4");
  }
}

static void a_context_record_changes_fields_and_adds_them(void **state) {
  rig *r = *state;
  apply(r, created(r, 1));
  fsm_record change = rec(r, FSM_RECORD_CONTEXT, 2);
  set_context(r, &change, "{\"n\":[0,1],\"who\":[\"ana\"]}", "{\"n\":1,\"who\":\"ana\"}");
  apply(r, change);
  fsm__instance in = loaded(r);
  assert_true(fsm_map_get(&in.context, "n")->i == 1);
  assert_true(fsm_is_text(fsm_map_get(&in.context, "who"), "ana"));
  assert_memory_equal(in.context_hash.bytes, change.ctxh, FSM_HASH_BYTES);
  assert_true(indexed(r, "a", 1));
}

static fsm_record task_record(rig *r, fsm_record_kind kind, uint64_t seq, const char *detail) {
  fsm_record record = rec(r, kind, seq);
  record.tok = TOKEN;
  record.att = 1;
  record.detail = rig_json(r, detail);
  return record;
}

static void an_attempt_that_begins_is_due_at_its_deadline(void **state) {
  rig *r = *state;
  fsm__task task;
  apply(r, created(r, 1));
  apply(r, entered(r, 2));
  apply(r, task_record(r, FSM_RECORD_TASK_STARTED, 3, "{\"task\":\"job\",\"deadline\":77}"));
  assert_int_equal(task_of(r, &task), FSM_OK);
  assert_true(task.started && task.attempt == 1 && task.next_ns == 77);
  assert_true(is_due(r, 77, 'k', "job"));
  assert_false(is_due(r, 2, 'k', "job"));
  apply(r, task_record(r, FSM_RECORD_TASK_STARTED, 4, "{\"task\":\"job\",\"deadline\":99}"));
  assert_true(is_due(r, 99, 'k', "job"));
  assert_false(is_due(r, 77, 'k', "job"));
}

static void a_failed_attempt_waits_for_the_next_or_is_gone(void **state) {
  rig *r = *state;
  fsm__task task;
  apply(r, created(r, 1));
  apply(r, entered(r, 2));
  apply(r, task_record(r, FSM_RECORD_TASK_STARTED, 3, "{\"task\":\"job\",\"deadline\":77}"));
  apply(r, task_record(r, FSM_RECORD_TASK_FAILED, 4, "{\"task\":\"job\",\"retry_at\":88}"));
  assert_int_equal(task_of(r, &task), FSM_OK);
  assert_true(!task.started && task.attempt == 1 && task.next_ns == 88);
  assert_true(is_due(r, 88, 'k', "job"));
  apply(r, task_record(r, FSM_RECORD_TASK_FAILED, 5, "{\"task\":\"job\"}"));
  assert_int_equal(task_of(r, &task), FSM_ENOTFOUND);
  assert_false(is_due(r, 88, 'k', "job"));
}

static void a_task_that_is_done_and_a_timer_that_fired_are_gone(void **state) {
  rig *r = *state;
  fsm__task task;
  apply(r, created(r, 1));
  apply(r, entered(r, 2));
  apply(r, task_record(r, FSM_RECORD_TASK_DONE, 3, "{\"task\":\"job\"}"));
  assert_int_equal(task_of(r, &task), FSM_ENOTFOUND);
  fsm_record fired = rec(r, FSM_RECORD_TIMER_FIRED, 4);
  fired.detail = rig_json(r, "{\"timer\":\"t1\"}");
  apply(r, fired);
  assert_int_equal(rig_count(r, FSM_T_DUE, NULL, 0), 0);
  assert_int_equal(rows_of_type(r, 't') + rows_of_type(r, 'k'), 0);
}

static void cancelling_what_is_not_there_changes_nothing(void **state) {
  rig *r = *state;
  apply(r, created(r, 1));
  apply(r, entered(r, 2));
  fsm_record cancel = rec(r, FSM_RECORD_CONTEXT, 3);
  cancel.timers = rig_json(r, "[{\"cancel\":\"nothing\"},{\"cancel\":\"t1\"}]");
  cancel.tasks = rig_json(r, "[{\"cancel\":\"nothing\"},{\"cancel\":\"job\"},{\"cancel\":\"job\"}]");
  apply(r, cancel);
  assert_int_equal(rig_count(r, FSM_T_DUE, NULL, 0), 0);
}

static void a_timer_that_is_set_again_moves(void **state) {
  rig *r = *state;
  apply(r, created(r, 1));
  apply(r, entered(r, 2));
  fsm_record again = rec(r, FSM_RECORD_CONTEXT, 3);
  again.timers = rig_json(r, "[{\"id\":\"t1\",\"event\":\"later\",\"due\":95000000000}]");
  apply(r, again);
  assert_true(is_due(r, 95 * SECOND, 't', "t1"));
  assert_false(is_due(r, 90 * SECOND, 't', "t1"));
  assert_int_equal(rows_of_type(r, 't'), 1);
}

static void completed_closes_everything_but_the_instance(void **state) {
  rig *r = *state;
  uint64_t number = 0;
  apply(r, created(r, 1));
  apply(r, entered(r, 2));
  fsm_record frame[2] = {rec(r, FSM_RECORD_TRANSITION, 3), rec(r, FSM_RECORD_COMPLETED, 4)};
  frame[0].to = frame[0].since = rig_json(r, "[\"done\"]");
  frame[1].out = rig_json(r, "{\"n\":1}");
  frame[1].rev = frame[0].rev;
  assert_int_equal(apply_frame(r, frame, 2, NULL), FSM_OK);
  fsm__instance in = loaded(r);
  assert_int_equal(in.status, FSM_COMPLETED);
  assert_true(fsm_map_get(&in.output, "n")->i == 1);
  assert_true(in.rev == 3 && in.last_seq == 4);
  assert_int_equal(fsm__instance_by_key(r->store, 1, "K1", &number, NULL), FSM_ENOTFOUND);
  assert_int_equal(rig_count(r, FSM_T_DUE, NULL, 0), 0);
  assert_int_equal(rows_of_type(r, 't') + rows_of_type(r, 'k'), 0);
  assert_true(indexed(r, "done", 3));
}

static void an_incident_says_why(void **state) {
  rig *r = *state;
  apply(r, created(r, 1));
  fsm_record incident = rec(r, FSM_RECORD_INCIDENT_OPENED, 2);
  incident.reason = "loop_limit";
  incident.detail = rig_json(r, "{\"text\":\"round and round\"}");
  apply(r, incident);
  fsm__instance in = loaded(r);
  assert_int_equal(in.status, FSM_INCIDENT);
  assert_true(fsm_is_text(fsm_map_get(&in.incident, "reason"), "loop_limit"));
  assert_true(fsm_is_text(fsm_map_get(&in.incident, "text"), "round and round"));
  assert_true(fsm_map_get(&in.incident, "seq")->i == 2);
}

static void a_refusal_leaves_the_instance_as_it_is_and_is_found_by_its_history(void **state) {
  rig *r = *state;
  apply(r, created(r, 1));
  fsm__instance before = loaded(r);
  fsm_record rejected = rec(r, FSM_RECORD_REJECTED, 2);
  rejected.reason = "guard_false";
  rejected.to = rig_json(r, "[\"b.x\"]");
  apply(r, rejected);
  fsm__instance after = loaded(r);
  assert_true(after.rev == before.rev && after.last_seq == before.last_seq);
  assert_true(indexed(r, "a", 1));
  assert_int_equal(rows_of_type(r, 'r'), 1);
  const char *dump = rig_dump(r);
  rejected.inst = "nobody";
  apply(r, rejected);
  rejected.inst = NULL;
  apply(r, rejected);
  assert_string_equal(rig_dump(r), dump);
}

static void a_deployment_makes_the_next_version(void **state) {
  rig *r = *state;
  fsm_record record = fsm_record_new(FSM_RECORD_DEPLOYED);
  fsm_pair source[1] = {
      {fsm_string("source"), fsm_string("{\"id\":\"m\",\"initial\":\"a\",\"states\":{\"a\":{}}}")}};
  record.seq = 2;
  assert_int_equal(fsm_map(source, 1, &record.detail, NULL), FSM_OK);
  apply(r, record);
  assert_true(fsm__catalog_find(r->catalog, "m", 0)->version == 2);
}

static void the_id_counter_is_kept(void **state) {
  rig *r = *state;
  fsm_record first = created(r, 1), second = rec(r, FSM_RECORD_CONTEXT, 2);
  first.counter = 4;
  apply(r, first);
  apply(r, second);
  assert_true(loaded(r).counter == 4);
}

static void an_instance_that_is_given_is_changed_in_place(void **state) {
  rig *r = *state, *second = rig_new();
  rig_deploy(second, RIG_MACHINE, 1);
  apply(r, created(r, 1));
  apply(second, created(second, 1));
  fsm__instance in = loaded(r);
  fsm_record record = entered(r, 2), same = entered(second, 2);
  assert_int_equal(fsm__apply_frame(r->store, r->catalog, &record, 1, &in, &r->arena, NULL), FSM_OK);
  assert_true(in.rev == 2 && in.active_count == 3);
  apply(second, same);
  assert_string_equal(rig_dump(r), rig_dump(second));
  rig_free(second);
}

/* ---- idempotency -------------------------------------------------------------------------------- */

/* A record at `seq` whose command had key number n and was taken at that time. */
static fsm_record keyed(rig *r, fsm_record record, unsigned n, int64_t now_ns) {
  char *bytes = fsm_arena_zalloc(&r->arena, 1, 32);
  fsm_value *items = fsm_arena_alloc(&r->arena, 3 * sizeof *items);
  memcpy(bytes, &n, sizeof n);
  items[0] = fsm_bytes(bytes, 16);
  items[1] = fsm_bytes(bytes + 16, 16);
  items[2] = fsm_int(now_ns + FSM_IDEM_TTL_NS);
  record.idem = fsm_list(items, 3);
  record.time_ns = now_ns;
  return record;
}

static void keys_of_sends_sit_with_the_instance_and_those_of_starts_apart(void **state) {
  rig *r = *state;
  apply(r, keyed(r, created(r, 1), 7, SECOND));
  assert_int_equal(rig_count(r, FSM_T_STARTS, NULL, 0), 1);
  assert_int_equal(rows_of_type(r, 'i'), 0);
  apply(r, keyed(r, rec(r, FSM_RECORD_CONTEXT, 2), 8, 2 * SECOND));
  assert_int_equal(rows_of_type(r, 'i'), 1);
  assert_int_equal(loaded(r).idem_rows, 1);
}

static void keys_past_their_time_are_dropped_when_the_quota_is_reached(void **state) {
  rig *r = *state;
  fsm_record record = created(r, 1);
  apply(r, record);
  for (unsigned i = 0; i < FSM_IDEM_QUOTA; i++) {
    record = keyed(r, rec(r, FSM_RECORD_CONTEXT, 2 + i), i, (int64_t)(2 + i) * SECOND);
    record.rev = 1; /* so that the quota, not the revision, makes it look */
    apply(r, record);
  }
  assert_int_equal(loaded(r).idem_rows, FSM_IDEM_QUOTA);
  int64_t later = FSM_IDEM_TTL_NS + 500 * SECOND; /* those of seq 2 to 500 are over */
  record = keyed(r, rec(r, FSM_RECORD_CONTEXT, 5000), 5000, later);
  record.rev = 1;
  apply(r, record);
  assert_int_equal(loaded(r).idem_rows, FSM_IDEM_QUOTA - 499 + 1);
  assert_int_equal(rows_of_type(r, 'i'), FSM_IDEM_QUOTA - 499 + 1);
}

static void keys_past_their_time_are_dropped_now_and_then(void **state) {
  rig *r = *state;
  apply(r, created(r, 1));
  apply(r, keyed(r, rec(r, FSM_RECORD_CONTEXT, 2), 2, 2 * SECOND));
  apply(r, keyed(r, rec(r, FSM_RECORD_CONTEXT, 63), 3, FSM_IDEM_TTL_NS + 3 * SECOND));
  assert_int_equal(loaded(r).idem_rows, 2);
  apply(r, keyed(r, rec(r, FSM_RECORD_CONTEXT, 64), 4, FSM_IDEM_TTL_NS + 4 * SECOND));
  assert_int_equal(loaded(r).idem_rows, 2);
  assert_int_equal(rows_of_type(r, 'i'), 2);
}

static void a_key_used_again_after_its_time_is_one_row(void **state) {
  rig *r = *state;
  apply(r, created(r, 1));
  apply(r, keyed(r, rec(r, FSM_RECORD_CONTEXT, 2), 2, 2 * SECOND));
  apply(r, keyed(r, rec(r, FSM_RECORD_CONTEXT, 3), 2, FSM_IDEM_TTL_NS + 3 * SECOND));
  assert_int_equal(rows_of_type(r, 'i'), 1);
  assert_int_equal(loaded(r).idem_rows, 1);
}

static void creations_past_their_time_are_dropped_in_bounded_portions(void **state) {
  rig *r = *state;
  for (unsigned i = 0; i < 100; i++) {
    fsm_record record = keyed(r, created(r, 1 + i), i, SECOND + i);
    record.inst = fsm_arena_printf(&r->arena, "old-%u", i);
    record.key = NULL;
    apply(r, record);
  }
  assert_int_equal(rig_count(r, FSM_T_STARTS, NULL, 0), 100);
  fsm_record late = keyed(r, created(r, 200), 200, FSM_IDEM_TTL_NS + 2 * 3600 * SECOND);
  apply(r, late);
  assert_int_equal(rig_count(r, FSM_T_STARTS, NULL, 0), 100 - 64 + 1);
  late = keyed(r, created(r, 201), 201, FSM_IDEM_TTL_NS + 2 * 3600 * SECOND);
  late.inst = "i2";
  late.key = NULL;
  apply(r, late);
  assert_int_equal(rig_count(r, FSM_T_STARTS, NULL, 0), 2);
}

/* ---- replay ------------------------------------------------------------------------------------- */

/* A life with every kind in it; with_rounds commits after each frame. */
static void live(rig *r, bool with_rounds) {
  fsm_record frames[] = {created(r, 2),
                         entered(r, 3),
                         task_record(r, FSM_RECORD_TASK_STARTED, 4, "{\"task\":\"job\",\"deadline\":77}"),
                         task_record(r, FSM_RECORD_TASK_FAILED, 5, "{\"task\":\"job\",\"retry_at\":88}"),
                         rec(r, FSM_RECORD_REJECTED, 6),
                         task_record(r, FSM_RECORD_TASK_DONE, 7, "{\"task\":\"job\"}"),
                         rec(r, FSM_RECORD_TIMER_FIRED, 8),
                         keyed(r, rec(r, FSM_RECORD_CONTEXT, 9), 9, 9 * SECOND),
                         rec(r, FSM_RECORD_TRANSITION, 10),
                         rec(r, FSM_RECORD_INCIDENT_OPENED, 11),
                         rec(r, FSM_RECORD_COMPLETED, 12)};
  frames[6].detail = rig_json(r, "{\"timer\":\"t1\"}");
  set_context(r, &frames[7], "{\"n\":[0,5]}", "{\"n\":5}");
  frames[8].to = frames[8].since = rig_json(r, "[\"done\"]");
  frames[9].reason = "expression";
  for (size_t i = 0; i < sizeof frames / sizeof frames[0]; i++) {
    apply(r, frames[i]);
    if (with_rounds) rig_round(r, frames[i].seq);
  }
}

static void the_same_records_give_the_same_rows(void **state) {
  rig *r = *state, *second = rig_new();
  rig_deploy(second, RIG_MACHINE, 1);
  live(r, false);
  live(second, true);
  const char *rows = rig_dump(r);
  assert_string_equal(rows, rig_dump(second));
  rig_reopen(r, 12);
  assert_string_equal(rows, rig_dump(r));
  rig_free(second);
}

/* ---- what cannot fit ---------------------------------------------------------------------------- */

static char long_text[600];

typedef fsm_record (*spoil_fn)(rig *r);

/* A timer whose id JSON cannot say: a C string would end at its first byte. */
static fsm_value nul_id(rig *r) {
  fsm_value *entry = fsm_arena_alloc(&r->arena, sizeof *entry),
            timer = rig_json(r, "{\"event\":\"e\",\"due\":1}");
  fsm_pair id[1] = {{fsm_string("id"), fsm_stringn("\0t", 2)}};
  fsm_value patch = {.type = FSM_MAP, .len = 1, .pairs = id};
  assert_int_equal(fsm_map_merge(&r->arena, &timer, &patch, entry), FSM_OK);
  return fsm_list(entry, 1);
}

#define SPOILT(name, base, change) \
  static fsm_record name(rig *r) { \
    fsm_record x = base;           \
    change;                        \
    return x;                      \
  }
#define MOVE rec(r, FSM_RECORD_TRANSITION, 9)
#define START task_record(r, FSM_RECORD_TASK_STARTED, 9, "{\"task\":\"job\",\"deadline\":1}")

SPOILT(to_unknown_state, MOVE, x.to = rig_json(r, "[\"nowhere\"]"))
SPOILT(to_two_leaves, MOVE, x.to = rig_json(r, "[\"a\",\"b.x\"]"))
SPOILT(to_no_leaf, MOVE, x.to = rig_json(r, "[]"))
SPOILT(to_compound, MOVE, x.to = rig_json(r, "[\"b\"]"))
SPOILT(to_number, MOVE, x.to = rig_json(r, "[1]"))
SPOILT(since_unknown, MOVE, (x.to = rig_json(r, "[\"a\"]"), x.since = rig_json(r, "[\"nowhere\"]")))
SPOILT(ctx_no_list, MOVE, x.ctx = rig_json(r, "{\"n\":1}"))
SPOILT(ctx_empty, MOVE, x.ctx = rig_json(r, "{\"n\":[]}"))
SPOILT(ctx_three, MOVE, x.ctx = rig_json(r, "{\"n\":[1,2,3]}"))
SPOILT(ctx_hash, MOVE, set_context(r, &x, "{\"n\":[0,1]}", "{\"n\":2}"))
SPOILT(no_instance, MOVE, x.inst = NULL)
SPOILT(unknown_instance, MOVE, x.inst = "nobody")
SPOILT(unknown_machine, created(r, 9), (x.inst = "i2", x.mach = "nothing"))
SPOILT(unknown_version, created(r, 9), (x.inst = "i2", x.defv = 9))
SPOILT(created_twice, created(r, 9), (void)0)
SPOILT(created_nameless, created(r, 9), x.inst = NULL)
SPOILT(empty_instance, created(r, 9), x.inst = "")
SPOILT(timer_id_nul, MOVE, x.timers = nul_id(r))
SPOILT(before_1970, MOVE, x.time_ns = -1)
SPOILT(long_instance, created(r, 9), x.inst = long_text)
SPOILT(long_key, created(r, 9), (x.inst = "i2", x.key = long_text))
SPOILT(timer_without_id, MOVE, x.timers = rig_json(r, "[{\"event\":\"e\",\"due\":1}]"))
SPOILT(timer_without_event, MOVE, x.timers = rig_json(r, "[{\"id\":\"t\",\"due\":1}]"))
SPOILT(timer_without_due, MOVE, x.timers = rig_json(r, "[{\"id\":\"t\",\"event\":\"e\"}]"))
SPOILT(timer_before_1970, MOVE, x.timers = rig_json(r, "[{\"id\":\"t\",\"event\":\"e\",\"due\":-5}]"))
SPOILT(timer_no_map, MOVE, x.timers = rig_json(r, "[1]"))
SPOILT(timer_long_id, MOVE,
       x.timers = rig_json(r, fsm_arena_printf(&r->arena, "[{\"id\":\"%s\",\"event\":\"e\",\"due\":1}]",
                                               long_text)))
SPOILT(cancel_long_id, MOVE,
       x.timers = rig_json(r, fsm_arena_printf(&r->arena, "[{\"cancel\":\"%s\"}]", long_text)))
SPOILT(task_without_token, MOVE, x.tasks = rig_json(r, "[{\"id\":\"k\",\"service\":\"s\"}]"))
SPOILT(task_token_text, MOVE,
       x.tasks = rig_json(r, "[{\"id\":\"k\",\"service\":\"s\",\"tok\":\"0123456789abcdef\"}]"))
SPOILT(task_without_service, MOVE, x.tasks = task_list(r, "{\"id\":\"k\"}"))
SPOILT(task_without_id, MOVE, x.tasks = task_list(r, "{\"service\":\"s\"}"))
SPOILT(task_before_1970, MOVE, x.tasks = task_list(r, "{\"id\":\"k\",\"service\":\"s\",\"next\":-1}"))
SPOILT(task_no_attempts, MOVE, x.tasks = task_list(r, "{\"id\":\"k\",\"service\":\"s\",\"attempts\":-1}"))
SPOILT(started_nameless, START, x.detail = rig_json(r, "{\"deadline\":1}"))
SPOILT(started_not_open, START, x.detail = rig_json(r, "{\"task\":\"other\",\"deadline\":1}"))
SPOILT(started_no_deadline, START, x.detail = rig_json(r, "{\"task\":\"job\"}"))
SPOILT(fired_nameless, rec(r, FSM_RECORD_TIMER_FIRED, 9), (void)0)
SPOILT(idem_two, keyed(r, MOVE, 1, SECOND), x.idem.len = 2)
SPOILT(idem_list_for_hash, keyed(r, MOVE, 1, SECOND),
       ((fsm_value *)(uintptr_t)x.idem.items)[0] = rig_json(r, "[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15]"))
SPOILT(idem_text_expiry, keyed(r, MOVE, 1, SECOND),
       ((fsm_value *)(uintptr_t)x.idem.items)[2] = fsm_string("soon"))
SPOILT(deployed_without_source, rec(r, FSM_RECORD_DEPLOYED, 9), (void)0)
SPOILT(deployed_nonsense, rec(r, FSM_RECORD_DEPLOYED, 9), x.detail = rig_json(r, "{\"source\":\"{\"}"))
SPOILT(deployed_unsupported, rec(r, FSM_RECORD_DEPLOYED, 9),
       x.detail = rig_json(r, "{\"source\":\"{\\\"id\\\":\\\"q\\\",\\\"initial\\\":\\\"zz\\\"}\"}"))
SPOILT(kind_of_later, rec(r, FSM_RECORD_MIGRATED, 9), (void)0)

static void what_does_not_fit_the_rows_is_corrupt_and_named_by_its_seq(void **state) {
  rig *r = *state;
  memset(long_text, 'x', sizeof long_text - 1);
  static const struct {
    const char *name;
    spoil_fn spoil;
  } cases[] = {
#define C(name) {#name, name}
      C(to_unknown_state),
      C(to_two_leaves),
      C(to_no_leaf),
      C(to_compound),
      C(to_number),
      C(since_unknown),
      C(ctx_no_list),
      C(ctx_empty),
      C(ctx_three),
      C(ctx_hash),
      C(no_instance),
      C(unknown_instance),
      C(unknown_machine),
      C(unknown_version),
      C(created_twice),
      C(created_nameless),
      C(empty_instance),
      C(timer_id_nul),
      C(before_1970),
      C(long_instance),
      C(long_key),
      C(timer_without_id),
      C(timer_without_event),
      C(timer_without_due),
      C(timer_before_1970),
      C(timer_no_map),
      C(timer_long_id),
      C(cancel_long_id),
      C(task_without_token),
      C(task_token_text),
      C(task_without_service),
      C(task_without_id),
      C(task_before_1970),
      C(task_no_attempts),
      C(started_nameless),
      C(started_not_open),
      C(started_no_deadline),
      C(fired_nameless),
      C(idem_two),
      C(idem_list_for_hash),
      C(idem_text_expiry),
      C(deployed_without_source),
      C(deployed_nonsense),
      C(deployed_unsupported),
      C(kind_of_later)};
  apply(r, created(r, 2));
  apply(r, entered(r, 3));
  unsigned taken = 0;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    fsm_record record = cases[i].spoil(r);
    fsm_error err = {.text = ""};
    fsm_code code = apply_frame(r, &record, 1, &err);
    if (code == FSM_ECORRUPT && strcmp(err.where, "seq 9") == 0) continue;
    print_message("%s: %s: %s: %s\n", cases[i].name, fsm_code_name(code), err.where, err.text);
    taken++;
  }
  assert_int_equal(taken, 0);
}

static void a_frame_is_of_one_instance(void **state) {
  rig *r = *state;
  apply(r, created(r, 2));
  fsm_record other = created(r, 3);
  other.inst = "i2";
  other.key = NULL;
  apply(r, other);
  fsm_record frame[2] = {rec(r, FSM_RECORD_CONTEXT, 4), rec(r, FSM_RECORD_CONTEXT, 5)};
  frame[1].inst = "i2";
  fsm_error err = {.text = ""};
  assert_int_equal(apply_frame(r, frame, 2, &err), FSM_ECORRUPT);
  assert_string_equal(err.where, "seq 5");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      R(created_makes_the_instance_and_its_indexes),
      R(a_transition_moves_the_index_sets_timers_and_opens_tasks),
      R(a_state_that_stays_active_keeps_its_time),
      R(a_state_that_is_entered_again_gets_a_new_time),
      R(every_active_state_of_every_region_is_indexed),
      R(a_history_stands_until_another_is_recorded_and_goes_with_an_empty_one),
      R(a_history_that_the_machine_does_not_have_is_corrupt),
      R(a_context_record_changes_fields_and_adds_them),
      R(an_attempt_that_begins_is_due_at_its_deadline),
      R(a_failed_attempt_waits_for_the_next_or_is_gone),
      R(a_task_that_is_done_and_a_timer_that_fired_are_gone),
      R(cancelling_what_is_not_there_changes_nothing),
      R(a_timer_that_is_set_again_moves),
      R(completed_closes_everything_but_the_instance),
      R(an_incident_says_why),
      R(a_refusal_leaves_the_instance_as_it_is_and_is_found_by_its_history),
      R(a_deployment_makes_the_next_version),
      R(the_id_counter_is_kept),
      R(an_instance_that_is_given_is_changed_in_place),
      R(keys_of_sends_sit_with_the_instance_and_those_of_starts_apart),
      R(keys_past_their_time_are_dropped_when_the_quota_is_reached),
      R(keys_past_their_time_are_dropped_now_and_then),
      R(a_key_used_again_after_its_time_is_one_row),
      R(creations_past_their_time_are_dropped_in_bounded_portions),
      R(the_same_records_give_the_same_rows),
      R(what_does_not_fit_the_rows_is_corrupt_and_named_by_its_seq),
      R(a_frame_is_of_one_instance),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

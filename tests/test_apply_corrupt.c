/* test_apply_corrupt.c: records that cannot fit the rows are corrupt and named by their seq. */
#include "apply_fixture.h"

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
#define TIMER(more) x.timers = rig_json(r, "[{\"id\":\"t\",\"event\":\"e\",\"due\":1," more "}]")
SPOILT(timer_boot_text, MOVE, TIMER("\"boot\":\"12345678\",\"mono\":1"))
SPOILT(timer_mono_alone, MOVE, TIMER("\"mono\":1"))
SPOILT(timer_overdue_word, MOVE, TIMER("\"overdue\":\"never\""))
SPOILT(timer_overdue_number, MOVE, TIMER("\"overdue\":1"))
#define FIRED rec(r, FSM_RECORD_TIMER_FIRED, 9)
SPOILT(fired_without_set, FIRED, x.detail = rig_json(r, "{\"timer\":\"t1\"}"))
SPOILT(fired_without_timer, FIRED, x.detail = rig_json(r, "{\"set\":2}"))
SPOILT(fired_not_set, FIRED, x.detail = rig_json(r, "{\"timer\":\"t1\",\"set\":1}"))
SPOILT(fired_other_place, FIRED, x.detail = rig_json(r, "{\"timer\":\"t1\",\"set\":2,\"place\":1}"))
SPOILT(fired_place_over, FIRED, x.detail = rig_json(r, "{\"timer\":\"t1\",\"set\":2,\"place\":65536}"))
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
      C(timer_boot_text),
      C(timer_mono_alone),
      C(timer_overdue_word),
      C(timer_overdue_number),
      C(fired_without_set),
      C(fired_without_timer),
      C(fired_not_set),
      C(fired_other_place),
      C(fired_place_over),
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
      R(what_does_not_fit_the_rows_is_corrupt_and_named_by_its_seq),
      R(a_frame_is_of_one_instance),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* cmd_wait.c: fsm-cli wait: until an instance is in a state, has a status, or has taken an event. */
#include <string.h>
#include <time.h>

#include "runtime/clock.h"
#include "tools/cli/act/do.h"

/* What is waited for, read off the records, so that a state that is entered and left between two looks
 * counts, too; where it stands when the wait begins is looked at first. */
typedef struct awaited {
  const char *state, *status, *event;
  int64_t after; /* seq of the last record seen */
} awaited;

#define LOOK_FIRST_NS (INT64_C(50) * 1000000)
#define LOOK_LAST_NS (INT64_C(1000) * 1000000)

/* The state itself, or one inside it. */
static bool is_in(const fsm_value *leaves, const char *state) {
  const size_t len = strlen(state);
  for (uint32_t i = 0; leaves != NULL && fsm_is(leaves, FSM_LIST) && i < leaves->len; i++) {
    const fsm_value *leaf = &leaves->items[i];
    if (fsm_is(leaf, FSM_STRING) && leaf->len >= len && memcmp(leaf->s, state, len) == 0 &&
        (leaf->len == len || leaf->s[len] == '.'))
      return true;
  }
  return false;
}

static bool is_there(const awaited *a, const fsm_value *instance) {
  const fsm_value *status = fsm_map_get(instance, "status");
  if (a->state != NULL) return is_in(fsm_map_get(instance, "state"), a->state);
  return a->status != NULL && status != NULL && fsm_is_text(status, a->status);
}

static bool has_come(const awaited *a, const fsm_value *record) {
  const fsm_value *trigger = fsm_map_get(record, "trigger"), *outcome = fsm_map_get(record, "outcome");
  if (outcome != NULL && fsm_is_text(outcome, "refused")) return false;
  if (a->event != NULL) return trigger != NULL && fsm_is_text(trigger, a->event);
  return a->state != NULL && is_in(fsm_map_get(record, "to"), a->state);
}

/* Has it come in a record behind a->after? */
static fsm_code look_back(cli_run *cli, awaited *a, fsm_arena *arena, bool *come, fsm_error *err) {
  for (bool more = true; more && !*come;) {
    fsm_value page;
    const int64_t was = a->after;
    const char *after = fsm_arena_printf(arena, "%lld", (long long)a->after);
    if (after == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory");
    const fsm_query query = {
        .kind = FSM_QUERY_HISTORY, .ref = cli->ref, .after = after, .limit = FSM_PAGE_MAX};
    fsm_code code = cli_source_query(&cli->source, &query, arena, &page, err);
    if (code != FSM_OK) return code;
    const fsm_value *items = fsm_map_get(&page, "items"), *next = fsm_map_get(&page, "next");
    if (items == NULL || !fsm_is(items, FSM_LIST)) return FSM_OK;
    for (uint32_t i = 0; i < items->len; i++) {
      (void)cli_number(fsm_map_get(&items->items[i], "seq"), &a->after);
      *come = *come || has_come(a, &items->items[i]);
    }
    more = a->after > was && next != NULL && !fsm_is(next, FSM_NULL);
  }
  return FSM_OK;
}

static bool has_ended(const fsm_value *instance) {
  const fsm_value *status = fsm_map_get(instance, "status");
  return status != NULL && (fsm_is_text(status, "completed") || fsm_is_text(status, "cancelled"));
}

static void print(cli_run *cli, const fsm_value *instance) {
  fsm_arena *arena = &cli->arena;
  cli_print_line(cli, "instance", cli_field(arena, instance, "id"));
  cli_print_states(cli, "state", cli_field(arena, instance, "state"));
  cli_print_line(cli, "status", cli_field(arena, instance, "status"));
  cli_print_line(cli, "rev", cli_field(arena, instance, "rev"));
}

static const char *what(const awaited *a) {
  return a->state != NULL ? a->state : a->status != NULL ? a->status : a->event;
}

/* One look; *over: it has come, or it cannot any more. */
static fsm_code look(cli_run *cli, awaited *a, bool first, fsm_arena *arena, bool *over, fsm_error *err) {
  fsm_value instance;
  bool come = false;
  const fsm_query query = {.kind = FSM_QUERY_INSTANCE, .ref = cli->ref};
  fsm_code code = cli_source_query(&cli->source, &query, arena, &instance, err);
  if (code == FSM_OK && first) (void)cli_number(fsm_map_get(&instance, "seq"), &a->after);
  if (code == FSM_OK && !first) code = look_back(cli, a, arena, &come, err);
  if (code != FSM_OK) return code;
  *over = come || is_there(a, &instance);
  if (*over) return cli_show(cli, &instance, print, err);
  if (!has_ended(&instance)) return FSM_OK;
  *over = true;
  return fsm_fail(err, FSM_ECOMPLETED, "", "%s will not come: the instance is %s", what(a),
                  cli_field(arena, &instance, "status"));
}

static fsm_code wait_for(cli_run *cli, awaited *a, int64_t timeout_ns, fsm_error *err) {
  fsm_arena arena;
  fsm_code code = FSM_OK;
  const int64_t until_ns = timeout_ns > 0 ? fsm__monotonic_ns() + timeout_ns : INT64_MAX;
  int64_t nap_ns = LOOK_FIRST_NS;
  bool over = false;
  fsm_arena_init(&arena, 0);
  for (bool first = true; code == FSM_OK && !over; first = false) {
    code = look(cli, a, first, &arena, &over, err);
    fsm_arena_reset(&arena);
    if (code != FSM_OK || over) break;
    const int64_t left_ns = until_ns - fsm__monotonic_ns();
    if (left_ns <= 0) code = fsm_fail(err, FSM_ETIMEOUT, "", "%s has not come", what(a));
    if (left_ns < nap_ns) nap_ns = left_ns > 0 ? left_ns : 0;
    const struct timespec nap = fsm__timespec_of(nap_ns);
    (void)nanosleep(&nap, NULL);
    if (nap_ns < LOOK_LAST_NS) nap_ns += nap_ns / 4 + 1;
  }
  fsm_arena_free(&arena);
  return code;
}

static const cli_option options[] = {
    {"state", 's', "STATE", "until it is in this state, or in one inside it", false},
    {"status", 0, "STATUS", "until it is running, paused, incident, completed or cancelled", false},
    {"event", 0, "EVENT", "until it has taken this event, from now on", false},
    {"timeout", 0, "DUR", "at most so long; else exit 8. Without one it waits for as long as it takes",
     false},
    {NULL, 0, NULL, NULL, false}};

static fsm_code run(cli_run *cli, fsm_error *err) {
  awaited a = {.state = cli_args_get(&cli->args, "state"),
               .status = cli_args_get(&cli->args, "status"),
               .event = cli_args_get(&cli->args, "event")};
  const char *timeout = cli_args_from(&cli->args, options, "timeout");
  int64_t timeout_ns = 0;
  if ((a.state != NULL) + (a.status != NULL) + (a.event != NULL) != 1)
    return fsm_fail(err, FSM_EARGUMENT, "", "for what? --state STATE, --status STATUS or --event EVENT");
  fsm_code code = timeout == NULL ? FSM_OK : fsm_duration_parse(timeout, &timeout_ns, err);
  if (code == FSM_OK && timeout != NULL && timeout_ns <= 0)
    code = fsm_fail(err, FSM_EARGUMENT, "timeout", "--timeout is more than 0s");
  fsm_value instance;
  if (code == FSM_OK) code = cli_about(cli, FSM_QUERY_INSTANCE, &instance, err);
  const char *id = code == FSM_OK ? cli_field(&cli->arena, &instance, "id") : NULL;
  if (code == FSM_OK) cli->ref = id;
  if (code == FSM_OK && cli->source.web == NULL && !is_there(&a, &instance))
    code = fsm_fail(err, FSM_EUNREACHABLE, "",
                    "it is not there now, and without a daemon nothing moves; start one: fsmd");
  return code == FSM_OK ? wait_for(cli, &a, timeout_ns, err) : code;
}

static const char *const examples[] = {"wait doc-17 --state approved --timeout 1h",
                                       "wait doc-17 --status completed",
                                       "wait loan/key:INV-7 --event PAID --timeout 30s -o json", NULL};

extern const cli_command cli_wait;
const cli_command cli_wait = {.group = "",
                              .heading = CLI_DO,
                              .name = "wait",
                              .words = "REF --state STATE | --status STATUS | --event EVENT",
                              .summary = "until an instance has got there",
                              .more =
                                  "A state or status that it has already is there at once; a state that it "
                                  "enters and leaves while it is\n"
                                  "waited for counts. exit 4: the instance has ended elsewhere, it cannot "
                                  "come any more; 8: the time is over.",
                              .options = options,
                              .examples = examples,
                              .words_min = 1,
                              .words_max = 1,
                              .formats = CLI_FORMATS_SHOW,
                              .run = run};

/* play.c: all lives, in the order of time. A heap has the instances by when their next step is due; what is
 * due within a slice of time goes as one batch, at the time of the last of it. */
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "schema/json.h"
#include "seeded.h"

enum { BATCH = 4096, SLICES = 800, TEXT_BYTES_MAX = 64 * 1024, SETTLE_MAX = 1000000 };

static const char *const machines[] = {"loan", "claim", "order", "payment", "ticket"};

/* ---- a runtime without chance ------------------------------------------------------------------- */

/* The calls that are taken over have no argument for it. */
static uint64_t noise;
static int64_t clock_ns;

#pragma GCC visibility push(default)
ssize_t getrandom(void *out, size_t len, unsigned flags) {
  (void)flags;
  for (size_t i = 0; i < len; i++) ((uint8_t *)out)[i] = (uint8_t)(draw_next(&noise) >> 32);
  return (ssize_t)len;
}

int clock_gettime(clockid_t clock, struct timespec *out) {
  (void)clock;
  *out = (struct timespec){.tv_sec = clock_ns / SECOND, .tv_nsec = clock_ns % SECOND};
  return 0;
}

/* A store for tests: nobody pulls its plug, and each attempt of a task begins with a sync of its own. */
int fdatasync(int fd) {
  (void)fd;
  return 0;
}

int fsync(int fd) {
  (void)fd;
  return 0;
}
#pragma GCC visibility pop

static int64_t seeded_clock(void *arg) { return ((const seeded *)arg)->now_ns; }

static void run_score(void *arg, const fsm_task *task, fsm_arena *arena, fsm_service_result *out) {
  (void)arg;
  (void)task;
  (void)arena;
  out->output = fsm_int(700);
}

static void run_bank(void *arg, const fsm_task *task, fsm_arena *arena, fsm_service_result *out) {
  const fsm_value *refused = fsm_map_get(&task->input, "refused");
  (void)arg;
  (void)arena;
  if (refused == NULL || !refused->b) return;
  out->error = (fsm_error){.code = FSM_EIO, .where = "bank", .text = "503: the bank does not answer"};
}

static void on_fatal(void *arg, const fsm_error *err) {
  (void)arg;
  seeded_give_up("%s: %s", err->where, err->text);
}

/* Turns until there is nothing to do at this time. */
static void settle(seeded *s) {
  fsm_turned t;
  for (unsigned i = 0; i < SETTLE_MAX; i++) {
    fsm_runtime_turn(s->runtime, &t);
    s->records += t.records;
    if (t.wait_ns > 0 && t.commands + t.attempts + t.records == 0) return;
  }
  seeded_give_up("it does not come to rest");
}

static void deploy(seeded *s, const char *machine, const char *more) {
  char path[600], *text = calloc(1, TEXT_BYTES_MAX);
  snprintf(path, sizeof path, "%s/tests/seeded/%s.json", FSM_SOURCE_DIR, machine);
  FILE *file = fopen(path, "r");
  if (file == NULL || text == NULL) seeded_give_up("%s cannot be read", path);
  size_t len = fread(text, 1, TEXT_BYTES_MAX - 1, file);
  fclose(file);
  char *description = strstr(text, "\"description\": \"");
  if (more != NULL && description != NULL) { /* another version */
    description += strlen("\"description\": \"");
    memmove(description + strlen(more), description, len + 1 - (size_t)(description - text));
    memcpy(description, more, strlen(more));
    len += strlen(more);
  }
  fsm_answer answer;
  fsm_command c = fsm_command_new(FSM_CMD_DEPLOY);
  c.source = text;
  c.source_len = len;
  if (fsm_call(s->runtime, &c, &s->arena, &answer) != FSM_OK)
    seeded_give_up("%s: %s: %s", machine, answer.error.where, answer.error.text);
  free(text);
}

void seeded_open(seeded *s) {
  static const fsm_service services[] = {{.name = "score", .run = run_score},
                                         {.name = "bank", .run = run_bank}};
  const fsm_runtime_options options = {.dir = s->dir,
                                       .node = "seeded",
                                       .manual = true,
                                       .segment_bytes = s->segment_bytes,
                                       .now = seeded_clock,
                                       .now_arg = s,
                                       .services = services,
                                       .service_count = 2,
                                       .fatal = on_fatal};
  fsm_error err = {.text = ""};
  noise = s->seed;
  s->now_ns = clock_ns = s->from_ns;
  fsm_arena_init(&s->arena, 0);
  if (fsm_runtime_open(&options, &s->runtime, NULL, &err) != FSM_OK)
    seeded_give_up("%s: %s: %s", s->dir, err.where, err.text);
  for (unsigned i = 0; i < sizeof machines / sizeof machines[0]; i++) deploy(s, machines[i], NULL);
}

void seeded_close(seeded *s) {
  fsm_runtime_close(s->runtime);
  fsm_arena_free(&s->arena);
}

/* ---- who is next -------------------------------------------------------------------------------- */

static bool before(const seeded *s, uint32_t a, uint32_t b) {
  const int64_t x = s->all[a].due_ns, y = s->all[b].due_ns;
  return x < y || (x == y && a < b);
}

static void sink(seeded *s, unsigned at) {
  const uint32_t moved = s->heap[at];
  for (unsigned child; (child = 2 * at + 1) < s->waiting; at = child) {
    if (child + 1 < s->waiting && before(s, s->heap[child + 1], s->heap[child])) child++;
    if (!before(s, s->heap[child], moved)) break;
    s->heap[at] = s->heap[child];
  }
  s->heap[at] = moved;
}

static uint32_t pop(seeded *s) {
  const uint32_t first = s->heap[0];
  s->heap[0] = s->heap[--s->waiting];
  if (s->waiting > 0) sink(s, 0);
  return first;
}

static void push(seeded *s, uint32_t instance) {
  unsigned at = s->waiting++;
  for (; at > 0 && before(s, instance, s->heap[(at - 1) / 2]); at = (at - 1) / 2)
    s->heap[at] = s->heap[(at - 1) / 2];
  s->heap[at] = instance;
}

static unsigned plan_drawn(uint64_t draw) {
  unsigned wanted = (unsigned)(draw % PLAN_WEIGHTS), nth = 0;
  for (; wanted >= seeded_plans[nth].weight; nth++) wanted -= seeded_plans[nth].weight;
  return nth;
}

static void begin(seeded *s) {
  for (unsigned i = 0; i < s->count; i++) {
    seeded_instance *in = &s->all[i];
    in->plan = (uint8_t)plan_drawn(draw_of(s, i, 0));
    const plan *p = &seeded_plans[in->plan];
    int64_t room = s->until_ns - s->from_ns - (p->whole ? plan_longest_ns(p) + DAY : 0);
    if (room < SECOND) room = SECOND;
    in->due_ns = s->from_ns + (int64_t)(draw_of(s, i, 6) % (uint64_t)room);
    in->states = p->states;
    in->status = "running";
    s->heap[i] = i;
  }
  s->waiting = s->count;
  for (unsigned i = s->count / 2; i-- > 0;) sink(s, i);
}

/* ---- a batch ------------------------------------------------------------------------------------ */

typedef struct batch {
  fsm_arena arena;
  fsm_command commands[BATCH];
  fsm_answer answers[BATCH];
  uint32_t of[BATCH], later[BATCH];
  unsigned count, later_count;
} batch;

static fsm_value json(fsm_arena *arena, const char *text) {
  fsm_value value = {0};
  fsm_error err = {.text = ""};
  if (text == NULL || fsm_json_parse(arena, text, strlen(text), FSM_JSON_SORTED, &value, &err) != FSM_OK)
    seeded_give_up("%s: %s", text != NULL ? text : "no memory", err.text);
  return value;
}

static fsm_value trace_of(const seeded *s, unsigned instance, fsm_arena *arena) {
  fsm_value *items = fsm_arena_zalloc(arena, 3, sizeof *items);
  uint8_t *bytes = fsm_arena_zalloc(arena, 24, 1);
  if (items == NULL || bytes == NULL) seeded_give_up("no memory");
  uint64_t state = draw_of(s, instance, 7);
  for (unsigned i = 0; i < 24; i++) bytes[i] = (uint8_t)(draw_next(&state) >> 8 | 1);
  items[0] = (fsm_value){.type = FSM_BYTES, .len = 16, .s = (const char *)bytes};
  items[1] = (fsm_value){.type = FSM_BYTES, .len = 8, .s = (const char *)bytes + 16};
  items[2] = fsm_int(1);
  return (fsm_value){.type = FSM_LIST, .len = 3, .items = items};
}

static const person *person_at(const seeded *s, unsigned instance, const step *at) {
  const uint64_t draw = draw_of(s, instance, 64 + s->all[instance].step);
  return at->who == HANDLER ? person_of(HANDLER, draw_of(s, instance, 4)) : person_of(at->who, draw);
}

static fsm_value states_of(const char *text, fsm_arena *arena) {
  fsm_value *items = fsm_arena_zalloc(arena, 1, sizeof *items);
  if (items == NULL) seeded_give_up("no memory");
  items[0] = fsm_string(text);
  return (fsm_value){.type = FSM_LIST, .len = 1, .items = items};
}

static fsm_command start_of(const seeded *s, unsigned instance, fsm_arena *arena) {
  fsm_command c = fsm_command_new(FSM_CMD_START);
  c.machine = seeded_plans[s->all[instance].plan].machine;
  c.instance = seeded_id(s, instance, arena);
  c.key = seeded_key(s, instance, arena);
  c.labels = json(arena, seeded_labels(s, instance, arena));
  c.data = json(arena, seeded_input(s, instance, arena));
  c.actor = json(arena, person_of(CUSTOMER, draw_of(s, instance, 8))->json);
  return c;
}

static fsm_command_kind kind_of(verb what) {
  switch (what) {
    case PAUSES: return FSM_CMD_PAUSE;
    case RESUMES: return FSM_CMD_RESUME;
    case CANCELS: return FSM_CMD_CANCEL;
    case FORCES: return FSM_CMD_FORCE;
    case SETS: return FSM_CMD_SET;
    case NOTES: return FSM_CMD_NOTE;
    case RETRIES: return FSM_CMD_RETRY;
    default: return FSM_CMD_SEND;
  }
}

static fsm_command step_of(const seeded *s, unsigned instance, fsm_arena *arena) {
  const step *at = &seeded_plans[s->all[instance].plan].steps[s->all[instance].step];
  fsm_command c = fsm_command_new(kind_of(at->verb));
  c.instance = seeded_id(s, instance, arena);
  c.actor = json(arena, person_at(s, instance, at)->json);
  if (c.kind == FSM_CMD_SEND) {
    c.event = at->word;
    if (strcmp(at->word, "REPLY") == 0 || strcmp(at->word, "ANSWER") == 0)
      c.data = json(arena, fsm_arena_printf(arena, "{\"text\":\"%s\"}",
                                            seeded_text(s, instance, s->all[instance].step + 1, arena)));
    if (strcmp(at->word, "APPROVE") == 0) c.data = json(arena, "{\"remark\":\"looked at, fine\"}");
    return c;
  }
  c.reason = at->verb == NOTES ? "the customer called: blue folder" : "seen on call";
  if (at->verb == FORCES) c.states = states_of(at->word, arena);
  if (at->verb == SETS) c.data = json(arena, at->word);
  return c;
}

static void add(seeded *s, batch *b, uint32_t instance) {
  const seeded_instance *in = &s->all[instance];
  if (in->begun && seeded_plans[in->plan].steps[in->step].verb == LATER) {
    b->later[b->later_count++] = instance;
    return;
  }
  fsm_command *c = &b->commands[b->count];
  *c = in->begun ? step_of(s, instance, &b->arena) : start_of(s, instance, &b->arena);
  c->correlation = seeded_correlation(s, instance, &b->arena);
  if (instance % 8 == 0) c->trace = trace_of(s, instance, &b->arena);
  b->of[b->count++] = instance;
}

/* Is its first region where it was? Then that is the leaf it has been in longest. */
static bool stays(const char *was, const char *is) {
  const size_t len = strcspn(was, ",");
  return was[len] == ',' && strcspn(is, ",") == len && memcmp(was, is, len) == 0;
}

/* The step is done: what is it now, and when is the next? */
static void advance(seeded *s, uint32_t instance) {
  seeded_instance *in = &s->all[instance];
  const plan *p = &seeded_plans[in->plan];
  const step *at = in->begun ? &p->steps[in->step] : NULL;
  if (at == NULL || (at->verb != REFUSED && at->word[0] != '\0')) {
    in->updated_ns = s->now_ns;
    in->event = at == NULL ? "start" : at->word;
    const person *who =
        at == NULL ? person_of(CUSTOMER, draw_of(s, instance, 8)) : person_at(s, instance, at);
    in->by = who != NULL ? who->sub : NULL;
  }
  if (at == NULL) in->created_ns = in->since_ns = s->now_ns;
  if (at != NULL && at->states != NULL) {
    if (!stays(in->states, at->states)) in->since_ns = s->now_ns;
    in->states = at->states;
  }
  if (at != NULL && at->status != NULL) in->status = at->status;
  if (at != NULL && at->verb == FORCES) in->forced = true;
  in->step = at == NULL ? 0 : in->step + 1;
  in->begun = true;
  if (in->step == p->count) return;
  const step *next = &p->steps[in->step];
  const uint64_t spread = (uint64_t)(next->spread_min * MINUTE + 1);
  in->due_ns =
      s->now_ns + next->after_min * MINUTE + (int64_t)(draw_of(s, instance, 128 + in->step) % spread);
  push(s, instance);
}

static void look_at(seeded *s, const batch *b, unsigned i) {
  const seeded_instance *in = &s->all[b->of[i]];
  const bool wanted = in->begun && seeded_plans[in->plan].steps[in->step].verb == REFUSED;
  const fsm_error *got = &b->answers[i].error;
  s->commands++;
  s->refused += got->code != FSM_OK;
  if ((got->code != FSM_OK) != wanted)
    seeded_give_up("%s, step %d of %s: %s: %s", b->commands[i].instance, in->begun ? in->step : -1,
                   seeded_plans[in->plan].name, fsm_code_name(got->code), got->text);
}

static void run(seeded *s, batch *b) {
  fsm_error err = {.text = ""};
  settle(s); /* what is due by now is before what is sent now */
  if (b->count > 0 &&
      fsm_call_batch(s->runtime, b->commands, b->count, &b->arena, b->answers, &err) != FSM_OK)
    seeded_give_up("a batch: %s: %s", err.where, err.text);
  for (unsigned i = 0; i < b->count; i++) {
    look_at(s, b, i);
    advance(s, b->of[i]);
  }
  settle(s);
  for (unsigned i = 0; i < b->later_count; i++) advance(s, b->later[i]);
  b->count = b->later_count = 0;
  fsm_arena_reset(&b->arena);
}

void seeded_play(seeded *s) {
  const int64_t slice = (s->until_ns - s->from_ns) / SLICES;
  batch *b = calloc(1, sizeof *b);
  bool second = false;
  if (b == NULL) seeded_give_up("no memory");
  fsm_arena_init(&b->arena, 0);
  begin(s);
  while (s->waiting > 0 && s->all[s->heap[0]].due_ns <= s->until_ns) {
    const int64_t end = s->all[s->heap[0]].due_ns + slice;
    while (s->waiting > 0 && b->count + b->later_count < BATCH) {
      const int64_t due = s->all[s->heap[0]].due_ns;
      if (due > end || due > s->until_ns) break;
      if (due > s->now_ns) s->now_ns = clock_ns = due;
      add(s, b, pop(s));
    }
    run(s, b);
    if (!second && s->now_ns > (s->from_ns + s->until_ns) / 2) {
      second = true;
      deploy(s, "ticket", "Second version. ");
    }
  }
  s->now_ns = clock_ns = s->until_ns;
  settle(s);
  fsm_arena_free(&b->arena);
  free(b);
}

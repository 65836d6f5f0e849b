/* play.c: what one step does, by chance: commands, answers of workers, clocks, trouble. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "charts.h"
#include "sim.h"
#include "tests/power/trace.h"

/* ---- saying ------------------------------------------------------------------------------------- */

static world *theirs; /* an answer's callback has one argument: what was said */

static void copy(char *out, size_t size, const char *text) {
  snprintf(out, size, "%.*s", (int)size - 1, text ? text : "");
}

static void on_answer(void *arg, const fsm_answer *answer) {
  world *w = theirs;
  said *s = arg;
  if (s->answered) wrong(w, "command %u is answered twice", (unsigned)(s - w->saids));
  s->answered = true;
  s->roomless |= w->short_of_room;
  s->answered_op = trace_count();
  s->code = answer->error.code;
  s->replayed = answer->replayed;
  s->created = answer->created;
  s->seq = answer->seq;
  s->rev = answer->rev;
  copy(s->made, sizeof s->made, answer->instance);
  copy(s->text, sizeof s->text, answer->error.text);
  s->had = fsm_is(&answer->task, FSM_MAP);
  s->to[0] = '\0';
  const fsm_value *to = fsm_is(&answer->to, FSM_LIST) && answer->to.len == 1 ? answer->to.items : NULL;
  if (to != NULL) snprintf(s->to, sizeof s->to, "%.*s", (int)to->len, to->s);
  told(w, "answer   c%u %s%s seq %llu rev %llu %s %s %s", (unsigned)(s - w->saids), fsm_code_name(s->code),
       s->replayed ? " replayed" : "", (unsigned long long)s->seq, (unsigned long long)s->rev, s->made, s->to,
       s->code ? s->text : "");
}

/* Of a counter; valid until the next one. */
static const char *form_of(int64_t number) {
  static char text[1024];
  if (number == 0) return COUNTER;
  FSM_ASSERT(snprintf(text, sizeof text, FORM, (unsigned)number, COUNTER + 1) < (int)sizeof text);
  return text;
}

static const char *none_if_empty(const char *text) { return text[0] != '\0' ? text : NULL; }

static bool is_admin(fsm_command_kind kind) {
  return kind >= FSM_CMD_ADMIN_FIRST && kind <= FSM_CMD_ADMIN_LAST;
}

/* Valid until the next one. */
static fsm_value route_of(const said *s) {
  static fsm_pair members[2];
  members[0] = (fsm_pair){fsm_string("level"), fsm_int(s->v)};
  members[1] = (fsm_pair){fsm_string("sinks"), fsm_string("file")};
  return (fsm_value){.type = FSM_MAP, .len = 2, .pairs = members};
}

/* Its parts point into the said and the pairs. */
static void add_actor(const said *s, fsm_command *c, fsm_pair *pair) {
  const bool sends = s->kind == FSM_CMD_SEND && !theirs->early;
  if (!sends && !is_admin(s->kind) && s->kind < FSM_CMD_ROUTE_SET) return;
  *pair = (fsm_pair){fsm_string("sub"), fsm_string(!sends ? "op" : IS_BOSS(s->v) ? "boss" : "clerk")};
  c->actor = (fsm_value){.type = FSM_MAP, .len = 1, .pairs = pair};
  if (!sends) c->reason = "by chance";
}

static fsm_command command_of(const said *s, const char *corr, fsm_pair pair[3], fsm_value *state) {
  fsm_command c = fsm_command_new(s->kind);
  c.machine = none_if_empty(s->machine);
  c.instance = none_if_empty(s->instance);
  c.key = none_if_empty(s->key);
  c.event = none_if_empty(s->event);
  c.idem = none_if_empty(s->idem);
  c.name = none_if_empty(s->name);
  c.if_absent = s->if_absent;
  c.expect_rev = s->expect_rev;
  c.correlation = corr;
  c.attempt = s->attempt;
  c.version = s->version;
  c.claim = s->claim;
  if (s->kind == FSM_CMD_DEPLOY) {
    c.machine = NULL;
    c.source = form_of(s->v);
    c.source_len = strlen(c.source);
  }
  memcpy(c.token, s->token, sizeof c.token);
  if (s->kind == FSM_CMD_SEND) {
    static char bulk[BULK_MAX];
    pair[0] = (fsm_pair){fsm_string("p"), fsm_stringn(bulk, s->bulk)};
    pair[1] = (fsm_pair){fsm_string("v"), fsm_int(s->v)};
    memset(bulk, 'x', s->bulk);
    c.data = (fsm_value){.type = FSM_MAP, .len = s->bulk ? 2 : 1, .pairs = s->bulk ? pair : pair + 1};
  }
  if (s->kind == FSM_CMD_TASK_COMPLETE || s->kind == FSM_CMD_TASK_FAIL || s->kind == FSM_CMD_SKIP)
    c.data = fsm_int(s->v);
  if (s->kind == FSM_CMD_SET) {
    pair[0] = (fsm_pair){fsm_string("s"), fsm_int(s->v)};
    c.data = (fsm_value){.type = FSM_MAP, .len = 1, .pairs = pair};
  }
  if (s->kind == FSM_CMD_FORCE) {
    *state = fsm_string(s->event);
    c.event = NULL;
    c.states = fsm_list(state, 1);
  }
  if (s->kind == FSM_CMD_ROUTE_SET) c.data = route_of(s);
  add_actor(s, &c, pair + 2);
  return c;
}

static const char *kind_text(fsm_command_kind kind) {
  static const char *const names[] = {"deploy",   "start",  "send",    "started", "undelivered", "heartbeat",
                                      "complete", "fail",   "refused", "pause",   "resume",      "cancel",
                                      "force",    "set",    "note",    "retry",   "skip",        "route",
                                      "unroute",  "retire", "sink"};
  return (size_t)kind < sizeof names / sizeof names[0] ? names[kind] : "?";
}

said *play_say(world *w, const said *what) {
  char corr[16];
  fsm_pair pair[3];
  fsm_value state;
  fsm_error err = {.text = ""};
  if (w->said_count == SAIDS_MAX) wrong(w, "more than %d commands", SAIDS_MAX);
  const unsigned number = w->said_count++;
  said *s = &w->saids[number];
  *s = *what;
  s->asked_op = trace_count() + 1;
  s->answered = s->gone = s->vague = false;
  s->roomless = w->short_of_room;
  if (s->idem[0] == '\0') s->group = number;
  snprintf(corr, sizeof corr, "c%u", number);
  theirs = w;
  fsm_command c = command_of(s, corr, pair, &state);
  told(w, "say      c%u %s %s%s%s %s %s v %lld attempt %u%s%s", number, kind_text(s->kind), s->machine,
       s->key[0] ? " key " : " ", s->key[0] ? s->key : s->instance, s->event, s->name, (long long)s->v,
       s->attempt, s->idem[0] ? " idem " : "", s->idem);
  if (fsm_submit(w->runtime, &c, on_answer, s, &err) != FSM_OK)
    wrong(w, "c%u is not admitted: %s: %s", number, err.where, err.text);
  return s;
}

/* ---- what is said ------------------------------------------------------------------------------- */

typedef struct cast {
  const char *machine, *prefix;
  unsigned count;
  const char *events[4];
} cast;

static const cast CAST[] = {
    {"counter", "c", 4, {"ADD", "ADD", "ADD", "END"}},  {"fire", "f", 2, {"GO", "STOP", "AGAIN", "GO"}},
    {"skip", "k", 2, {"GO", "STOP", "AGAIN", "GO"}},    {"restart", "r", 2, {"GO", "STOP", "AGAIN", "GO"}},
    {"tasker", "t", 3, {"RUN", "RISK", "STOP", "RUN"}}, {"parent", "p", 2, {"SPAWN", "POKE", "POKE", "STOP"}},
    {"gate", "g", 2, {"IN", "OUT", "KNOCK", "IN"}}};
enum { CAST_COUNT = sizeof CAST / sizeof CAST[0] };

/* The last one was not there. */
static const cast *pick_cast(world *w) { return &CAST[below(w, CAST_COUNT - w->early)]; }

static void pick_instance(world *w, said *s, const cast *c) {
  snprintf(s->instance, sizeof s->instance, "%s-%u", c->prefix, below(w, c->count));
}

static void maybe_idem(world *w, said *s) {
  if (below(w, 2)) snprintf(s->idem, sizeof s->idem, "i%u", w->said_count);
  s->group = w->said_count;
}

static void say_start(world *w) {
  const cast *c = pick_cast(w);
  said s = {.kind = FSM_CMD_START, .expect_rev = -1};
  copy(s.machine, sizeof s.machine, c->machine);
  pick_instance(w, &s, c);
  if (c == &CAST[0] && below(w, 3) == 0) {
    s.instance[0] = '\0';
    snprintf(s.key, sizeof s.key, "k%u", below(w, 3));
    s.if_absent = below(w, 2);
  }
  if (c == &CAST[0] && !w->early && below(w, 4) == 0) s.version = 1 + below(w, 4);
  maybe_idem(w, &s);
  (void)play_say(w, &s);
}

/* A counter is deployed in one of its forms, or versions of it retire. */
static void say_version(world *w) {
  said s = {.kind = below(w, 2) ? FSM_CMD_DEPLOY : FSM_CMD_RETIRE, .expect_rev = -1};
  copy(s.machine, sizeof s.machine, "counter");
  if (s.kind == FSM_CMD_DEPLOY) s.v = (int64_t)below(w, FORMS);
  if (s.kind == FSM_CMD_RETIRE && below(w, 3)) s.version = 1 + below(w, 4);
  s.group = w->said_count;
  (void)play_say(w, &s);
}

/* A child that a parent was told to start; false = none of the last ones. */
static bool pick_child(world *w, said *s) {
  for (unsigned i = w->said_count; i > 0 && i + 60 > w->said_count; i--) {
    const said *spawn = &w->saids[i - 1];
    if (spawn->gone || !spawn->answered || spawn->code != FSM_OK || strcmp(spawn->event, "SPAWN") != 0)
      continue;
    snprintf(s->instance, sizeof s->instance, "%.8s.c.%llu", spawn->instance, (unsigned long long)spawn->seq);
    return true;
  }
  return false;
}

static void say_send(world *w) {
  const cast *c = pick_cast(w);
  said s = {.kind = FSM_CMD_SEND, .expect_rev = -1, .v = (int64_t)below(w, 50) - 4};
  pick_instance(w, &s, c);
  copy(s.event, sizeof s.event, c->events[c == &CAST[0] && below(w, 4) ? 0 : below(w, 4)]);
  if (c == &CAST[0] && below(w, 3) == 0) {
    s.instance[0] = '\0';
    copy(s.machine, sizeof s.machine, c->machine);
    snprintf(s.key, sizeof s.key, "k%u", below(w, 3));
    s.if_absent = below(w, 2);
  }
  if (c->prefix[0] == 'p' && below(w, 3) == 0 && pick_child(w, &s))
    copy(s.event, sizeof s.event, below(w, 3) ? "PING" : "FIN");
  if (w->bulk_most > 0) s.bulk = below(w, w->bulk_most);
  if (below(w, 16) == 0) s.expect_rev = (int64_t)below(w, 6);
  maybe_idem(w, &s);
  (void)play_say(w, &s);
}

/* Of an instance that somebody named before: children too. */
static void say_admin(world *w) {
  const cast *c = pick_cast(w);
  said s = {.kind = FSM_CMD_ADMIN_FIRST + below(w, FSM_CMD_ADMIN_LAST - FSM_CMD_ADMIN_FIRST + 1),
            .expect_rev = -1,
            .v = (int64_t)below(w, 1000)};
  if (below(w, 3) == 0) s.kind = below(w, 2) ? FSM_CMD_PAUSE : FSM_CMD_RESUME;
  pick_instance(w, &s, c);
  if (c->prefix[0] == 'p' && below(w, 2)) (void)pick_child(w, &s);
  if (s.kind == FSM_CMD_CANCEL && below(w, 4)) s.kind = FSM_CMD_NOTE;
  if (s.kind == FSM_CMD_FORCE) {
    static const char *const states[] = {"on", "idle", "wait", "work", "risky", "with", "off"};
    copy(s.event, sizeof s.event, states[below(w, 7)]);
  }
  if ((s.kind == FSM_CMD_RETRY || s.kind == FSM_CMD_SKIP) && below(w, 2))
    copy(s.name, sizeof s.name, below(w, 2) ? "t" : "r");
  maybe_idem(w, &s);
  (void)play_say(w, &s);
}

/* A route is set, set again or removed; or something has befallen a sink. */
static void say_route(world *w) {
  static const fsm_command_kind kinds[] = {FSM_CMD_ROUTE_SET, FSM_CMD_ROUTE_SET, FSM_CMD_ROUTE_REMOVE,
                                           FSM_CMD_SINK_NOTE};
  said s = {.kind = kinds[below(w, 4)], .expect_rev = -1, .v = (int64_t)below(w, 4)};
  snprintf(s.name, sizeof s.name, "route%u", below(w, ROUTES_MAX));
  if (s.kind == FSM_CMD_SINK_NOTE) copy(s.event, sizeof s.event, "failed");
  (void)play_say(w, &s);
}

/* A worker says something about a task that it was offered, now or long ago. */
static void say_task(world *w) {
  static const fsm_command_kind kinds[] = {
      FSM_CMD_TASK_STARTED, FSM_CMD_TASK_STARTED,   FSM_CMD_TASK_COMPLETE,   FSM_CMD_TASK_COMPLETE,
      FSM_CMD_TASK_FAIL,    FSM_CMD_TASK_HEARTBEAT, FSM_CMD_TASK_UNDELIVERED};
  if (w->offer_count == 0) return;
  unsigned most = w->offer_count < OFFERS_MAX ? w->offer_count : OFFERS_MAX,
           back = below(w, most < 6 ? most : 6);
  if (below(w, 6) == 0) back = below(w, most);
  const offer *o = &w->offers[(w->offer_count - 1 - back) % OFFERS_MAX];
  said s = {
      .kind = kinds[below(w, 7)], .expect_rev = -1, .attempt = o->attempt, .v = (int64_t)below(w, 9) + 1};
  memcpy(s.token, o->token, sizeof s.token);
  if (below(w, 8) == 0) s.attempt = below(w, 5);
  if (s.kind == FSM_CMD_TASK_STARTED && !w->early) s.claim = below(w, 2);
  if (s.claim && below(w, 2)) s.attempt = 0;
  for (unsigned others = s.claim ? below(w, 3) : 0; others > 0; others--) (void)play_say(w, &s);
  if (below(w, 3) == 0) { /* begins and ends */
    said begin = s;
    begin.kind = FSM_CMD_TASK_STARTED;
    (void)play_say(w, &begin);
  }
  (void)play_say(w, &s);
}

static void say_again(world *w) {
  if (w->said_count == 0) return;
  const unsigned reach = w->said_count < 40 || below(w, 4) == 0 ? w->said_count : 40;
  said *s = &w->saids[w->said_count - 1 - below(w, reach)];
  if (s->idem[0] == '\0') return;
  said again = *s;
  (void)play_say(w, &again);
}

static void say_some(world *w) {
  for (unsigned n = 1 + below(w, 4); n > 0; n--) {
    unsigned what = below(w, 20);
    if (what < 4)
      say_start(w);
    else if (what < 12)
      say_send(w);
    else if (what < 14 && below(w, w->early ? 8 : 5) == 0)
      w->early || below(w, 2) ? say_route(w) : say_version(w);
    else if (what < 14)
      say_admin(w);
    else if (what < 17)
      say_task(w);
    else
      say_again(w);
  }
}

/* After a crash too: what nobody was told of may be lost. */
static void deploy_all(world *w) {
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  for (size_t i = 0; i < sizeof CHARTS / sizeof CHARTS[0] - w->early; i++) {
    fsm_answer answer;
    fsm_command c = fsm_command_new(FSM_CMD_DEPLOY);
    c.source = CHARTS[i];
    c.source_len = strlen(CHARTS[i]);
    if (fsm_call(w->runtime, &c, &arena, &answer) != FSM_OK)
      wrong(w, "deploy %zu: %s: %s", i, answer.error.where, answer.error.text);
  }
  fsm_arena_free(&arena);
}

/* Most of the cast is there from the beginning. */
void play_begin(world *w) {
  deploy_all(w);
  for (unsigned i = 0; i < 10; i++) say_start(w);
}

/* ---- steps -------------------------------------------------------------------------------------- */

static void pass_time(world *w) {
  static const int64_t spans[] = {1 * MS, 60 * MS, 400 * MS, SECOND, 3 * SECOND, 7 * SECOND, 30 * SECOND};
  unsigned which = below(w, 10);
  if (which == 9 && below(w, 3) == 0) {
    const int64_t by = (below(w, 2) ? -1 : 1) * (int64_t)(1 + below(w, 7200)) * SECOND;
    world_set_wall(w, by);
    told(w, "clock    set by %lld s", (long long)(by / SECOND));
    return;
  }
  const int64_t ns = which >= 7 ? (which == 7 ? 86400 * SECOND : 13 * MS) : spans[which];
  if (which == 7 && below(w, 3)) return;
  world_pass(w, ns);
  told(w, "time     %lld ms pass", (long long)(ns / MS));
}

void play_restore(world *w) {
  if (w->full) world_full(w, false);
  for (unsigned i = 0; i < 5; i++) { /* the store tries again, and its map may have to grow */
    world_pass(w, 300 * MS);
    world_settle(w);
  }
  w->short_of_room = false;
}

static void reopen(world *w) {
  if (w->full) world_full(w, false);
  world_close(w);
  if (below(w, 3) == 0) world_reboot(w), told(w, "reboot");
  if (below(w, 2)) world_pass(w, (int64_t)(1 + below(w, 20)) * SECOND);
  world_open(w);
}

void play_step(world *w) {
  unsigned what = below(w, 100);
  w->step++;
  if (what < 55)
    say_some(w);
  else if (what < 80)
    pass_time(w);
  else if (what < 84)
    world_settle(w);
  else if (what < 86)
    reopen(w);
  else if (what == 86)
    world_crash(w), deploy_all(w);
  else if (what == 87)
    world_full(w, !w->full);
  else if (what < 92)
    look_now(w);
  else if (what < 94)
    play_restore(w), look(w);
  if (below(w, 4)) fsm_runtime_turn(w->runtime, NULL);
}

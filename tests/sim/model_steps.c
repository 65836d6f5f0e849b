/* model_steps.c: the machines of charts.h in other words. */
#include <string.h>

#include "model.h"

typedef struct rule {
  const char *machine, *state, *event, *to;
  char
      effect; /* n, s: one more; v: one more and its value; o: the output; b: n, for the boss; B: his alone */
} rule;

static const rule RULES[] = {
    {"counter", "on", "ADD", "on", 'v'},
    {"counter", "on", "END", "off", 0},
    {"alarm", "idle", "GO", "wait", 0},
    {"alarm", "wait", "STOP", "idle", 0},
    {"alarm", "wait", "AGAIN", "wait", 's'},
    {"alarm", "wait", "xstate.after.5000.wait", "idle", 'n'},
    {"tasker", "idle", "RUN", "work", 0},
    {"tasker", "idle", "RISK", "risky", 0},
    {"tasker", "work", "STOP", "idle", 0},
    {"tasker", "risky", "STOP", "idle", 0},
    {"tasker", "work", "xstate.done.actor.t", "idle", 'o'},
    {"tasker", "work", "xstate.error.actor.t", "idle", 's'},
    {"tasker", "risky", "xstate.done.actor.r", "idle", 'o'},
    {"parent", "idle", "SPAWN", "with", 0},
    {"parent", "with", "POKE", "with", 0},
    {"parent", "with", "PONG", "with", 's'},
    {"parent", "with", "STOP", "idle", 0},
    {"parent", "with", "xstate.done.actor.c", "idle", 'n'},
    {"gate", "shut", "IN", "safe", 'b'},
    {"gate", "shut", "KNOCK", "shut", 's'},
    {"gate", "safe", "OUT", "shut", 'B'},
    {"kid", "a", "PING", "a", 'n'},
    {"kid", "a", "FIN", "z", 0},
    {"kid", "a", "xstate.after.20000.a", "z", 0},
};

static const char *group_of(const char *machine) {
  bool alarm =
      strcmp(machine, "fire") == 0 || strcmp(machine, "skip") == 0 || strcmp(machine, "restart") == 0;
  return alarm ? "alarm" : machine;
}

static const rule *find(const actor *a, const char *event, int64_t v) {
  for (size_t i = 0; i < sizeof RULES / sizeof RULES[0]; i++) {
    const rule *r = &RULES[i];
    if (strcmp(r->machine, group_of(a->machine)) != 0 || strcmp(r->state, a->state) != 0) continue;
    if (strcmp(r->event, event) != 0) continue;
    if ((r->effect == 'b' || r->effect == 'B') && !IS_BOSS(v)) return NULL;
    return r->effect == 'v' && v <= 0 ? NULL : r;
  }
  return NULL;
}

bool model_takes(const actor *a, const char *event, int64_t v) { return find(a, event, v) != NULL; }

const char *model_step(actor *a, const char *event, int64_t v) {
  const rule *r = find(a, event, v);
  if (r == NULL) return NULL;
  if (r->effect == 'n' || r->effect == 'v' || r->effect == 'b') a->n++;
  if (r->effect == 's') a->s++;
  if (r->effect == 'v') a->s += v;
  if (r->effect == 'o') a->n += v;
  return r->to;
}

int64_t model_delay(const actor *a) {
  if (strcmp(group_of(a->machine), "alarm") == 0 && strcmp(a->state, "wait") == 0) return 5 * SECOND;
  return strcmp(a->machine, "kid") == 0 && strcmp(a->state, "a") == 0 ? 20 * SECOND : 0;
}

const char *model_invoke(const actor *a, unsigned *attempts) {
  *attempts = strcmp(a->state, "work") == 0 ? 3 : 1;
  if (strcmp(a->machine, "tasker") != 0) return NULL;
  return strcmp(a->state, "work") == 0 ? "t" : strcmp(a->state, "risky") == 0 ? "r" : NULL;
}

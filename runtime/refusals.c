/* refusals.c: token buckets and sums in two fixed tables. See refusals.h. */
#include "runtime/refusals.h"

#include <stdlib.h>
#include <string.h>

typedef struct bucket {
  uint64_t owner; /* hash of (actor, machine), 0 = unused */
  int64_t milli;  /* tokens × 1000 */
  int64_t at_ns;
} bucket;

struct fsm__refusals {
  bucket buckets[FSM_REFUSAL_BUCKETS];
  fsm__refusal_sum sums[FSM_REFUSAL_SUMS + 1]; /* the last one is "other" */
};

/* FNV-1a, with a separator so that ("a","bc") and ("ab","c") differ. */
static uint64_t owner_of(const char *actor, const char *machine) {
  uint64_t hash = 14695981039346656037u;
  const char *parts[] = {actor, "\x1f", machine};
  for (unsigned p = 0; p < 3; p++)
    for (const char *c = parts[p]; *c != '\0'; c++) hash = (hash ^ (uint8_t)*c) * 1099511628211u;
  return hash | 1;
}

fsm_code fsm__refusals_new(fsm__refusals **out, fsm_error *err) {
  *out = calloc(1, sizeof **out);
  return *out != NULL ? FSM_OK : fsm_fail(err, FSM_ENOMEM, "", "no memory for counting refusals");
}

void fsm__refusals_free(fsm__refusals *refusals) { free(refusals); }

bool fsm__refusals_own(fsm__refusals *refusals, const char *actor, const char *machine, int64_t now_ns) {
  uint64_t owner = owner_of(actor, machine);
  bucket *b = &refusals->buckets[owner % FSM_REFUSAL_BUCKETS];
  const int64_t full = (int64_t)FSM_REFUSAL_BURST * 1000;
  if (b->owner == 0) *b = (bucket){.owner = owner, .milli = full, .at_ns = now_ns};
  int64_t passed_ms = now_ns > b->at_ns ? (now_ns - b->at_ns) / 1000000 : 0;
  if (passed_ms > full) passed_ms = full;
  b->milli += passed_ms * FSM_REFUSAL_PER_SECOND;
  b->at_ns += passed_ms * 1000000;
  if (b->milli > full) b->milli = full;
  if (b->milli == full)
    *b = (bucket){.owner = owner, .milli = full, .at_ns = now_ns}; /* idle: whoever asks owns it */
  if (b->milli < 1000) return false;
  b->milli -= 1000;
  return true;
}

/* As much of text as fits, cut between characters: the record must be valid UTF-8. */
static void keep(char *out, size_t size, const char *text) {
  size_t len = strnlen(text, size);
  if (len == size) {
    len--;
    while (len > 0 && ((uint8_t)text[len] & 0xC0) == 0x80) len--;
  }
  memcpy(out, text, len);
  out[len] = '\0';
}

static fsm__refusal_sum *sum_for(fsm__refusals *refusals, fsm_code reason, const char *machine,
                                 const char *actor) {
  fsm__refusal_sum *unused = NULL, *other = &refusals->sums[FSM_REFUSAL_SUMS];
  for (unsigned i = 0; i < FSM_REFUSAL_SUMS; i++) {
    fsm__refusal_sum *sum = &refusals->sums[i];
    if (sum->count == 0) {
      if (unused == NULL) unused = sum;
    } else if (sum->reason == reason && strcmp(sum->machine, machine) == 0 &&
               strcmp(sum->actor, actor) == 0) {
      return sum;
    }
  }
  if (unused == NULL) {
    other->mixed = true;
    return other;
  }
  memcpy(unused->machine, machine, strlen(machine) + 1);
  memcpy(unused->actor, actor, strlen(actor) + 1);
  return unused;
}

void fsm__refusals_count(fsm__refusals *refusals, fsm_code reason, const char *machine, const char *actor,
                         const char *excerpt, int64_t now_ns) {
  char machine_kept[FSM_REFUSAL_TEXT_MAX], actor_kept[FSM_REFUSAL_TEXT_MAX];
  keep(machine_kept, sizeof machine_kept, machine);
  keep(actor_kept, sizeof actor_kept, actor);
  fsm__refusal_sum *sum = sum_for(refusals, reason, machine_kept, actor_kept);
  if (sum->count == 0) {
    sum->reason = reason;
    sum->first_ns = now_ns;
    keep(sum->excerpt, sizeof sum->excerpt, excerpt);
  }
  sum->count++;
  sum->last_ns = now_ns;
}

bool fsm__refusals_take(fsm__refusals *refusals, int64_t now_ns, bool all, fsm__refusal_sum *out) {
  for (unsigned i = 0; i <= FSM_REFUSAL_SUMS; i++) {
    fsm__refusal_sum *sum = &refusals->sums[i];
    if (sum->count == 0 || (!all && now_ns - sum->first_ns < FSM_REFUSAL_INTERVAL_NS)) continue;
    *out = *sum;
    *sum = (fsm__refusal_sum){.count = 0};
    return true;
  }
  return false;
}

void fsm__refusals_return(fsm__refusals *refusals, const fsm__refusal_sum *sum) {
  for (unsigned i = sum->mixed ? FSM_REFUSAL_SUMS : 0; i <= FSM_REFUSAL_SUMS; i++) {
    if (refusals->sums[i].count > 0) continue;
    refusals->sums[i] = *sum;
    return;
  }
}

int64_t fsm__refusals_next(const fsm__refusals *refusals) {
  int64_t next = INT64_MAX;
  for (unsigned i = 0; i <= FSM_REFUSAL_SUMS; i++) {
    const fsm__refusal_sum *sum = &refusals->sums[i];
    if (sum->count > 0 && sum->first_ns + FSM_REFUSAL_INTERVAL_NS < next)
      next = sum->first_ns + FSM_REFUSAL_INTERVAL_NS;
  }
  return next;
}

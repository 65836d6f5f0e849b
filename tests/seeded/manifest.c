/* manifest.c: what was made: a line of JSON for each instance, and a summary on stdout. By the plans alone.
 */
#include <stdlib.h>
#include <string.h>

#include "schema/json.h"
#include "seeded.h"

enum { TALLIES_MAX = 256 };

typedef struct tally {
  const char *machine, *states, *status;
  unsigned count;
} tally;

static void member(fsm_buf *out, const char *name, const char *value) {
  if (value == NULL) return;
  fsm_buf_printf(out, ",\"%s\":", name);
  fsm_json_quote(out, value, strlen(value));
}

static void time_member(fsm_buf *out, const char *name, int64_t ns) {
  char text[40];
  fsm_time_format(ns, text, sizeof text);
  member(out, name, text);
}

/* The leaves as a list: "a,b" has two, "" none. */
static void states_member(fsm_buf *out, const char *states) {
  fsm_buf_str(out, ",\"state\":[");
  for (const char *at = states, *end; *at != '\0'; at = *end != '\0' ? end + 1 : end) {
    end = at + strcspn(at, ",");
    if (at != states) fsm_buf_char(out, ',');
    fsm_json_quote(out, at, (size_t)(end - at));
  }
  fsm_buf_char(out, ']');
}

static bool ended(const seeded_instance *in) {
  return strcmp(in->status, "completed") == 0 || strcmp(in->status, "cancelled") == 0;
}

static void line(const seeded *s, unsigned i, fsm_arena *arena, fsm_buf *out) {
  const seeded_instance *in = &s->all[i];
  const plan *p = &seeded_plans[in->plan];
  fsm_buf_printf(out, "{\"id\":\"%s\",\"machine\":\"%s\",\"plan\":\"%s\",\"status\":\"%s\"",
                 seeded_id(s, i, arena), p->machine, p->name, in->status);
  states_member(out, in->states);
  if (p->kind[0] != '\0' && in->step == p->count) member(out, "kind", p->kind);
  member(out, "key", seeded_key(s, i, arena));
  member(out, "correlation", seeded_correlation(s, i, arena));
  fsm_buf_printf(out, ",\"labels\":%s", seeded_labels(s, i, arena));
  time_member(out, "created", in->created_ns);
  time_member(out, "updated", in->updated_ns);
  if (!ended(in)) time_member(out, "since", in->since_ns);
  member(out, "event", in->event);
  member(out, "by", in->by);
  if (in->forced) fsm_buf_str(out, ",\"forced\":true");
  fsm_buf_str(out, "}\n");
}

static bool same(const tally *t, const plan *p, const seeded_instance *in) {
  return strcmp(t->machine, p->machine) == 0 && strcmp(t->states, in->states) == 0 &&
         strcmp(t->status, in->status) == 0;
}

static void count_in(tally *all, unsigned *count, const plan *p, const seeded_instance *in) {
  unsigned at = 0;
  while (at < *count && !same(&all[at], p, in)) at++;
  if (at == TALLIES_MAX) seeded_give_up("over %d tallies", TALLIES_MAX);
  if (at == *count) all[(*count)++] = (tally){p->machine, in->states, in->status, 0};
  all[at].count++;
}

static void summary(const seeded *s, unsigned made) {
  static tally all[TALLIES_MAX];
  unsigned count = 0;
  fsm_buf out = {0};
  for (unsigned i = 0; i < s->count; i++)
    if (s->all[i].begun) count_in(all, &count, &seeded_plans[s->all[i].plan], &s->all[i]);
  fsm_buf_printf(&out, "{\"instances\":%u,\"seed\":%llu,\"commands\":%llu,\"refused\":%llu", made,
                 (unsigned long long)s->seed, (unsigned long long)s->commands,
                 (unsigned long long)s->refused);
  time_member(&out, "from", s->from_ns);
  time_member(&out, "until", s->until_ns);
  fsm_buf_str(&out, ",\"states\":[");
  for (unsigned i = 0; i < count; i++) {
    fsm_buf_printf(&out, "%s\n  {\"count\":%u", i > 0 ? "," : "", all[i].count);
    member(&out, "machine", all[i].machine);
    states_member(&out, all[i].states);
    member(&out, "status", all[i].status);
    fsm_buf_char(&out, '}');
  }
  printf("%s]}\n", fsm_buf_text(&out));
  fsm_buf_free(&out);
}

void seeded_tell(const seeded *s) {
  FILE *file = s->manifest != NULL ? fopen(s->manifest, "w") : NULL;
  unsigned made = 0;
  fsm_arena arena;
  fsm_buf out = {0};
  if (s->manifest != NULL && file == NULL) seeded_give_up("%s cannot be written", s->manifest);
  fsm_arena_init(&arena, 0);
  for (unsigned i = 0; i < s->count; i++) {
    if (!s->all[i].begun) continue;
    made++;
    if (file == NULL) continue;
    line(s, i, &arena, &out);
    fwrite(out.data, 1, out.len, file);
    fsm_buf_reset(&out);
    fsm_arena_reset(&arena);
  }
  if (file != NULL && fclose(file) != 0) seeded_give_up("%s cannot be written", s->manifest);
  fsm_arena_free(&arena);
  fsm_buf_free(&out);
  summary(s, made);
}

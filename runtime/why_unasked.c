/* why_unasked.c: what of an answer was not evaluated, because all of it together costs too much (why.h). */
#include "runtime/why.h"

static void add_unasked(const fsm__why *why, fsm__items *items, const char *before, unsigned count,
                        unsigned of, const char *behind) {
  if (count > 0)
    fsm__items_add(items, fsm_string(fsm__why_printf(why, "%s %u of %u %s", before, count, of, behind)));
}

fsm_value fsm__why_unasked(const fsm__why *why) {
  unsigned guards = 0, parts = 0, people = 0;
  fsm__items items = {.arena = why->arena};
  for (unsigned i = 0; i < why->event_count; i++) guards += why->events[i].candidate.unasked;
  for (unsigned i = 0; i < why->event_count; i++)
    parts += why->parts[i].unasked && !why->events[i].candidate.unasked;
  for (unsigned p = 0; p < why->people_count; p++)
    for (unsigned i = 0; i < why->event_count && why->people[p].events != NULL; i++) {
      if (!why->people[p].events[i].candidate.unasked) continue;
      people++;
      break;
    }
  add_unasked(why, &items, "the guards of", guards, why->event_count, "transitions");
  add_unasked(why, &items, "which part decides of the guards of", parts, why->event_count, "transitions");
  add_unasked(why, &items, "whether they may:", people, why->people_count, "people");
  if (why->unlooked) fsm__items_add(&items, fsm_string("the way to an end, further on"));
  return items.failed ? fsm_list(NULL, 0) : fsm_list(items.items, items.count);
}

/* match_run.c: a set of places in the program moves over the text.
 *
 * Before each character the set is closed: what can be reached without a character is reached, each
 * instruction once. Then every place that takes the character goes on behind it. The beginning of the program
 * joins the set at every character, because a match may begin anywhere.
 */
#include <string.h>

#include "fsm/match_impl.h"

enum { SMALL = 256 /* instructions of a program that needs no memory but the stack's */ };

typedef struct places {
  const fsm__match *match;
  uint32_t turn;  /* counts closures; from 1 */
  uint32_t *seen; /* the closure that an instruction was reached in */
  uint16_t *open; /* reached, not yet looked at */
  uint16_t *wait; /* waits for a character */
  uint16_t *next; /* reached with the last character */
  uint32_t open_count, wait_count, next_count;
  int32_t before, after; /* the characters around the place in the text */
  uint64_t steps;
} places;

static bool is_word(int32_t c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}

static bool holds(const places *p, fsm__assertion assertion) {
  switch (assertion) {
    case FSM__TEXT_BEGIN: return p->before == FSM__NO_CHARACTER;
    case FSM__TEXT_END: return p->after == FSM__NO_CHARACTER;
    case FSM__LINE_BEGIN: return p->before == FSM__NO_CHARACTER || p->before == '\n';
    case FSM__LINE_END: return p->after == FSM__NO_CHARACTER || p->after == '\n';
    case FSM__WORD_EDGE: return is_word(p->before) != is_word(p->after);
    case FSM__NO_WORD_EDGE: break;
  }
  return is_word(p->before) == is_word(p->after);
}

static void reach(places *p, uint16_t at) {
  if (p->seen[at] == p->turn) return;
  p->seen[at] = p->turn;
  p->open[p->open_count++] = at;
}

/* Follows all that needs no character; true when the end of the program is reached. */
static bool close_set(places *p) {
  while (p->open_count) {
    uint16_t at = p->open[--p->open_count];
    const fsm__instruction *i = &p->match->code[at];
    p->steps++;
    switch ((fsm__instruction_kind)i->kind) {
      case FSM__MATCHED: return true;
      case FSM__FORK:
        reach(p, i->other);
        reach(p, i->next);
        break;
      case FSM__GO: reach(p, i->next); break;
      case FSM__IF:
        if (holds(p, (fsm__assertion)i->assertion)) reach(p, i->next);
        break;
      default: p->wait[p->wait_count++] = at;
    }
  }
  return false;
}

static bool takes(places *p, const fsm__instruction *i, int32_t c) {
  p->steps++;
  switch ((fsm__instruction_kind)i->kind) {
    case FSM__ON_CHARACTER: return c == i->c;
    case FSM__ON_FOLDED: return fsm__folded(c) == i->c;
    case FSM__ON_NOT_LINE_END: return c != '\n';
    case FSM__ON_CLASS:
      if (c >= 128) p->steps += p->match->classes[i->other]->count;
      return fsm__class_has(p->match->classes[i->other], c);
    default: return true;
  }
}

static fsm_code run(places *p, const char *text, size_t len, uint64_t most, bool *found) {
  size_t at = 0, width = 0;
  *found = false;
  for (p->before = FSM__NO_CHARACTER;; p->before = p->after, at += width) {
    p->after = at < len ? fsm__character_at(text + at, len - at, &width) : FSM__NO_CHARACTER;
    p->turn++;
    p->wait_count = 0;
    for (uint32_t i = 0; i < p->next_count; i++) reach(p, p->next[i]);
    if (at == 0 || !p->match->anchored) reach(p, 0);
    *found = close_set(p);
    if (p->steps > most) return FSM_ETOOLARGE;
    if (*found || at >= len || (!p->wait_count && p->match->anchored)) return FSM_OK;
    p->next_count = 0;
    for (uint32_t i = 0; i < p->wait_count && p->steps <= most; i++) {
      const fsm__instruction *waiting = &p->match->code[p->wait[i]];
      if (takes(p, waiting, p->after)) p->next[p->next_count++] = waiting->next;
    }
  }
}

fsm_code fsm__match_run(const fsm__match *match, const char *text, size_t len, fsm_arena *scratch,
                        uint64_t *steps, bool *found) {
  FSM_ASSERT(match && (text || !len) && len <= UINT32_MAX && scratch && steps && found);
  uint16_t small[3][SMALL];
  uint32_t small_seen[SMALL];
  places p = {.match = match, .seen = small_seen, .open = small[0], .wait = small[1], .next = small[2]};
  if (match->count > SMALL) {
    p.seen = fsm_arena_alloc(scratch, match->count * sizeof *p.seen);
    p.open = fsm_arena_alloc(scratch, 3 * match->count * sizeof *p.open);
    if (!p.seen || !p.open) return FSM_ENOMEM;
    p.wait = p.open + match->count;
    p.next = p.wait + match->count;
  }
  memset(p.seen, 0, match->count * sizeof *p.seen);
  fsm_code code = run(&p, text, len, *steps, found);
  *steps = p.steps;
  return code;
}

/* survey_words.h: texts of records as small numbers: the same text of the same group has the same number. The
 * number 0 is none of them: there was no room. */
#ifndef FSM_RUNTIME_SURVEY_WORDS_H
#define FSM_RUNTIME_SURVEY_WORDS_H

#include "fsm/arena.h"
#include "schema/record_facts.h"

typedef struct fsm__word {
  uint32_t group, hash;
  fsm_record_text text; /* NUL-terminated here */
} fsm__word;

typedef struct fsm__words {
  fsm_arena *arena;
  fsm__word *at;       /* [0] is empty */
  unsigned count, max; /* with [0] */
  uint32_t *slots, mask;
} fsm__words;

/* max: how many at most. False without memory. */
bool fsm__words_init(fsm__words *words, fsm_arena *arena, unsigned max);
/* Adds it when it is new; 0: there is no room. */
unsigned fsm__words_of(fsm__words *words, uint32_t group, fsm_record_text text);
/* The same, never adding; 0: it is none of them. */
unsigned fsm__words_find(const fsm__words *words, uint32_t group, fsm_record_text text);
static inline fsm_record_text fsm__text_of(const char *text) { return (fsm_record_text){text, strlen(text)}; }

#endif

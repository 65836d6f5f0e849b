/* match_impl.h: what the files of the matcher share; nobody else includes it. */
#ifndef FSM_MATCH_IMPL_H
#define FSM_MATCH_IMPL_H

#include "fsm/match.h"

/* ---- characters -------------------------------------------------------------------------------- */

enum { FSM__CHARACTER_MAX = 0x10ffff, FSM__NO_CHARACTER = -1, FSM__ORBIT_MAX = 4 };

/* The character at text, and its bytes in *width (at least 1); what is not UTF-8 is U+FFFD. len > 0. */
int32_t fsm__character_at(const char *text, size_t len, size_t *width);
/* The bit of a character's general category. */
uint32_t fsm__category_of(int32_t c);
/* The categories of a name such as "L" or "Lu"; 0 when it is none. */
uint32_t fsm__categories_named(const char *name, size_t len);
/* The characters that differ from c in case only, c first; how many. */
unsigned fsm__orbit_of(int32_t c, int32_t out[FSM__ORBIT_MAX]);
/* The least of them. */
int32_t fsm__folded(int32_t c);

/* ---- classes ----------------------------------------------------------------------------------- */

typedef struct fsm__class_item {
  int32_t first, last; /* a range */
  uint32_t categories; /* when not 0: these, and not the range */
  const char *pairs;   /* when not NULL: ranges of ASCII, first and last in turn, and not the range */
  uint8_t pair_count;
  bool negated;
} fsm__class_item;

typedef struct fsm__class {
  bool negated, folded;
  uint16_t count, number; /* of the items; among the classes of the pattern */
  fsm__class_item *items;
  uint32_t ascii[4]; /* the answers for characters below 128 */
} fsm__class;

bool fsm__class_has(const fsm__class *class, int32_t c);

/* ---- trees ------------------------------------------------------------------------------------- */

typedef enum fsm__assertion {
  FSM__TEXT_BEGIN,
  FSM__TEXT_END,
  FSM__LINE_BEGIN,
  FSM__LINE_END,
  FSM__WORD_EDGE,
  FSM__NO_WORD_EDGE
} fsm__assertion;

typedef enum fsm__part_kind {
  FSM__EMPTY,
  FSM__CHARACTER, /* c */
  FSM__FOLDED,    /* c or what differs from it in case only; c is the least of them */
  FSM__ANY,
  FSM__NOT_LINE_END, /* any but \n */
  FSM__CLASS,        /* class */
  FSM__ASSERTION,
  FSM__SEQUENCE,
  FSM__EITHER,
  FSM__REPEAT /* one kid, least … most times */
} fsm__part_kind;

enum { FSM__ENDLESS = UINT16_MAX };

typedef struct fsm__part fsm__part;
struct fsm__part {
  uint8_t kind, assertion;
  uint16_t least, most;
  int32_t c;
  fsm__class *class;
  fsm__part *kids, *next;
};

typedef struct fsm__pattern {
  const char *text;
  size_t len, at;
  fsm_arena *tree;    /* parts: until the program is built */
  fsm_arena *program; /* classes: with it */
  uint16_t classes;   /* so far */
  fsm_error *err;
  fsm_code code;
} fsm__pattern;

/* The first fault stays; returns NULL. `at` is a byte of the pattern. */
void *fsm__pattern_fail(fsm__pattern *p, fsm_code code, size_t at, const char *format, ...) FSM_PRINTF(4, 5);
fsm__part *fsm__pattern_parse(fsm__pattern *p);

/* A class under construction: items grow in the tree's arena. */
typedef struct fsm__class_builder {
  fsm__pattern *pattern;
  fsm__class_item *items;
  size_t count, cap;
} fsm__class_builder;

void fsm__class_add(fsm__class_builder *builder, fsm__class_item item);
/* \d \D \s \S \w \W: adds it and is true; the pattern stands behind it. */
bool fsm__class_perl(fsm__class_builder *builder, char letter);
/* What follows \p or \P. */
void fsm__class_property(fsm__class_builder *builder, bool negated);
fsm__class *fsm__class_finish(fsm__class_builder *builder, bool negated, bool folded);
/* The pattern stands behind the '['. */
fsm__class *fsm__class_parse(fsm__pattern *p, bool folded);
/* A character behind a backslash, which stands at `begin`; the pattern stands behind the backslash. */
int32_t fsm__escaped(fsm__pattern *p, size_t begin);

/* ---- programs ---------------------------------------------------------------------------------- */

typedef enum fsm__instruction_kind {
  FSM__MATCHED,
  FSM__ON_CHARACTER, /* c, then next */
  FSM__ON_FOLDED,
  FSM__ON_ANY,
  FSM__ON_NOT_LINE_END,
  FSM__ON_CLASS, /* classes[other], then next */
  FSM__IF,       /* assertion, then next */
  FSM__GO,       /* next */
  FSM__FORK      /* next and other */
} fsm__instruction_kind;

typedef struct fsm__instruction {
  uint8_t kind, assertion;
  uint16_t next;
  union {
    int32_t c;
    uint16_t other;
  };
} fsm__instruction;

struct fsm__match {
  uint16_t count;
  bool anchored; /* only a match from the beginning of the text counts */
  uint32_t cost;
  fsm__instruction *code; /* 0 is where it begins */
  const fsm__class **classes;
};

fsm_code fsm__match_build(fsm__pattern *p, const fsm__part *root, const fsm__match **out);

#endif

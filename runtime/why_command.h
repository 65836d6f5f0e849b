/* why_command.h: between the files of why: a command of fsm-cli that would move an instance, word by word,
 * and its place in the answer: {do, argv, then?, text, needs?}. */
#ifndef FSM_RUNTIME_WHY_COMMAND_H
#define FSM_RUNTIME_WHY_COMMAND_H

#include "runtime/why.h"

enum { FSM__WHY_ARGS_MAX = 12 };

typedef struct fsm__why_command {
  const char *args[FSM__WHY_ARGS_MAX];
  unsigned count, words; /* words: the verb and what stands before options */
} fsm__why_command;

/* The verb and the instance's id. */
fsm__why_command fsm__why_command_of(const fsm__why *why, const char *verb);
void fsm__why_arg(fsm__why_command *c, const char *text);
void fsm__why_option(fsm__why_command *c, const char *name);
/* What could not be made (NULL) is no argument, and the whole answer is not given. */
void fsm__why_made(fsm__why_command *c, const char *text, fsm__items *items);
const char *fsm__why_json(const fsm__why *why, const fsm_value *value);
/* then: a second one, which the first opens the way for; NULL = none. needs: a text, "" = nothing. */
void fsm__why_add(const fsm__why *why, fsm__items *items, const fsm__why_command *c,
                  const fsm__why_command *then, const char *text, const char *needs);

/* An event's name that can be typed: no descriptor. */
bool fsm__why_is_name(const char *event);
/* `send` of event `index`; who asks needs another role; its data is to be filled in. */
fsm__why_command fsm__why_send(const fsm__why *why, fsm__items *items, unsigned index, bool *role,
                               bool *data);
/* Where it leads, and as whom: "to done, as someone with role boss". */
const char *fsm__why_leads(const fsm__why *why, unsigned index, bool role);

/* why_remedy.c: `set`, and the event behind it, for events that a guard refuses. */
void fsm__why_add_sets(const fsm__why *why, fsm__items *items);

#endif

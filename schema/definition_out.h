/* definition_out.h: what the files of the JSON writer share: members and values of compact JSON. */
#ifndef FSM_SCHEMA_DEFINITION_OUT_H
#define FSM_SCHEMA_DEFINITION_OUT_H

#include "schema/definition_write.h"

typedef struct fsm__json_out {
  fsm__writer w;
  fsm_buf buf; /* without white space */
  size_t at;   /* the number of the state that comes next */
} fsm__json_out;

/* Begins a member, or an item of a list; the comma before it is put where one is needed. */
void fsm__json_key(fsm__json_out *o, const char *key);
void fsm__json_item(fsm__json_out *o);
void fsm__json_text(fsm__json_out *o, const char *key, const char *text); /* nothing for NULL */
fsm_code fsm__json_expr(fsm__json_out *o, const char *expr, const char *where);
fsm_code fsm__json_value(fsm__json_out *o, const fsm_def_value *value); /* NULL is null */
fsm_code fsm__json_member(fsm__json_out *o, const char *key, const fsm_def_value *value);
void fsm__json_meta(fsm__json_out *o, const fsm_value *meta); /* nothing for null */

/* definition_write_action.c: a member with a list of actions; nothing for none. */
fsm_code fsm__json_actions(fsm__json_out *o, const char *key, const fsm_def_action *actions, size_t count);
/* definition_write_event.c: "on", "after" and "always" of a state. */
fsm_code fsm__json_events(fsm__json_out *o, const fsm__written *s);
/* definition_write_state.c: the members of the state that comes next, and all below it. */
fsm_code fsm__json_state(fsm__json_out *o);
/* "#id.path" of a state, which leads to it from everywhere. */
fsm_code fsm__json_target(fsm__json_out *o, const char *path);

#endif

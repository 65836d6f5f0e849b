/* scxml_write.h: what the files of the SCXML writer share: elements with their indent. */
#ifndef FSM_SCHEMA_SCXML_WRITE_H
#define FSM_SCHEMA_SCXML_WRITE_H

#include "schema/definition_write.h"
#include "schema/scxml_load.h"

typedef struct fsm__scxml_out {
  fsm__writer w;
  fsm_buf *buf;
  unsigned depth;
  bool in_tag; /* the last element's start is not closed yet */
  size_t at;   /* the number of the state that comes next */
} fsm__scxml_out;

void fsm__out_open(fsm__scxml_out *o, const char *element);
void fsm__out_attribute(fsm__scxml_out *o, const char *name, const char *value); /* nothing for NULL */
void fsm__out_close(fsm__scxml_out *o, const char *element);

/* A value as an expression in the names of SCXML. */
fsm_code fsm__out_expr(fsm__scxml_out *o, const fsm_def_value *value, const char **out);
/* The attribute `literal` of a text, or else `expr` of an expression; nothing for NULL. */
fsm_code fsm__out_either(fsm__scxml_out *o, const fsm_def_value *value, const char *literal,
                         const char *expr);
/* A map as <param>s, anything else as <content>; only_params = the latter is refused. */
fsm_code fsm__out_payload(fsm__scxml_out *o, const fsm_def_value *value, bool only_params);
fsm_code fsm__out_delay(fsm__scxml_out *o, const fsm_def_value *delay);

/* scxml_write_action.c */
fsm_code fsm__out_actions(fsm__scxml_out *o, const fsm_def_action *actions, size_t count);
/* scxml_write_state.c: the state that comes next and all below it. */
fsm_code fsm__out_state(fsm__scxml_out *o);
/* scxml_write.c: a machine, as the document or inside one. */
fsm_code fsm__out_machine(fsm_buf *buf, const fsm_def *def, unsigned depth, fsm_error *err);

#endif

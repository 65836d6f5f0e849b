/* format_value.h: stored values as JSON text, without building them.
 *
 * What is written is what fsm_json_write gives of the value that fsm_unpack reads, for all that is usual:
 * text keys, ascending. Whatever is not, or may have to be masked, or is wrong, stops the writer; the long
 * way (decode, mask, view, write) then decides and words the fault. So the short way never refuses by itself.
 */
#ifndef FSM_RUNTIME_FORMAT_VALUE_H
#define FSM_RUNTIME_FORMAT_VALUE_H

#include "schema/mask.h"
#include "schema/pack_read.h"

enum {
  FSM__PUT_PER_BYTE = 8, /* JSON bytes that one stored byte can become, at most */
  FSM__PUT_MORE = 8192   /* and what the names and hashes of the record take besides */
};

/* What fsm_mask_record looks for in a field. */
typedef enum fsm__shown {
  FSM__AS_IS,   /* nothing */
  FSM__DATA,    /* names, at any depth */
  FSM__CHANGES, /* the same; a hidden field's values stay a list */
  FSM__OURS     /* more than names: where there may be something the writer stops */
} fsm__shown;

typedef struct fsm__putter {
  fsm__reader in;
  char *to; /* room for FSM__PUT_PER_BYTE times the stored bytes */
  const fsm_mask *mask;
  fsm__shown shown; /* FSM__AS_IS without a mask */
} fsm__putter;

/* One stored value; false: stopped. depth: how many levels it may nest. */
bool fsm__put_value(fsm__putter *p, unsigned depth);
/* The same of a map whose times are shown as times (record_view.c), and of a list of such maps. */
bool fsm__put_entry(fsm__putter *p, unsigned depth);
bool fsm__put_entries(fsm__putter *p, unsigned depth);

#endif

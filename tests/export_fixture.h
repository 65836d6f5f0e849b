/* export_fixture.h: a stored record as it goes out, and its JSON form by the long way. */
#ifndef EXPORT_FIXTURE_H
#define EXPORT_FIXTURE_H

#include <string.h>

#include "runtime/format.h"
#include "schema/json.h"

static const fsm_origin export_origin = {.store =
                                             "\x01\x23\x45\x67\x89\xab\xcd\xef"
                                             "formats!",
                                         .partition = 3,
                                         .epoch = 7};

static inline fsm__exported export_of(const void *data, size_t len, uint64_t seq) {
  return (fsm__exported){.origin = export_origin,
                         .data = data,
                         .len = len,
                         .seq = seq,
                         .after = seq - 1,
                         .leaf = fsm__leaf(data, len)};
}

static inline fsm__formatter *export_formatter(const char *name) {
  fsm__formatter *formatter = NULL;
  fsm_error err = {0};
  fsm__format_options options = {.format = name};
  if (fsm__formatter_new(&options, &formatter, &err) != FSM_OK)
    fail_msg("%s: %s %s", name, err.where, err.text);
  return formatter;
}

/* decode, mask, view, write: what the JSON form is by definition. */
static inline fsm_code export_by_view(fsm_arena *arena, const fsm__exported *x, fsm_buf *out,
                                      fsm_error *err) {
  fsm_record record, shown;
  fsm_value view, all;
  bool any;
  fsm_code code = fsm_record_decode(arena, x->data, x->len, &record, err);
  if (code == FSM_OK) code = fsm_mask_record(arena, x->mask, &record, &shown, &any, err);
  if (code == FSM_OK) code = fsm_record_view(arena, &shown, &x->origin, &view, err);
  if (code != FSM_OK) return code;
  fsm_pair pairs[80];
  size_t count = view.len;
  memcpy(pairs, view.pairs, count * sizeof *pairs);
  char hex[65];
  fsm__hex(x->leaf.bytes, 32, hex);
  pairs[count++] = (fsm_pair){fsm_string("leaf"), fsm_string(hex)};
  if (x->after != record.seq - 1) pairs[count++] = (fsm_pair){fsm_string("after"), fsm_uint(x->after)};
  if (x->repair) pairs[count++] = (fsm_pair){fsm_string("repair"), fsm_bool(true)};
  code = fsm_map(pairs, count, &all, err);
  if (code == FSM_OK) fsm_json_write(out, &all);
  return code;
}

#endif

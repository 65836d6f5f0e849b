/* stream_check_bus.c: the records of a JetStream stream, each read by its sequence: what is not there any
 * more is a gap in the seqs, and found as that.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "runtime/bus.h"
#include "runtime/manifest.h"
#include "runtime/message.h"
#include "runtime/stream_check_impl.h"

enum { CONNECT_MS = 10000, POLL_MS = 20 };

typedef struct reading {
  fsm_stream_check *check;
  const char *stream;
  uint64_t at;
} reading;

static uint64_t header_number(const fsm__bus_message *message, const char *name) {
  const char *text = fsm__bus_message_header(message, name);
  return text != NULL ? strtoull(text, NULL, 10) : 0;
}

static void take(void *arg, const fsm__bus_message *message) {
  const reading *r = arg;
  char where[160];
  snprintf(where, sizeof where, "%.100s:%" PRIu64, r->stream, r->at);
  fsm__seen told = {.where = where, .after = header_number(message, "Fsm-After")};
  const char *id = fsm__bus_message_header(message, "Nats-Msg-Id"),
             *leaf = fsm__bus_message_header(message, "Fsm-Leaf"),
             *type = fsm__bus_message_header(message, "Content-Type");
  told.has_origin = id != NULL && fsm__message_id_read(id, &told.origin, &told.seq);
  told.has_leaf = leaf != NULL && fsm__unhex(leaf, strlen(leaf), told.leaf.bytes, FSM_HASH_BYTES);
  told.repair = fsm__bus_message_header(message, "Fsm-Repair") != NULL;
  if (type != NULL && strcmp(type, "application/msgpack") == 0)
    fsm__check_bytes(r->check, &told, message->data, message->len);
  else
    fsm__check_line(r->check, &told, message->data, message->len);
  fsm_arena_reset(fsm__check_scratch(r->check));
}

static fsm_code connected(fsm__bus *bus, const char *url, fsm_error *err) {
  char why[256] = "";
  for (int waited = 0; waited < CONNECT_MS; waited += POLL_MS) {
    if (fsm__bus_connected(bus)) return FSM_OK;
    nanosleep(&(struct timespec){.tv_nsec = POLL_MS * 1000000}, NULL);
  }
  fsm__bus_last_error(bus, why, sizeof why);
  return fsm_fail(err, FSM_EUNREACHABLE, url, "no connection within %d s: %s", CONNECT_MS / 1000, why);
}

static fsm_code read_all(fsm__bus *bus, reading *r, fsm_error *err) {
  fsm__bus_stream state;
  const fsm__bus_stream_config look = {.name = r->stream};
  fsm_code code = fsm__bus_stream_open(bus, &look, &state, err);
  if (code != FSM_OK || state.messages == 0) return code;
  for (r->at = state.first_seq; r->at <= state.last_seq; r->at++) {
    code = fsm__bus_stream_read(bus, r->stream, r->at, take, r, err);
    if (code != FSM_OK && code != FSM_ENOTFOUND) return code;
  }
  return FSM_OK;
}

fsm_code fsm_stream_check_stream(fsm_stream_check *check, const char *url, const char *stream,
                                 fsm_error *err) {
  FSM_ASSERT(check != NULL && url != NULL && stream != NULL);
  fsm__bus *bus = NULL;
  reading r = {.check = check, .stream = stream};
  fsm_code code = fsm__bus_new(url, "fsm-cli verify-stream", &bus, err);
  if (code == FSM_OK) code = fsm__bus_start(bus, err);
  if (code == FSM_OK) code = connected(bus, url, err);
  if (code == FSM_OK) code = read_all(bus, &r, err);
  fsm__bus_free(bus);
  return code;
}

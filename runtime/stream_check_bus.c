/* stream_check_bus.c: the records of a JetStream stream, in its order: what is not there any more is a gap in
 * the seqs, and found as that. Messages come in batches; when the connection is lost it is made again, and
 * the reading goes on behind the last one.
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
} reading;

static uint64_t header_number(const fsm__bus_message *message, const char *name) {
  const char *text = fsm__bus_message_header(message, name);
  return text != NULL ? strtoull(text, NULL, 10) : 0;
}

static void take(void *arg, uint64_t at, const fsm__bus_message *message) {
  const reading *r = arg;
  char where[160];
  snprintf(where, sizeof where, "%.100s:%" PRIu64, r->stream, at);
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

static fsm_code connected(fsm__bus *bus, fsm_error *err) {
  fsm_code code = FSM_OK;
  for (int waited = 0; waited < CONNECT_MS; waited += POLL_MS) {
    if (fsm__bus_connected(bus)) return FSM_OK;
    code = fsm__bus_state(bus, err);
    if (code == FSM_EPERMISSION || code == FSM_EVERIFY) return code; /* waiting does not mend that */
    nanosleep(&(struct timespec){.tv_nsec = POLL_MS * 1000000}, NULL);
  }
  return code != FSM_OK ? code
                        : fsm_fail(err, FSM_EUNREACHABLE, "", "no connection in %d s", CONNECT_MS / 1000);
}

/* As long as it goes on, however often the connection is lost. */
static fsm_code read_all(fsm__bus *bus, reading *r, fsm_error *err) {
  uint64_t next = 1, before;
  fsm_code code;
  do {
    before = next;
    code = connected(bus, err);
    if (code == FSM_OK) code = fsm__bus_stream_each(bus, r->stream, &next, take, r, err);
  } while ((code == FSM_EUNREACHABLE || code == FSM_ETIMEOUT) && next > before);
  return code;
}

fsm_code fsm_stream_check_stream(fsm_stream_check *check, const fsm_stream_access *access, const char *stream,
                                 fsm_error *err) {
  FSM_ASSERT(check != NULL && access != NULL && access->url != NULL && stream != NULL);
  const fsm__bus_options options = {.url = access->url,
                                    .name = "fsm-cli verify-stream",
                                    .ca_file = access->ca_file,
                                    .cert_file = access->cert_file,
                                    .key_file = access->key_file,
                                    .user = access->user,
                                    .password_file = access->password_file,
                                    .token_file = access->token_file,
                                    .creds_file = access->creds_file,
                                    .nkey_file = access->nkey_file};
  fsm__bus *bus = NULL;
  reading r = {.check = check, .stream = stream};
  fsm_code code = fsm__bus_open(&options, &bus, err);
  if (code == FSM_OK) code = fsm__bus_start(bus, err);
  if (code == FSM_OK) code = read_all(bus, &r, err);
  fsm__bus_free(bus);
  return code;
}

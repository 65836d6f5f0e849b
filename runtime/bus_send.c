/* bus_send.c: a message on its way: headers that cost little, and a connection that is there or is not.
 *
 * What takes time in the library is not writing but its objects: so a message has one header there, and is
 * given back with many others.
 */
#include <stdio.h>
#include <string.h>

#include "runtime/bus_impl.h"

/* Control characters become blanks, so that no value ends its line. */
static void add_clean(fsm_buf *out, const char *value) {
  size_t len = strnlen(value, FSM_BUS_HEADER_MAX);
  if (!fsm_buf_reserve(out, len)) return;
  char *to = out->data + out->len;
  for (size_t i = 0; i < len; i++) {
    unsigned char c = (unsigned char)value[i];
    to[i] = c < 0x20 || c == 0x7f ? ' ' : (char)c;
  }
  out->len += len;
}

/* The library keeps a table of headers for each message, two or three allocations to a header, which its
 * thread for garbage frees: of twenty headers that costs more than all the rest of sending. It writes a name
 * as it is, so all of them go in as one: the name is every line but the value of the last. (That they arrive
 * one by one is what test_bus holds it to.) */
static natsStatus set_headers(natsMsg *msg, const fsm__bus_header *headers, size_t count, size_t *bytes) {
  const fsm__bus_header *last = NULL;
  fsm_buf block = {0};
  for (size_t i = 0; i < count; i++) {
    if (headers[i].value == NULL) continue;
    if (last == NULL) {
      (void)fsm_buf_reserve(&block, FSM_BUS_BLOCK);
    } else {
      add_clean(&block, last->value);
      fsm_buf_add(&block, "\r\n", 2);
    }
    last = &headers[i];
    fsm_buf_add(&block, last->name, strlen(last->name));
    fsm_buf_add(&block, ": ", 2);
  }
  if (last == NULL) return NATS_OK;
  if (fsm_buf_ok(&block)) block.len -= 2; /* the library's own ": " */
  fsm_buf_char(&block, '\0');
  size_t value = block.len;
  add_clean(&block, last->value);
  fsm_buf_char(&block, '\0');
  natsStatus status =
      fsm_buf_ok(&block) ? natsMsgHeader_Set(msg, block.data, block.data + value) : NATS_NO_MEMORY;
  *bytes += block.len;
  fsm_buf_free(&block);
  return status;
}

/* The library's thread for garbage is woken by the first message that it gets: so it gets many. A few of the
 * last stay here until there are more. */
static void discard(fsm__bus *bus, natsMsg *msg, size_t bytes) {
  natsMsg *spent[FSM_BUS_SPENT_MAX];
  unsigned count = 0;
  if (msg == NULL) return;
  pthread_mutex_lock(&bus->lock);
  bus->spent[bus->spent_count++] = msg;
  bus->spent_bytes += bytes;
  if (bus->spent_count == FSM_BUS_SPENT_MAX || bus->spent_bytes >= FSM_BUS_SPENT_BYTES) {
    count = bus->spent_count;
    memcpy(spent, bus->spent, count * sizeof *spent);
    bus->spent_count = 0;
    bus->spent_bytes = 0;
  }
  pthread_mutex_unlock(&bus->lock);
  for (unsigned i = 0; i < count; i++) natsMsg_Destroy(spent[i]);
}

static fsm_code send_message(fsm__bus *bus, const char *subject, const char *reply,
                             const fsm__bus_header *headers, size_t count, const void *data, size_t len,
                             fsm_error *err) {
  FSM_ASSERT(subject != NULL && (data != NULL || len == 0));
  if (len > INT32_MAX) return fsm_fail(err, FSM_ETOOLARGE, subject, "a message of %zu bytes", len);
  size_t bytes = len;
  natsMsg *msg = NULL;
  natsStatus status = natsMsg_Create(&msg, subject, reply, data, (int)len);
  if (status == NATS_OK) status = set_headers(msg, headers, count, &bytes);
  if (status == NATS_OK) {
    pthread_rwlock_rdlock(&bus->gate);
    status = bus->ready ? natsConnection_PublishMsg(bus->nc, msg) : NATS_CONNECTION_DISCONNECTED;
    pthread_rwlock_unlock(&bus->gate);
  }
  discard(bus, msg, bytes);
  return status == NATS_OK ? FSM_OK : fsm__bus_fault(err, subject, status);
}

fsm_code fsm__bus_publish(fsm__bus *bus, const char *subject, const fsm__bus_header *headers, size_t count,
                          const void *data, size_t len, fsm_error *err) {
  FSM_ASSERT(bus != NULL);
  return send_message(bus, subject, NULL, headers, count, data, len, err);
}

fsm_code fsm__bus_request(fsm__bus *bus, unsigned inbox, uint64_t id, const char *subject,
                          const fsm__bus_header *headers, size_t count, const void *data, size_t len,
                          fsm_error *err) {
  FSM_ASSERT(bus != NULL && inbox < bus->subscription_count);
  const char *any = bus->subscriptions[inbox].subject; /* "….*" */
  char reply[FSM_BUS_INBOX_MAX + 32];
  snprintf(reply, sizeof reply, "%.*s%llu", (int)strlen(any) - 1, any, (unsigned long long)id);
  return send_message(bus, subject, reply, headers, count, data, len, err);
}

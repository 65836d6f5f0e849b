/* bus_impl.h: what bus.c, bus_connect.c, bus_send.c and bus_stream.c share: together they wrap nats.c. */
#ifndef FSM_RUNTIME_BUS_IMPL_H
#define FSM_RUNTIME_BUS_IMPL_H

#include <nats/nats.h>
#include <pthread.h>

#include "runtime/bus.h"

enum {
  FSM_BUS_URL_MAX = 1024,
  FSM_BUS_INBOX_MAX = 64,
  FSM_BUS_ERROR_MAX = 256,
  FSM_BUS_NATIVE_MAX = 160, /* bytes of one server's url */
  FSM_BUS_BLOCK = 1024,     /* bytes of headers, as a rule */
  FSM_BUS_SPENT_MAX = 256,  /* messages, and … */
  FSM_BUS_SPENT_BYTES = 512 * 1024
};

enum {
  FSM_BUS_CA,
  FSM_BUS_CERT,
  FSM_BUS_KEY,
  FSM_BUS_PASSWORD,
  FSM_BUS_TOKEN,
  FSM_BUS_CREDS,
  FSM_BUS_NKEY,
  FSM_BUS_FILES
};

typedef struct fsm__bus_subscription {
  fsm__bus *bus;
  char subject[FSM_BUS_INBOX_MAX + 2 + 192];
  char queue[64];
  fsm__bus_message_fn message_fn;
  fsm__bus_reply_fn reply_fn; /* an inbox: ids are the last token */
  bool unlimited;             /* what may wait in the library: a window of ours bounds it */
  void *arg;
  natsSubscription *sub;
} fsm__bus_subscription;

struct fsm__bus {
  char url[FSM_BUS_URL_MAX], name[128];
  char *files[FSM_BUS_FILES]; /* paths; NULL = not given */
  char *user;
  bool secure;
  fsm__bus_subscription subscriptions[FSM_BUS_SUBSCRIPTIONS_MAX];
  size_t subscription_count;
  struct {
    fsm__bus_changed_fn fn;
    void *arg;
  } observers[FSM_BUS_OBSERVERS_MAX];
  size_t observer_count;

  /* of the connecting thread: the servers of url, and those that servers told of */
  char servers[FSM_BUS_SERVERS_MAX][FSM_BUS_NATIVE_MAX];
  size_t server_count, next_server;

  pthread_rwlock_t gate; /* nc, js, payload_max, ready */
  natsConnection *nc;
  jsCtx *js;
  int64_t payload_max;
  bool ready; /* subscriptions are made */

  pthread_mutex_t lock; /* all below */
  pthread_cond_t moved;
  uint64_t life, denials;
  unsigned open;
  bool closed, stopping, started;
  fsm_code last_code;
  char last_error[FSM_BUS_ERROR_MAX];
  char last_denial[FSM_BUS_ERROR_MAX];
  natsMsg *spent[FSM_BUS_SPENT_MAX]; /* sent, to be given back together */
  unsigned spent_count;
  natsSubscription *left; /* of the reading that ended last: fsm__bus_leave */
  size_t spent_bytes;
  pthread_t thread;
};

bool fsm__bus_usable(const fsm__bus *bus); /* under the gate */
/* Ends a subscription of a connection that goes on. Up to 3.5 the library may still hand a message to it
 * then, and crash when it is gone (its pull request 638): its memory goes with the next one, or after the
 * connection. */
void fsm__bus_leave(fsm__bus *bus, natsSubscription *sub);
fsm__bus_message fsm__bus_view_of(natsMsg *msg);
fsm_code fsm__bus_fault(fsm_error *err, const char *where, natsStatus status);
/* what: "made", "asked", "read". */
fsm_code fsm__bus_stream_fault(fsm_error *err, const char *stream, const char *what, natsStatus status,
                               jsErrCode js_code);
void *fsm__bus_run(void *bus); /* the connecting thread */
/* Is the file of a secret there, and nobody else's? */
fsm_code fsm__bus_check_files(const fsm__bus *bus, fsm_error *err);

#endif

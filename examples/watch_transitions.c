/* watch_transitions.c: what moves, as it moves: one line for each record that has a state to show.
 *
 * A plain NATS subscription: it misses what is published while it is away. The stream does not; with
 * --stream-dump the program reads that from its first message to its last and prints the id of each.
 */
#include <inttypes.h>
#include <nats/nats.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { POLL_MS = 200, READ_MS = 10000, RECONNECT_MS = 200 };

static volatile sig_atomic_t stopping;

static void on_signal(int number) {
  (void)number;
  stopping = 1;
}

static const char *header(natsMsg *msg, const char *name) {
  const char *value = NULL;
  return natsMsgHeader_Get(msg, name, &value) == NATS_OK ? value : NULL;
}

/* ---- watching ------------------------------------------------------------------------------------- */

static bool is_transition(const char *type) {
  return type != NULL && (strcmp(type, "fsm.created.v1") == 0 || strcmp(type, "fsm.transition.v1") == 0);
}

/* "SUBMIT" as it is, "xstate.done.actor.submitForReview" as "done". */
static const char *short_event(const char *event, int *len) {
  static const char internal[] = "xstate.";
  if (event == NULL) event = "";
  bool named = strncmp(event, internal, sizeof internal - 1) != 0;
  if (!named) event += sizeof internal - 1;
  *len = (int)(named ? strlen(event) : strcspn(event, "."));
  return event;
}

static void show(natsMsg *msg) {
  if (!is_transition(header(msg, "ce-type"))) return;
  const char *from = header(msg, "Fsm-From"), *to = header(msg, "Fsm-To"), *user = header(msg, "Fsm-User");
  const char *seq = header(msg, "Fsm-Seq"), *instance = header(msg, "Fsm-Instance");
  int len;
  const char *event = short_event(header(msg, "Fsm-Event"), &len);
  printf("%5s %-18s %-*.*s %s%s%s%s%s\n", seq != NULL ? seq : "-", instance != NULL ? instance : "-", 7, len,
         event, from != NULL ? from : "", from != NULL ? " → " : "→ ", to != NULL ? to : "-",
         user != NULL ? "  " : "", user != NULL ? user : "");
}

static natsStatus watch(natsConnection *nc) {
  natsSubscription *sub = NULL;
  natsStatus s = natsConnection_SubscribeSync(&sub, nc, "fsm.evt.>");
  if (s == NATS_OK) s = natsConnection_Flush(nc);
  while (s == NATS_OK && !stopping) {
    natsMsg *msg = NULL;
    s = natsSubscription_NextMsg(&msg, sub, POLL_MS);
    if (s == NATS_OK) show(msg);
    /* After a slow spell some are missing; those that follow are shown. */
    if (s == NATS_TIMEOUT || s == NATS_SLOW_CONSUMER) s = NATS_OK;
    natsMsg_Destroy(msg);
  }
  natsSubscription_Destroy(sub);
  return s;
}

/* ---- reading the stream --------------------------------------------------------------------------- */

static natsStatus read_ids(natsSubscription *sub, uint64_t count) {
  natsStatus s = NATS_OK;
  for (uint64_t i = 0; i < count && s == NATS_OK && !stopping; i++) {
    natsMsg *msg = NULL;
    s = natsSubscription_NextMsg(&msg, sub, READ_MS);
    if (s == NATS_OK) {
      const char *id = header(msg, "Nats-Msg-Id");
      printf("%s\n", id != NULL ? id : "-");
    }
    natsMsg_Destroy(msg);
  }
  return s;
}

static natsStatus dump(natsConnection *nc, const char *stream) {
  jsCtx *js = NULL;
  jsStreamInfo *info = NULL;
  natsSubscription *sub = NULL;
  jsSubOptions options;
  natsStatus s = natsConnection_JetStream(&js, nc, NULL);
  if (s == NATS_OK) s = js_GetStreamInfo(&info, js, stream, NULL, NULL);
  uint64_t count = s == NATS_OK ? info->State.Msgs : 0;
  if (s == NATS_OK) s = jsSubOptions_Init(&options);
  if (s == NATS_OK && count > 0) {
    options.Stream = stream;
    options.Ordered = true;
    s = js_SubscribeSync(&sub, js, info->Config->Subjects[0], NULL, &options, NULL);
    if (s == NATS_OK) s = read_ids(sub, count);
  }
  natsSubscription_Destroy(sub);
  jsStreamInfo_Destroy(info);
  jsCtx_Destroy(js);
  return s;
}

/* ---- the program ---------------------------------------------------------------------------------- */

static natsStatus connect_to(const char *url, natsConnection **out) {
  natsOptions *options = NULL;
  natsStatus s = natsOptions_Create(&options);
  if (s == NATS_OK) s = natsOptions_SetURL(options, url);
  if (s == NATS_OK) s = natsOptions_SetName(options, "watch_transitions");
  if (s == NATS_OK) s = natsOptions_SetMaxReconnect(options, -1);
  if (s == NATS_OK) s = natsOptions_SetReconnectWait(options, RECONNECT_MS);
  if (s == NATS_OK) s = natsConnection_Connect(out, options);
  for (bool said = false; s == NATS_NO_SERVER && !stopping; said = true) {
    if (!said) fprintf(stderr, "watch_transitions: waiting for a server at %s\n", url);
    nats_Sleep(RECONNECT_MS);
    s = natsConnection_Connect(out, options);
  }
  natsOptions_Destroy(options);
  return s;
}

static int usage(FILE *to, int status) {
  fprintf(to,
          "usage: watch_transitions [--url nats://HOST:PORT] [--stream-dump STREAM] [--version] [--help]\n");
  return status;
}

int main(int argc, char *argv[]) {
  const char *url = "nats://127.0.0.1:4222", *stream = NULL;
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "--url") == 0 && i + 1 < argc) {
      url = argv[++i];
    } else if (strcmp(argv[i], "--stream-dump") == 0 && i + 1 < argc) {
      stream = argv[++i];
    } else if (strcmp(argv[i], "--version") == 0) {
      printf("watch_transitions %s\nlibraries: nats.c %s\n", FSM_VERSION, nats_GetVersion());
      return 0;
    } else {
      return strcmp(argv[i], "--help") == 0 ? usage(stdout, 0) : usage(stderr, 2);
    }
  }
  struct sigaction action = {.sa_handler = on_signal};
  sigaction(SIGTERM, &action, NULL);
  sigaction(SIGINT, &action, NULL);
  if (stream == NULL) setvbuf(stdout, NULL, _IOLBF, 0);
  natsConnection *nc = NULL;
  natsStatus s = connect_to(url, &nc);
  if (s == NATS_OK) s = stream != NULL ? dump(nc, stream) : watch(nc);
  natsConnection_Destroy(nc);
  nats_Close();
  if (s == NATS_OK) return 0;
  fprintf(stderr, "watch_transitions: %s: %s\n", stream != NULL ? stream : url, natsStatus_GetText(s));
  return s == NATS_NOT_FOUND ? 3 : s == NATS_NO_SERVER ? 9 : 1;
}

/* submit_worker.c: a worker for the service `submitForReview`: the review system of the example.
 *
 * It shows all that a worker has to do, in any language that speaks NATS:
 *
 *   fsm.task.submitForReview    subscribe in a queue group; answer "accepted", so that nobody else is asked
 *   fsm.cmd.task.complete       when done: request {"token": …, "output": …}
 *   fsm.cmd.task.fail           when not:  request {"token": …, "error": …, "final": true}
 *
 * The daemon may offer a task again, always under the same token, and may be away when the answer is
 * ready. So the work is idempotent (a document gets the same review id each time), and an answer is
 * repeated until the daemon says that it has it.
 *
 * Documents with "fail" in their id are not taken: that is for the demo.
 */
#include <jansson.h>
#include <nats/nats.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  POLL_MS = 200,      /* how soon a signal is seen */
  ANSWER_MS = 1000,   /* to wait for the daemon's reply */
  AGAIN_MS = 200,     /* between two tries */
  TRIES_MAX = 5 * 60, /* after that the daemon's own timeout decides */
  REVIEW_ID_MAX = 160
};

static volatile sig_atomic_t stopping;

static void on_signal(int number) {
  (void)number;
  stopping = 1;
}

/* ---- the work ------------------------------------------------------------------------------------- */

/* The answer to a task: {"token", "output"} or {"token", "error", "final"}; NULL when memory ran out. */
static json_t *review(const char *token, const char *document, bool *failed) {
  char id[REVIEW_ID_MAX];
  snprintf(id, sizeof id, "R-%s", document);
  *failed = strstr(document, "fail") != NULL;
  if (!*failed) return json_pack("{s:s, s:{s:s}}", "token", token, "output", "reviewId", id);
  return json_pack("{s:s, s:{s:s}, s:b}", "token", token, "error", "reason",
                   "the review system does not take this document", "final", 1);
}

/* ---- answering ------------------------------------------------------------------------------------ */

/* What the daemon says to an answer: true when it has said something. */
static bool show_reply(const char *document, const char *what, natsMsg *reply) {
  json_t *doc = json_loadb(natsMsg_GetData(reply), (size_t)natsMsg_GetDataLength(reply), 0, NULL);
  const char *code = NULL;
  if (doc == NULL) return false;
  /* An error is an answer too: most often the task was answered before, under the same token. */
  bool refused = json_unpack(doc, "{s:{s:s}}", "error", "code", &code) == 0;
  printf("%s %s%s%s\n", document, what, refused ? ", refused: " : "", refused ? code : "");
  json_decref(doc);
  return true;
}

static void answer(natsConnection *nc, const char *document, json_t *answer, bool failed) {
  const char *subject = failed ? "fsm.cmd.task.fail" : "fsm.cmd.task.complete";
  char *text = json_dumps(answer, JSON_COMPACT);
  for (int i = 0; text != NULL && i < TRIES_MAX && !stopping; i++) {
    natsMsg *reply = NULL;
    bool said = natsConnection_RequestString(&reply, nc, subject, text, ANSWER_MS) == NATS_OK &&
                show_reply(document, failed ? "failed" : "done", reply);
    natsMsg_Destroy(reply);
    if (said) break;
    nats_Sleep(AGAIN_MS);
  }
  free(text);
}

static void serve(natsConnection *nc, natsMsg *msg) {
  const char *token = NULL, *document = NULL, *reply = natsMsg_GetReply(msg);
  json_t *task = json_loadb(natsMsg_GetData(msg), (size_t)natsMsg_GetDataLength(msg), 0, NULL);
  if (reply == NULL || task == NULL ||
      json_unpack(task, "{s:s, s:{s:s}}", "token", &token, "input", "id", &document) != 0) {
    fprintf(stderr, "submit_worker: a task without a token or a document is left alone\n");
  } else if (natsConnection_PublishString(nc, reply, "accepted") == NATS_OK) {
    bool failed;
    json_t *result = review(token, document, &failed);
    answer(nc, document, result, failed);
    json_decref(result);
  }
  json_decref(task);
}

/* ---- the program ---------------------------------------------------------------------------------- */

static natsStatus connect_to(const char *url, natsConnection **out) {
  natsOptions *options = NULL;
  natsStatus s = natsOptions_Create(&options);
  if (s == NATS_OK) s = natsOptions_SetURL(options, url);
  if (s == NATS_OK) s = natsOptions_SetName(options, "submit_worker");
  if (s == NATS_OK) s = natsOptions_SetMaxReconnect(options, -1);
  if (s == NATS_OK) s = natsOptions_SetReconnectWait(options, AGAIN_MS);
  if (s == NATS_OK) s = natsConnection_Connect(out, options);
  for (bool said = false; s == NATS_NO_SERVER && !stopping; said = true) {
    if (!said) fprintf(stderr, "submit_worker: waiting for a server at %s\n", url);
    nats_Sleep(AGAIN_MS);
    s = natsConnection_Connect(out, options);
  }
  natsOptions_Destroy(options);
  return s;
}

static natsStatus work(natsConnection *nc) {
  natsSubscription *sub = NULL;
  natsStatus s = natsConnection_QueueSubscribeSync(&sub, nc, "fsm.task.submitForReview", "submit_worker");
  if (s == NATS_OK) s = natsConnection_Flush(nc);
  if (s == NATS_OK) printf("waiting for documents\n");
  while (s == NATS_OK && !stopping) {
    natsMsg *msg = NULL;
    s = natsSubscription_NextMsg(&msg, sub, POLL_MS);
    if (s == NATS_OK) serve(nc, msg);
    if (s == NATS_TIMEOUT) s = NATS_OK;
    natsMsg_Destroy(msg);
  }
  /* What was not accepted yet is offered to another worker. */
  natsSubscription_Destroy(sub);
  natsConnection_FlushTimeout(nc, ANSWER_MS);
  return s;
}

static int usage(FILE *to, int status) {
  fprintf(to, "usage: submit_worker [--url nats://HOST:PORT] [--version] [--help]\n");
  return status;
}

int main(int argc, char *argv[]) {
  const char *url = "nats://127.0.0.1:4222";
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "--url") == 0 && i + 1 < argc) {
      url = argv[++i];
    } else if (strcmp(argv[i], "--version") == 0) {
      printf("submit_worker %s\nlibraries: nats.c %s, jansson %s\n", FSM_VERSION, nats_GetVersion(),
             JANSSON_VERSION);
      return 0;
    } else {
      return strcmp(argv[i], "--help") == 0 ? usage(stdout, 0) : usage(stderr, 2);
    }
  }
  struct sigaction action = {.sa_handler = on_signal};
  sigaction(SIGTERM, &action, NULL);
  sigaction(SIGINT, &action, NULL);
  setvbuf(stdout, NULL, _IOLBF, 0);
  natsConnection *nc = NULL;
  natsStatus s = connect_to(url, &nc);
  if (s == NATS_OK) s = work(nc);
  natsConnection_Destroy(nc);
  nats_Close();
  if (s == NATS_OK) return 0;
  fprintf(stderr, "submit_worker: %s: %s\n", url, natsStatus_GetText(s));
  return s == NATS_NO_SERVER ? 9 : 1;
}

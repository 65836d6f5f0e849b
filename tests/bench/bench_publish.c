/* bench_publish.c: a backlog through its outbox into JetStream (file, one replica), and beside it, on the
 * same server, a bare program that publishes messages of the same size through the library's own asynchronous
 * call (js_PublishMsgAsync, a window of 4,096) into a stream of its own.
 *
 * What the bare program is spared and what not: it is a process of its own, so that its library's threads
 * have the priority that they have by themselves. Its payload is made once: no reading, no decoding, no
 * formatting. Its messages have as many bytes of payload and of headers as ours, so that the server stores as
 * much; but three headers instead of twenty: the id and the expected sequence, which the server reads, and
 * one that fills up. (More would cost its library more.) It has an answer to each message, as asynchronous
 * publishing has; ours asks for one in 64.
 *
 * FSM_BENCH_BACKLOG: records (1 M in the large; 200 k by default). FSM_NATS_SERVER: the program. */
#include <nats/nats.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"
#include "runtime/outbox.h"
#include "runtime/sink_nats.h"
#include "tests/filled_journal.h"
#include "tests/nats_server.h"

enum { BACKLOG = 200000, RAW_WINDOW = 4096 };

static unsigned backlog(void) {
  const char *text = getenv("FSM_BENCH_BACKLOG");
  return text != NULL ? (unsigned)strtoul(text, NULL, 10) : BACKLOG;
}

static void need(bool good, const char *what) {
  if (good) return;
  fprintf(stderr, "publish_nats: %s\n", what);
  exit(1);
}

/* ---- the bare program ---- */

typedef struct shape { /* of our messages, as the stream has them */
  int payload, headers;
} shape;

static shape shape_of(jsCtx *js) {
  natsMsg *msg = NULL;
  const char **keys = NULL;
  int count = 0;
  need(js_GetMsg(&msg, js, "FSM_EVT_0", 2, NULL, NULL) == NATS_OK, "a message cannot be read");
  shape s = {.payload = natsMsg_GetDataLength(msg)};
  need(natsMsgHeader_Keys(msg, &keys, &count) == NATS_OK, "headers cannot be read");
  for (int i = 0; i < count; i++) {
    const char *value = NULL;
    if (natsMsgHeader_Get(msg, keys[i], &value) == NATS_OK)
      s.headers += (int)(strlen(keys[i]) + strlen(value) + 4);
  }
  free((void *)keys);
  natsMsg_Destroy(msg);
  return s;
}

/* One header has all the bytes but those of the two that JetStream reads. */
static double publish_bare(const char *url, shape s, unsigned count) {
  natsConnection *nc = NULL;
  need(natsConnection_ConnectTo(&nc, url) == NATS_OK, "no connection");
  jsOptions options;
  jsCtx *js = NULL;
  jsStreamConfig c;
  const char *subjects[] = {"raw.>"};
  jsOptions_Init(&options);
  options.PublishAsync.MaxPending = RAW_WINDOW;
  need(natsConnection_JetStream(&js, nc, &options) == NATS_OK, "no JetStream");
  jsStreamConfig_Init(&c);
  c.Name = "RAW", c.Subjects = subjects, c.SubjectsLen = 1, c.Discard = js_DiscardNew;
  c.Duplicates = FSM_NATS_DUPLICATES_NS;
  need(js_AddStream(NULL, js, &c, NULL, NULL) == NATS_OK, "no stream");
  char *data = malloc((size_t)s.payload + 1), *fill = calloc(1, (size_t)s.headers + 1), id[64], expected[24];
  need(data != NULL && fill != NULL, "no memory");
  memset(data, 'x', (size_t)s.payload);
  if (s.headers > 160) memset(fill, 'x', (size_t)s.headers - 150);
  double begin = now_s();
  for (unsigned i = 1; i <= count; i++) {
    natsMsg *msg = NULL;
    snprintf(id, sizeof id, "0123456789abcdef0123456789abcdef.0.1.%u", i);
    snprintf(expected, sizeof expected, "%u", i - 1);
    natsStatus status = natsMsg_Create(&msg, "raw.document.transition.SUBMIT", NULL, data, s.payload);
    if (status == NATS_OK) status = natsMsgHeader_Set(msg, "Nats-Msg-Id", id);
    if (status == NATS_OK) status = natsMsgHeader_Set(msg, "Nats-Expected-Last-Sequence", expected);
    if (status == NATS_OK) status = natsMsgHeader_Set(msg, "X", fill);
    need(status == NATS_OK, "no memory");
    while (js_PublishMsgAsync(js, &msg, NULL) != NATS_OK)
      nanosleep(&(struct timespec){.tv_nsec = 20000}, NULL);
  }
  need(js_PublishAsyncComplete(js, NULL) == NATS_OK, "acknowledgements are missing");
  double took = now_s() - begin;
  jsStreamInfo *info = NULL;
  need(js_GetStreamInfo(&info, js, "RAW", NULL, NULL) == NATS_OK && info->State.Msgs == count,
       "messages are missing");
  jsStreamInfo_Destroy(info);
  js_DeleteStream(js, "RAW", NULL, NULL);
  jsCtx_Destroy(js);
  natsConnection_Destroy(nc);
  free(data);
  free(fill);
  return count / took;
}

int bench_bare_publish(char **argv) {
  shape s = {.payload = (int)strtol(argv[1], NULL, 10), .headers = (int)strtol(argv[2], NULL, 10)};
  printf("%.3f\n", publish_bare(argv[0], s, (unsigned)strtoul(argv[3], NULL, 10)));
  return 0;
}

static void become_bare(const char *url, shape s, int out) {
  char self[600], payload[16], headers[16], count[16];
  bench_program("tests/fsm-bench", self, sizeof self);
  snprintf(payload, sizeof payload, "%d", s.payload);
  snprintf(headers, sizeof headers, "%d", s.headers);
  snprintf(count, sizeof count, "%u", backlog());
  dup2(out, 1);
  execl(self, self, "--bare-publish", url, payload, headers, count, (char *)NULL);
  _exit(127);
}

static double raw(const char *url, shape s) {
  int ends[2], status = -1;
  double rate = 0;
  need(pipe(ends) == 0, "no pipe");
  pid_t pid = fork();
  if (pid == 0) become_bare(url, s, ends[1]);
  close(ends[1]);
  FILE *said = fdopen(ends[0], "r");
  char line[64];
  if (said != NULL && fgets(line, sizeof line, said) != NULL) rate = strtod(line, NULL);
  if (said != NULL) fclose(said);
  need(waitpid(pid, &status, 0) == pid && status == 0 && rate > 0, "the bare program failed");
  return rate;
}

/* ---- ours ---- */

static filled_journal *filled(void) {
  static filled_journal journal;
  if (journal.journal != NULL) return &journal;
  char text[201];
  memset(text, 'x', sizeof text - 1);
  text[sizeof text - 1] = '\0';
  need(filled_journal_new(&journal, 0x11), "no journal");
  for (unsigned left = backlog(); left > 0;) {
    unsigned more = left < 1000 ? left : 1000;
    need(filled_journal_add(&journal, more, text), "the journal takes nothing");
    left -= more;
  }
  return &journal;
}

static void on_wake(void *arg) {
  fsm__outbox **outbox = arg;
  if (*outbox != NULL) fsm__outbox_wake(*outbox);
}

static double drain(const char *url, filled_journal *f, const char *dir) {
  fsm__sink_config config = {.name = "nats",
                             .kind = "nats",
                             .url = url,
                             .format = {.format = "json"},
                             .batch = 512,
                             .batch_bytes = 1024 * 1024,
                             .backoff_ns = 20000000,
                             .backoff_max_ns = 1000000000,
                             .timeout_ns = 10000000000,
                             .window = 4096,
                             .replicas = 1,
                             .sync_ns = 120000000000};
  fsm__sink *sink = NULL;
  static fsm__outbox *outbox;
  outbox = NULL;
  fsm__sink_env env = {.origin = f->origin, .wake = on_wake, .wake_arg = &outbox};
  need(fsm__sink_nats_make(&config, &env, &sink, NULL) == FSM_OK, "no sink");
  uint64_t last = fsm__journal_durable_seq(f->journal);
  fsm__outbox_options options = {
      .dir = dir, .journal = f->journal, .origin = f->origin, .sink = sink, .config = &config};
  fsm__outbox_status status = {0};
  double begin = now_s();
  need(fsm__outbox_start(&options, &outbox, NULL) == FSM_OK, "no outbox");
  while (status.seq < last) {
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    fsm__outbox_status_get(outbox, &status);
    need(now_s() - begin < 600, status.last_error);
  }
  double took = now_s() - begin;
  fsm__outbox_stop(outbox);
  sink->free(sink);
  fsm__outbox_free(outbox);
  return (double)last / took;
}

sample publish_nats(const char *dir, double seconds) {
  (void)seconds; /* it takes as long as the backlog does */
  nats_server server;
  natsConnection *nc = NULL;
  jsCtx *js = NULL;
  filled_journal *f = filled();
  need(nats_server_new(&server) && nats_server_start(&server),
       "there is no nats-server (set FSM_NATS_SERVER)");
  sample s = {.value = drain(server.url, f, dir)};
  need(natsConnection_ConnectTo(&nc, server.url) == NATS_OK, "no connection");
  need(natsConnection_JetStream(&js, nc, NULL) == NATS_OK, "no JetStream");
  shape of = shape_of(js);
  js_DeleteStream(js, "FSM_EVT_0", NULL, NULL);
  s.raw = raw(server.url, of);
  jsCtx_Destroy(js);
  natsConnection_Destroy(nc);
  nats_server_free(&server);
  return s;
}

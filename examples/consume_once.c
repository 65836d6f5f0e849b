/* consume_once.c: effects exactly once, from a JetStream stream or from the files of a file sink (format
 * json). It may be killed at any point, and so may the server, the daemon and the machine.
 *
 *   consume_once STATE FILE...
 *   consume_once STATE nats://HOST:PORT STREAM [SECONDS]   for ever, or until nothing comes for so long
 *
 * Effect and position are in one file, STATE, which is written beside itself, synced and renamed: both are as
 * before some records or both as after them. (With a database: one transaction.) A fresh STATE begins with
 * the first record of all; to begin behind another one, write its seq into it.
 *
 * The position is the seq of the last record that had its effect, not a place in the stream: a stream may
 * repeat records, lose some and be given them again later (repairs, behind newer ones), be made anew. Where
 * to read on is only a hint. `after` is the seq of the record that came before in this stream; so a record is
 *
 *   passed over   seq ≤ ours: it is in STATE, whatever it is called now; or of an epoch that was left
 *   the next      after ≤ ours < seq: it has its effect
 *   too early     ours < after: what lies between will come as repairs. We need the order, so we pass on
 *                 without effects until they have come, and then come back
 *
 * Exit 7: `prev` is not the `leaf` of the record before (something was altered), a record of another store, a
 * newer epoch that began behind our position (a restored backup: effects are there of records that are no
 * more), or records are missing at the end.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <nats/nats.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 64, WAIT_MS = 500, AGAIN_MS = 200 }; /* BATCH: records that share a rename */

typedef struct state {
  uint64_t seq, epoch;
  char store[40], leaf[72]; /* hex; "-" = not known */
  uint64_t place;           /* of the stream, where to read on */
  uint64_t count, sum;      /* the effects */
} state;

typedef enum verdict { PASSED, TAKEN, EARLY, BROKEN, UNREADABLE } verdict;

static bool load(const char *path, state *out) {
  FILE *file = fopen(path, "r");
  *out = (state){.store = "-", .leaf = "-", .place = 1};
  if (file == NULL) return errno == ENOENT;
  int got = fscanf(file, "%" SCNu64 " %" SCNu64 " %39s %71s %" SCNu64 " %" SCNu64 " %" SCNu64, &out->seq,
                   &out->epoch, out->store, out->leaf, &out->place, &out->count, &out->sum);
  fclose(file);
  return got == 1 || got == 7;
}

static bool save(const char *path, const state *s) {
  char beside[4096], text[256];
  const int len =
      snprintf(text, sizeof text, "%" PRIu64 " %" PRIu64 " %s %s %" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
               s->seq, s->epoch, s->store, s->leaf, s->place, s->count, s->sum);
  if ((size_t)snprintf(beside, sizeof beside, "%s.new", path) >= sizeof beside) return false;
  const int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  bool good = fd >= 0 && write(fd, text, (size_t)len) == len && fsync(fd) == 0;
  if (fd >= 0) good = close(fd) == 0 && good;
  good = good && rename(beside, path) == 0;
  if (!good) perror(path);
  return good;
}

/* ---- a record ------------------------------------------------------------------------------------- */

/* Above 2^53 a number is a text. */
static uint64_t number(const json_t *record, const char *name, uint64_t otherwise) {
  const json_t *value = json_object_get(record, name);
  if (json_is_string(value)) return strtoull(json_string_value(value), NULL, 10);
  return json_is_integer(value) ? (uint64_t)json_integer_value(value) : otherwise;
}

static const char *text(const json_t *record, const char *name) {
  const char *value = json_string_value(json_object_get(record, name));
  return value != NULL ? value : "-";
}

/* What the record does to us. It depends on the order, as most effects do. */
static void effect(state *s, const json_t *record) {
  s->count++;
  s->sum = 31 * s->sum + number(json_object_get(record, "data"), "by", 0);
}

static verdict broken(const char *where, const char *why, uint64_t seq) {
  fprintf(stderr, "%s: seq %" PRIu64 ": %s\n", where, seq, why);
  return BROKEN;
}

static verdict judge(const state *s, const json_t *record, const char *where) {
  const uint64_t seq = number(record, "seq", 0), after = number(record, "after", seq - 1);
  const uint64_t epoch = number(record, "epoch", 0);
  const char *store = text(record, "store"), *prev = text(record, "prev");
  if (seq == 0 || after >= seq) return fprintf(stderr, "%s: not a record\n", where), UNREADABLE;
  if (strcmp(s->store, "-") != 0 && strcmp(s->store, store) != 0)
    return broken(where, "it is of another store", seq);
  if (epoch > s->epoch && seq <= s->seq)
    return broken(where, "a newer epoch begins here, behind our position: effects are to be undone", seq);
  if (seq <= s->seq || epoch < s->epoch) return PASSED;
  if (after > s->seq) return EARLY;
  if (seq == s->seq + 1 && strcmp(s->leaf, "-") != 0 && strcmp(s->leaf, prev) != 0)
    return broken(where, "its prev is not the leaf of the record before: one of them was altered", seq);
  return TAKEN;
}

/* *wanted: of an early one, the seq to have before it. */
static verdict take(state *s, const char *data, size_t len, const char *where, uint64_t *wanted) {
  json_error_t fault;
  json_t *record = json_loadb(data, len, 0, &fault);
  if (!json_is_object(record)) { /* over the server's max_payload it is msgpack: Content-Type says so */
    json_decref(record);
    return fprintf(stderr, "%s: not JSON: %s\n", where, fault.text), UNREADABLE;
  }
  const verdict is = judge(s, record, where);
  if (is == EARLY) *wanted = number(record, "after", number(record, "seq", 0) - 1);
  if (is == TAKEN) {
    effect(s, record);
    s->seq = number(record, "seq", 0);
    s->epoch = number(record, "epoch", 0);
    snprintf(s->store, sizeof s->store, "%s", text(record, "store"));
    snprintf(s->leaf, sizeof s->leaf, "%s", text(record, "leaf"));
  }
  json_decref(record);
  return is;
}

static int missing(const char *where, const state *s, uint64_t wanted) {
  fprintf(stderr, "%s: records %" PRIu64 " to %" PRIu64 " are missing\n", where, s->seq + 1, wanted);
  return 7;
}

/* ---- files ---------------------------------------------------------------------------------------- */

/* 0, or how to exit. *wanted: of the first that came too early. */
static int read_file(const char *path, const char *state_path, state *s, uint64_t *wanted) {
  FILE *file = fopen(path, "r");
  char *line = NULL, where[256];
  size_t cap = 0;
  unsigned lines = 0, waiting = 0;
  int result = 0;
  if (file == NULL) return perror(path), 1;
  /* The end of the open file may be torn: it comes again, whole. */
  for (ssize_t len; result == 0 && (len = getline(&line, &cap, file)) > 0 && line[len - 1] == '\n';) {
    uint64_t early = 0;
    snprintf(where, sizeof where, "%.200s:%u", path, ++lines);
    const verdict is = take(s, line, (size_t)len - 1, where, &early);
    if (is == EARLY && *wanted == 0) *wanted = early;
    if (is == BROKEN || is == UNREADABLE) result = is == BROKEN ? 7 : 1;
    if (is == TAKEN && ++waiting % BATCH == 0 && !save(state_path, s)) result = 1;
  }
  if (!save(state_path, s)) result = 1;
  fclose(file);
  free(line);
  return result;
}

static int read_files(char **paths, int count, const char *state_path, state *s) {
  for (;;) { /* a second time when repairs came behind what needs them */
    uint64_t wanted = 0, before = s->seq;
    for (int i = 0; i < count; i++) {
      const int result = read_file(paths[i], state_path, s, &wanted);
      if (result != 0) return result;
    }
    if (wanted == 0) return 0;
    if (s->seq == before) return missing(paths[count - 1], s, wanted);
  }
}

/* ---- a stream ------------------------------------------------------------------------------------- */

typedef struct reader {
  jsCtx *js;
  natsSubscription *sub; /* a consumer that the server soon forgets without us; NULL = to be made */
  natsSubscription *old; /* the one before */
  const char *stream;
  uint64_t next;           /* the place that is read next */
  uint64_t behind, wanted; /* the first early one passed over, 0 = none; the seq that it needs */
  bool filled;             /* something of what was missing has come since */
  uint64_t searched;       /* our seq when all of the stream was searched for what comes next */
  time_t heard;            /* when something came that was no early one */
} reader;

/* Up to 3.5 the library may still hand a message to a subscription while that is destroyed, and crash: one
 * lives on, unsubscribed, until the next goes. */
static void let_go(reader *r) {
  if (r->sub == NULL) return;
  natsSubscription_Unsubscribe(r->sub);
  natsSubscription_Destroy(r->old);
  r->old = r->sub;
  r->sub = NULL;
}

static void go_to(reader *r, uint64_t place) {
  let_go(r);
  r->next = place;
  r->behind = 0;
  r->filled = false;
}

/* Makes the consumer when there is none or when it has fallen silent over a stream that goes on. */
static natsStatus look(reader *r) {
  jsStreamInfo *info = NULL;
  jsSubOptions options;
  natsStatus s = js_GetStreamInfo(&info, r->js, r->stream, NULL, NULL);
  if (s != NATS_OK) return s;
  if (r->next > info->State.LastSeq + 1) go_to(r, 1); /* it has lost its end, or was made anew */
  if (r->next <= info->State.LastSeq) let_go(r);
  if (r->sub == NULL) {
    jsSubOptions_Init(&options);
    options.Stream = r->stream;
    options.Config.AckPolicy = js_AckNone; /* order and loss are our business: seq tells them */
    options.Config.DeliverPolicy = js_DeliverByStartSequence;
    options.Config.OptStartSeq = r->next;
    s = js_SubscribeSync(&r->sub, r->js, info->Config->Subjects[0], NULL, &options, NULL);
  }
  jsStreamInfo_Destroy(info);
  return s;
}

static void place_taken(reader *r, state *s, verdict is, uint64_t place, uint64_t wanted) {
  r->next = place + 1;
  if (is != EARLY) r->heard = time(NULL);
  if (is == TAKEN) r->filled = r->behind != 0;
  if (is == EARLY && r->filled) {
    go_to(r, r->behind);
  } else if (is == EARLY && r->searched != s->seq) {
    r->searched = s->seq;
    go_to(r, 1); /* the place was only a hint: is it before that? */
  } else if (is == EARLY && r->behind == 0) {
    r->behind = place;
    r->wanted = wanted;
    missing(r->stream, s, wanted);
  }
  s->place = r->behind != 0 ? r->behind : r->next;
}

static verdict take_message(reader *r, state *s, natsMsg *msg) {
  char where[256];
  jsMsgMetaData *meta = NULL;
  uint64_t wanted = 0;
  if (natsMsg_GetMetaData(&meta, msg) != NATS_OK) return PASSED; /* none of JetStream's */
  const uint64_t place = meta->Sequence.Stream;
  jsMsgMetaData_Destroy(meta);
  snprintf(where, sizeof where, "%.200s:%" PRIu64, r->stream, place);
  const verdict is = take(s, natsMsg_GetData(msg), (size_t)natsMsg_GetDataLength(msg), where, &wanted);
  if (is != BROKEN && is != UNREADABLE) place_taken(r, s, is, place, wanted);
  return is;
}

/* 0: nothing more has come for so long. */
static int follow(reader *r, const char *state_path, state *s, time_t patience) {
  unsigned waiting = 0; /* records taken since STATE was written */
  for (r->heard = time(NULL);;) {
    natsMsg *msg = NULL;
    if (r->sub != NULL) natsSubscription_NextMsg(&msg, r->sub, WAIT_MS);
    const bool quiet = msg == NULL;
    if (!quiet) {
      const verdict is = take_message(r, s, msg);
      natsMsg_Destroy(msg);
      if (is == BROKEN || is == UNREADABLE) return save(state_path, s) && is == BROKEN ? 7 : 1;
      waiting += is == TAKEN;
    }
    if (waiting >= BATCH || (quiet && waiting > 0)) {
      if (!save(state_path, s)) return 1;
      waiting = 0;
    }
    if (!quiet) continue;
    if (r->filled) go_to(r, r->behind);
    const natsStatus status = look(r);
    if (patience > 0 && time(NULL) - r->heard > patience) {
      if (r->behind != 0) return missing(r->stream, s, r->wanted);
      if (status == NATS_OK) return 0;
      return fprintf(stderr, "%s: %s\n", r->stream, natsStatus_GetText(status)), 1;
    }
    if (status != NATS_OK) nats_Sleep(AGAIN_MS);
  }
}

static int read_stream(const char *url, const char *stream, time_t patience, const char *state_path,
                       state *s) {
  natsOptions *options = NULL;
  natsConnection *nc = NULL;
  reader r = {.stream = stream, .next = s->place, .searched = UINT64_MAX};
  int result = 1;
  natsStatus status = natsOptions_Create(&options);
  if (status == NATS_OK) status = natsOptions_SetURL(options, url);
  if (status == NATS_OK) status = natsOptions_SetMaxReconnect(options, -1);
  if (status == NATS_OK) status = natsOptions_SetReconnectWait(options, AGAIN_MS);
  if (status == NATS_OK) status = natsOptions_SetRetryOnFailedConnect(options, true, NULL, NULL);
  if (status == NATS_OK) status = natsConnection_Connect(&nc, options);
  if (status == NATS_OK) status = natsConnection_JetStream(&r.js, nc, NULL);
  if (status == NATS_OK) result = follow(&r, state_path, s, patience);
  if (status != NATS_OK) fprintf(stderr, "%s: %s\n", url, natsStatus_GetText(status));
  natsConnection_Close(nc); /* from here on nothing comes */
  natsSubscription_Destroy(r.sub);
  natsSubscription_Destroy(r.old);
  jsCtx_Destroy(r.js);
  natsConnection_Destroy(nc);
  natsOptions_Destroy(options);
  nats_Close();
  return result;
}

int main(int argc, char **argv) {
  state s;
  const bool nats = argc > 2 && strstr(argv[2], "://") != NULL;
  if (argc < 3 || (nats && (argc < 4 || argc > 5)))
    return fprintf(stderr, "usage: consume_once STATE FILE... | STATE nats://HOST:PORT STREAM [SECONDS]\n"),
           2;
  if (!load(argv[1], &s)) return fprintf(stderr, "%s: it cannot be read\n", argv[1]), 1;
  if (nats) return read_stream(argv[2], argv[3], argc > 4 ? (int)strtol(argv[4], NULL, 10) : 0, argv[1], &s);
  return read_files(argv + 2, argc - 2, argv[1], &s);
}

/* drive_sink.c: a sink with records of the driver's own making, for test_sink_http.py and test_sink_otlp.py.
 *
 *   drive_sink CONFIG RECORDS [--bad SEQ,SEQ…] [--big SEQ,…] [--from SEQ] [--seconds N] [--dump FILE]
 *              [--interrupt MS] [--outbox 1]
 *
 * An outbox as small as it can be: prepare, publish from the cursor on, flush; the cursor moves over what is
 * acknowledged or refused for its content. What became of it is a line of JSON on stdout. --dump: all
 * records, a line of JSON each. --outbox: the real one, over a journal of these records.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "runtime/outbox.h"
#include "schema/json.h"
#include "tests/filled_journal.h"

enum { RECORDS_MAX = 200000, INSTANCES = 7, FAULTS_MAX = 12, MARKED_MAX = 256, BIG = 40000 };

typedef enum fate { WAITS, TAKEN, PARKED } fate;

typedef struct stored {
  char *data;
  size_t len;
  fate fate;
  fsm_code code;
  char *text;
  unsigned given; /* times */
} stored;

typedef struct drive {
  fsm__sink *sink;
  stored *records; /* at seq */
  uint64_t count, cursor, ticket_base;
  struct {
    fsm_code code;
    char where[64], text[200];
    unsigned times;
  } faults[FAULTS_MAX];
  unsigned fault_count;
} drive;

static const fsm_origin origin = {.store = {0xab, 0xcd, 1}, .partition = 3, .epoch = 5};

static int64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void die(const char *what, const fsm_error *err) {
  fprintf(stderr, "drive_sink: %s: %s: %s\n", what, err->where, err->text);
  exit(2);
}

/* ---- records: INSTANCES orders, each created, going on and at last completed ---- */

typedef struct marked {
  uint64_t seqs[MARKED_MAX];
  size_t count;
} marked;

static bool is_marked(const marked *m, uint64_t seq) {
  for (size_t i = 0; i < m->count; i++)
    if (m->seqs[i] == seq) return true;
  return false;
}

static marked marks_of(const char *text) {
  marked m = {{0}, 0};
  for (char *at = (char *)text; *at != '\0' && m.count < MARKED_MAX; at += *at == ',')
    m.seqs[m.count++] = strtoull(at, &at, 10);
  return m;
}

static void make_record(drive *d, uint64_t seq, bool bad, bool big, const fsm__hash *prev) {
  static const uint8_t def[32] = {1};
  static char text[BIG + 1];
  char inst[32], corr[32];
  fsm_error err;
  snprintf(inst, sizeof inst, "order-%u", (unsigned)(seq % INSTANCES));
  snprintf(corr, sizeof corr, "corr-%u", (unsigned)(seq % INSTANCES));
  memset(text, 'x', BIG);
  bool first = seq <= INSTANCES, ends = seq + INSTANCES > d->count && seq % 2 == 0, failed = seq % 13 == 0;
  fsm_record r = fsm_record_new(first    ? FSM_RECORD_CREATED
                                : failed ? FSM_RECORD_TASK_FAILED
                                : ends   ? FSM_RECORD_COMPLETED
                                         : FSM_RECORD_TRANSITION);
  uint8_t id[16] = {0xfe, (uint8_t)(seq % INSTANCES)}, span[8] = {0, 1, (uint8_t)(seq >> 8), (uint8_t)seq};
  fsm_value trace[3] = {fsm_bytes(id, 16), fsm_bytes(span, 8), fsm_int(1)}, leaf[2], data;
  leaf[0] = fsm_string("cart"), leaf[1] = fsm_string("paid");
  fsm_pair pairs[3] = {{fsm_string("n"), fsm_int((int64_t)seq)}}, act[2];
  size_t n = 1;
  if (bad) pairs[n++] = (fsm_pair){fsm_string("bad"), fsm_bool(true)};
  if (big) pairs[n++] = (fsm_pair){fsm_string("big"), fsm_stringn(text, BIG)};
  act[0] = (fsm_pair){fsm_string("sub"), fsm_string("alice")};
  act[1] = (fsm_pair){fsm_string("sid"), fsm_string("s-1")};
  if (fsm_map(pairs, n, &data, &err) != FSM_OK || fsm_map(act, 2, &r.act, &err) != FSM_OK) die("map", &err);
  r.seq = seq;
  r.time_ns = INT64_C(1795391999000000000) + (int64_t)seq * 1000000; /* 2026-11-22T23:59:59Z and on */
  r.dur_us = 250;
  r.prev = prev->bytes;
  r.outcome = failed ? FSM_FAILED : FSM_TAKEN;
  r.mach = "order", r.def = def, r.ctxh = def, r.inst = inst, r.corr = corr;
  r.rev = (seq - 1) / INSTANCES + 1;
  r.iprev = first ? 0 : seq - INSTANCES;
  r.to = fsm_list(leaf + 1, 1);
  if (!first) r.from = fsm_list(leaf, 1);
  if (r.kind == FSM_RECORD_TRANSITION) r.tr = fsm_list(NULL, 0);
  r.trigger = "PAY", r.cause = FSM_CAUSE_EXTERNAL;
  if (failed) r.reason = "timeout", r.tok = id;
  r.data = data;
  if (seq % 2 == 1) r.trace = fsm_list(trace, 3);
  fsm_buf buf = {0};
  if (fsm_record_encode(&buf, &r, &err) != FSM_OK) die("record", &err);
  d->records[seq] = (stored){.data = buf.data, .len = buf.len};
}

static fsm__exported exported(const drive *d, uint64_t seq) {
  const stored *s = &d->records[seq];
  return (fsm__exported){.origin = origin,
                         .data = s->data,
                         .len = s->len,
                         .seq = seq,
                         .after = seq - 1,
                         .leaf = fsm__leaf(s->data, s->len)};
}

static void dump(const drive *d, const char *path) {
  FILE *file = fopen(path, "w");
  fsm__formatter *f = NULL;
  fsm_error err;
  fsm_arena scratch;
  fsm_buf line = {0};
  fsm_arena_init(&scratch, 0);
  if (fsm__formatter_new(&(fsm__format_options){.format = "json"}, &f, &err) != FSM_OK) die("json", &err);
  for (uint64_t seq = 1; file != NULL && seq <= d->count; seq++) {
    fsm__exported out = exported(d, seq);
    fsm_arena_reset(&scratch);
    fsm_buf_reset(&line);
    if (fsm__format(f, &out, &scratch, &line, &err) != FSM_OK) die("json", &err);
    fprintf(file, "%s\n", fsm_buf_text(&line));
  }
  fsm__formatter_free(f);
  fsm_buf_free(&line);
  fsm_arena_free(&scratch);
  if (file == NULL || fclose(file) != 0) exit(2);
}

/* ---- our side, as the sink may ask about it ---- */

static uint32_t epoch_of(void *arg, uint64_t seq) {
  (void)arg, (void)seq;
  return origin.epoch;
}

static fsm_code read_record(void *arg, uint64_t seq, fsm_arena *arena, fsm__exported *out, fsm_error *err) {
  const drive *d = arg;
  (void)arena;
  if (seq == 0 || seq > d->count) return fsm_fail(err, FSM_ENOTFOUND, "journal", "not there");
  *out = exported(d, seq);
  return FSM_OK;
}

/* ---- the outbox ---- */

static void on_ack(void *arg, uint64_t ticket, fsm_code code, uint64_t position, const char *text) {
  drive *d = arg;
  (void)position;
  if (ticket <= d->ticket_base) return; /* given up on before */
  uint64_t seq = ticket - d->ticket_base;
  stored *s = &d->records[seq];
  if (seq > d->count || s->fate == TAKEN) exit(3);
  if (code == FSM_OK) s->fate = TAKEN;
  if (code != FSM_EDATA && code != FSM_ETOOLARGE) return;
  s->fate = PARKED;
  s->code = code;
  free(s->text);
  s->text = strdup(text != NULL ? text : "");
}

static void note_fault(drive *d, const fsm_error *err) {
  unsigned i = 0;
  while (i < d->fault_count &&
         (d->faults[i].code != err->code || strncmp(d->faults[i].text, err->text, 60) != 0))
    i++;
  if (i == FAULTS_MAX) return;
  if (i == d->fault_count) {
    if (d->fault_count++ == 0) fputs("the first fault\n", stderr); /* for who waits for it */
    d->faults[i].code = err->code;
    snprintf(d->faults[i].where, sizeof d->faults[i].where, "%.63s", err->where);
    snprintf(d->faults[i].text, sizeof d->faults[i].text, "%.199s", err->text);
  }
  d->faults[i].times++;
}

/* From the cursor until a fault or the end. */
static fsm_code give(drive *d, fsm_error *err) {
  fsm_code code = FSM_OK;
  d->ticket_base += d->count; /* no ticket twice */
  for (uint64_t seq = d->cursor + 1; code == FSM_OK && seq <= d->count; seq++) {
    if (d->records[seq].fate == PARKED) continue;
    d->records[seq].fate = WAITS;
    d->records[seq].given++;
    fsm__sink_record record = {.ticket = d->ticket_base + seq, .out = exported(d, seq)};
    code = d->sink->publish(d->sink, &record, err);
  }
  if (code == FSM_OK) code = d->sink->flush(d->sink, err);
  while (d->cursor < d->count && d->records[d->cursor + 1].fate != WAITS) d->cursor++;
  return code;
}

static const int64_t PATIENCE_NS = 60 * INT64_C(1000000000);

/* For the time that was asked for, and until something came of it. */
static bool goes_on(const drive *d, int64_t until_ns, bool came) {
  return d->cursor < d->count && now_ns() < until_ns + (came ? 0 : PATIENCE_NS);
}

static void run(drive *d, double seconds) {
  int64_t until = now_ns() + (int64_t)(seconds * 1e9), wait_ns = 2000000;
  fsm__sink_view view = {.origin = origin,
                         .first_seq = 1,
                         .durable_seq = d->count,
                         .all = true,
                         .epoch_of = epoch_of,
                         .read = read_record,
                         .arg = d};
  while (goes_on(d, until, d->fault_count > 0)) {
    fsm__cursor cursor = {.seq = d->cursor};
    fsm_error err = {0};
    uint64_t before = d->cursor;
    fsm_code code = d->sink->prepare(d->sink, &view, &cursor, &err);
    if (code == FSM_OK) code = give(d, &err);
    if (code == FSM_OK && d->cursor == d->count) return;
    note_fault(d, &err);
    if (code == FSM_ECLOSED) return;
    wait_ns = d->cursor > before ? 2000000 : wait_ns < 50000000 ? wait_ns * 2 : wait_ns;
    nanosleep(&(struct timespec){.tv_nsec = wait_ns}, NULL);
  }
}

/* ---- the real one ---- */

static void fill_journal(const drive *d, filled_journal *f) {
  fsm_error err;
  memset(f, 0, sizeof *f);
  snprintf(f->dir, sizeof f->dir, "/tmp/fsm-drive-XXXXXX");
  f->origin = origin;
  if (mkdtemp(f->dir) == NULL || filled_journal_open(f) != FSM_OK) exit(2);
  for (uint64_t seq = 1; seq <= d->count; seq++) {
    fsm__bytes bytes = {d->records[seq].data, d->records[seq].len};
    fsm__hash leaf = fsm__leaf(bytes.data, bytes.len);
    fsm_code code = fsm__journal_append(f->journal, &bytes, &leaf, 1, &err);
    if (code == FSM_OK && seq % 64 == 0) code = fsm__journal_commit(f->journal, &err);
    if (code != FSM_OK) die("journal", &err);
  }
  if (fsm__journal_commit(f->journal, &err) != FSM_OK) die("journal", &err);
}

static void run_outbox(drive *d, const fsm__sink_config *config, double seconds) {
  filled_journal f;
  fsm_error err;
  fsm__outbox *outbox = NULL;
  fsm__outbox_status status = {0};
  fill_journal(d, &f);
  fsm__outbox_options how = {
      .dir = f.dir, .journal = f.journal, .origin = origin, .sink = d->sink, .config = config};
  if (fsm__outbox_start(&how, &outbox, &err) != FSM_OK) die("outbox", &err);
  for (int64_t until = now_ns() + (int64_t)(seconds * 1e9); goes_on(d, until, d->cursor > 0);) {
    nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    fsm__outbox_status_get(outbox, &status);
    d->cursor = status.seq;
    if (status.last_error[0] == '\0') continue;
    err = (fsm_error){.code = status.halted ? FSM_EEXPECT : FSM_EUNREACHABLE};
    snprintf(err.text, sizeof err.text, "%s", status.last_error);
    note_fault(d, &err);
  }
  fsm__outbox_stop(outbox);
  fsm__parked *parked = NULL;
  size_t count = 0;
  if (fsm__parked_load(f.dir, config->name, &parked, &count, &err) != FSM_OK) die("parked", &err);
  for (uint64_t seq = 1; seq <= d->cursor; seq++) d->records[seq].fate = TAKEN;
  for (size_t i = 0; i < count; i++) {
    stored *s = &d->records[parked[i].seq];
    s->fate = PARKED, s->code = parked[i].code, s->text = strdup(parked[i].text);
  }
  free(parked);
  fsm__outbox_free(outbox);
  filled_journal_free(&f);
}

typedef struct later {
  fsm__sink *sink;
  unsigned ms;
} later;

static void *interrupt_later(void *arg) {
  later *l = arg;
  usleep(l->ms * 1000);
  l->sink->interrupt(l->sink);
  return NULL;
}

static void report(const drive *d, int64_t took_ns) {
  fsm_buf out = {0};
  uint64_t taken = 0, given = 0;
  for (uint64_t seq = 1; seq <= d->count; seq++) {
    taken += d->records[seq].fate == TAKEN;
    given += d->records[seq].given;
  }
  fsm_buf_printf(&out, "{\"cursor\":%llu,\"taken\":%llu,\"given\":%llu,\"ms\":%lld,\"parked\":[",
                 (unsigned long long)d->cursor, (unsigned long long)taken, (unsigned long long)given,
                 (long long)(took_ns / 1000000));
  const char *comma = "";
  for (uint64_t seq = 1; seq <= d->count; seq++) {
    const stored *s = &d->records[seq];
    if (s->fate != PARKED) continue;
    fsm_buf_printf(&out, "%s{\"seq\":%llu,\"code\":\"%s\",\"text\":", comma, (unsigned long long)seq,
                   fsm_code_name(s->code));
    fsm_json_quote(&out, s->text, strlen(s->text));
    fsm_buf_str(&out, "}");
    comma = ",";
  }
  fsm_buf_str(&out, "],\"faults\":[");
  for (unsigned i = 0; i < d->fault_count; i++) {
    fsm_buf_printf(&out, "%s{\"code\":\"%s\",\"times\":%u,\"where\":", i > 0 ? "," : "",
                   fsm_code_name(d->faults[i].code), d->faults[i].times);
    fsm_json_quote(&out, d->faults[i].where, strlen(d->faults[i].where));
    fsm_buf_str(&out, ",\"text\":");
    fsm_json_quote(&out, d->faults[i].text, strlen(d->faults[i].text));
    fsm_buf_str(&out, "}");
  }
  fsm_buf_str(&out, "]}");
  puts(fsm_buf_text(&out));
  fsm_buf_free(&out);
}

static fsm__sink *make_sink(fsm_arena *arena, const char *path, fsm__sink_config configs[FSM_SINKS_MAX]) {
  static char text[65536];
  fsm_error err = {0};
  size_t count = 0;
  FILE *file = fopen(path, "r");
  if (file == NULL) exit(2);
  size_t len = fread(text, 1, sizeof text, file);
  fclose(file);
  fsm__sink *sink = NULL;
  fsm__sink_env env = {.origin = origin, .node = "node-1"};
  fsm_code code = fsm__sinks_read(arena, text, len, configs, &count, &err);
  if (code == FSM_OK)
    code = (strcmp(configs[0].kind, "otlp") == 0 ? fsm__sink_otlp_make : fsm__sink_http_make)(
        &configs[0], &env, &sink, &err);
  if (code != FSM_OK) {
    printf("{\"refused\":\"%s\",\"where\":\"%s\",\"text\":", fsm_code_name(code), err.where);
    fsm_buf quoted = {0};
    fsm_json_quote(&quoted, err.text, strlen(err.text));
    printf("%s}\n", fsm_buf_text(&quoted));
    exit(0);
  }
  return sink;
}

int main(int argc, char **argv) {
  static drive d;
  marked bad = {{0}, 0}, big = {{0}, 0};
  double seconds = 20;
  unsigned interrupt_ms = 0;
  bool real = false;
  fsm_arena arena;
  if (argc < 3) return 2;
  fsm_arena_init(&arena, 0);
  d.count = strtoull(argv[2], NULL, 10);
  if (d.count > RECORDS_MAX) return 2;
  d.records = calloc(d.count + 1, sizeof *d.records);
  const char *dump_path = NULL;
  for (int i = 3; i + 1 < argc; i += 2) {
    if (strcmp(argv[i], "--bad") == 0) bad = marks_of(argv[i + 1]);
    if (strcmp(argv[i], "--big") == 0) big = marks_of(argv[i + 1]);
    if (strcmp(argv[i], "--from") == 0) d.cursor = strtoull(argv[i + 1], NULL, 10) - 1;
    if (strcmp(argv[i], "--seconds") == 0) seconds = strtod(argv[i + 1], NULL);
    if (strcmp(argv[i], "--interrupt") == 0) interrupt_ms = (unsigned)strtoul(argv[i + 1], NULL, 10);
    if (strcmp(argv[i], "--outbox") == 0) real = true;
    if (strcmp(argv[i], "--dump") == 0) dump_path = argv[i + 1];
  }
  fsm__hash prev = {{0}};
  for (uint64_t seq = 1; seq <= d.count; seq++) {
    make_record(&d, seq, is_marked(&bad, seq), is_marked(&big, seq), &prev);
    prev = fsm__leaf(d.records[seq].data, d.records[seq].len);
  }
  if (dump_path != NULL) dump(&d, dump_path);
  static fsm__sink_config configs[FSM_SINKS_MAX];
  d.sink = make_sink(&arena, argv[1], configs);
  d.sink->ack = on_ack;
  d.sink->ack_arg = &d;
  later l = {d.sink, interrupt_ms};
  pthread_t thread;
  if (interrupt_ms > 0 && pthread_create(&thread, NULL, interrupt_later, &l) != 0) return 2;
  int64_t from = now_ns();
  if (real)
    run_outbox(&d, &configs[0], seconds);
  else
    run(&d, seconds);
  report(&d, now_ns() - from);
  if (interrupt_ms > 0) pthread_join(thread, NULL);
  d.sink->free(d.sink);
  for (uint64_t seq = 1; seq <= d.count; seq++) free(d.records[seq].data), free(d.records[seq].text);
  free(d.records);
  fsm_arena_free(&arena);
  return 0;
}

/* sink_file.c: records into files that any log shipper can read, or to standard output.
 *
 * Records are formatted when they come and gathered; a flush is one write and one sync, and only then they
 * are acknowledged. So what is acknowledged is in a file, and a file may have more than the cursor says:
 * prepare looks at the end of the open file (and of the newest closed one) and puts the cursor where the
 * files are. Forward only over records that stand there without a gap; back only when the open file has lost
 * its end.
 *
 * Files of another journal, or with another record than the journal's, stop the sink until somebody decides:
 * two histories in one directory would be read as one.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/clock.h"
#include "runtime/sink_file_impl.h"

enum { EARLY_BYTES = 512 * 1024, GATHER_BYTES = FSM_SINK_BATCH_BYTES_MAX, GATHER_MAX = FSM_SINK_WINDOW_MAX };

typedef struct sink_file {
  fsm__sink sink; /* first */
  const fsm__sink_config *config;
  fsm__formatter *formatter;
  bool is_pipe, cleared;
  fsm__file_out files;
  fsm__pipe_out pipe;
  fsm_arena scratch;
  /* gathered */
  fsm_buf out;
  uint64_t *tickets; /* GATHER_MAX */
  size_t count;
  uint64_t first_seq;
  int64_t period;
} sink_file;

/* ---- gathering ----------------------------------------------------------------------------------- */

static void forget(sink_file *s) {
  fsm_buf_reset(&s->out);
  s->count = 0;
}

/* The first len bytes, of count records, become durable and are acknowledged; the rest is gathered on. */
static fsm_code put_out(sink_file *s, size_t len, size_t count, fsm_error *err) {
  fsm_code code = s->is_pipe ? fsm__pipe_write(&s->pipe, s->out.data, len, err)
                             : fsm__file_append(&s->files, s->out.data, len, s->first_seq, s->period, err);
  if (code != FSM_OK) {
    forget(s);
    return code;
  }
  for (size_t i = 0; i < count; i++) s->sink.ack(s->sink.ack_arg, s->tickets[i], FSM_OK, 0, NULL);
  memmove(s->out.data, s->out.data + len, s->out.len - len);
  s->out.len -= len;
  s->count -= count;
  return FSM_OK;
}

static fsm_code flush(fsm__sink *sink, fsm_error *err) {
  sink_file *s = (sink_file *)sink;
  return s->count > 0 ? put_out(s, s->out.len, s->count, err) : FSM_OK;
}

/* One record, as it will stand in the file. */
static fsm_code append_record(sink_file *s, const fsm__exported *record, fsm_error *err) {
  const size_t before = s->out.len;
  const bool is_line = fsm__formatter_is_line(s->formatter);
  static const uint8_t room[FSM__FRAME_LENGTH];
  fsm_arena_reset(&s->scratch);
  if (!is_line) fsm_buf_add(&s->out, room, sizeof room);
  fsm_code code = fsm__format(s->formatter, record, &s->scratch, &s->out, err);
  if (is_line) fsm_buf_add(&s->out, "\n", 1);
  if (code == FSM_OK && !fsm_buf_ok(&s->out))
    code = fsm_fail(err, FSM_ENOMEM, s->sink.name, "no memory to gather");
  if (code != FSM_OK) {
    s->out.len = before;
    return code;
  }
  const size_t len = s->out.len - before - FSM__FRAME_LENGTH;
  for (unsigned i = 0; !is_line && i < FSM__FRAME_LENGTH; i++)
    s->out.data[before + i] = (char)(len >> (8 * i));
  return FSM_OK;
}

/* What comes now may belong to another file than what is gathered. */
static fsm_code split(sink_file *s, size_t before, int64_t period, uint64_t seq, fsm_error *err) {
  const uint64_t limit = s->files.rotate_bytes;
  const bool later = s->count > 0 && period > s->period;
  const bool larger = s->count > 0 && limit > 0 && s->files.size + s->out.len > limit;
  fsm_code code = FSM_OK;
  if (!s->is_pipe && (later || larger)) code = put_out(s, before, s->count, err);
  if (s->count == 0) {
    s->first_seq = seq;
    s->period = period;
  }
  return code;
}

static fsm_code publish(fsm__sink *sink, const fsm__sink_record *record, fsm_error *err) {
  sink_file *s = (sink_file *)sink;
  fsm_error fault;
  const size_t before = s->out.len;
  fsm_code code = append_record(s, &record->out, &fault);
  if (code == FSM_ENOMEM) return fsm_fail(err, code, fault.where, "%s", fault.text);
  if (code != FSM_OK) { /* it can never stand in a file of this format */
    sink->ack(sink->ack_arg, record->ticket, code == FSM_ETOOLARGE ? code : FSM_EDATA, 0, fault.text);
    return FSM_OK;
  }
  code = split(s, before, fsm__file_period(&s->files, s->files.now()), record->out.seq, err);
  if (code != FSM_OK) return code;
  s->tickets[s->count++] = record->ticket;
  if (!s->is_pipe && s->out.len >= s->files.ahead + EARLY_BYTES) /* the disk works while we format on */
    fsm__file_begin(&s->files, s->out.data, s->out.len, s->first_seq, s->period);
  return s->out.len >= GATHER_BYTES || s->count == GATHER_MAX ? flush(sink, err) : FSM_OK;
}

/* ---- where the cursor belongs -------------------------------------------------------------------- */

typedef struct look {
  const fsm__sink_view *view;
  fsm__line newest; /* by epoch and seq; seq 0 = none */
  uint64_t run;     /* all up to it are there, from the cursor on */
  uint64_t first;   /* seen in this scan */
} look;

/* Behind a fork: of a branch that is no more. */
static bool is_dead(const fsm__sink_view *view, const fsm__line *line) {
  return line->has_origin && line->origin.epoch < view->origin.epoch &&
         line->seq > view->epoch_end(view->arg, line->origin.epoch);
}

static void on_line(void *arg, const fsm__line *line) {
  look *l = arg;
  if (line->seq == 0) return;
  if (l->first == 0) l->first = line->seq;
  const uint32_t epoch = line->has_origin ? line->origin.epoch : 0;
  const uint32_t newest = l->newest.has_origin ? l->newest.origin.epoch : 0;
  if (l->newest.seq == 0 || epoch > newest || (epoch == newest && line->seq > l->newest.seq))
    l->newest = *line;
  if (line->seq == l->run + 1 && !is_dead(l->view, line)) l->run = line->seq;
}

static fsm_code stop(const fsm__path *path, fsm_error *err, const char *what) {
  return fsm_fail(
      err, FSM_EVERIFY, path->text,
      "%s: give this sink another directory, or move its files away, or `fsm-cli outbox clear` moves them "
      "aside and begins anew",
      what);
}

/* Is the newest record in the files one of this journal? */
static fsm_code check(const fsm__sink_view *view, const fsm__line *line, const fsm__path *path,
                      fsm_error *err) {
  char text[160];
  fsm__hash leaf;
  if (line->seq == 0 || is_dead(view, line)) return FSM_OK;
  if (line->has_origin && (memcmp(line->origin.store, view->origin.store, sizeof line->origin.store) != 0 ||
                           line->origin.partition != view->origin.partition))
    return stop(path, err, "the file has records of another store or partition");
  if (line->seq > view->durable_seq || (line->has_origin && line->origin.epoch > view->origin.epoch)) {
    snprintf(text, sizeof text,
             "the file has record %" PRIu64 ", but the journal ends at %" PRIu64
             " (the store was rolled back)",
             line->seq, view->durable_seq);
    return stop(path, err, text);
  }
  if (!line->has_leaf || line->seq < view->first_seq) return FSM_OK;
  fsm_code code = view->leaf_of(view->arg, line->seq, &leaf, err);
  if (code != FSM_OK || memcmp(&leaf, &line->leaf, sizeof leaf) == 0) return code;
  snprintf(text, sizeof text, "the file has another record %" PRIu64 " than the journal", line->seq);
  return stop(path, err, text);
}

static fsm_code scan_open(sink_file *s, look *l, fsm_error *err) {
  l->first = 0;
  if (s->files.fd < 0) return FSM_OK;
  return fsm__tail_scan(s->files.fd, s->files.current.text, s->files.format, l->run + 1, on_line, l, err);
}

static fsm_code scan_newest(sink_file *s, look *l, fsm__path *path, fsm_error *err) {
  bool there = false;
  fsm_code code = fsm__file_newest(&s->files, path, &there, err);
  if (code != FSM_OK || !there) return code;
  const int fd = open(path->text, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0) return FSM_OK; /* somebody took it just now */
  code = fsm__tail_scan(fd, path->text, s->files.format, l->run + 1, on_line, l, err);
  close(fd);
  return code;
}

static fsm_code place_cursor(sink_file *s, const fsm__sink_view *view, fsm__cursor *c, fsm_error *err) {
  look l = {.view = view, .run = c->seq};
  fsm__path path = s->files.current;
  fsm_code code = scan_open(s, &l, err);
  if (code == FSM_OK) code = check(view, &l.newest, &path, err);
  const bool open_has_some = l.newest.seq > 0;
  if (code == FSM_OK && (!open_has_some || l.newest.seq < c->sent_seq || l.first > c->seq + 1)) {
    code = scan_newest(s, &l, &path, err);
    if (code == FSM_OK) code = check(view, &l.newest, &path, err);
    if (code == FSM_OK) code = scan_open(s, &l, err); /* the run may go on there */
  }
  if (code != FSM_OK || l.newest.seq == 0 || is_dead(view, &l.newest)) return code;
  if (view->all && l.newest.has_leaf && l.newest.seq >= view->first_seq && l.run > c->seq)
    c->seq = c->sent_seq = l.run;
  else if (open_has_some && l.newest.seq < c->sent_seq)
    c->seq = c->sent_seq = l.newest.seq;
  if (c->settled_seq > c->seq) c->settled_seq = c->seq;
  return FSM_OK;
}

static fsm_code prepare(fsm__sink *sink, const fsm__sink_view *view, fsm__cursor *cursor, fsm_error *err) {
  sink_file *s = (sink_file *)sink;
  forget(s);
  if (s->is_pipe) return FSM_OK;
  fsm_code code = fsm__file_open(&s->files, cursor->sent_seq == 0, err);
  if (code == FSM_OK && s->cleared) code = fsm__file_set_aside(&s->files, err);
  if (code != FSM_OK) return code;
  s->cleared = false;
  return place_cursor(s, view, cursor, err);
}

/* Nothing to compare; but an hour that is over is closed also when nothing follows. */
static fsm_code reconcile(fsm__sink *sink, const fsm__sink_view *view, fsm__cursor *cursor,
                          fsm__sink_lost *lost, fsm_error *err) {
  sink_file *s = (sink_file *)sink;
  (void)view, (void)lost;
  if (!s->is_pipe && s->count == 0 &&
      fsm__file_is_due(&s->files, 0, fsm__file_period(&s->files, s->files.now()))) {
    fsm_code code = fsm__file_rotate(&s->files, err);
    if (code != FSM_OK && code != FSM_ENOTFOUND) return code; /* not found: somebody took it */
  }
  cursor->settled_seq = cursor->seq;
  return FSM_OK;
}

/* ---- life ---------------------------------------------------------------------------------------- */

static void clear(fsm__sink *sink) { ((sink_file *)sink)->cleared = true; }

static void interrupt(fsm__sink *sink) { atomic_store(&((sink_file *)sink)->pipe.stop, true); }

static void free_sink(fsm__sink *sink) {
  sink_file *s = (sink_file *)sink;
  fsm__file_close(&s->files);
  fsm__file_unlock(&s->files);
  fsm__formatter_free(s->formatter);
  fsm_buf_free(&s->out);
  fsm_buf_free(&s->pipe.torn);
  fsm_arena_free(&s->scratch);
  free(s->tickets);
  free(s);
}

void fsm__sink_file_clock(fsm__sink *sink, int64_t (*now)(void)) { ((sink_file *)sink)->files.now = now; }

void fsm__sink_file_pipe(fsm__sink *sink, int fd) { ((sink_file *)sink)->pipe.fd = fd; }

fsm_code fsm__sink_file_make(const fsm__sink_config *config, const fsm__sink_env *env, fsm__sink **out,
                             fsm_error *err) {
  FSM_ASSERT(config != NULL && config->path != NULL && out != NULL);
  (void)env;
  sink_file *s = calloc(1, sizeof *s);
  if (s != NULL) s->tickets = calloc(GATHER_MAX, sizeof *s->tickets);
  if (s == NULL || s->tickets == NULL) {
    free(s);
    return fsm_fail(err, FSM_ENOMEM, config->name, "no memory for the file sink");
  }
  s->sink = (fsm__sink){.name = config->name,
                        .prepare = prepare,
                        .publish = publish,
                        .flush = flush,
                        .reconcile = reconcile,
                        .clear = clear,
                        .interrupt = interrupt,
                        .free = free_sink,
                        .final = true};
  s->config = config;
  s->is_pipe = strcmp(config->path, "-") == 0;
  s->pipe.fd = STDOUT_FILENO;
  s->pipe.timeout_ns = config->timeout_ns;
  fsm_arena_init(&s->scratch, 0);
  s->files.lock_fd = s->files.fd = -1;
  fsm_code code = fsm__formatter_new(&config->format, &s->formatter, err);
  if (code != FSM_OK) {
    free_sink(&s->sink);
    return code;
  }
  s->files = (fsm__file_out){.dir = config->path,
                             .name = config->name,
                             .format = fsm__formatter_name(s->formatter),
                             .head = fsm__formatter_head(s->formatter),
                             .rotate_bytes = config->rotate_bytes,
                             .rotate_ns = config->rotate_ns,
                             .now = fsm__wall_ns,
                             .lock_fd = -1,
                             .fd = -1};
  *out = &s->sink;
  return FSM_OK;
}

/* sink_file_impl.h: what the parts of the file sink share; nobody else includes it but their tests.
 *
 *   sink_file.c       gathers, and hands over whole batches; where the cursor belongs
 *   sink_file_disk.c  the files: open, append and sync, close under their final name
 *   sink_file_tail.c  what is in a file already: which records, and what was torn
 *   sink_file_pipe.c  standard output
 *
 * Names in the directory, NAME being the sink's:
 *
 *   NAME-current.EXT       the open one: whole records are appended, nothing else ever changes
 *   NAME-TIME-SEQ.EXT      closed ones: renamed from it, never touched again. TIME: UTC, as
 *                          20261122T170000Z, of its first record's arrival, or what lets it sort behind
 *                          those before it; SEQ: of that record
 *   aside-NAME-TIME-SEQ.EXT  what an operator's clear set aside
 *   .NAME.lock             held by whoever writes
 *
 * EXT: ndjson, csv (each file begins with the head line), msgpack: frames of u32 length, little endian,
 * and so many stored bytes of a record.
 *
 * Files of json, ecs, cloudevents and msgpack tell which records they hold. Of seed, otlp and csv the cursor
 * alone says it: after a crash what came since it was saved is given again.
 */
#ifndef FSM_RUNTIME_SINK_FILE_IMPL_H
#define FSM_RUNTIME_SINK_FILE_IMPL_H

#include <stdatomic.h>
#include <sys/types.h>

#include "runtime/files.h"
#include "runtime/sink_config.h"

enum { FSM__FRAME_LENGTH = 4, FSM__TAIL_MAX = 64 * 1024 * 1024 };

/* ---- what is in a file --------------------------------------------------------------------------- */

/* A record in a file, as far as its format tells: seq 0 = it does not tell at all. */
typedef struct fsm__line {
  uint64_t seq;
  bool has_origin, has_leaf;
  fsm_origin origin;
  fsm__hash leaf;
} fsm__line;

typedef void (*fsm__line_fn)(void *arg, const fsm__line *line);

/* Where whole records end; what is behind it was torn. */
FSM_MUST_USE fsm_code fsm__tail_end(int fd, const char *path, const char *format, uint64_t *end,
                                    fsm_error *err);
/* The first record; seq 0 = there is none, or it does not tell. */
FSM_MUST_USE fsm_code fsm__tail_first(int fd, const char *path, const char *format, fsm__line *out,
                                      fsm_error *err);
/* The records of the file in order, from one at or before seq on; at most the last FSM__TAIL_MAX bytes. */
FSM_MUST_USE fsm_code fsm__tail_scan(int fd, const char *path, const char *format, uint64_t seq,
                                     fsm__line_fn fn, void *arg, fsm_error *err);

/* ---- files --------------------------------------------------------------------------------------- */

typedef struct fsm__file_out {
  const char *dir, *name, *format, *head; /* head: of csv; NULL = none */
  uint64_t rotate_bytes;
  int64_t rotate_ns;
  int64_t (*now)(void); /* wall clock */
  fsm__path current;
  int lock_fd, fd; /* -1 = not open */
  uint64_t size;   /* of the open file, as far as it is synced */
  uint64_t ahead;  /* bytes behind it: the front of what is appended next, on its way to the disk */
  int64_t begun_ns, period;
  uint64_t first_seq;
} fsm__file_out;

const char *fsm__file_extension(const char *format);
int64_t fsm__file_period(const fsm__file_out *out, int64_t now_ns);
/* Takes the lock and opens what is there, a torn end cut off; fd stays -1 when there is no open file. make:
 * the directory, when it is missing. FSM_ELOCKED: another one writes there. */
FSM_MUST_USE fsm_code fsm__file_open(fsm__file_out *out, bool make, fsm_error *err);
void fsm__file_close(fsm__file_out *out); /* forgets the open file; it stays as it is */
void fsm__file_unlock(fsm__file_out *out);
/* Appends whole records that arrived in a period, and syncs; a file of an earlier period, or one that it does
 * not fit, is closed before. One that was moved away or deleted meanwhile is followed by a new one. After a
 * fault the file is closed; nothing of it counts. */
FSM_MUST_USE fsm_code fsm__file_append(fsm__file_out *out, const void *data, size_t len, uint64_t first_seq,
                                       int64_t period, fsm_error *err);
/* The front of what will be appended next, all of it so far: the disk may begin with it. Nothing counts yet,
 * and a fault is that of the append. */
void fsm__file_begin(fsm__file_out *out, const void *data, size_t len, uint64_t first_seq, int64_t period);
/* Does it have to be closed before so many bytes of this period are appended? */
bool fsm__file_is_due(const fsm__file_out *out, size_t len, int64_t period);
/* Gives the open file its final name. */
FSM_MUST_USE fsm_code fsm__file_rotate(fsm__file_out *out, fsm_error *err);
/* The newest closed file; *there false: none. */
FSM_MUST_USE fsm_code fsm__file_newest(const fsm__file_out *out, fsm__path *path, bool *there,
                                       fsm_error *err);
/* All files of this sink get names that it does not look at. */
FSM_MUST_USE fsm_code fsm__file_set_aside(fsm__file_out *out, fsm_error *err);

/* ---- standard output ----------------------------------------------------------------------------- */

typedef struct fsm__pipe_out {
  int fd;
  int64_t timeout_ns;
  _Atomic bool stop;
  fsm_buf torn; /* the rest of a line that was begun: it goes first */
} fsm__pipe_out;
/* Whole lines; what is written of them stays so, and a line that was begun is ended first the next time.
 * FSM_EUNREACHABLE: nobody reads it; FSM_ETIMEOUT, FSM_ECLOSED. */
FSM_MUST_USE fsm_code fsm__pipe_write(fsm__pipe_out *out, const char *data, size_t len, fsm_error *err);

/* For tests: another wall clock, another descriptor than standard output. */
void fsm__sink_file_clock(fsm__sink *sink, int64_t (*now)(void));
void fsm__sink_file_pipe(fsm__sink *sink, int fd);

#endif

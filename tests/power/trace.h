/* trace.h: everything that this process asks of the disk below one directory, in order, kept in memory.
 *
 * The calls are taken over by symbols of this program (trace.c), so LMDB's are seen too. What a call means
 * for the disk is image.c's business. */
#ifndef FSM_TEST_POWER_TRACE_H
#define FSM_TEST_POWER_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum op_kind {
  OP_CREATE,   /* path, file: an entry of a directory */
  OP_MKDIR,    /* path */
  OP_RENAME,   /* path → to */
  OP_UNLINK,   /* path */
  OP_WRITE,    /* file, at, len, data; durable at its return when it was an O_DSYNC one */
  OP_TRUNCATE, /* file, at = new size */
  OP_SYNC,     /* file: what was asked of it before op `since` is durable */
  OP_SYNC_DIR, /* path: its entries before op `since` are durable */
  OP_MARK      /* at = a number of the workload's own */
} op_kind;

typedef struct op {
  op_kind kind;
  bool durable;
  unsigned file; /* a number for each file that ever was */
  uint64_t at;
  size_t len, since;
  uint8_t *data;   /* NULL = zeroes */
  char *path, *to; /* below the root */
} op;

typedef struct trace {
  op *ops;
  size_t count;
} trace;

/* From now on, calls below root are kept. Files that are there already are told by trace_known. */
void trace_begin(const char *root);
/* Ends it and hands over what was kept. */
trace trace_end(void);
void trace_free(trace *trace);
void trace_mark(uint64_t number);
size_t trace_count(void); /* operations so far */
/* Until it is taken back the disk has no room: what would make a file below the root longer fails, ENOSPC. */
void trace_full(bool full);

#endif

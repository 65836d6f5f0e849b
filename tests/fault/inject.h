/* inject.h: one call of this process fails: the nth of a kind, once.
 *
 * Allocations of our own code (linked with --wrap), and the system calls of everything in the process, LMDB's
 * included. Only calls between inject_arm and inject_off count, on whatever thread. */
#ifndef FSM_TEST_FAULT_INJECT_H
#define FSM_TEST_FAULT_INJECT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* X(symbol, name) */
#define INJECT_CALLS(X)                                                                               \
  X(CALL_MALLOC, "malloc")                                                                            \
  X(CALL_PWRITE, "pwrite")                                                                            \
  X(CALL_PWRITEV, "pwritev")                                                                          \
  X(CALL_WRITE, "write") X(CALL_READ, "read") X(CALL_PREAD, "pread") X(CALL_FDATASYNC, "fdatasync")   \
      X(CALL_FSYNC, "fsync") X(CALL_OPEN, "open") X(CALL_MMAP, "mmap") X(CALL_FTRUNCATE, "ftruncate") \
          X(CALL_FCNTL, "fcntl") X(CALL_GETRANDOM, "getrandom") X(CALL_RENAME, "rename")              \
              X(CALL_MKDIR, "mkdir") X(CALL_UNLINK, "unlink") X(CALL_FALLOCATE, "fallocate")

typedef enum inject_call {
#define X(symbol, name) symbol,
  INJECT_CALLS(X)
#undef X
      CALL_COUNT
} inject_call;
const char *inject_name(inject_call call);

enum { INJECT_SHORT = -1 }; /* instead of an errno: half of the bytes */

/* The nth call (from 0) of this kind fails; UINT64_MAX: none does, they are counted. errno_or_short 0 with
 * CALL_MALLOC. */
void inject_arm(inject_call call, uint64_t nth, int errno_or_short);
void inject_off(void);
uint64_t inject_counted(inject_call call);
/* Where it is noted that the call has failed: when (monotonic ns), and whether it was on a segment of the journal
 * while `open` was true. */
void inject_report(_Atomic int64_t *fired_ns, _Atomic bool *journal, const _Atomic bool *open);
int64_t inject_now_ns(void);

#endif

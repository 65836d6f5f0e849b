/* store_guard.c: see store_guard.h. In a handler only what is async-signal-safe may be called: the mappings
 * are read from /proc/self/maps, so nothing needs to be kept in step. */
#include "runtime/store_guard.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#include "fsm/fsm.h"

/* The most that one row of LMDB may say of its own length: 32 bits. */
#define BEHIND_A_MAP ((uint64_t)1 << 32)

enum { LINE_MAX = 512, SIGNALS = 2 };
static const int guarded[SIGNALS] = {SIGBUS, SIGSEGV};
static struct sigaction before[SIGNALS]; /* written once, before the handler can run */

static uint64_t hex_at(const char **at) {
  uint64_t value = 0;
  for (;; (*at)++) {
    char c = **at;
    if (c >= '0' && c <= '9')
      value = value << 4 | (uint64_t)(c - '0');
    else if (c >= 'a' && c <= 'f')
      value = value << 4 | (uint64_t)(c - 'a' + 10);
    else
      return value;
  }
}

/* Where a fault came to be: the address that was touched, and the instruction that touched it. */
typedef struct fault {
  uint64_t address, instruction;
} fault;

static fault fault_of(const siginfo_t *info, const void *context) {
  fault f = {.address = (uint64_t)(uintptr_t)info->si_addr};
#if defined(__x86_64__)
  f.instruction = (uint64_t)((const ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
  f.instruction = (uint64_t)((const ucontext_t *)context)->uc_mcontext.pc;
#else
  (void)context;
#endif
  return f;
}

/* "from-to perms offset device inode path": is it a store's, with the address in it or just behind? Or LMDB's
 * own code, led astray by a page? */
static bool is_ours(const char *line, size_t len, const fault *f) {
  static const char name[] = "/data.mdb";
  const size_t name_len = sizeof name - 1;
  const bool data = len >= name_len && memcmp(line + len - name_len, name, name_len) == 0;
  if (!data && strstr(line, "/liblmdb.so") == NULL) return false;
  const char *at = line;
  uint64_t from = hex_at(&at);
  if (*at++ != '-') return false;
  uint64_t to = hex_at(&at);
  if (!data) return f->instruction >= from && f->instruction < to;
  return f->address >= from && f->address - from < to - from + BEHIND_A_MAP;
}

static bool in_a_store(const fault *f) {
  char line[LINE_MAX], block[1024];
  size_t len = 0;
  bool found = false;
  int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  for (ssize_t got; !found && (got = read(fd, block, sizeof block)) > 0;) {
    for (ssize_t i = 0; i < got && !found; i++) {
      if (block[i] != '\n') {
        if (len < sizeof line - 1) line[len++] = block[i];
        continue;
      }
      line[len] = '\0';
      found = is_ours(line, len, f);
      len = 0;
    }
  }
  close(fd);
  return found;
}

static void say(const char *text) {
  ssize_t ignored = write(STDERR_FILENO, text, strlen(text));
  (void)ignored;
}

/* What would have happened without us. */
static void pass_on(int signal, siginfo_t *info, void *context) {
  const struct sigaction *old = &before[signal == SIGBUS ? 0 : 1];
  if (old->sa_flags & SA_SIGINFO) {
    old->sa_sigaction(signal, info, context);
  } else if (old->sa_handler != SIG_DFL && old->sa_handler != SIG_IGN) {
    old->sa_handler(signal);
  } else {
    const struct sigaction none = {.sa_handler = SIG_DFL};
    sigaction(signal, &none, NULL); /* the fault comes again as we return, and ends the process */
  }
}

static void on_signal(int signal, siginfo_t *info, void *context) {
  const fault f = fault_of(info, context);
  if (!in_a_store(&f)) {
    pass_on(signal, info, context);
    return;
  }
  say("fsm: fatal: the store is damaged (corrupt): a page of data.mdb points behind its end, or the file was "
      "cut; "
      "nothing more is answered; see fsm-cli db repair\n");
  _exit(fsm_code_exit(FSM_ECORRUPT));
}

static void install(void) {
  for (int i = 0; i < SIGNALS; i++) {
    struct sigaction ours = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigemptyset(&ours.sa_mask);
    sigaction(guarded[i], &ours, &before[i]);
  }
}

void fsm__store_guard(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, install);
}

/* steady.c: a clock that stands still until a transcript moves it, and a user of a fixed name: loaded before
 * the C library (LD_PRELOAD), so that what fsmd and fsm-cli print is the same every time.
 *
 * $FSM_STEADY_CLOCK names a file of eight bytes, nanoseconds UTC; CLOCK_REALTIME and CLOCK_BOOTTIME come from
 * it. CLOCK_MONOTONIC goes on: it is what programs wait by. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pwd.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define EPOCH_S INT64_C(1767225600) /* 2026-01-01: when the machine was switched on */
#define NAME "ola"

static const volatile int64_t *shared;

__attribute__((constructor)) static void open_clock(void) {
  const char *path = getenv("FSM_STEADY_CLOCK");
  int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  if (fd < 0) return;
  void *at = mmap(NULL, sizeof *shared, PROT_READ, MAP_SHARED, fd, 0);
  if (at != MAP_FAILED) shared = at;
  close(fd);
}

int clock_gettime(clockid_t clock, struct timespec *out) {
  if (shared == NULL ||
      (clock != CLOCK_REALTIME && clock != CLOCK_BOOTTIME && clock != CLOCK_REALTIME_COARSE))
    return (int)syscall(SYS_clock_gettime, clock, out);
  const int64_t ns = *shared - (clock == CLOCK_BOOTTIME ? EPOCH_S * 1000000000 : 0);
  *out = (struct timespec){.tv_sec = (time_t)(ns / 1000000000), .tv_nsec = (long)(ns % 1000000000)};
  return 0;
}

time_t time(time_t *out) {
  struct timespec now;
  (void)clock_gettime(CLOCK_REALTIME, &now);
  if (out != NULL) *out = now.tv_sec;
  return now.tv_sec;
}

static void fill(struct passwd *user, uid_t uid, char *name) {
  *user = (struct passwd){.pw_name = name,
                          .pw_passwd = name + sizeof NAME - 1,
                          .pw_uid = uid,
                          .pw_gid = getgid(),
                          .pw_gecos = name + sizeof NAME - 1,
                          .pw_dir = name + sizeof NAME - 1,
                          .pw_shell = name + sizeof NAME - 1};
}

struct passwd *getpwuid(uid_t uid) {
  static struct passwd user;
  static char name[] = NAME;
  fill(&user, uid, name);
  return &user;
}

int getpwuid_r(uid_t uid, struct passwd *user, char *text, size_t size, struct passwd **found) {
  *found = NULL;
  if (size < sizeof NAME) return 34; /* ERANGE */
  memcpy(text, NAME, sizeof NAME);
  fill(user, uid, text);
  *found = user;
  return 0;
}

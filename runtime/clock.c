/* clock.c: see clock.h. */
#include "runtime/clock.h"

#include <fcntl.h>
#include <unistd.h>

static int64_t read_ns(clockid_t clock) {
  struct timespec ts;
  clock_gettime(clock, &ts); /* of a clock that there is, it does not fail */
  return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

int64_t fsm__wall_ns(void) { return read_ns(CLOCK_REALTIME); }
int64_t fsm__monotonic_ns(void) { return read_ns(CLOCK_MONOTONIC); }
int64_t fsm__monotonic_ms(void) { return fsm__monotonic_ns() / 1000000; }
int64_t fsm__boot_ns(void) { return read_ns(CLOCK_BOOTTIME); }

struct timespec fsm__timespec_of(int64_t ns) {
  return (struct timespec){.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
}

int64_t fsm__wall_now(const fsm_runtime_options *options) {
  return options->now != NULL ? options->now(options->now_arg) : fsm__wall_ns();
}

/* ---- the boot ----------------------------------------------------------------------------------- */

/* The first 16 hexadecimal digits of a UUID as text; 0 when it is none. */
static uint64_t read_uuid(const char *text) {
  uint64_t value = 0;
  unsigned digits = 0;
  for (; digits < 16 && *text != '\0'; text++) {
    if (*text == '-') continue;
    unsigned digit = *text >= '0' && *text <= '9'   ? (unsigned)(*text - '0')
                     : *text >= 'a' && *text <= 'f' ? (unsigned)(*text - 'a' + 10)
                                                    : 16;
    if (digit == 16) return 0;
    value = value << 4 | digit;
    digits++;
  }
  return digits == 16 ? value : 0;
}

static uint64_t system_boot(void) {
  char text[64] = "";
  int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  ssize_t len = read(fd, text, sizeof text - 1);
  close(fd);
  return len > 0 ? read_uuid(text) : 0;
}

uint64_t fsm__boot_of(const fsm_runtime_options *options) {
  if (options->monotonic != NULL) return options->boot;
  return options->now != NULL ? 0 : system_boot();
}

int64_t fsm__boot_now(const fsm_runtime_options *options) {
  if (options->monotonic != NULL) return options->monotonic(options->now_arg);
  return fsm__boot_ns();
}

/* main.c: `seeded DIR [--instances N] [--seed S] [--until TIME|now] [--days D] [--segment MIB] [--manifest
 * FILE]`: makes a new data directory with N instances (3,000) that lived in the D days (28) before TIME
 * (2026-11-22T12:00:00Z), and prints a summary as JSON; the manifest has a line for each. The same arguments
 * make the same journal. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "seeded.h"

enum { INSTANCES_MAX = 20000000, DAYS_MAX = 3650, SEGMENT_MAX = 1024 };

void seeded_give_up(const char *format, ...) {
  va_list args;
  va_start(args, format);
  fputs("seeded: ", stderr);
  vfprintf(stderr, format, args);
  fputc('\n', stderr);
  va_end(args);
  exit(1);
}

static int64_t time_at(const char *text) {
  if (strcmp(text, "now") == 0) return (int64_t)time(NULL) * SECOND;
  struct tm at = {0};
  const char *end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &at);
  if (end == NULL || *end != '\0') seeded_give_up("--until takes 2026-11-22T12:00:00Z or now, not %s", text);
  return (int64_t)timegm(&at) * SECOND;
}

static void usage(void) {
  seeded_give_up(
      "usage: seeded DIR [--instances N] [--seed S] [--until TIME|now] [--days D] [--segment MIB] "
      "[--manifest FILE]");
}

static unsigned long long number(const char *text, unsigned long long most) {
  char *end;
  const unsigned long long value = strtoull(text, &end, 10);
  if (*end != '\0' || value == 0 || value > most) seeded_give_up("%s: a number from 1 to %llu", text, most);
  return value;
}

int main(int argc, char *argv[]) {
  seeded s = {.count = 3000, .seed = 1};
  const char *until = "2026-11-22T12:00:00Z";
  int64_t days = 28;
  for (int i = 1; i < argc; i++) {
    const bool valued = strncmp(argv[i], "--", 2) == 0;
    if (valued && i + 1 == argc) usage();
    if (!valued && s.dir == NULL)
      s.dir = argv[i];
    else if (strcmp(argv[i], "--instances") == 0)
      s.count = (unsigned)number(argv[++i], INSTANCES_MAX);
    else if (strcmp(argv[i], "--seed") == 0)
      s.seed = number(argv[++i], UINT64_MAX);
    else if (strcmp(argv[i], "--days") == 0)
      days = (int64_t)number(argv[++i], DAYS_MAX);
    else if (strcmp(argv[i], "--segment") == 0)
      s.segment_bytes = (size_t)number(argv[++i], SEGMENT_MAX) << 20;
    else if (strcmp(argv[i], "--until") == 0)
      until = argv[++i];
    else if (strcmp(argv[i], "--manifest") == 0)
      s.manifest = argv[++i];
    else
      usage();
  }
  if (s.dir == NULL) usage();
  s.until_ns = time_at(until);
  s.from_ns = s.until_ns - days * DAY;
  s.all = calloc(s.count, sizeof *s.all);
  s.heap = calloc(s.count, sizeof *s.heap);
  if (s.all == NULL || s.heap == NULL) seeded_give_up("no memory for %u instances", s.count);
  seeded_open(&s);
  seeded_play(&s);
  seeded_close(&s);
  seeded_tell(&s);
  free(s.all);
  free(s.heap);
  return 0;
}

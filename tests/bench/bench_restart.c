/* bench_restart.c: a million instances: ready again after kill -9, memory, the first page of what is stuck.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ring.h"

/* ---- ready after kill -9 ------------------------------------------------------------------------ */

/* Another process drives the data and is killed in the middle. */
static void killed_under_load(ring *r, double seconds) {
  pid_t child = fork();
  if (child < 0) give_up("no process can be made");
  if (child == 0) {
    ring_open(r);
    (void)ring_run(r, 64, SPREAD_TOUCH, 3600);
    _exit(0);
  }
  usleep((useconds_t)(seconds * 1e6));
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
}

sample restart_1m(const char *dir, double seconds) {
  (void)dir;
  ring *r = million();
  killed_under_load(r, seconds + 1);
  ring_open(r);
  sample s = {.value = ring_open_s(r)};
  ring_close(r);
  return s;
}

/* ---- memory ------------------------------------------------------------------------------------- */

double rss_anon_mb(pid_t pid) {
  char path[64], line[128];
  double kb = 0;
  snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
  FILE *status = fopen(path, "r");
  if (status == NULL) return 0;
  while (fgets(line, sizeof line, status) != NULL)
    if (strncmp(line, "RssAnon:", 8) == 0) kb = strtod(line + 8, NULL);
  fclose(status);
  return kb / 1024;
}

/* In a process of its own, or it would be the memory of this program that is measured. */
static double memory_of(bool load, double seconds) {
  ring *r = million();
  pid_t child = fork();
  if (child < 0) give_up("no process can be made");
  if (child == 0) {
    ring_open(r);
    if (load) (void)ring_run(r, 64, SPREAD_TOUCH, 3600);
    pause();
    _exit(0);
  }
  double most = 0, begin = now_s();
  while (now_s() - begin < (load ? 2 * seconds + 1 : 2)) {
    usleep(20000);
    double mb = rss_anon_mb(child);
    most = load && mb < most ? most : mb;
  }
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
  ring_open(r);
  ring_close(r);
  return most;
}

sample memory_idle_1m(const char *dir, double seconds) {
  (void)dir;
  return (sample){.value = memory_of(false, seconds)};
}

sample memory_load_1m(const char *dir, double seconds) {
  (void)dir;
  return (sample){.value = memory_of(true, seconds)};
}

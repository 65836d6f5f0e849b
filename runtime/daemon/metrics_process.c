/* metrics_process.c: this process, under the names that all of them have (Prometheus, "Standard and runtime
 * collectors"), and its loop. What cannot be read is left out. */
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "runtime/clock.h"
#include "runtime/daemon/metrics.h"

static void line(fsm_buf *out, const char *name, const char *type, const char *help, double value) {
  fsm__metrics_family(out, name, type, help);
  fsm__metrics_line(out, name, NULL, NULL, value);
}

static void put_cpu(fsm_buf *out) {
  struct rusage used;
  if (getrusage(RUSAGE_SELF, &used) != 0) return;
  const double seconds = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                         (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
  line(out, "process_cpu_seconds_total", "counter", "User and system time used.", seconds);
}

/* proc(5): /proc/self/stat, behind the name in parentheses that may hold anything. */
static void put_memory(fsm_buf *out) {
  char text[1024];
  FILE *file = fopen("/proc/self/stat", "re");
  if (!file) return;
  const size_t len = fread(text, 1, sizeof text - 1, file);
  fclose(file);
  text[len] = 0;
  const char *behind = strrchr(text, ')');
  unsigned long long start = 0, size = 0;
  long pages = 0;
  if (!behind || sscanf(behind + 1,
                        " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu "
                        "%llu %ld",
                        &start, &size, &pages) != 3)
    return;
  line(out, "process_virtual_memory_bytes", "gauge", "Virtual memory; the store's map is in it.",
       (double)size);
  line(out, "process_resident_memory_bytes", "gauge",
       "Resident memory; pages of the store that were read are in it.",
       (double)pages * (double)sysconf(_SC_PAGESIZE));
  const int64_t booted_ns = fsm__wall_ns() - fsm__boot_ns();
  line(out, "process_start_time_seconds", "gauge", "When it was started.",
       (double)(booted_ns / 1000000000) + (double)start / (double)sysconf(_SC_CLK_TCK));
}

static void put_files(fsm_buf *out) {
  struct rlimit limit;
  DIR *dir = opendir("/proc/self/fd");
  if (dir) {
    double count = -1; /* that of the directory itself */
    for (const struct dirent *e; (e = readdir(dir)) != NULL;) count += e->d_name[0] != '.';
    closedir(dir);
    line(out, "process_open_fds", "gauge", "Open files and connections.", count);
  }
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
    line(out, "process_max_fds", "gauge", "How many there may be.", (double)limit.rlim_cur);
}

void fsm__metrics_process(fsm_buf *out, const fsm__loop *loop) {
  put_cpu(out);
  put_memory(out);
  put_files(out);
  line(out, "fsm_loop_lag_seconds", "gauge",
       "How late the network loop was at worst, in the last 10 to 20 s.",
       (double)fsm__loop_lag_ns(loop) / 1e9);
}

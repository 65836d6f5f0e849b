/* bench_http_daemon.c: the real fsmd of this build, on a directory of the disk, with a key file and tokens
 * made with it, a definition and its instances. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench_http.h"
#include "ring.h"
#include "runtime/token.h"

enum { START_S = 30, SOCKET_TEXT_MAX = 4096 };

static const char KEY[] = "a key of the measurements, 32 bytes at least";

static void write_key(const char *path) {
  int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0 || write(fd, KEY, sizeof KEY - 1) != (ssize_t)(sizeof KEY - 1)) give_up("%s: no key file", path);
  close(fd);
}

static void mint(http_daemon *d, const char *key) {
  fsm_value roles[] = {fsm_string("clerk"), fsm_string("approver")};
  const fsm_value list = {.type = FSM_LIST, .len = 2, .items = roles};
  for (unsigned i = 0; i < HTTP_CLIENTS; i++) {
    char sub[32];
    fsm_error err;
    fsm_buf token = {0};
    snprintf(sub, sizeof sub, "user-%02u", i);
    const fsm_token_order order = {
        .key_file = key, .alg = FSM_TOKEN_HS256, .sub = sub, .roles = &list, .ttl_s = 3600};
    if (fsm_token_mint(&order, (int64_t)time(NULL) * 1000000000, &token, &err) != FSM_OK)
      give_up("%s: %s", err.where, err.text);
    d->tokens[i] = strdup(fsm_buf_text(&token));
    fsm_buf_free(&token);
  }
}

static void become_daemon(const http_daemon *d, const char *key, const char *port_file, const char *log) {
  char program[600];
  bench_program("fsmd", program, sizeof program);
  int fd = open(log, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (fd >= 0) dup2(fd, 2);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  execl(program, program, "--data", d->dir, "--listen", "127.0.0.1:0", "--jwt-key", key, "--port-file",
        port_file, (char *)NULL);
  _exit(127);
}

static int port_of(const char *path) {
  char text[32] = "";
  FILE *file = fopen(path, "r");
  if (file == NULL) return 0;
  char *got = fgets(text, sizeof text, file);
  fclose(file);
  return got != NULL && strchr(text, '\n') != NULL ? (int)strtol(text, NULL, 10) : 0;
}

static void wait_for_port(http_daemon *d, const char *port_file, const char *log) {
  for (double begin = now_s(); (d->port = port_of(port_file)) == 0;) {
    int status = 0;
    if (waitpid(d->pid, &status, WNOHANG) == d->pid || now_s() - begin > START_S)
      give_up("fsmd does not start; see %s", log);
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
  }
}

void http_daemon_start(http_daemon *d, const char *dir) {
  char key[640], port_file[640], log[640];
  memset(d, 0, sizeof *d);
  snprintf(d->dir, sizeof d->dir, "%s/fsmd", dir);
  snprintf(d->socket, sizeof d->socket, "%s/fsmd.sock", d->dir);
  snprintf(key, sizeof key, "%s/key", dir);
  snprintf(port_file, sizeof port_file, "%s/port", dir);
  snprintf(log, sizeof log, "%s/log", dir);
  write_key(key);
  mint(d, key);
  if ((d->pid = fork()) < 0) give_up("no process for fsmd");
  if (d->pid == 0) become_daemon(d, key, port_file, log);
  wait_for_port(d, port_file, log);
}

void http_daemon_stop(http_daemon *d) {
  int status = -1;
  kill(d->pid, SIGTERM);
  if (waitpid(d->pid, &status, 0) != d->pid || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
    give_up("fsmd did not end well: status %#x, see the log beside %s", (unsigned)status, d->dir);
  for (unsigned i = 0; i < HTTP_CLIENTS; i++) free(d->tokens[i]);
}

double http_daemon_cpu_s(const http_daemon *d) {
  char path[64], text[1024];
  snprintf(path, sizeof path, "/proc/%d/stat", (int)d->pid);
  FILE *file = fopen(path, "r");
  size_t len = file != NULL ? fread(text, 1, sizeof text - 1, file) : 0;
  if (file != NULL) fclose(file);
  text[len] = '\0';
  char *at = strrchr(text, ')');
  for (unsigned field = 2; at != NULL && field < 14; field++) at = strchr(at + 1, ' ');
  if (at == NULL) give_up("%s cannot be read", path);
  const unsigned long user = strtoul(at, &at, 10), kernel = strtoul(at, NULL, 10);
  return (double)(user + kernel) / (double)sysconf(_SC_CLK_TCK);
}

/* ---- on the unix socket, as the user that the daemon runs as ------------------------------------- */

static int ask_locally(const http_daemon *d, const char *method, const char *path, const char *body,
                       char *out) {
  struct sockaddr_un to = {.sun_family = AF_UNIX};
  char bytes[SOCKET_TEXT_MAX];
  if (strlen(d->socket) >= sizeof to.sun_path) give_up("%s is too long for a socket: use --dir", d->socket);
  memcpy(to.sun_path, d->socket, strlen(d->socket));
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) != 0)
    give_up("%s: %s", d->socket, strerror(errno));
  int len = snprintf(bytes, sizeof bytes,
                     "%s %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                     "Content-Length: %zu\r\n\r\n%s",
                     method, path, strlen(body), body);
  if (len < 0 || (size_t)len >= sizeof bytes) give_up("%s: the request is too long", path);
  int status = http_ask(fd, bytes, (size_t)len, out, HTTP_ANSWER_MAX);
  close(fd);
  return status;
}

uint64_t http_daemon_seq(const http_daemon *d) {
  char answer[HTTP_ANSWER_MAX];
  int status = ask_locally(d, "GET", "/healthz", "", answer);
  const char *seq = strstr(answer, "\"seq\":");
  if (status != 200 || seq == NULL) give_up("/healthz: %s", answer);
  return strtoull(seq + 6 + strspn(seq + 6, " \""), NULL, 10);
}

typedef struct filling {
  const http_daemon *daemon;
  unsigned next, count;
  char bytes[HTTP_CLIENTS][2048];
} filling;

static http_bytes next_start(void *arg, unsigned connection) {
  filling *f = arg;
  char body[128], *out = f->bytes[connection];
  if (f->next == f->count) return (http_bytes){0};
  int body_len = snprintf(body, sizeof body, "{\"machine\":\"ring\",\"id\":\"i-%08u\"}", f->next++);
  int len = snprintf(out, sizeof f->bytes[0],
                     "POST /v1/instances HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\n"
                     "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
                     f->daemon->tokens[connection], body_len, body);
  if (len < 0 || (size_t)len >= sizeof f->bytes[0]) give_up("a token is too long");
  return (http_bytes){out, (size_t)len};
}

void http_daemon_fill(http_daemon *d, unsigned instances) {
  static http_result result;
  static filling f;
  char answer[HTTP_ANSWER_MAX];
  int status = ask_locally(d, "POST", "/v1/machines", ring_definition(), answer);
  if (status != 201) give_up("/v1/machines: %s", answer);
  f = (filling){.daemon = d, .count = instances};
  const http_load load = {
      .port = d->port, .connections = HTTP_CLIENTS, .status = 201, .next = next_start, .arg = &f};
  http_run(&load, &result);
  if (result.answers != instances)
    give_up("%u instances became %llu", instances, (unsigned long long)result.answers);
}

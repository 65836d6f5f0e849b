/* test_bus_secure.c: who may connect, to whom, and what is said when not: TLS and every way in, against real
 * servers.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

#include <cmocka.h>

#include "nats_server.h"
#include "runtime/bus.h"

static nats_server server;

static int up(void **state) {
  (void)state;
  return nats_server_new(&server) ? 0 : -1;
}

static int down(void **state) {
  (void)state;
  nats_server_free(&server);
  return 0;
}

static const char *in(const char *name) {
  static char path[8][128];
  static unsigned turn;
  char *text = path[turn++ % 8];
  snprintf(text, sizeof path[0], "%s/%s", server.dir, name);
  return text;
}

static const char *file(const char *name, const char *text) {
  const char *path = in(name);
  FILE *f = fopen(path, "w");
  assert_non_null(f);
  fputs(text, f);
  fclose(f);
  assert_int_equal(chmod(path, 0600), 0);
  return path;
}

/* A program with its arguments, in the server's directory. */
static bool run(const char *const *argv) {
  pid_t pid = fork();
  if (pid == 0) {
    int null = open("/dev/null", O_RDWR);
    if (null >= 0) dup2(null, 1), dup2(null, 2);
    if (chdir(server.dir) != 0) _exit(127);
    execvp(argv[0], (char *const *)(uintptr_t)argv);
    _exit(127);
  }
  int status = -1;
  return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

#define RUN(...) run((const char *const[]){__VA_ARGS__, NULL})

static bool authority(const char *name) {
  char key[32], pem[32], subject[48];
  snprintf(key, sizeof key, "%s.key", name);
  snprintf(pem, sizeof pem, "%s.pem", name);
  snprintf(subject, sizeof subject, "/CN=%s", name);
  return RUN("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", pem, "-subj",
             subject, "-days", "2");
}

/* Signed by "ca", for the name, from now or from the day before yesterday for a day. */
static bool certificate(const char *name, const char *alternative, const char *days) {
  char key[32], csr[32], pem[32], text[128];
  snprintf(key, sizeof key, "%s.key", name);
  snprintf(csr, sizeof csr, "%s.csr", name);
  snprintf(pem, sizeof pem, "%s.pem", name);
  snprintf(text, sizeof text, "subjectAltName=%s\n", alternative);
  (void)file("ext", text);
  return RUN("openssl", "req", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", csr, "-subj",
             "/CN=x") &&
         RUN("openssl", "x509", "-req", "-in", csr, "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
             "-out", pem, "-days", days, "-extfile", "ext") &&
         chmod(in(key), 0600) == 0;
}

/* A server with a configuration of its own. */
static void serve(const char *text) {
  char all[2048];
  nats_server_kill(&server);
  snprintf(all, sizeof all, "listen: \"127.0.0.1:%d\"\n%s\n", server.port, text);
  const char *path = file("server.conf", all);
  pid_t parent = getpid(), pid = fork();
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent || chdir(server.dir) != 0) _exit(1);
    execlp(nats_server_program(), "nats-server", "-c", path, "-l", in("log"), (char *)NULL);
    _exit(127);
  }
  server.pid = pid;
  for (int i = 0; i < 6000 && !nats_server_answers(&server); i++)
    nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
  assert_true(nats_server_answers(&server));
}

/* Connects; returns what it comes to, FSM_OK or why not. */
static fsm_code outcome(const fsm__bus_options *options, fsm_error *err) {
  fsm__bus *bus = NULL;
  fsm__bus_options o = *options;
  char url[64];
  snprintf(url, sizeof url, "nats://127.0.0.1:%d", server.port);
  if (o.url == NULL) o.url = url;
  o.name = "test";
  assert_int_equal(fsm__bus_open(&o, &bus, err), FSM_OK);
  assert_int_equal(fsm__bus_start(bus, err), FSM_OK);
  fsm_code code = FSM_EUNREACHABLE;
  char said[256] = "";
  for (int i = 0; i < 12000; i++) {
    code = fsm__bus_state(bus, err);
    fsm__bus_last_error(bus, said, sizeof said);
    if (code == FSM_OK || said[0] != '\0') break;
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
  }
  code = fsm__bus_state(bus, err);
  fsm__bus_free(bus);
  return code;
}

static void refused(const fsm__bus_options *options, fsm_code code, const char *said) {
  fsm_error err = {0};
  assert_int_equal(outcome(options, &err), code);
  if (strstr(err.text, said) == NULL) fail_msg("it said: %s", err.text);
}

/* ---- TLS ---- */

static void a_server_is_believed_only_with_a_certificate_that_verifies(void **state) {
  (void)state;
  char url[64], by_address[64];
  snprintf(url, sizeof url, "tls://localhost:%d", server.port);
  snprintf(by_address, sizeof by_address, "tls://127.0.0.1:%d", server.port);
  assert_true(authority("ca") && authority("stranger") &&
              certificate("good", "DNS:localhost,IP:127.0.0.1", "2"));
  assert_true(certificate("other", "DNS:other.example", "2") && certificate("old", "DNS:localhost", "-1"));
  fsm__bus_options with_ca = {.url = url, .ca_file = in("ca.pem")};
  serve("tls { cert_file: good.pem, key_file: good.key }");
  assert_int_equal(outcome(&with_ca, NULL), FSM_OK);
  assert_int_equal(outcome(&(fsm__bus_options){.url = by_address, .ca_file = in("ca.pem")}, NULL), FSM_OK);
  refused(&(fsm__bus_options){.url = url, .ca_file = in("stranger.pem")}, FSM_EVERIFY, "TLS does not verify");
  refused(&(fsm__bus_options){.url = url}, FSM_EVERIFY, "unable to get local issuer");
  serve("tls { cert_file: other.pem, key_file: other.key }");
  refused(&with_ca, FSM_EVERIFY, "hostname mismatch");
  serve("tls { cert_file: old.pem, key_file: old.key }");
  refused(&with_ca, FSM_EVERIFY, "expired");
  serve("");
  refused(&with_ca, FSM_EVERIFY, "does not offer TLS");
}

static void a_server_that_asks_for_our_certificate_gets_it(void **state) {
  (void)state;
  char url[64];
  snprintf(url, sizeof url, "tls://localhost:%d", server.port);
  assert_true(authority("ca") && certificate("good", "DNS:localhost", "2") &&
              certificate("client", "DNS:us", "2"));
  serve("tls { cert_file: good.pem, key_file: good.key, ca_file: ca.pem, verify: true }");
  fsm__bus_options o = {.url = url, .ca_file = in("ca.pem")};
  assert_int_not_equal(outcome(&o, NULL), FSM_OK);
  o.cert_file = in("client.pem"), o.key_file = in("client.key");
  assert_int_equal(outcome(&o, NULL), FSM_OK);
}

/* ---- ways in ---- */

static void users_tokens_and_nkeys_let_in_or_say_that_they_do_not(void **state) {
  (void)state;
  static const char seed[] = "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY\n";
  const char *right = file("right", "secret\n"), *wrong = file("wrong", "guess\n");
  const char *key = file("seed", seed);
  serve("authorization { user: alice, password: secret }");
  assert_int_equal(outcome(&(fsm__bus_options){.user = "alice", .password_file = right}, NULL), FSM_OK);
  refused(&(fsm__bus_options){.user = "alice", .password_file = wrong}, FSM_EPERMISSION,
          "does not let us in");
  refused(&(fsm__bus_options){0}, FSM_EPERMISSION, "does not let us in");
  serve("authorization { token: secret }");
  assert_int_equal(outcome(&(fsm__bus_options){.token_file = right}, NULL), FSM_OK);
  refused(&(fsm__bus_options){.token_file = wrong}, FSM_EPERMISSION, "does not let us in");
  serve("authorization { users: [ { nkey: UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4 } ] }");
  assert_int_equal(outcome(&(fsm__bus_options){.nkey_file = key}, NULL), FSM_OK);
  refused(&(fsm__bus_options){.nkey_file = right}, FSM_EPERMISSION,
          "does not let us in"); /* no seed at all */
}

/* The library gives up after two refusals. */
static void a_refusal_is_tried_again_for_ever(void **state) {
  (void)state;
  fsm__bus *bus = NULL;
  fsm_error err = {0};
  fsm__bus_options o = {
      .url = server.url, .name = "test", .user = "alice", .password_file = file("p", "wrong")};
  serve("authorization { user: alice, password: secret }");
  assert_int_equal(fsm__bus_open(&o, &bus, &err), FSM_OK);
  assert_int_equal(fsm__bus_start(bus, &err), FSM_OK);
  for (int i = 0; i < 6000 && fsm__bus_state(bus, &err) != FSM_EPERMISSION; i++)
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
  nanosleep(&(struct timespec){.tv_sec = 2}, NULL); /* a client of that library gives up after two */
  assert_int_equal(fsm__bus_state(bus, &err), FSM_EPERMISSION);
  assert_null(strstr(err.text, "wrong")); /* nor anything else of the secret */
  (void)file("p", "secret");
  fsm_code code = FSM_EPERMISSION;
  for (int i = 0; i < 6000 && code != FSM_OK; i++) {
    code = fsm__bus_state(bus, &err);
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
  }
  assert_int_equal(code, FSM_OK);
  fsm__bus_free(bus);
}

static void a_subject_that_is_forbidden_is_named(void **state) {
  (void)state;
  fsm__bus *bus = NULL;
  char said[256] = "";
  serve("authorization { users: [ { user: a, password: b, permissions: { publish: [\"ok.>\"] } } ] }");
  fsm__bus_options o = {.url = server.url, .name = "test", .user = "a", .password_file = file("p", "b")};
  assert_int_equal(fsm__bus_open(&o, &bus, NULL), FSM_OK);
  assert_int_equal(fsm__bus_start(bus, NULL), FSM_OK);
  for (int i = 0; i < 6000 && !fsm__bus_connected(bus); i++)
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
  uint64_t life = fsm__bus_life(bus);
  assert_int_equal(fsm__bus_publish(bus, "fsm.evt.x", NULL, 0, "x", 1, NULL), FSM_OK);
  for (int i = 0; i < 6000 && fsm__bus_denials(bus, said, sizeof said) == 0; i++)
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
  assert_non_null(strstr(said, "\"fsm.evt.x\""));
  for (int i = 0; i < 6000 && fsm__bus_life(bus) == life; i++)
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
  assert_true(fsm__bus_life(bus) > life);
  assert_true(fsm__bus_connected(bus));
  fsm__bus_free(bus);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, up, down)
  const struct CMUnitTest tests[] = {
      TEST(a_server_is_believed_only_with_a_certificate_that_verifies),
      TEST(a_server_that_asks_for_our_certificate_gets_it),
      TEST(users_tokens_and_nkeys_let_in_or_say_that_they_do_not),
      TEST(a_refusal_is_tried_again_for_ever),
      TEST(a_subject_that_is_forbidden_is_named),
  };
  return nats_server_there() ? cmocka_run_group_tests(tests, NULL, NULL) : 0;
}

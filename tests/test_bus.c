/* test_bus.c: the connection to NATS against a real server. */
#include "runtime/bus.h"

#include <pthread.h>
#include <setjmp.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "nats_server.h"

static nats_server server;

/* What the functions given to the bus saw; read under the lock. */
static struct seen {
  pthread_mutex_t lock;
  unsigned changes, messages, replies;
  uint64_t last_id;
  bool no_responders;
  char subject[128], data[256], header[FSM_BUS_HEADER_MAX + 16], first[64], last[64];
  fsm__bus *answer_with;
} seen = {.lock = PTHREAD_MUTEX_INITIALIZER};

static int up(void **state) {
  (void)state;
  fsm__bus *none = NULL;
  pthread_mutex_lock(&seen.lock);
  seen.changes = seen.messages = seen.replies = 0;
  seen.last_id = 0;
  seen.no_responders = false;
  seen.subject[0] = seen.data[0] = seen.header[0] = seen.first[0] = seen.last[0] = '\0';
  seen.answer_with = none;
  pthread_mutex_unlock(&seen.lock);
  return nats_server_new(&server) ? 0 : -1;
}

static int down(void **state) {
  (void)state;
  nats_server_free(&server);
  return 0;
}

/* Waits as long as it takes, up to what only a hang needs. */
#define WAIT_FOR(condition)                                                \
  do {                                                                     \
    bool came = false;                                                     \
    for (int i_ = 0; i_ < 6000 && !came; i_++) {                           \
      pthread_mutex_lock(&seen.lock);                                      \
      came = (condition);                                                  \
      pthread_mutex_unlock(&seen.lock);                                    \
      if (!came) nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL); \
    }                                                                      \
    if (!came) fail_msg("never came: %s", #condition);                     \
  } while (0)

static const fsm__bus_stream_config wanted = {
    .name = "S", .subject = "t.evt.>", .duplicates_ns = INT64_C(600000000000)};

static void on_changed(void *arg) {
  struct seen *s = arg;
  pthread_mutex_lock(&s->lock);
  s->changes++;
  pthread_mutex_unlock(&s->lock);
}

static void on_message(void *arg, const fsm__bus_message *message) {
  struct seen *s = arg;
  pthread_mutex_lock(&s->lock);
  s->messages++;
  const char *header = fsm__bus_message_header(message, "Fsm-Test");
  const char *first = fsm__bus_message_header(message, "Fsm-First"),
             *last = fsm__bus_message_header(message, "Fsm-Last");
  snprintf(s->first, sizeof s->first, "%s", first != NULL ? first : "");
  snprintf(s->last, sizeof s->last, "%s", last != NULL ? last : "");
  snprintf(s->subject, sizeof s->subject, "%s", message->subject);
  snprintf(s->header, sizeof s->header, "%s", header != NULL ? header : "");
  snprintf(s->data, sizeof s->data, "%.*s", (int)message->len, message->data);
  fsm__bus *bus = s->answer_with;
  pthread_mutex_unlock(&s->lock);
  if (bus != NULL && message->reply != NULL) {
    assert_int_equal(fsm__bus_publish(bus, message->reply, NULL, 0, "accepted", 8, NULL), FSM_OK);
  }
}

static void on_reply(void *arg, uint64_t id, const fsm__bus_message *message) {
  struct seen *s = arg;
  pthread_mutex_lock(&s->lock);
  s->replies++;
  s->last_id = id;
  s->no_responders = message->no_responders;
  snprintf(s->data, sizeof s->data, "%.*s", (int)message->len, message->data);
  pthread_mutex_unlock(&s->lock);
}

static fsm__bus *started(unsigned *inbox) {
  fsm__bus *bus = NULL;
  assert_int_equal(fsm__bus_new(server.url, "test", &bus, NULL), FSM_OK);
  assert_int_equal(fsm__bus_subscribe(bus, "t.one", NULL, on_message, &seen, NULL), FSM_OK);
  assert_int_equal(fsm__bus_inbox(bus, on_reply, &seen, inbox, NULL), FSM_OK);
  assert_int_equal(fsm__bus_observe(bus, on_changed, &seen, NULL), FSM_OK);
  assert_int_equal(fsm__bus_start(bus, NULL), FSM_OK);
  return bus;
}

static fsm_code given(const char *url, fsm_error *err) {
  fsm__bus *bus = NULL;
  fsm_code code = fsm__bus_new(url, "test", &bus, err);
  fsm__bus_free(bus);
  return code;
}

static void an_unusable_url_is_refused(void **state) {
  (void)state;
  fsm_error err = {0};
  char url[2000];
  assert_int_equal(given("", &err), FSM_EARGUMENT);
  assert_string_equal(err.where, "url");
  assert_int_equal(given("nats://a,,nats://b", &err), FSM_EARGUMENT);
  assert_int_equal(given("http://a", &err), FSM_EARGUMENT);
  memset(url, 'a', sizeof url);
  url[160] = '\0';
  assert_int_equal(given(url, &err), FSM_EARGUMENT); /* one server */
  url[159] = '\0';
  assert_int_equal(given(url, &err), FSM_OK);
  char *at = url;
  for (int i = 0; i < 16; i++) at += snprintf(at, 8, "%sa", i > 0 ? "," : "");
  assert_int_equal(given(url, &err), FSM_OK);
  snprintf(at, 8, ",a");
  assert_int_equal(given(url, &err), FSM_EARGUMENT); /* seventeen */
  for (size_t i = 0; i < sizeof url; i++) url[i] = i % 100 == 99 ? ',' : 'a';
  url[1024] = '\0';
  assert_int_equal(given(url, &err), FSM_EARGUMENT);
  url[1023] = '\0';
  assert_int_equal(given(url, &err), FSM_OK);
}

/* Who lets us in is said once, whole, and in files that are ours alone. */
static void a_way_in_that_cannot_work_is_refused_by_name(void **state) {
  (void)state;
  fsm_error err = {0};
  fsm__bus *bus = NULL;
  char path[96];
  snprintf(path, sizeof path, "%s/secret", server.dir);
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  fputs("secret\n", file);
  fclose(file);
  assert_int_equal(chmod(path, 0640), 0);
  struct {
    fsm__bus_options options;
    fsm_code code;
    const char *where;
  } cases[] = {
      {{.user = "a"}, FSM_EARGUMENT, "user"},
      {{.password_file = path}, FSM_EARGUMENT, "user"},
      {{.cert_file = path}, FSM_EARGUMENT, "cert_file"},
      {{.token_file = path, .nkey_file = path}, FSM_EARGUMENT, "user"},
      {{.token_file = "/nowhere/token"}, FSM_ENOTFOUND, "token_file"},
      {{.token_file = path}, FSM_EPERMISSION, "token_file"},
      {{.ca_file = "/nowhere/ca"}, FSM_ENOTFOUND, "ca_file"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    cases[i].options.url = "nats://127.0.0.1:1";
    cases[i].options.name = "test";
    assert_int_equal(fsm__bus_open(&cases[i].options, &bus, &err), cases[i].code);
    assert_string_equal(err.where, cases[i].where);
  }
  assert_int_equal(chmod(path, 0600), 0);
  fsm__bus_options good = {.url = "nats://127.0.0.1:1", .name = "test", .token_file = path};
  assert_int_equal(fsm__bus_open(&good, &bus, &err), FSM_OK);
  fsm__bus_free(bus);
}

static void tokens_are_escaped_into_one_subject_token(void **state) {
  (void)state;
  static const struct {
    const char *text, *token;
  } cases[] = {{"APPROVE", "APPROVE"},
               {"a_b-9", "a_b-9"},
               {"done.x", "done%2Ex"},
               {"a b*c>", "a%20b%2Ac%3E"},
               {"", "-"},
               {NULL, "-"},
               {"100%", "100%25"},
               {"\xc3\xa9", "%C3%A9"}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    fsm_buf buf = {0};
    fsm__bus_token(&buf, cases[i].text);
    assert_string_equal(fsm_buf_text(&buf), cases[i].token);
    fsm_buf_free(&buf);
  }
}

static void without_a_server_nothing_waits_and_stop_returns(void **state) {
  (void)state;
  unsigned inbox;
  fsm__bus *bus = started(&inbox);
  fsm_error err = {0};
  assert_false(fsm__bus_connected(bus));
  assert_int_equal(fsm__bus_publish(bus, "t.one", NULL, 0, "x", 1, &err), FSM_EUNREACHABLE);
  assert_int_equal(fsm__bus_request(bus, inbox, 1, "t.one", NULL, 0, "x", 1, &err), FSM_EUNREACHABLE);
  fsm__bus_stream stream;
  assert_int_equal(fsm__bus_stream_open(bus, &wanted, &stream, &err), FSM_EUNREACHABLE);
  char text[200] = "";
  for (int i = 0; i < 6000 && text[0] == '\0'; i++) {
    fsm__bus_last_error(bus, text, sizeof text);
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
  }
  assert_true(text[0] != '\0');
  fsm__bus_free(bus);
}

static void a_server_that_comes_later_is_found(void **state) {
  (void)state;
  unsigned inbox;
  fsm__bus *bus = started(&inbox);
  nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
  assert_true(nats_server_start(&server));
  WAIT_FOR(fsm__bus_connected(bus));
  assert_int_equal(fsm__bus_publish(bus, "t.one", NULL, 0, "hello", 5, NULL), FSM_OK);
  WAIT_FOR(seen.messages == 1);
  assert_string_equal(seen.data, "hello");
  assert_true(fsm__bus_payload_max(bus) >= 1024 * 1024);
  fsm__bus_free(bus);
}

static void a_killed_server_is_noticed_and_found_again(void **state) {
  (void)state;
  unsigned inbox;
  assert_true(nats_server_start(&server));
  fsm__bus *bus = started(&inbox);
  WAIT_FOR(fsm__bus_connected(bus));
  for (int round = 0; round < 2; round++) {
    uint64_t life = fsm__bus_life(bus);
    nats_server_kill(&server);
    WAIT_FOR(!fsm__bus_connected(bus) && fsm__bus_life(bus) > life);
    assert_int_equal(fsm__bus_publish(bus, "t.one", NULL, 0, "x", 1, NULL), FSM_EUNREACHABLE);
    life = fsm__bus_life(bus);
    assert_true(nats_server_start(&server));
    WAIT_FOR(fsm__bus_connected(bus) && fsm__bus_life(bus) > life);
    unsigned before = seen.messages;
    assert_int_equal(fsm__bus_publish(bus, "t.one", NULL, 0, "again", 5, NULL), FSM_OK);
    WAIT_FOR(seen.messages == before + 1);
  }
  assert_true(seen.changes >= 5);
  fsm__bus_free(bus);
}

static void a_request_brings_its_id_back(void **state) {
  (void)state;
  unsigned inbox;
  assert_true(nats_server_start(&server));
  fsm__bus *bus = started(&inbox);
  pthread_mutex_lock(&seen.lock);
  seen.answer_with = bus;
  pthread_mutex_unlock(&seen.lock);
  WAIT_FOR(fsm__bus_connected(bus));
  fsm__bus_header headers[] = {{"Fsm-Test", "a\r\nInjected: b"}, {"Fsm-None", NULL}};
  assert_int_equal(
      fsm__bus_request(bus, inbox, UINT64_C(12345678901234567890), "t.one", headers, 2, "q", 1, NULL),
      FSM_OK);
  WAIT_FOR(seen.replies == 1);
  assert_true(seen.last_id == UINT64_C(12345678901234567890));
  assert_string_equal(seen.data, "accepted");
  assert_string_equal(seen.header, "a  Injected: b");
  assert_string_equal(seen.subject, "t.one");
  assert_false(seen.no_responders);
  fsm__bus_free(bus);
}

static void headers_arrive_one_by_one_and_no_value_makes_another(void **state) {
  (void)state;
  unsigned inbox;
  assert_true(nats_server_start(&server));
  fsm__bus *bus = started(&inbox);
  WAIT_FOR(fsm__bus_connected(bus));
  fsm__bus_header headers[] = {
      {"Fsm-None", NULL}, {"Fsm-First", "1\r\nFsm-Test: forged"}, {"Fsm-Test", "zwei: \xc3\xa4\x7f"},
      {"Fsm-None", NULL}, {"Fsm-Last", "3\r\n\r\nbody"},          {"Fsm-None", NULL}};
  assert_int_equal(fsm__bus_publish(bus, "t.one", headers, 6, "data", 4, NULL), FSM_OK);
  WAIT_FOR(seen.messages == 1);
  assert_string_equal(seen.first, "1  Fsm-Test: forged");
  assert_string_equal(seen.header, "zwei: \xc3\xa4");
  assert_string_equal(seen.last, "3    body");
  assert_string_equal(seen.data, "data");
  fsm__bus_header nothing[] = {{"Fsm-None", NULL}};
  assert_int_equal(fsm__bus_publish(bus, "t.one", nothing, 1, "bare", 4, NULL), FSM_OK);
  WAIT_FOR(seen.messages == 2);
  assert_string_equal(seen.data, "bare");
  assert_string_equal(seen.first, "");
  fsm__bus_free(bus);
}

static void a_request_that_nobody_serves_says_so(void **state) {
  (void)state;
  unsigned inbox;
  assert_true(nats_server_start(&server));
  fsm__bus *bus = started(&inbox);
  WAIT_FOR(fsm__bus_connected(bus));
  assert_int_equal(fsm__bus_request(bus, inbox, 9, "t.nobody", NULL, 0, NULL, 0, NULL), FSM_OK);
  WAIT_FOR(seen.replies == 1);
  assert_true(seen.no_responders);
  assert_true(seen.last_id == 9);
  fsm__bus_free(bus);
}

static void a_message_over_the_servers_limit_is_refused_here(void **state) {
  (void)state;
  unsigned inbox;
  assert_true(nats_server_start(&server));
  fsm__bus *bus = started(&inbox);
  WAIT_FOR(fsm__bus_connected(bus));
  size_t max = fsm__bus_payload_max(bus);
  char *data = calloc(1, max + 1);
  fsm_error err = {0};
  assert_int_equal(fsm__bus_publish(bus, "t.two", NULL, 0, data, max + 1, &err), FSM_ETOOLARGE);
  assert_int_equal(fsm__bus_publish(bus, "t.two", NULL, 0, data, max, NULL), FSM_OK);
  free(data);
  fsm__bus_free(bus);
}

static void a_long_header_is_cut(void **state) {
  (void)state;
  unsigned inbox;
  assert_true(nats_server_start(&server));
  fsm__bus *bus = started(&inbox);
  WAIT_FOR(fsm__bus_connected(bus));
  static char text[FSM_BUS_HEADER_MAX + 10];
  memset(text, 'x', sizeof text - 1);
  fsm__bus_header header = {"Fsm-Test", text};
  assert_int_equal(fsm__bus_publish(bus, "t.one", &header, 1, NULL, 0, NULL), FSM_OK);
  WAIT_FOR(seen.messages == 1);
  assert_int_equal(strlen(seen.header), FSM_BUS_HEADER_MAX);
  fsm__bus_free(bus);
}

static void a_missing_stream_is_made_and_found_again(void **state) {
  (void)state;
  unsigned inbox;
  assert_true(nats_server_start(&server));
  fsm__bus *bus = started(&inbox);
  WAIT_FOR(fsm__bus_connected(bus));
  fsm__bus_stream first = {0}, again = {0};
  assert_int_equal(fsm__bus_stream_open(bus, &wanted, &first, NULL), FSM_OK);
  assert_true(first.made);
  assert_true(first.created_ns > 0);
  assert_true(first.messages == 0 && first.last_seq == 0);
  fsm__bus_header header = {"Fsm-Test", "h"};
  assert_int_equal(fsm__bus_request(bus, inbox, 1, "t.evt.a", &header, 1, "one", 3, NULL), FSM_OK);
  WAIT_FOR(seen.replies == 1);
  assert_non_null(strstr(seen.data, "\"seq\":1"));
  assert_int_equal(fsm__bus_stream_open(bus, &wanted, &again, NULL), FSM_OK);
  assert_false(again.made);
  assert_true(again.created_ns == first.created_ns);
  assert_true(again.messages == 1 && again.first_seq == 1 && again.last_seq == 1);
  assert_int_equal(fsm__bus_stream_read(bus, "S", 1, on_message, &seen, NULL), FSM_OK);
  assert_string_equal(seen.data, "one");
  assert_string_equal(seen.header, "h");
  assert_string_equal(seen.subject, "t.evt.a");
  assert_int_equal(fsm__bus_stream_read(bus, "S", 2, on_message, &seen, NULL), FSM_ENOTFOUND);
  fsm__bus_free(bus);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, up, down)
  const struct CMUnitTest alone[] = {
      TEST(an_unusable_url_is_refused),
      TEST(a_way_in_that_cannot_work_is_refused_by_name),
      TEST(tokens_are_escaped_into_one_subject_token),
      TEST(without_a_server_nothing_waits_and_stop_returns),
  };
  const struct CMUnitTest with_server[] = {
      TEST(a_server_that_comes_later_is_found),
      TEST(a_killed_server_is_noticed_and_found_again),
      TEST(a_request_brings_its_id_back),
      TEST(headers_arrive_one_by_one_and_no_value_makes_another),
      TEST(a_request_that_nobody_serves_says_so),
      TEST(a_message_over_the_servers_limit_is_refused_here),
      TEST(a_long_header_is_cut),
      TEST(a_missing_stream_is_made_and_found_again),
  };
  int failed = cmocka_run_group_tests(alone, NULL, NULL);
  if (nats_server_there()) failed += cmocka_run_group_tests(with_server, NULL, NULL);
  return failed;
}

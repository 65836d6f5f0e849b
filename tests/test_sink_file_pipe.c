/* test_sink_file_pipe.c: standard output gets whole lines, and a reader that is slow, stands still or is gone
 * costs this sink time and nothing else. */
#include <pthread.h>
#include <signal.h>

#include "tests/sink_file_scene.h"

static scene *s;
static int ends[2];

static int begin(void **state) {
  (void)state;
  s = calloc(1, sizeof *s);
  scene_begin(s, 600);
  s->config.path = "-";
  scene_again(s);
  if (pipe2(ends, O_CLOEXEC) != 0) return -1;
  fsm__sink_file_pipe(s->sink, ends[1]);
  return 0;
}

static int end(void **state) {
  (void)state;
  for (unsigned i = 0; i < 2; i++)
    if (ends[i] >= 0) close(ends[i]);
  scene_end(s);
  free(s);
  return 0;
}

/* What comes until the writer closes; every line whole, seqs from 1 on, each at least once. */
static void *read_all(void *arg) {
  uint64_t *last = arg;
  FILE *in = fdopen(dup(ends[0]), "r");
  char *line = NULL;
  size_t cap = 0;
  ssize_t len;
  while ((len = getline(&line, &cap, in)) > 0) {
    const uint64_t n = line[len - 1] == '\n' ? scene_seq_of(line, (size_t)len - 1) : 0;
    if (n == 0 || n > *last + 1) {
      *last = UINT64_MAX;
      break;
    }
    if (n > *last) *last = n;
  }
  free(line);
  fclose(in);
  return NULL;
}

static void a_pipe_gets_whole_lines(void **state) {
  (void)state;
  uint64_t last = 0;
  pthread_t reader;
  scene_ready(s);
  pthread_create(&reader, NULL, read_all, &last);
  scene_gives(s, 1, 600);
  close(ends[1]);
  ends[1] = -1;
  pthread_join(reader, NULL);
  assert_int_equal(last, 600);
}

static void a_reader_that_stands_still_is_given_up_and_its_line_ended_later(void **state) {
  (void)state;
  uint64_t last = 0;
  pthread_t reader;
  scene_ready(s);
  assert_int_equal(scene_give(s, 1, 600), FSM_ETIMEOUT); /* more than the pipe holds */
  assert_int_equal(s->acked, 0);
  pthread_create(&reader, NULL, read_all, &last);
  scene_ready(s);
  scene_gives(s, 1, 600);
  close(ends[1]);
  ends[1] = -1;
  pthread_join(reader, NULL);
  assert_int_equal(last, 600);
}

static void a_reader_that_is_gone_is_unreachable_and_no_signal_comes(void **state) {
  (void)state;
  signal(SIGPIPE, SIG_DFL);
  scene_ready(s);
  close(ends[0]);
  ends[0] = -1;
  assert_int_equal(scene_give(s, 1, 10), FSM_EUNREACHABLE);
  assert_non_null(strstr(s->err.text, "nobody reads"));
  assert_int_equal(s->acked, 0);
  sigset_t pending;
  sigpending(&pending);
  assert_false(sigismember(&pending, SIGPIPE));
}

static void *interrupt_soon(void *arg) {
  (void)arg;
  usleep(50000);
  s->sink->interrupt(s->sink);
  return NULL;
}

static void a_wait_for_the_reader_can_be_ended(void **state) {
  (void)state;
  pthread_t other;
  s->sink->free(s->sink);
  s->config.timeout_ns = INT64_C(60) * 1000000000;
  s->sink = scene_sink(s);
  fsm__sink_file_pipe(s->sink, ends[1]);
  scene_ready(s);
  pthread_create(&other, NULL, interrupt_soon, NULL);
  assert_int_equal(scene_give(s, 1, 600), FSM_ECLOSED);
  pthread_join(other, NULL);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
  const struct CMUnitTest tests[] = {
      T(a_pipe_gets_whole_lines),
      T(a_reader_that_stands_still_is_given_up_and_its_line_ended_later),
      T(a_reader_that_is_gone_is_unreachable_and_no_signal_comes),
      T(a_wait_for_the_reader_can_be_ended),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* sink_file_open.h: a file sink of its own for each test, over a journal of 300 records. */
#ifndef FSM_TESTS_SINK_FILE_OPEN_H
#define FSM_TESTS_SINK_FILE_OPEN_H

#include "tests/sink_file_scene.h"

static scene *s;

static inline int begin(void **state) {
  (void)state;
  s = calloc(1, sizeof *s);
  scene_begin(s, 300);
  return 0;
}

static inline int end(void **state) {
  (void)state;
  scene_end(s);
  free(s);
  return 0;
}

static inline void publish_all_of_them(unsigned times) {
  for (unsigned i = 0; i < times; i++)
    for (uint64_t seq = 1; seq <= 300; seq++) assert_int_equal(scene_publish(s, seq), FSM_OK);
}

#endif

/* fuzz_export.h: target export: stored bytes into JSON by the short way and by the long way, with and without
 * a mask: the same bytes or the same refusal. The other formats take what json takes. */
#ifndef FSM_TESTS_FUZZ_EXPORT_H
#define FSM_TESTS_FUZZ_EXPORT_H

#include "tests/export_fixture.h"
#include "tests/fuzz/fuzz_record.h"

enum { EXPORT_FORMATS_MAX = 8, EXPORT_MASKS = 3 };
typedef struct fuzz_export {
  fsm__formatter *formatters[EXPORT_FORMATS_MAX];
  const fsm_mask *masks[EXPORT_MASKS];
} fuzz_export;

static inline void export_open(fuzz_run *run) {
  static const char *const marking[EXPORT_MASKS] = {
      "{}", "{\"schemas\":{\"context\":{\"properties\":{\"a\":{\"x-pii\":true},\"id\":{\"x-pii\":true}}}}}",
      "{\"schemas\":{\"context\":{\"properties\":{\"data\":{\"x-pii\":true},\"b\":{\"x-pii\":true}}}}}"};
  fuzz_export *own = calloc(1, sizeof *own);
  fsm_error err;
  record_open(run);
  run->own = own;
  const char *const *names = fsm__format_names();
  for (size_t i = 0; names[i] != NULL && i < EXPORT_FORMATS_MAX; i++)
    own->formatters[i] = export_formatter(names[i]);
  for (size_t i = 0; i < EXPORT_MASKS; i++)
    if (fsm_mask_of(&run->kept, marking[i], strlen(marking[i]), &own->masks[i], &err))
      fail_msg("%s", err.text);
}

static inline void export_close(fuzz_run *run) {
  fuzz_export *own = run->own;
  for (size_t i = 0; i < EXPORT_FORMATS_MAX; i++) fsm__formatter_free(own->formatters[i]);
  free(own);
}

static inline void export_one(fuzz_run *run) {
  bool from_tree = fuzz_one_in(run, 2) && pack_input_from_tree(run);
  if (run->failure[0]) return;
  if (!from_tree) fuzz_input_mutated(run);
  const fuzz_export *own = run->own;
  fsm__exported x = export_of(run->input, run->input_len, 7);
  x.mask = own->masks[fuzz_below(run, EXPORT_MASKS)];
  x.repair = fuzz_one_in(run, 4);
  fsm_buf fast = {0}, slow = {0}, other = {0};
  fsm_error err = fuzz_error(), ignored;
  fsm_code code = fsm__format(own->formatters[0], &x, &run->arena, &fast, &err);
  fuzz_count(run, code);
  if (fuzz_expect_error(run, code, &err)) {
    fsm_code expected = export_by_view(&run->arena, &x, &slow, &ignored);
    fuzz_expect(run, code == expected, "both ways take it or refuse it alike");
    if (code == FSM_OK && expected == FSM_OK)
      fuzz_expect(run, fast.len == slow.len && memcmp(fast.data, slow.data, fast.len) == 0,
                  "both ways give the same bytes");
  }
  for (size_t i = 1; i < EXPORT_FORMATS_MAX && own->formatters[i] != NULL; i++) {
    fsm_buf_reset(&other);
    fsm_code others = fsm__format(own->formatters[i], &x, &run->arena, &other, &ignored);
    /* but for stored bytes of a machine with something to mask */
    fuzz_expect(run, code != FSM_OK || others == FSM_OK || (others == FSM_EDATA && x.mask != NULL),
                "each format takes what json takes");
  }
  fsm_buf_free(&fast);
  fsm_buf_free(&slow);
  fsm_buf_free(&other);
}

#endif

/* fuzz_settings.h: targets settings (the file of --config) and trace (what says to which trace a request
 * belongs).
 *
 * A file that is taken is printed, the print is taken and prints the same. A trace that is taken has 16 and 8
 * bytes that are not all zero. */
#ifndef FSM_TESTS_FUZZ_SETTINGS_H
#define FSM_TESTS_FUZZ_SETTINGS_H

#include "runtime/daemon/config.h"
#include "runtime/daemon/trace_context.h"
#include "tests/fuzz/fuzz.h"

static const char *const settings_tokens[] = {"data = ",
                                              "listen = ",
                                              "no-listen = on",
                                              "socket-auth = ",
                                              "jwt-overlap = ",
                                              "http-allow = ",
                                              "connections-max =",
                                              "segment-bytes = ",
                                              "log-level = ",
                                              "cors-origin = ",
                                              "node = ",
                                              "retain = ",
                                              "1TiB",
                                              "64KiB",
                                              "100000d",
                                              "1ms",
                                              "off",
                                              "required",
                                              "credential:k",
                                              "# ",
                                              "\r\n",
                                              "\n",
                                              " = ",
                                              NULL};

static inline void settings_open(fuzz_run *run) {
  run->tokens = settings_tokens;
  fuzz_seed_text(
      run,
      "# of ours\ndata = /var/lib/fsmd\nlisten = 127.0.0.1:0\n\njwt-key = credential:key\nretain = 90d\n");
  fuzz_seed_text(
      run, "cors-origin = https://a.example\ncors-origin = http://[::1]:80\r\n\tsegment-bytes\t=\t1MiB \n");
  fuzz_seed_text(run,
                 "no-listen = on\nlog-level = debug\nsnapshot-every = 12h\nretain-bytes = 1GiB\nauth = none");
}

/* False: refused. out: what is in force, printed. */
static inline bool settings_take(fuzz_run *run, const char *text, size_t len, fsm_buf *out, fsm_error *err) {
  const fsm_code code = fsm__config_normal(text, len, out, err);
  fuzz_expect_error(run, code, err);
  fuzz_expect(run, code == FSM_OK || code == FSM_EARGUMENT, "a wrong file is a wrong setting");
  fuzz_expect(run, code == FSM_OK || err->where[0] != 0, "and its place is told");
  return code == FSM_OK;
}

static inline void settings_one(fuzz_run *run) {
  fuzz_input_mutated(run);
  fsm_error err = fuzz_error();
  fsm_buf printed = {0}, again = {0};
  const bool taken = settings_take(run, (const char *)run->input, run->input_len, &printed, &err);
  fuzz_count(run, taken ? FSM_OK : err.code);
  if (taken) {
    const bool twice = settings_take(run, fsm_buf_text(&printed), printed.len, &again, &err);
    fuzz_expect(run, twice, "what is printed is a file of settings");
    fuzz_expect(run, !twice || strcmp(fsm_buf_text(&printed), fsm_buf_text(&again)) == 0,
                "and says the same");
  }
  fsm_buf_free(&printed);
  fsm_buf_free(&again);
}

/* ---- trace -------------------------------------------------------------------------------------- */

static const char *const trace_tokens[] = {"00-",
                                           "01-",
                                           "ff-",
                                           "-01",
                                           "-00",
                                           "-d",
                                           "-1",
                                           "4bf92f3577b34da6a3ce929d0e0e4736",
                                           "00f067aa0ba902b7",
                                           "0000000000000000",
                                           "a=b",
                                           ",",
                                           "@",
                                           "\t",
                                           "=",
                                           "0",
                                           NULL};

static inline void trace_open(fuzz_run *run) {
  run->tokens = trace_tokens;
  fuzz_seed_text(run, "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
  fuzz_seed_text(run, "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-d-00f067aa0ba902b6");
  fuzz_seed_text(run, "a3ce929d0e0e4736-00f067aa0ba902b7");
  fuzz_seed_text(run, "rojo=00f067aa0ba902b7,congo@t=t61rcWkgMzE, a=1");
}

static inline bool trace_is_some(const fsm_value *id, size_t len) {
  for (size_t i = 0; i < len; i++)
    if (id->s[i]) return true;
  return false;
}

static inline void trace_expect(fuzz_run *run, const fsm_value *trace) {
  if (!fuzz_expect(run, fsm_is(trace, FSM_LIST) && trace->len == 3, "a trace has three parts")) return;
  const fsm_value *id = &trace->items[0], *span = &trace->items[1], *flags = &trace->items[2];
  if (!fuzz_expect(run, fsm_is(id, FSM_BYTES) && id->len == 16 && fsm_is(span, FSM_BYTES) && span->len == 8,
                   "of 16 and 8 bytes"))
    return;
  fuzz_expect(run, trace_is_some(id, 16) && trace_is_some(span, 8), "that are not all zero");
  fuzz_expect(run, fsm_is(flags, FSM_INT) && flags->i >= 0 && flags->i <= 255, "and a byte");
}

static inline void trace_expect_list(fuzz_run *run, const char *text) {
  if (!fsm__tracestate_is_valid(text)) return;
  for (const char *c = text; *c; c++)
    fuzz_expect(run, (*c >= ' ' && *c <= '~') || *c == '\t', "a tracestate is plain");
  fuzz_expect(run, strlen(text) <= FSM_TRACESTATE_MAX && strchr(text, '='), "and bounded");
  fuzz_expect(run, !strchr(text, '\n') && !strchr(text, '\r'), "and one line");
}

static inline void trace_one(fuzz_run *run) {
  const fuzz_seed *seed = fuzz_any_seed(run);
  fuzz_text t = fuzz_text_of(run, seed->data, seed->len);
  fuzz_change(run, &t);
  if (t.len == FUZZ_BYTES_MAX) t.len--;
  for (size_t i = 0; i < t.len; i++) t.data[i] = t.data[i] ? t.data[i] : '0'; /* a header holds no NUL */
  t.data[t.len] = '\0';
  fuzz_input(run, t.data, t.len + 1);
  const char *text = (const char *)run->input, *dash = strchr(text, '-');
  fsm_value trace = fsm_null();
  fuzz_count(run, FSM_OK);
  if (fsm__trace_parse(&run->arena, text, &trace)) trace_expect(run, &trace);
  if (fsm__trace_b3(&run->arena, text, &trace)) trace_expect(run, &trace);
  const char *span = dash ? dash + 1 : "00f067aa0ba902b7";
  const char *id = dash ? fsm_arena_strndup(&run->arena, text, (size_t)(dash - text)) : text;
  if (fsm__trace_b3_parts(&run->arena, id, span, text, dash, &trace)) trace_expect(run, &trace);
  trace_expect_list(run, text);
}

#endif

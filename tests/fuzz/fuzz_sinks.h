/* fuzz_sinks.h: target sinks: the file that describes them. */
#ifndef FSM_TESTS_FUZZ_SINKS_H
#define FSM_TESTS_FUZZ_SINKS_H

#include "runtime/sink_config.h"
#include "tests/fuzz/fuzz_definition.h"

static const char *const sinks_tokens[] = {"sinks",
                                           "name",
                                           "kind",
                                           "nats",
                                           "file",
                                           "http",
                                           "otlp",
                                           "url",
                                           "path",
                                           "format",
                                           "lift",
                                           "batch",
                                           "\"64MiB\"",
                                           "\"1h\"",
                                           "\"0s\"",
                                           "16777216TiB",
                                           "nats://a,tls://[::1]:4222",
                                           "https://h/",
                                           "%Y",
                                           "csv",
                                           "4096",
                                           "4097",
                                           "columns",
                                           "signals",
                                           "spans logs",
                                           "token_file",
                                           "/etc/shadow",
                                           "headers",
                                           "A: b",
                                           "~1",
                                           NULL};

static inline void sinks_open(fuzz_run *run) {
  run->tokens = sinks_tokens;
  fuzz_seed_text(
      run,
      "{\"sinks\":[{\"name\":\"n\",\"kind\":\"nats\",\"url\":\"nats://a:4222,tls://b\",\"replicas\":3,"
      "\"lift\":[\"labels.a\",\"context.b=c\"],\"window\":77},{\"name\":\"f\",\"kind\":\"file\","
      "\"path\":\"/x\",\"rotate\":\"1h\",\"rotate_bytes\":\"64MiB\",\"format\":\"csv\",\"columns\":"
      "[\"seq\",\"time\"]}]}");
  fuzz_seed_text(
      run,
      "{\"sinks\":[{\"name\":\"h\",\"kind\":\"http\",\"url\":\"https://h/x\",\"mode\":\"bulk\",\"index\":"
      "\"fsm-%Y.%m.%d\",\"headers\":[\"A: b\"],\"records\":\"routed\",\"budget_bytes\":1048576,"
      "\"policy\":\"hold\"},{\"name\":\"o\",\"kind\":\"otlp\",\"url\":\"http://o\",\"signals\":[\"logs\"],"
      "\"where\":\"record.level > 1\",\"level\":3}]}");
}

static inline void sinks_one(fuzz_run *run) {
  fsm__sink_config configs[FSM_SINKS_MAX], again[FSM_SINKS_MAX];
  size_t count = 0, count_again = 0;
  document_input(run, 3);
  fsm_error err = fuzz_error();
  fsm_code code =
      fsm__sinks_read(&run->arena, (const char *)run->input, run->input_len, configs, &count, &err);
  fuzz_count(run, code);
  if (!fuzz_expect_error(run, code, &err) || code != FSM_OK) return;
  fuzz_expect(run, count <= FSM_SINKS_MAX, "there are not too many sinks");
  for (size_t i = 0; i < count; i++) {
    const fsm__sink_config *c = &configs[i];
    fuzz_expect(run, c->name && c->kind && c->format.format && strlen(c->name) <= FSM_SINK_NAME_MAX,
                "a sink has a name, a kind and a format");
    fuzz_expect(run,
                c->batch >= 1 && c->batch <= FSM_SINK_BATCH_MAX && c->window >= 1 &&
                    c->window <= FSM_SINK_WINDOW_MAX && c->batch_bytes <= FSM_SINK_BATCH_BYTES_MAX,
                "what a sink gathers is bounded");
    fuzz_expect(run, c->backoff_ns > 0 && c->backoff_ns <= c->backoff_max_ns && c->timeout_ns > 0,
                "a sink waits between its tries");
  }
  fuzz_expect(run,
              fsm__sinks_read(&run->arena, (const char *)run->input, run->input_len, again, &count_again,
                              NULL) == FSM_OK &&
                  count_again == count,
              "what was taken is taken again");
  for (size_t i = 0; i < count; i++)
    fuzz_expect(run, fsm__sink_config_equal(&configs[i], &again[i]), "the same text is the same sinks");
}

#endif

/* test_cli_fuzz.c: what fsm-cli decodes and writes under mutated inputs: profiles, times, streams of events,
 * quotes of a shell, event logs. tests/fuzz/fuzz.h says how to run it longer and how to run one iteration
 * again. */
#include <expat.h>

#include "tests/fuzz/fuzz.h"

#include "runtime/filter.h"
#include "tests/fuzz/fuzz_definition.h"

/* the program's files are in no library */
#include "tools/cli/complete_quote.c"
#include "tools/cli/explain/event_stream.c"
#include "tools/cli/explain/xes.c"
#include "tools/cli/show/times.c"

const char *cli_args_get(const cli_args *args, const char *name) { return args == NULL ? name : NULL; }

/* ---- stream: events come in pieces, wherever they are cut ------------------------------------------- */

static void stream_open(fuzz_run *run) {
  static const char *const tokens[] = {"id: ", "data: ", "event: ", "\n\n", "\n", ":", "\r\n", NULL};
  run->tokens = tokens;
  fuzz_seed_text(run, "id: 7\nevent: record\ndata: {\"seq\":7}\n\n: still here\n\nid: 8\ndata:{}\n\n");
  fuzz_seed_text(run, "retry: 100\n\nid: 1\n\ndata: a\ndata: b\n\n");
}

/* All events as a text; in pieces of at most `most` bytes. */
static fsm_code stream_read(fuzz_run *run, size_t most, fsm_buf *out) {
  cli_event_stream stream = {.read = 0};
  cli_event event;
  fsm_code code = FSM_OK;
  for (size_t at = 0, len; code == FSM_OK && at < run->input_len; at += len) {
    len = 1 + fuzz_below(run, most);
    if (len > run->input_len - at) len = run->input_len - at;
    code = cli_event_stream_add(&stream, (const char *)run->input + at, len, NULL);
    while (code == FSM_OK && cli_event_stream_next(&stream, &event)) {
      fsm_buf_printf(out, "[%s|%s|", event.id != NULL ? event.id : "-",
                     event.kind != NULL ? event.kind : "-");
      if (event.data != NULL) fsm_buf_add(out, event.data, event.len);
      fsm_buf_char(out, ']');
    }
  }
  cli_event_stream_free(&stream);
  return code;
}

static void stream_one(fuzz_run *run) {
  fsm_buf whole = {0}, cut = {0};
  fuzz_input_mutated(run);
  const fsm_code code = stream_read(run, 1 << 20, &whole), again = stream_read(run, 7, &cut);
  fuzz_count(run, code);
  fuzz_expect(run, code == again, "pieces are taken as the whole is");
  fuzz_expect(run, whole.len == cut.len && (whole.len == 0 || memcmp(whole.data, cut.data, whole.len) == 0),
              "events are the same, wherever they were cut");
  fsm_buf_free(&whole);
  fsm_buf_free(&cut);
}

/* ---- times ---------------------------------------------------------------------------------------- */

static void times_open(fuzz_run *run) {
  static const char *const tokens[] = {"@", "today",  "yesterday", "d", "h",   "ms", "Z",
                                       "T", "+01:00", "now",       "-", "1e9", NULL};
  static const char *const seeds[] = {"@8812",
                                      "today",
                                      "yesterday",
                                      "3d",
                                      "1h30m",
                                      "2026-03-01",
                                      "2026-03-01T12:00:00Z",
                                      "2026-03-01T12:00:00.123456789+01:00",
                                      "500ms",
                                      "90s",
                                      "9223372036s"};
  run->tokens = tokens;
  for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++) fuzz_seed_text(run, seeds[i]);
}

static void times_one(fuzz_run *run) {
  fuzz_input_mutated(run);
  const char *text = fsm_arena_strndup(&run->arena, (const char *)run->input, run->input_len);
  cli_when when;
  int64_t ns = 0;
  fsm_error err = fuzz_error();
  fsm_code code = cli_when_parse("--as-of", text, &when, &err);
  fuzz_count(run, code);
  fuzz_expect_error(run, code, &err);
  fuzz_expect(run, code == FSM_OK || code == FSM_EARGUMENT, "what is no time is said to be none");
  fuzz_expect(run, code != FSM_OK || when.is_seq == (text[0] == '@'),
              "@ is a place in the log, and nothing else is");
  err = fuzz_error();
  code = fsm_duration_parse(text, &ns, &err);
  if (fuzz_expect_error(run, code, &err) && code == FSM_OK)
    fuzz_expect(run, ns >= 0, "a span is not below nothing");
}

/* ---- quotes: what is put on is taken off, and nothing is left that bash would obey ------------------ */

static void quotes_open(fuzz_run *run) {
  static const char *const tokens[] = {"'", "\"", "\\", "$(", ")", "`", " ", "!", "~", "*", ";", "é", NULL};
  run->tokens = tokens;
  fuzz_seed_text(run, "two words");
  fuzz_seed_text(run, "$(touch x)'\"\\ `y`");
  fuzz_seed_text(run, "a\\ b'c d'\"e\\\"f\"");
}

static void quotes_one(fuzz_run *run) {
  static const char around[] = {0, '\'', '"'};
  fuzz_input_mutated(run);
  const char *text = fsm_arena_strndup(&run->arena, (const char *)run->input, run->input_len);
  char open = 0;
  const char *bare = cli_unquote(&run->arena, text, &open);
  fuzz_expect(run, bare != NULL && strlen(bare) <= strlen(text), "quotes are taken off");
  for (size_t i = 0; i < sizeof around; i++) {
    fsm_buf line = {0};
    const char quote[2] = {around[i], 0};
    const bool can = cli_quote(&line, text, around[i]);
    fuzz_count(run, can ? FSM_OK : FSM_EARGUMENT);
    fuzz_expect(run, can || line.len == 0, "what cannot stand there is left out whole");
    const char *typed = fsm_arena_printf(&run->arena, "%s%s%s", quote, fsm_buf_text(&line), quote);
    if (can) {
      const char *again = cli_unquote(&run->arena, typed, &open);
      fuzz_expect(run, again != NULL && strcmp(again, text) == 0 && open == 0,
                  "a quoted word means the word");
    }
    for (size_t c = 0; can && around[i] == 0 && c < line.len; c++) {
      const bool kept = c > 0 && line.data[c - 1] == '\\';
      if (kept) continue;
      fuzz_expect(run, strchr("$`'\"&;|<>(){}*?[!~#^ \t", line.data[c]) == NULL || line.data[c] == 0,
                  "nothing stands there that bash would obey");
      if (line.data[c] == '\\') c++;
    }
    fsm_buf_free(&line);
  }
}

/* ---- xes: well-formed, whatever records say -------------------------------------------------------- */

static void xes_open(fuzz_run *run) {
  static const char *const tokens[] = {"inst", "trigger", "to", "\\u0000",        "\\uffff",
                                       "]]>",  "&#0;",    "<",  "\\ud83d\\ude00", NULL};
  run->tokens = tokens;
  fuzz_seed_text(run,
                 "{\"inst\":\"a\",\"mach\":\"m\",\"key\":\"<&>\\\"'\",\"seq\":1,\"kind\":\"created\","
                 "\"time\":\"2026-01-01T00:00:00Z\",\"to\":[\"a\",\"b\\u0001\"]}");
  fuzz_seed_text(run,
                 "{\"inst\":\"\\u0000\",\"trigger\":\"\\ufffe\\uffff\\u0007\",\"act\":{\"sub\":\"\\u001b]0;"
                 "x\"},\"seq\":\"9007199254740993\",\"corr\":\"\\ud83d\\ude00\",\"from\":[1,null]}");
}

static void xes_one(fuzz_run *run) {
  cli_xes *xes = cli_xes_new();
  fsm_buf text = {0};
  fsm_value record;
  for (unsigned i = 0; i < 3; i++) {
    document_input(run, 4);
    const bool json = fsm_json_parse(&run->arena, (const char *)run->input, run->input_len, FSM_JSON_SORTED,
                                     &record, NULL) == FSM_OK;
    fuzz_count(run, json ? FSM_OK : FSM_EMALFORMED);
    if (json) fuzz_expect(run, cli_xes_add(xes, &run->arena, &record), "there is memory");
  }
  cli_xes_write(xes, &text);
  XML_Parser parser = XML_ParserCreate(NULL);
  if (XML_Parse(parser, fsm_buf_text(&text), (int)text.len, 1) != XML_STATUS_OK) {
    fuzz_say("fuzz: line %lu: %s\n%s\n", (unsigned long)XML_GetCurrentLineNumber(parser),
             XML_ErrorString(XML_GetErrorCode(parser)), fsm_buf_text(&text));
    fuzz_expect(run, false, "it is XML");
  }
  XML_ParserFree(parser);
  fsm_buf_free(&text);
  cli_xes_free(xes);
}

static const fuzz_target cli_targets[] = {{"stream", 1, stream_open, stream_one, NULL, true, true},
                                          {"times", 1, times_open, times_one, NULL, false, true},
                                          {"quotes", 1, quotes_open, quotes_one, NULL, false, true},
                                          {"xes", 1, xes_open, xes_one, NULL, false, true}};

static void a_target(void **state) { fuzz_all_of(*state); }

int main(void) {
  enum { TARGETS = sizeof cli_targets / sizeof *cli_targets };
  const char *wanted = getenv("FSM_FUZZ_TARGET");
  struct CMUnitTest tests[TARGETS];
  size_t count = 0;
  for (size_t i = 0; i < TARGETS; i++)
    if (wanted == NULL || strcmp(wanted, cli_targets[i].name) == 0)
      tests[count++] =
          (struct CMUnitTest){cli_targets[i].name, a_target, NULL, NULL, (void *)(uintptr_t)&cli_targets[i]};
  if (count == 0) fuzz_say("fuzz: no target %s\n", wanted);
  return count == 0 ? 2 : _cmocka_run_group_tests("cli_fuzz", tests, count, NULL, NULL);
}

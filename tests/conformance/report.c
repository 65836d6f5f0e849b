/* report.c: one line per case on stdout, and the counts. */
#include <stdio.h>
#include <string.h>

#include "conformance.h"
#include "schema/json.h"

bool report_wanted(const conformance *run, const char *name) {
  return !run->only_case || strcmp(run->only_case, name) == 0;
}

/* {"suite":…,"case":…,"outcome":…,"text":…}, or the same for people. */
static void line(const conformance *run, const char *name, const char *outcome, const char *text) {
  if (!run->json) {
    printf("%s: %s: %s%s%s\n", run->suite, name, outcome, *text ? ": " : "", text);
    return;
  }
  fsm_buf buf = {0};
  fsm_buf_str(&buf, "{\"suite\":");
  fsm_json_quote(&buf, run->suite, strlen(run->suite));
  fsm_buf_str(&buf, ",\"case\":");
  fsm_json_quote(&buf, name, strlen(name));
  fsm_buf_printf(&buf, ",\"outcome\":\"%s\"", outcome);
  if (*text) {
    fsm_buf_str(&buf, ",\"text\":");
    fsm_json_quote(&buf, text, strlen(text));
  }
  fsm_buf_str(&buf, "}");
  puts(fsm_buf_text(&buf));
  fsm_buf_free(&buf);
}

FSM_PRINTF(4, 0)
static void told(const conformance *run, const char *name, const char *outcome, const char *format,
                 va_list args) {
  char text[4096];
  vsnprintf(text, sizeof text, format, args);
  line(run, name, outcome, text);
}

void report_pass(conformance *run, const char *name) {
  run->passed++;
  if (run->verbose) line(run, name, "passed", "");
}

void report_fail(conformance *run, const char *name, const char *format, ...) {
  run->failed++;
  va_list args;
  va_start(args, format);
  told(run, name, "failed", format, args);
  va_end(args);
}

void report_skip(conformance *run, const char *name, const char *format, ...) {
  run->skipped++;
  if (!run->verbose) return;
  va_list args;
  va_start(args, format);
  told(run, name, "skipped", format, args);
  va_end(args);
}

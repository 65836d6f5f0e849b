/* metrics_text.c: the text format. */
#include <math.h>
#include <stdio.h>

#include "runtime/daemon/metrics.h"

static void escape(fsm_buf *out, const char *text, bool quotes) {
  for (; *text; text++) {
    if (*text == '\\')
      fsm_buf_str(out, "\\\\");
    else if (*text == '\n')
      fsm_buf_str(out, "\\n");
    else if (*text == '"' && quotes)
      fsm_buf_str(out, "\\\"");
    else
      fsm_buf_char(out, *text);
  }
}

void fsm__metrics_family(fsm_buf *out, const char *name, const char *type, const char *help) {
  fsm_buf_printf(out, "# HELP %s ", name);
  escape(out, help, false);
  fsm_buf_printf(out, "\n# TYPE %s %s\n", name, type);
}

static void put_label(fsm_buf *out, char before, const char *label, const char *text) {
  fsm_buf_printf(out, "%c%s=\"", before, label);
  escape(out, text, true);
  fsm_buf_char(out, '"');
}

static void put_value(fsm_buf *out, double value) {
  if (isnan(value) || isinf(value))
    fsm_buf_str(out, isnan(value) ? " NaN\n" : value > 0 ? " +Inf\n" : " -Inf\n");
  else
    fsm_buf_printf(out, value == floor(value) ? " %.17g\n" : " %.15g\n", value);
}

/* Labels without a name are left out. */
static void put_line(fsm_buf *out, const char *name, const char *suffix, const char *const labels[3],
                     const char *const texts[3], double value) {
  bool any = false;
  fsm_buf_printf(out, "%s%s", name, suffix);
  for (int i = 0; i < 3; i++) {
    if (!labels[i]) continue;
    put_label(out, any ? ',' : '{', labels[i], texts[i]);
    any = true;
  }
  if (any) fsm_buf_char(out, '}');
  put_value(out, value);
}

void fsm__metrics_line2(fsm_buf *out, const char *name, const char *label, const char *text,
                        const char *label2, const char *text2, double value) {
  put_line(out, name, "", (const char *[]){label, label2, NULL}, (const char *[]){text, text2, NULL}, value);
}

void fsm__metrics_line(fsm_buf *out, const char *name, const char *label, const char *text, double value) {
  fsm__metrics_line2(out, name, label, text, NULL, NULL, value);
}

void fsm__metrics_histogram(fsm_buf *out, const char *name, const char *label, const char *text,
                            const char *label2, const char *text2, const fsm__metrics_spans *spans) {
  const char *labels[] = {label, label2, "le"}, *texts[] = {text, text2, NULL};
  char bound[32];
  uint64_t count = 0;
  for (unsigned i = 0; i < spans->buckets; i++) {
    count += spans->counts[i];
    snprintf(bound, sizeof bound, "%.15g",
             i + 1 < spans->buckets ? (double)spans->bounds_ns[i] / 1e9 : INFINITY);
    texts[2] = i + 1 < spans->buckets ? bound : "+Inf";
    put_line(out, name, "_bucket", labels, texts, (double)count);
  }
  labels[2] = NULL;
  put_line(out, name, "_sum", labels, texts, spans->sum_s);
  put_line(out, name, "_count", labels, texts, (double)count);
}

/* check_line.c: what `check` found, as the line that a monitor reads (status, what is wrong, perfdata behind
 * a bar) and as a document. */
#include <string.h>

#include "tools/cli/find/check.h"

static const char *const words[] = {"OK", "WARNING", "CRITICAL", "UNKNOWN"};
static const char *const members[] = {"ok", "warning", "critical", "unknown"};

const char *cli_check_word(int status) { return words[status]; }

static void add_threshold(fsm_buf *out, cli_check_of of, double value) {
  fsm_buf_char(out, ';');
  if (isfinite(value) && value >= 0) fsm_buf_printf(out, cli_checks[of].below ? "%.0f:" : "%.0f", value);
}

static void add_perfdata(fsm_buf *out, const cli_verdict *v) {
  fsm_buf_printf(out, " | seq=%lldc", (long long)v->seq);
  for (size_t i = 0; i < CLI_CHECK_COUNT; i++) {
    const cli_finding *f = &v->findings[i];
    if (!f->known) continue;
    fsm_buf_printf(out, strcmp(cli_checks[i].unit, "%") == 0 ? " %s=%.2f%s" : " %s=%.0f%s",
                   cli_checks[i].name, f->value, cli_checks[i].unit);
    add_threshold(out, (cli_check_of)i, f->warn);
    add_threshold(out, (cli_check_of)i, f->critical);
    fsm_buf_str(out, strcmp(cli_checks[i].unit, "%") == 0 ? ";0;100" : ";0");
  }
}

void cli_check_line(fsm_buf *out, const cli_verdict *v) {
  fsm_buf_printf(out, "FSMD %s: ", cli_check_word(v->status));
  for (size_t i = 0; i < v->text_count; i++) fsm_buf_printf(out, "%s%s", i == 0 ? "" : ", ", v->texts[i]);
  if (v->text_count == 0) fsm_buf_printf(out, "all is well at seq %lld", (long long)v->seq);
  add_perfdata(out, v);
  fsm_buf_char(out, '\n');
}

static fsm_value threshold(double value) {
  return isfinite(value) && value >= 0 ? fsm_double(value) : fsm_null();
}

fsm_code cli_check_document(fsm_arena *arena, const cli_verdict *v, fsm_value *out, fsm_error *err) {
  fsm_value *items = fsm_arena_zalloc(arena, CLI_CHECK_COUNT, sizeof *items);
  fsm_value *texts = fsm_arena_zalloc(arena, v->text_count + 1, sizeof *texts);
  fsm_pair *top = fsm_arena_zalloc(arena, 4, sizeof *top);
  uint32_t count = 0;
  if (items == NULL || texts == NULL || top == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory");
  for (size_t i = 0; i < CLI_CHECK_COUNT; i++) {
    const cli_finding *f = &v->findings[i];
    fsm_pair *pairs = f->known ? fsm_arena_zalloc(arena, 6, sizeof *pairs) : NULL;
    if (pairs == NULL) continue;
    pairs[0] = (fsm_pair){fsm_string("name"), fsm_string(cli_checks[i].name)};
    pairs[1] = (fsm_pair){fsm_string("status"), fsm_string(members[f->status])};
    pairs[2] = (fsm_pair){fsm_string("value"), fsm_double(f->value)};
    pairs[3] = (fsm_pair){fsm_string("warn"), threshold(f->warn)};
    pairs[4] = (fsm_pair){fsm_string("critical"), threshold(f->critical)};
    pairs[5] = (fsm_pair){fsm_string("text"), fsm_string(cli_checks[i].text)};
    fsm_code code = fsm_map(pairs, 6, &items[count++], err);
    if (code != FSM_OK) return code;
  }
  for (size_t i = 0; i < v->text_count; i++) texts[i] = fsm_string(v->texts[i]);
  top[0] = (fsm_pair){fsm_string("status"), fsm_string(members[v->status])};
  top[1] = (fsm_pair){fsm_string("seq"), fsm_int(v->seq)};
  top[2] = (fsm_pair){fsm_string("items"), fsm_list(items, count)};
  top[3] = (fsm_pair){fsm_string("texts"), fsm_list(texts, (uint32_t)v->text_count)};
  return fsm_map(top, 4, out, err);
}

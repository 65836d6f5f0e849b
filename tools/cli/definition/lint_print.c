/* lint_print.c: findings as lines that editors and people read (FILE:LINE:COLUMN: …), and as documents. */
#include <string.h>

#include "tools/cli/definition/lint.h"

static bool is_shown(const fsm_lint_finding *f, fsm_lint_severity least) {
  return f->ignored == NULL && f->rule->severity >= least;
}

static void print_finding(cli_run *cli, const cli_linted *linted, const fsm_lint_finding *f) {
  fsm_arena *arena = &cli->arena;
  fsm_buf_str(&cli->text, linted->name);
  if (!linted->deployed && f->line > 0) fsm_buf_printf(&cli->text, ":%u:%u", f->line, f->column);
  fsm_buf_printf(&cli->text, ": %s %s-%s: %s\n", fsm_lint_severity_name(f->rule->severity), f->rule->id,
                 f->rule->name, cli_safe(arena, f->text));
  if (f->where[0] == '/') fsm_buf_printf(&cli->text, "    at %s\n", cli_safe(arena, f->where));
  fsm_buf_printf(&cli->text, "    fix: %s\n", f->fix);
}

static void print_count(cli_run *cli, size_t count, const char *what) {
  if (count > 0) fsm_buf_printf(&cli->text, ", %zu %s%s", count, what, count == 1 ? "" : "s");
}

static void print_sum(cli_run *cli, const cli_linted *linted, fsm_lint_severity least) {
  const fsm_lint_report *r = &linted->report;
  fsm_buf_printf(&cli->text, "%s: %s: %s, %u states, %s", linted->name, linted->shown == 0 ? "ok" : "found",
                 cli_safe(&cli->arena, linted->id), linted->states, linted->hash);
  for (int i = FSM_LINT_SEVERITY_COUNT; i-- > 0;)
    print_count(cli, r->by_severity[i], fsm_lint_severity_name((fsm_lint_severity)i));
  if (r->ignored > 0) fsm_buf_printf(&cli->text, ", %zu left out by the definition", r->ignored);
  if (r->left_out > 0) fsm_buf_printf(&cli->text, ", %zu more", r->left_out);
  if (least > FSM_LINT_NOTE && r->by_severity[FSM_LINT_NOTE] > 0)
    fsm_buf_str(&cli->text, " (--severity note shows them)");
  fsm_buf_char(&cli->text, '\n');
}

void cli_lint_print(cli_run *cli, const cli_linted *linted, fsm_lint_severity least) {
  if (linted->fault.code != FSM_OK) {
    const char *where = cli_safe(&cli->arena, linted->fault.where);
    fsm_buf_printf(&cli->text, "%s: %s%s%s\n", linted->name, where, *where == 0 ? "" : ": ",
                   cli_safe(&cli->arena, linted->fault.text));
    return;
  }
  for (size_t i = 0; i < linted->report.count; i++)
    if (is_shown(&linted->report.findings[i], least)) print_finding(cli, linted, &linted->report.findings[i]);
  print_sum(cli, linted, least);
}

/* ---- documents -------------------------------------------------------------------------------------- */

static fsm_code finding_document(cli_run *cli, const cli_linted *linted, const fsm_lint_finding *f,
                                 fsm_value *out, fsm_error *err) {
  fsm_pair *pairs = fsm_arena_zalloc(&cli->arena, 9, sizeof *pairs);
  const char *severity = fsm_lint_severity_name(f->rule->severity);
  size_t count = 0;
  if (pairs == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory");
  pairs[count++] = (fsm_pair){fsm_string("id"), fsm_string(f->rule->id)};
  pairs[count++] = (fsm_pair){fsm_string("name"), fsm_string(f->rule->name)};
  pairs[count++] = (fsm_pair){fsm_string("severity"), fsm_string(severity)};
  pairs[count++] = (fsm_pair){fsm_string("where"), fsm_string(f->where)};
  pairs[count++] = (fsm_pair){fsm_string("text"), fsm_string(f->text)};
  pairs[count++] = (fsm_pair){fsm_string("fix"), fsm_string(f->fix)};
  if (!linted->deployed && f->line > 0) {
    pairs[count++] = (fsm_pair){fsm_string("line"), fsm_uint(f->line)};
    pairs[count++] = (fsm_pair){fsm_string("column"), fsm_uint(f->column)};
  }
  if (f->ignored != NULL) pairs[count++] = (fsm_pair){fsm_string("ignored"), fsm_string(f->ignored)};
  return fsm_map(pairs, count, out, err);
}

static fsm_code findings(cli_run *cli, const cli_linted *linted, fsm_lint_severity least, fsm_value *out,
                         fsm_error *err) {
  size_t count = 0;
  fsm_value *items = fsm_arena_zalloc(&cli->arena, linted->report.count + 1, sizeof *items);
  fsm_code code = items == NULL ? fsm_fail(err, FSM_ENOMEM, "", "no memory") : FSM_OK;
  for (size_t i = 0; code == FSM_OK && i < linted->report.count; i++) {
    const fsm_lint_finding *f = &linted->report.findings[i];
    if (f->rule->severity >= least) code = finding_document(cli, linted, f, &items[count++], err);
  }
  *out = fsm_list(items, count);
  return code;
}

static size_t add_fault(cli_run *cli, const cli_linted *linted, fsm_pair *pairs, size_t count) {
  const char *where = fsm_arena_strdup(&cli->arena, linted->fault.where);
  const char *text = fsm_arena_strdup(&cli->arena, linted->fault.text);
  pairs[count++] = (fsm_pair){fsm_string("code"), fsm_string(fsm_code_name(linted->fault.code))};
  pairs[count++] = (fsm_pair){fsm_string("where"), fsm_string(where == NULL ? "" : where)};
  pairs[count++] = (fsm_pair){fsm_string("text"), fsm_string(text == NULL ? "" : text)};
  return count;
}

fsm_code cli_lint_document(cli_run *cli, const cli_linted *linted, fsm_lint_severity least, fsm_value *out,
                           fsm_error *err) {
  fsm_pair *pairs = fsm_arena_zalloc(&cli->arena, 12, sizeof *pairs);
  size_t count = 0;
  if (pairs == NULL) return fsm_fail(err, FSM_ENOMEM, "", "no memory");
  const bool ok = linted->fault.code == FSM_OK;
  const fsm_lint_report *r = &linted->report;
  pairs[count++] = (fsm_pair){fsm_string("file"), fsm_string(linted->name)};
  pairs[count++] = (fsm_pair){fsm_string("ok"), fsm_bool(ok && linted->shown == 0)};
  if (!ok) return fsm_map(pairs, add_fault(cli, linted, pairs, count), out, err);
  fsm_value list;
  fsm_code code = findings(cli, linted, least, &list, err);
  pairs[count++] = (fsm_pair){fsm_string("id"), fsm_string(linted->id)};
  pairs[count++] = (fsm_pair){fsm_string("states"), fsm_uint(linted->states)};
  pairs[count++] = (fsm_pair){fsm_string("hash"), fsm_string(linted->hash)};
  pairs[count++] = (fsm_pair){fsm_string("findings"), list};
  pairs[count++] = (fsm_pair){fsm_string("notes"), fsm_uint(r->by_severity[FSM_LINT_NOTE])};
  pairs[count++] = (fsm_pair){fsm_string("warnings"), fsm_uint(r->by_severity[FSM_LINT_WARNING])};
  pairs[count++] = (fsm_pair){fsm_string("errors"), fsm_uint(r->by_severity[FSM_LINT_ERROR])};
  pairs[count++] = (fsm_pair){fsm_string("ignored"), fsm_uint(r->ignored)};
  pairs[count++] = (fsm_pair){fsm_string("more"), fsm_uint(r->left_out)};
  return code == FSM_OK ? fsm_map(pairs, count, out, err) : code;
}

/* ---- the rules -------------------------------------------------------------------------------------- */

void cli_lint_explain(cli_run *cli, const fsm_lint_rule *rule) {
  fsm_buf_printf(
      &cli->text,
      "%s-%s (%s)\n  %s\n  fix: %s\n  leave it out: \"meta\": {\"lint\": {\"ignore\": {\"%s\": \"why\"}}}\n",
      rule->id, rule->name, fsm_lint_severity_name(rule->severity), rule->meaning, rule->fix, rule->id);
}

void cli_lint_rules(cli_run *cli) {
  size_t count;
  const fsm_lint_rule *rules = fsm_lint_rules(&count);
  for (size_t i = 0; i < count; i++)
    fsm_buf_printf(&cli->text, "%s  %-8s %s\n", rules[i].id, fsm_lint_severity_name(rules[i].severity),
                   rules[i].name);
}

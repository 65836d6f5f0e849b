/* plan.c: see plan.h. */
#include "tools/cli/act/plan.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { EXAMPLES = 3, MACHINES_TOLD = 6 };

/* "loan 100, order 28": the machines in the order in which they come first. */
static void add_machines(const cli_who *who, fsm_buf *out) {
  struct {
    const char *name;
    size_t count;
  } seen[MACHINES_TOLD];
  size_t known = 0, others = 0;
  for (size_t i = 0; i < who->count; i++) {
    size_t m = 0;
    if (who->ones[i].fault != NULL) continue;
    while (m < known && strcmp(seen[m].name, who->ones[i].machine) != 0) m++;
    if (m < known) {
      seen[m].count++;
    } else if (known < MACHINES_TOLD) {
      seen[known].name = who->ones[i].machine;
      seen[known++].count = 1;
    } else {
      others++;
    }
  }
  for (size_t m = 0; m < known; m++) {
    fsm_buf_str(out, m > 0 ? ", " : " (");
    cli_escape(out, seen[m].name, strlen(seen[m].name));
    fsm_buf_printf(out, " %zu", seen[m].count);
  }
  if (others > 0) fsm_buf_printf(out, ", others %zu", others);
  if (known > 0) fsm_buf_char(out, ')');
}

static void add_example(const cli_one *one, unsigned columns, fsm_buf *out) {
  fsm_buf line = {0};
  fsm_buf_str(&line, "  ");
  cli_escape(&line, one->id, strlen(one->id));
  for (size_t t = 0; t < 3; t++) {
    const char *text = (const char *const[]){one->machine, one->state, one->status}[t];
    if (*text != 0) fsm_buf_str(&line, "  ");
    cli_escape(&line, text, strlen(text));
  }
  if (columns > 0)
    cli_clip(out, fsm_buf_text(&line), columns);
  else
    fsm_buf_str(out, fsm_buf_text(&line));
  fsm_buf_char(out, '\n');
  fsm_buf_free(&line);
}

/* On a terminal of so many columns; 0 = on none. */
static void add_examples(const cli_who *who, unsigned columns, fsm_buf *out) {
  size_t told = 0, there = 0;
  for (size_t i = 0; i < who->count; i++) {
    const cli_one *one = &who->ones[i];
    if (one->fault != NULL) continue;
    if (there++ >= EXAMPLES) continue;
    told++;
    add_example(one, columns, out);
  }
  if (there > told) fsm_buf_printf(out, "  and %zu more\n", there - told);
  if (there < who->count) fsm_buf_printf(out, "  not there: %zu\n", who->count - there);
}

static void write_plan(const cli_deed *deed, const cli_who *who, fsm_buf *out) {
  fsm_buf_printf(out, "%s%s", deed->verb, deed->event != NULL ? " " : "");
  if (deed->event != NULL) cli_escape(out, deed->event, strlen(deed->event));
  fsm_buf_printf(out, "%s: %zu instance%s", deed->dry_run ? " (dry run)" : "", who->count,
                 who->count == 1 ? "" : "s");
  add_machines(who, out);
  fsm_buf_char(out, '\n');
  add_examples(who, cli_screen_of(STDERR_FILENO, true).columns, out);
  if (deed->reason != NULL) {
    fsm_buf_str(out, "  reason: ");
    cli_escape(out, deed->reason, strlen(deed->reason));
    fsm_buf_char(out, '\n');
  }
  if (deed->idem != NULL && !deed->dry_run)
    fsm_buf_printf(out, "  key: %s; a run that breaks off goes on with it: --idem KEY\n", deed->idem);
}

static bool says_yes(void) {
  char line[16] = "";
  fputs("go on? [y/N] ", stderr);
  fflush(stderr);
  if (fgets(line, sizeof line, stdin) == NULL) return false;
  return line[0] == 'y' || line[0] == 'Y';
}

fsm_code cli_plan(cli_run *cli, const cli_deed *deed, const cli_who *who, bool *go, fsm_error *err) {
  fsm_buf text = {0};
  const bool yes = cli_args_has(&cli->args, "yes"), free_to_go = yes || deed->dry_run;
  write_plan(deed, who, &text);
  if (!cli->quiet || !free_to_go) fputs(fsm_buf_text(&text), stderr);
  fsm_buf_free(&text);
  *go = free_to_go;
  if (free_to_go) return FSM_OK;
  if (isatty(STDIN_FILENO) == 0)
    return fsm_fail(err, FSM_EARGUMENT, "yes",
                    "nothing was done: stdin is no terminal to ask on; -y says yes, --dry-run only looks");
  *go = says_yes();
  if (!*go) fputs("fsm-cli: nothing was done\n", stderr);
  return FSM_OK;
}

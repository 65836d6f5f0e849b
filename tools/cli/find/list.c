/* list.c: lists of instances. */
#include "tools/cli/find/list.h"

#include "tools/cli/find/family.h"
#include "tools/cli/find/groups.h"
#include "tools/cli/show/row.h"

#include <string.h>

enum { LIMIT_MAX = 1000000 };

/* A fault of a filter as that of its option. */
static fsm_code option_fault(const char *flag, fsm_code code, const fsm_error *why, fsm_error *err) {
  return fsm_fail(err, code == FSM_ENOMEM ? code : FSM_EARGUMENT, flag, "--%s: %s", flag, why->text);
}

static fsm_code set_fields(const cli_args *args, const char *except, fsm_filter *filter, fsm_error *err) {
  for (unsigned field = 0; field < FSM_FILTER_FIELD_COUNT; field++) {
    const char *name = fsm_filter_name((fsm_filter_field)field),
               *flag = fsm_filter_flag((fsm_filter_field)field);
    const char *value = NULL;
    fsm_error why = {.text = ""};
    if (except != NULL && strcmp(flag, except) == 0) continue;
    for (size_t i = 0; (value = cli_args_nth(args, flag, i)) != NULL; i++) {
      fsm_code code = fsm_filter_set(filter, name, value, &why);
      if (code != FSM_OK) return option_fault(flag, code, &why, err);
    }
  }
  return FSM_OK;
}

/* --open --forced: both have to hold. */
static fsm_code set_statuses(const cli_args *args, fsm_filter *filter, fsm_error *err) {
  static const char *const flags[] = {"open", "done", "failed", "paused", "forced"};
  const bool whole = cli_args_has(args, "status");
  if (cli_args_has(args, "open") + cli_args_has(args, "done") + whole > 1)
    return fsm_fail(err, FSM_EARGUMENT, "", "only one of --open, --done and --status counts");
  for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
    fsm_error why = {.text = ""};
    if (!cli_args_has(args, flags[i])) continue;
    fsm_code code = fsm_filter_set(filter, "status", flags[i], &why);
    if (code != FSM_OK) return option_fault(flags[i], code, &why, err);
  }
  return FSM_OK;
}

fsm_code cli_list_filter(cli_run *cli, const char *except, fsm_filter **out, fsm_error *err) {
  fsm_code code = fsm_filter_new(out, err);
  if (code == FSM_OK) code = set_fields(&cli->args, except, *out, err);
  if (code == FSM_OK) code = set_statuses(&cli->args, *out, err);
  return code;
}

fsm_code cli_list_options(cli_run *cli, cli_pages *pages, fsm_error *err) {
  const cli_args *args = &cli->args;
  fsm_filter *filter = NULL;
  fsm_code code = cli_list_filter(cli, NULL, &filter, err);
  pages->query.filter = filter;
  if (code != FSM_OK) return code;
  pages->query.with = cli_args_get(args, "with");
  bool all = cli_args_has(args, "all");
  if (all && cli_args_has(args, "limit"))
    return fsm_fail(err, FSM_EARGUMENT, "all", "--all and --limit exclude each other");
  pages->tip = all ? NULL : "--limit N or --all";
  pages->page = all ? FSM_PAGE_MAX : 0;
  return cli_args_number(args, "limit", 1, LIMIT_MAX, all ? 0 : FSM_PAGE_DEFAULT, &pages->max, err);
}

fsm_code cli_list_print(cli_run *cli, cli_pages *pages, fsm_code code, fsm_error *err) {
  pages->columns = cli_row_columns;
  pages->column_count = CLI_ROW_COLUMNS;
  pages->item = cli_row_add;
  pages->noun = "instances";
  if (pages->query.with == NULL) pages->query.with = cli_row_with(cli, pages->query.kind == FSM_QUERY_STUCK);
  const bool groups = cli_args_has(&cli->args, "group-by");
  if (code == FSM_OK && groups && cli->format == CLI_TREE)
    code = fsm_fail(err, FSM_EARGUMENT, "output",
                    "-o tree is of instances; groups have none above or below them");
  if (code == FSM_OK) code = cli_connect(cli, false, err);
  if (code == FSM_OK)
    code = groups                    ? cli_groups_print(cli, pages, err)
           : cli->format == CLI_TREE ? cli_family_print(cli, pages, err)
                                     : cli_pages_print(cli, pages, err);
  fsm_filter_free((fsm_filter *)pages->query.filter);
  return code;
}

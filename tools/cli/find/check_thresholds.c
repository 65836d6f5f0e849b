/* check_thresholds.c: what `check` looks at, one row each: a name, from which values on it is worth a warning
 * or critical, and what --warn and --critical make of that. */
#include <stdlib.h>
#include <string.h>

#include "tools/cli/find/check.h"

const cli_check_row cli_checks[CLI_CHECK_COUNT] = {
    [CLI_CHECK_STUCK] = {"stuck", "", 1, CLI_NEVER, false, "instances in their state for --for"},
    [CLI_CHECK_INCIDENTS] = {"incidents", "", 1, 100, false, "instances parked as an incident"},
    [CLI_CHECK_OUTBOX_LAG] = {"outbox_lag", "", 10000, 1000000, false,
                              "records that the slowest sink has not taken"},
    [CLI_CHECK_PARKED] = {"parked", "", 1, 1000, false, "records that sinks have parked"},
    [CLI_CHECK_OVERDUE] = {"overdue", "", 100, 10000, false, "timers and tasks that are late"},
    [CLI_CHECK_MAP] = {"map", "%", 80, 95, false, "of the store's map that is used"},
    [CLI_CHECK_OLDEST_VIEW] = {"oldest_view", "s", 60, 600, false, "the oldest view of the store"},
    [CLI_CHECK_DISK] = {"disk", "B", 2147483648.0, 268435456.0, true, "bytes free on the disk"},
};

static size_t check_named(const char *name, size_t len) {
  size_t i = 0;
  while (i < CLI_CHECK_COUNT &&
         (strlen(cli_checks[i].name) != len || memcmp(cli_checks[i].name, name, len) != 0))
    i++;
  return i;
}

/* NAME=VALUE; a value may have K, M, G behind it, or be `never`. */
static fsm_code set_threshold(cli_verdict *v, const char *option, const char *text, fsm_error *err) {
  const size_t len = strcspn(text, "="), i = check_named(text, len);
  if (text[len] != '=' || i == CLI_CHECK_COUNT)
    return fsm_fail(
        err, FSM_EARGUMENT, option,
        "--%s takes NAME=VALUE, not \"%.64s\"; NAME is stuck, incidents, outbox_lag, parked, overdue, map, "
        "oldest_view or disk",
        option, text);
  const char *value = text + len + 1;
  char *end = NULL;
  double number = strtod(value, &end), factor = 1;
  if (strcmp(value, "never") == 0) {
    number = cli_checks[i].below ? -1 : CLI_NEVER;
  } else {
    if (*end != 0 && strchr("KMG", *end) != NULL)
      factor = *end == 'K' ? 1024.0 : *end == 'M' ? 1048576.0 : 1073741824.0, end++;
    if (end == value || *end != 0 || !isfinite(number) || number < 0)
      return fsm_fail(err, FSM_EARGUMENT, option, "--%s %s: \"%.64s\" is no number (10, 2G) and not never",
                      option, cli_checks[i].name, value);
  }
  cli_finding *f = &v->findings[i];
  *(option[0] == 'w' ? &f->warn : &f->critical) = number * factor;
  return FSM_OK;
}

fsm_code cli_check_thresholds(const cli_args *args, cli_verdict *v, fsm_error *err) {
  static const char *const options[] = {"warn", "critical"};
  for (size_t i = 0; i < CLI_CHECK_COUNT; i++)
    v->findings[i] = (cli_finding){.warn = cli_checks[i].warn, .critical = cli_checks[i].critical};
  for (size_t o = 0; o < 2; o++) {
    const char *text = NULL;
    for (size_t n = 0; (text = cli_args_nth(args, options[o], n)) != NULL; n++) {
      fsm_code code = set_threshold(v, options[o], text, err);
      if (code != FSM_OK) return code;
    }
  }
  return FSM_OK;
}

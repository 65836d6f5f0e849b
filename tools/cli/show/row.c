/* row.c: see row.h.
 *
 * What a row takes more to tell is asked for where it is shown: time left everywhere, what it waits for from
 * 110 columns on, who can act and what was last from 140, all of it with -o wide and -o csv. */
#include "tools/cli/show/row.h"

#include <string.h>

enum { WAITS_FROM = 110, ALL_FROM = 140 };

const cli_column cli_row_columns[CLI_ROW_COLUMNS] = {
    {.title = "ID", .name = "id", .min = 16, .keep_both = true, .cut_last = true}, /* what one goes on with */
    {.title = "KIND", .name = "kind", .min = 6, .shrink = 4, .if_any = true},
    {.title = "KEY", .name = "key", .min = 8, .shrink = 3, .may_go = true, .if_any = true, .keep_both = true},
    {.title = "MACHINE", .name = "machine", .if_any = true, .goes_first = true},
    {.title = "VERSION", .name = "version", .wide = true, .right = true},
    {.title = "STATE", .name = "state", .min = 14, .shrink = 2, .keep_end = true},
    {.title = "STATUS", .name = "status"},
    {.title = "FOR", .name = "for_ns", .right = true},
    {.title = "SLA", .name = "sla.due", .if_any = true, .right = true},
    {.title = "WAITS FOR", .name = "waits_for", .min = 12, .shrink = 5, .may_go = true, .if_any = true},
    {.title = "WHO", .name = "who_can_act", .min = 8, .shrink = 5, .may_go = true, .if_any = true},
    {.title = "LAST", .name = "last_event", .min = 10, .shrink = 5, .may_go = true, .if_any = true},
    {.title = "FORCED", .name = "forced", .wide = true},
    {.title = "WHY", .name = "why", .min = 10, .shrink = 4, .if_any = true}};

const char *cli_row_with(const cli_run *cli, bool kinds) {
  const unsigned columns = cli->screen.columns;
  switch (cli->format) {
    case CLI_TABLE:
    case CLI_TREE: break;
    case CLI_WIDE:
    case CLI_CSV: return "kind,sla,waits,who,last";
    default: return NULL;
  }
  if (columns >= ALL_FROM) return kinds ? "kind,sla,waits,who,last" : "sla,waits,who,last";
  if (columns >= WAITS_FROM) return kinds ? "kind,sla,waits" : "sla,waits";
  return kinds ? "kind,sla" : "sla";
}

/* ---- cells ------------------------------------------------------------------------------------------- */

static const char *join(fsm_arena *arena, const char *before, const char *next) {
  const char *text = *before == 0 ? next : fsm_arena_printf(arena, "%s, %s", before, next);
  return text == NULL ? before : text;
}

static const char *printed(const char *text) { return text == NULL ? "" : text; }

static const char *machine_of(fsm_arena *arena, const fsm_value *item) {
  int64_t version = 0;
  const char *machine = cli_field(arena, item, "machine");
  if (!cli_number(fsm_map_get(item, "version"), &version)) return machine;
  return printed(fsm_arena_printf(arena, "%s@%lld", machine, (long long)version));
}

static const char *sla_of(fsm_arena *arena, const fsm_value *item) {
  int64_t ns = 0;
  const fsm_value *sla = fsm_map_get(item, "sla");
  if (sla == NULL || !fsm_is(sla, FSM_MAP)) return "";
  if (cli_number(fsm_map_get(sla, "overdue_ns"), &ns))
    return printed(fsm_arena_printf(arena, "%s over", cli_age(arena, ns)));
  return cli_number(fsm_map_get(sla, "left_ns"), &ns)
             ? printed(fsm_arena_printf(arena, "%s left", cli_age(arena, ns)))
             : "";
}

static const char *wait_of(fsm_arena *arena, const fsm_value *wait, const fsm_value *now) {
  const char *what = cli_field(arena, wait, "what"), *name = cli_field(arena, wait, "name");
  int64_t left = 0;
  if (strcmp(what, "event") == 0) return name;
  if (!cli_since(now, fsm_map_get(wait, "due"), &left))
    return printed(fsm_arena_printf(arena, "%s %s", what, name));
  if (strcmp(what, "timer") == 0)
    return printed(fsm_arena_printf(arena, "timer in %s", cli_age(arena, left)));
  return printed(fsm_arena_printf(arena, "%s %s in %s", what, name, cli_age(arena, left)));
}

static const char *waits_of(fsm_arena *arena, const fsm_value *item, const fsm_value *now) {
  const fsm_value *waits = fsm_map_get(item, "waits");
  const char *text = "";
  if (waits == NULL || !fsm_is(waits, FSM_LIST)) return "";
  for (uint32_t i = 0; i < waits->len; i++) text = join(arena, text, wait_of(arena, &waits->items[i], now));
  return *text == 0 ? "nothing" : text;
}

static const char *who_of(fsm_arena *arena, const fsm_value *item) {
  const fsm_value *who = fsm_map_get(item, "who");
  int64_t more = 0;
  if (who == NULL || !fsm_is(who, FSM_MAP)) return "";
  const fsm_value *anybody = fsm_map_get(who, "anybody"), *allow = fsm_map_get(who, "allow");
  if (anybody != NULL && fsm_is(anybody, FSM_BOOL) && anybody->b) return "anybody";
  const char *people = cli_field(arena, who, "people");
  if (cli_number(fsm_map_get(who, "more"), &more))
    return printed(fsm_arena_printf(arena, "%s +%lld", people, (long long)more));
  if (*people != 0) return people;
  return allow != NULL ? printed(fsm_arena_printf(arena, "nobody known: %s", cli_text(arena, allow))) : "";
}

static const char *last_of(fsm_arena *arena, const fsm_value *item, const fsm_value *now) {
  const fsm_value *last = fsm_map_get(item, "last");
  int64_t ago = 0;
  if (last == NULL || !fsm_is(last, FSM_MAP)) return "";
  const char *event = cli_field(arena, last, "event"), *by = cli_field(arena, last, "by");
  if (*event == 0) event = cli_field(arena, last, "kind");
  const char *when = cli_since(fsm_map_get(last, "time"), now, &ago) ? cli_age(arena, ago) : "";
  return printed(fsm_arena_printf(arena, "%s%s%s, %s", event, *by != 0 ? " by " : "", by, when));
}

static bool has_kind(const fsm_value *item, const char *name) {
  const fsm_value *kinds = fsm_map_get(item, "kind");
  for (uint32_t i = 0; kinds != NULL && fsm_is(kinds, FSM_LIST) && i < kinds->len; i++)
    if (fsm_is_text(&kinds->items[i], name)) return true;
  return false;
}

/* What is not as the machine alone would have it, and why it is of its kind. */
static const char *why_of(fsm_arena *arena, const fsm_value *item, bool forced) {
  const fsm_value *incident = fsm_map_get(item, "incident"), *sla = fsm_map_get(item, "sla");
  const char *text = "";
  if (incident != NULL && fsm_is(incident, FSM_MAP)) {
    text = cli_field(arena, incident, "text");
    if (*text == 0) text = cli_field(arena, incident, "reason");
  }
  if (has_kind(item, "dead")) text = join(arena, text, "nothing can move it");
  if (has_kind(item, "orphan")) text = join(arena, text, "nobody known may act");
  if (has_kind(item, "silent")) text = join(arena, text, "nothing is pending");
  if (has_kind(item, "sla") && sla != NULL && fsm_is(sla, FSM_MAP)) {
    const char *state = cli_field(arena, sla, "state");
    text = join(arena, text,
                *state != 0 ? printed(fsm_arena_printf(arena, "sla of %s is over", state)) : "sla is over");
  }
  return forced ? join(arena, text, "forced") : text;
}

void cli_row_add(cli_run *cli, cli_table *table, fsm_arena *arena, const fsm_value *document,
                 const fsm_value *item) {
  int64_t ns = 0;
  const fsm_value *now = fsm_map_get(document, "now"), *is = fsm_map_get(item, "forced");
  const bool forced = is != NULL && fsm_is(is, FSM_BOOL) && is->b;
  const char *cells[CLI_ROW_COLUMNS] = {
      cli_field(arena, item, "id"),
      cli_field(arena, item, "kind"),
      cli_field(arena, item, "key"),
      machine_of(arena, item),
      cli_field(arena, item, "version"),
      cli_state_text(cli, arena, item),
      cli_field(arena, item, "status"),
      cli_number(fsm_map_get(item, "for_ns"), &ns) ? cli_age(arena, ns) : "",
      sla_of(arena, item),
      waits_of(arena, item, now),
      who_of(arena, item),
      last_of(arena, item, now),
      forced ? "forced" : "",
      why_of(arena, item, forced)};
  cli_table_row(table, cells);
}

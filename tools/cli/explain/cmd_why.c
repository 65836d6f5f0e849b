/* cmd_why.c: fsm-cli why: why an instance does not move, and what would move it.
 *
 * The sentence stands first, alone; what follows is for who wants to know more. Commands are printed as they
 * are to be typed, with what this one was given to find the store; their lines are never broken. */
#include <string.h>

#include "tools/cli/explain/moves.h"

enum { PARTS_SHOWN = 5, SECOND = 1000000000 };

static const fsm_value *list_of(const fsm_value *map, const char *name) {
  const fsm_value *list = fsm_map_get(map, name);
  return list != NULL && fsm_is(list, FSM_LIST) ? list : NULL;
}

static bool is_so(const fsm_value *map, const char *name, bool what) {
  const fsm_value *value = fsm_map_get(map, name);
  return value != NULL && fsm_is(value, FSM_BOOL) && value->b == what;
}

/* "in 5m" or "5m ago"; "" when that is not known. */
static const char *when(cli_run *cli, const fsm_value *document, const fsm_value *time) {
  int64_t now, at;
  if (!cli_time_ns(fsm_map_get(document, "now"), &now) || !cli_time_ns(time, &at)) return "";
  if (at < now + SECOND && at > now - SECOND) return "now";
  return fsm_arena_printf(&cli->arena, at >= now ? "in %s" : "%s ago",
                          cli_age(&cli->arena, at >= now ? at - now : now - at));
}

/* ---- events -------------------------------------------------------------------------------------- */

static const char *seen_text(cli_run *cli, const fsm_value *part) {
  const fsm_value *seen = fsm_map_get(part, "seen");
  fsm_buf buf = {0};
  for (uint32_t i = 0; seen != NULL && fsm_is(seen, FSM_MAP) && i < seen->len; i++) {
    fsm_buf json = {0};
    fsm_json_write(&json, &seen->pairs[i].value);
    fsm_buf_printf(&buf, "%s%s = %s", i > 0 ? ", " : "", cli_text(&cli->arena, &seen->pairs[i].key),
                   cli_safe(&cli->arena, fsm_buf_text(&json)));
    fsm_buf_free(&json);
  }
  const char *text = buf.len > 0 ? fsm_arena_printf(&cli->arena, " (%s)", fsm_buf_text(&buf)) : "";
  fsm_buf_free(&buf);
  return text == NULL ? "" : text;
}

static void print_parts(cli_run *cli, const fsm_value *transition) {
  const fsm_value *parts = list_of(transition, "parts");
  unsigned shown = 0;
  for (uint32_t i = 0; parts != NULL && i < parts->len && !is_so(transition, "result", true); i++) {
    const fsm_value *part = &parts->items[i];
    if (!is_so(part, "decides", true) || ++shown > PARTS_SHOWN) continue;
    const char *fault = cli_field(&cli->arena, part, "fault");
    const char *is = *fault != 0                    ? fault
                     : is_so(part, "result", true)  ? "is true, and must not be"
                     : is_so(part, "result", false) ? "is false"
                                                    : "depends on what is sent, and by whom";
    cli_indented(cli, 6,
                 fsm_arena_printf(&cli->arena, "%s: %s%s%s", cli_field(&cli->arena, part, "text"), is,
                                  seen_text(cli, part),
                                  is_so(part, "time", true) ? "; it changes with the time" : ""));
  }
  if (shown > PARTS_SHOWN)
    cli_indented(cli, 6, fsm_arena_printf(&cli->arena, "and %u more parts", shown - PARTS_SHOWN));
}

static const char *allow_text(cli_run *cli, const fsm_value *transition) {
  const fsm_value *allow = list_of(transition, "allow");
  fsm_buf buf = {0};
  for (uint32_t i = 0; allow != NULL && i < allow->len; i++) {
    const fsm_value *people = list_of(&allow->items[i], "people");
    const char *names = cli_text(&cli->arena, people);
    fsm_buf_printf(&buf, "%s%s%s%s%s%s", i > 0 ? "; and " : "",
                   cli_field(&cli->arena, &allow->items[i], "words"), *names != 0 ? ": " : ", none seen",
                   names, is_so(&allow->items[i], "holds", true) ? " (you may)" : "",
                   is_so(&allow->items[i], "holds", false) ? " (you may not)" : "");
  }
  const char *text = fsm_arena_strdup(&cli->arena, fsm_buf_text(&buf));
  fsm_buf_free(&buf);
  return text == NULL ? "" : text;
}

static void print_transition(cli_run *cli, const fsm_value *transition) {
  fsm_arena *arena = &cli->arena;
  const char *target = cli_field(arena, transition, "target"), *guard = cli_field(arena, transition, "guard");
  const char *name = cli_field(arena, transition, "guard_name"), *allow = allow_text(cli, transition);
  const char *now = is_so(transition, "result", true)    ? "yes"
                    : is_so(transition, "result", false) ? "no"
                                                         : cli_field(arena, transition, "result");
  const char *to = *target != 0 ? fsm_arena_printf(arena, "to %s", target) : "stays";
  if (*guard == 0)
    cli_indented(cli, 4, to);
  else
    cli_indented(cli, 4,
                 fsm_arena_printf(arena, "%s if %s%s%s: %s", to, name, *name != 0 ? ": " : "", guard, now));
  print_parts(cli, transition);
  if (*allow != 0) cli_indented(cli, 6, fsm_arena_printf(arena, "who may: %s", allow));
}

static const char *takes_text(cli_run *cli, const fsm_value *event) {
  const fsm_value *takes = list_of(event, "takes");
  fsm_buf buf = {0};
  for (uint32_t i = 0; takes != NULL && i < takes->len; i++) {
    const char *type = cli_field(&cli->arena, &takes->items[i], "type");
    fsm_buf_printf(&buf, "%s%s%s%s%s", i > 0 ? ", " : "", cli_field(&cli->arena, &takes->items[i], "name"),
                   is_so(&takes->items[i], "required", true) ? "" : "?", *type != 0 ? " " : "", type);
  }
  const char *text = buf.len > 0 ? fsm_arena_printf(&cli->arena, "; takes %s", fsm_buf_text(&buf)) : "";
  fsm_buf_free(&buf);
  return text == NULL ? "" : text;
}

static void print_event(cli_run *cli, const fsm_value *document, const fsm_value *event) {
  fsm_arena *arena = &cli->arena;
  const fsm_value *transitions = list_of(event, "transitions");
  const char *name = cli_field(arena, event, "event"), *label = cli_event_label(cli, arena, document, name);
  cli_indented(
      cli, 2,
      fsm_arena_printf(arena, "event %s%s%s%s%s", name, label != NULL ? " (" : "", label != NULL ? label : "",
                       label != NULL ? ")" : "", takes_text(cli, event)));
  for (uint32_t i = 0; transitions != NULL && i < transitions->len; i++)
    print_transition(cli, &transitions->items[i]);
}

/* ---- states -------------------------------------------------------------------------------------- */

static void print_task(cli_run *cli, const fsm_value *document, const fsm_value *task) {
  fsm_arena *arena = &cli->arena;
  const char *child = cli_field(arena, task, "child"), *error = cli_field(arena, task, "error");
  const char *status = cli_field(arena, task, "status"), *id = cli_field(arena, task, "id");
  const fsm_value *due = fsm_map_get(task, "due"), *deadline = fsm_map_get(task, "deadline");
  if (*child != 0) {
    cli_indented(cli, 2,
                 fsm_arena_printf(arena, "task %s: its child %s; see: fsm-cli why %s", id, child, child));
    return;
  }
  cli_indented(cli, 2,
               fsm_arena_printf(arena, "task %s (service %s): %s of %s attempts begun; %s %s%s%s%s", id,
                                cli_field(arena, task, "service"), cli_field(arena, task, "attempt"),
                                cli_field(arena, task, "attempts"), deadline != NULL ? "its deadline" : "due",
                                when(cli, document, deadline != NULL ? deadline : due),
                                strcmp(status, "nobody") == 0 ? "; nobody serves it" : "",
                                *error != 0 ? "; the last attempt failed: " : "", error));
}

static void print_state(cli_run *cli, const fsm_value *document, const fsm_value *state) {
  fsm_arena *arena = &cli->arena;
  const fsm_value *events = list_of(state, "events"), *timers = list_of(state, "timers"),
                  *tasks = list_of(state, "tasks");
  const char *path = cli_field(arena, state, "state"), *about = cli_field(arena, state, "description");
  int64_t ns = 0;
  (void)cli_number(fsm_map_get(state, "for_ns"), &ns);
  const char *label = *path != 0 ? cli_path_label(cli, arena, document, fsm_map_get(state, "state")) : NULL;
  cli_indented(
      cli, 0,
      fsm_arena_printf(arena, "in %s%s%s%s for %s%s%s", *path != 0 ? path : "(the machine itself)",
                       label != NULL ? " (" : "", label != NULL ? label : "", label != NULL ? ")" : "",
                       cli_age(arena, ns), *about != 0 ? ": " : "", about));
  for (uint32_t i = 0; events != NULL && i < events->len; i++) print_event(cli, document, &events->items[i]);
  for (uint32_t i = 0; tasks != NULL && i < tasks->len; i++) print_task(cli, document, &tasks->items[i]);
  for (uint32_t i = 0; timers != NULL && i < timers->len; i++)
    cli_indented(cli, 2,
                 fsm_arena_printf(arena, "timer %s: due %s, %s", cli_field(arena, &timers->items[i], "id"),
                                  when(cli, document, fsm_map_get(&timers->items[i], "due")),
                                  cli_time(arena, fsm_map_get(&timers->items[i], "due"))));
}

/* ---- the rest ------------------------------------------------------------------------------------ */

static void print_tried(cli_run *cli, const fsm_value *document) {
  fsm_arena *arena = &cli->arena;
  const fsm_value *tried = list_of(document, "tried");
  if (tried == NULL || tried->len == 0) return;
  cli_indented(cli, 0, "tried, and refused:");
  for (uint32_t i = 0; i < tried->len; i++) {
    const fsm_value *one = &tried->items[i];
    const char *by = cli_field(arena, one, "by"), *event = cli_field(arena, one, "event");
    cli_indented(cli, 2,
                 fsm_arena_printf(arena, "%s%s%s%s%s: %s (%s)", when(cli, document, fsm_map_get(one, "time")),
                                  *event != 0 ? " " : "", event, *by != 0 ? " by " : "", by,
                                  cli_field(arena, one, "text"), cli_field(arena, one, "reason")));
  }
}

static void print_inbound(cli_run *cli, const fsm_value *document) {
  fsm_arena *arena = &cli->arena;
  const fsm_value *inbound = list_of(document, "inbound");
  for (uint32_t i = 0; inbound != NULL && i < inbound->len; i++) {
    const fsm_value *one = &inbound->items[i], *due = fsm_map_get(one, "due");
    cli_indented(cli, 0,
                 fsm_arena_printf(arena, "a message %s from %s is on its way, due %s, %s",
                                  cli_field(arena, one, "event"), cli_field(arena, one, "from"),
                                  when(cli, document, due), cli_time(arena, due)));
  }
}

/* They name no instance: what was tried may be more than is told above. */
static void print_summed(cli_run *cli, const fsm_value *document) {
  fsm_arena *arena = &cli->arena;
  const fsm_value *summed = list_of(document, "summed");
  for (uint32_t i = 0; summed != NULL && i < summed->len; i++) {
    const fsm_value *one = &summed->items[i];
    cli_indented(
        cli, 2,
        fsm_arena_printf(arena,
                         "%s %s more of %s were only counted (%s, @%s), of this or other instances of "
                         "the machine",
                         when(cli, document, fsm_map_get(one, "last")), cli_field(arena, one, "count"),
                         cli_field(arena, one, "by"), cli_field(arena, one, "reason"),
                         cli_field(arena, one, "seq")));
  }
}

static void print_next(cli_run *cli, const fsm_value *document) {
  const fsm_value *next = list_of(document, "next");
  if (next == NULL || next->len == 0) return;
  cli_indented(cli, 0, "by itself:");
  for (uint32_t i = 0; i < next->len; i++)
    cli_indented(
        cli, 2,
        fsm_arena_printf(&cli->arena, "%s %s", when(cli, document, fsm_map_get(&next->items[i], "when")),
                         cli_field(&cli->arena, &next->items[i], "what")));
}

static void print(cli_run *cli, const fsm_value *document) {
  fsm_arena *arena = &cli->arena;
  const fsm_value *states = list_of(document, "states"), *commands = list_of(document, "commands");
  const char *key = cli_field(arena, document, "key"), *way = cli_field(arena, document, "path_text");
  cli_indented(cli, 0,
               fsm_arena_printf(arena, "%s %s", cli_field(arena, document, "instance"),
                                cli_field(arena, document, "text")));
  fsm_buf_char(&cli->text, '\n');
  cli_indented(cli, 0,
               fsm_arena_printf(arena, "%s@%s%s%s, %s%s", cli_field(arena, document, "machine"),
                                cli_field(arena, document, "version"), *key != 0 ? ", key " : "", key,
                                cli_field(arena, document, "status"),
                                is_so(document, "forced", true) ? " (forced)" : ""));
  for (uint32_t i = 0; states != NULL && i < states->len; i++) print_state(cli, document, &states->items[i]);
  print_inbound(cli, document);
  print_tried(cli, document);
  print_summed(cli, document);
  print_next(cli, document);
  const fsm_value *unasked = list_of(document, "unasked");
  if (unasked != NULL && unasked->len > 0)
    cli_indented(cli, 0,
                 fsm_arena_printf(arena, "not looked at, it costs too much: %s", cli_text(arena, unasked)));
  if (list_of(document, "path") != NULL)
    cli_indented(cli, 0, fsm_arena_printf(arena, "the shortest way to an end: %s", way));
  else if (commands != NULL && commands->len > 0)
    cli_indented(cli, 0, fsm_arena_printf(arena, "the way to an end: %s", way));
  if (commands == NULL || commands->len == 0) return;
  cli_indented(cli, 0, "what moves it:");
  for (uint32_t i = 0; i < commands->len; i++) cli_move_print(cli, &commands->items[i]);
}

static fsm_code run(cli_run *cli, fsm_error *err) {
  fsm_value document;
  fsm_code code = cli_about(cli, FSM_QUERY_WHY, &document, err);
  return code == FSM_OK ? cli_show(cli, &document, print, err) : code;
}

static const char *const examples[] = {"why doc-17", "why document-approval/key:INV-7 -o json", NULL};

extern const cli_command cli_why;
const cli_command cli_why = {.group = "",
                             .heading = CLI_EXPLAIN,
                             .name = "why",
                             .words = "REF",
                             .summary = "why an instance does not move, and what would move it",
                             .more =
                                 "The first line says it. Below: what each state waits for, with the part of "
                                 "a guard that is false and the "
                                 "values that it saw; who may; what was tried; what happens by itself; the "
                                 "shortest way to an end; and "
                                 "the commands that move it, as they are to be typed.",
                             .examples = examples,
                             .words_min = 1,
                             .words_max = 1,
                             .reads = true,
                             .run = run};

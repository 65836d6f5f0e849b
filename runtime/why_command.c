/* why_command.c: a command that would move an instance, word by word (why_command.h). */
#include "runtime/why_command.h"

#include <string.h>

#include "schema/json.h"

void fsm__why_arg(fsm__why_command *c, const char *text) {
  if (c->count < FSM__WHY_ARGS_MAX) c->args[c->count++] = text;
}

void fsm__why_option(fsm__why_command *c, const char *name) {
  c->words = c->count;
  fsm__why_arg(c, name);
}

void fsm__why_made(fsm__why_command *c, const char *text, fsm__items *items) {
  items->failed = items->failed || text == NULL;
  if (text != NULL) fsm__why_arg(c, text);
}

fsm__why_command fsm__why_command_of(const fsm__why *why, const char *verb) {
  fsm__why_command c = {.count = 0};
  fsm__why_arg(&c, verb);
  fsm__why_arg(&c, why->in.id);
  return c;
}

/* An id, an event or a name may begin with "-", and would be taken for an option. */
static void put_args(const fsm__why_command *c, fsm__items *argv) {
  const unsigned words = c->words > 0 ? c->words : c->count;
  bool dashed = false;
  for (unsigned i = 1; i < words; i++) dashed = dashed || c->args[i][0] == '-';
  fsm__items_add(argv, fsm_string(c->args[0]));
  for (unsigned i = 1; i < words && !dashed; i++) fsm__items_add(argv, fsm_string(c->args[i]));
  for (unsigned i = words; i < c->count; i++) fsm__items_add(argv, fsm_string(c->args[i]));
  if (dashed) fsm__items_add(argv, fsm_string("--"));
  for (unsigned i = 1; i < words && dashed; i++) fsm__items_add(argv, fsm_string(c->args[i]));
}

void fsm__why_add(const fsm__why *why, fsm__items *items, const fsm__why_command *c,
                  const fsm__why_command *then, const char *text, const char *needs) {
  fsm__items argv = {.arena = why->arena}, behind = {.arena = why->arena};
  fsm__document one = {.arena = why->arena};
  fsm_value view;
  put_args(c, &argv);
  fsm__document_text(&one, "do", c->args[0]);
  fsm__why_put_items(&one, "argv", &argv);
  if (then != NULL) put_args(then, &behind);
  if (then != NULL) fsm__why_put_items(&one, "then", &behind);
  fsm__document_text(&one, "text", text);
  if (*needs != '\0') fsm__document_text(&one, "needs", needs);
  if (fsm__document_map(&one, &view, NULL) != FSM_OK)
    items->failed = true;
  else
    fsm__items_add(items, view);
}

const char *fsm__why_json(const fsm__why *why, const fsm_value *value) {
  fsm_buf buf = {0};
  fsm_json_write(&buf, value);
  const char *text = fsm_arena_strndup(why->arena, fsm_buf_text(&buf), buf.len);
  fsm_buf_free(&buf);
  return text;
}

/* ---- send ---------------------------------------------------------------------------------------- */

bool fsm__why_is_name(const char *event) { return strcmp(event, "*") != 0 && strstr(event, ".*") == NULL; }

fsm__why_command fsm__why_send(const fsm__why *why, fsm__items *items, unsigned index, bool *role,
                               bool *data) {
  const fsm_candidate *candidate = &why->events[index].candidate;
  const fsm_value sample = fsm__why_sample(why, why->events[index].event);
  fsm__why_command c = fsm__why_command_of(why, "send");
  fsm__why_arg(&c, why->events[index].event);
  if (!fsm_is(&sample, FSM_NULL)) {
    fsm__why_option(&c, "--data");
    fsm__why_made(&c, fsm__why_json(why, &sample), items);
  }
  const bool known = fsm_is(&why->at->query->actor, FSM_MAP);
  *role = candidate->allow_count > 0 && (!known || candidate->permitted != FSM_VERDICT_YES);
  *data = candidate->depends || !fsm_is(&sample, FSM_NULL);
  return c;
}

const char *fsm__why_leads(const fsm__why *why, unsigned index, bool role) {
  const char *who = role ? fsm__why_who_text(why, index) : "";
  const uint16_t *targets = NULL;
  const unsigned count =
      fsm_transition_targets(why->in.deployed->machine, why->events[index].candidate.transition, &targets);
  const char *to = count > 0 ? fsm_state_path(why->in.deployed->machine, targets[0]) : "";
  return fsm__why_printf(why, "%s%s%s%s", *to != 0 ? "to " : "it stays", to, *who == 0 ? "" : ", as ", who);
}

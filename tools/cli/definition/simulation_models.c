/* simulation_models.c: finding machines, and the definition's tree behind a compiled machine. */
#include "tools/cli/definition/simulation_models.h"

#include <stdlib.h>
#include <string.h>

/* A machine that a machine made, known by its text: undoing must not load it again. */
struct cli_content {
  struct cli_content *next;
  fsm_buf text;
  cli_machine_file file;
};

/* ---- models --------------------------------------------------------------------------------------- */

static fsm_code no_memory(fsm_error *err) { return fsm_fail(err, FSM_ENOMEM, "", "no memory"); }

/* Transitions are numbered in the order of their states. */
static fsm_code number_transitions(fsm_arena *arena, cli_model *model, fsm_error *err) {
  unsigned count = 0;
  for (unsigned i = 0; i < model->graph.node_count; i++)
    count += (unsigned)model->graph.nodes[i].state->transition_count;
  if (count != fsm_machine_transitions(model->machine)) return FSM_OK; /* numbered by another rule */
  model->transitions = fsm_arena_zalloc(arena, count + 1, sizeof *model->transitions);
  if (model->transitions == NULL) return no_memory(err);
  for (unsigned i = 0; i < model->graph.node_count; i++) {
    const cli_graph_node *node = &model->graph.nodes[i];
    for (size_t k = 0; k < node->state->transition_count; k++) {
      unsigned number = model->transition_count++;
      model->transitions[number].node = node;
      model->transitions[number].transition = &node->state->transitions[k];
    }
  }
  return FSM_OK;
}

static fsm_code add_model(cli_simulation *sim, const fsm_machine *machine, const fsm_def *def,
                          fsm_error *err);

/* Invokes are numbered in document order, too. */
static fsm_code add_inner(cli_simulation *sim, const cli_model *model, fsm_error *err) {
  unsigned number = 0, count = fsm_machine_invokes(model->machine);
  fsm_code code = FSM_OK;
  for (unsigned i = 0; i < model->graph.node_count; i++) {
    const fsm_def_state *state = model->graph.nodes[i].state;
    for (size_t k = 0; k < state->invoke_count && code == FSM_OK && number < count; k++, number++) {
      const fsm_machine *inner = fsm_invoke_machine(model->machine, number);
      if (inner != NULL && state->invokes[k].machine != NULL)
        code = add_model(sim, inner, state->invokes[k].machine, err);
    }
  }
  return code;
}

static fsm_code add_model(cli_simulation *sim, const fsm_machine *machine, const fsm_def *def,
                          fsm_error *err) {
  cli_model *model = fsm_arena_zalloc(&sim->kept, 1, sizeof *model);
  if (model == NULL) return no_memory(err);
  *model = (cli_model){.next = sim->models, .machine = machine};
  fsm_code code = cli_graph_build(&sim->kept, def, &model->graph, err);
  if (code == FSM_OK) code = number_transitions(&sim->kept, model, err);
  if (code != FSM_OK) return code;
  sim->models = model;
  return add_inner(sim, model, err);
}

const cli_model *cli_simulation_model(const cli_simulation *sim, const fsm_machine *machine) {
  const cli_model *model = sim->models;
  while (model != NULL && model->machine != machine) model = model->next;
  return model;
}

/* ---- files ---------------------------------------------------------------------------------------- */

static fsm_code load_child(cli_simulation *sim, const char *option, cli_child *child, fsm_error *err) {
  const char *equals = strchr(option, '=');
  if (equals == NULL || equals == option || equals[1] == 0)
    return fsm_fail(err, FSM_EARGUMENT, "child", "--child takes NAME=FILE, not %s", option);
  child->name = fsm_arena_strndup(&sim->kept, option, (size_t)(equals - option));
  child->path = equals + 1;
  if (child->name == NULL) return no_memory(err);
  fsm_code code = cli_machine_file_load(child->path, &child->file, err);
  if (code == FSM_OK) sim->child_count++;
  return code == FSM_OK ? add_model(sim, child->file.machine, child->file.def, err) : code;
}

fsm_code cli_simulation_load_files(cli_simulation *sim, fsm_error *err) {
  const cli_args *args = &sim->cli->args;
  const char *option;
  size_t count = 0;
  while (cli_args_nth(args, "child", count) != NULL) count++;
  sim->children = fsm_arena_zalloc(&sim->kept, count + 1, sizeof *sim->children);
  if (sim->children == NULL) return no_memory(err);
  fsm_code code = cli_machine_file_load(args->words[0], &sim->file, err);
  if (code == FSM_OK) code = add_model(sim, sim->file.machine, sim->file.def, err);
  for (size_t i = 0; code == FSM_OK && (option = cli_args_nth(args, "child", i)) != NULL; i++)
    code = load_child(sim, option, &sim->children[i], err);
  return code;
}

void cli_simulation_free_files(cli_simulation *sim) {
  cli_machine_file_free(&sim->file);
  for (size_t i = 0; i < sim->child_count; i++) cli_machine_file_free(&sim->children[i].file);
  while (sim->contents != NULL) {
    struct cli_content *gone = sim->contents;
    sim->contents = gone->next;
    cli_machine_file_free(&gone->file);
    fsm_buf_free(&gone->text);
    free(gone);
  }
}

/* ---- content -------------------------------------------------------------------------------------- */

static fsm_code add_content(cli_simulation *sim, fsm_buf *text, const fsm_machine **machine, fsm_error *err) {
  struct cli_content *content = calloc(1, sizeof *content);
  if (content == NULL) return no_memory(err);
  content->text = *text;
  *text = (fsm_buf){0};
  fsm_code code =
      cli_machine_text_load("content", fsm_buf_text(&content->text), content->text.len, &content->file, err);
  content->next = sim->contents;
  sim->contents = content;
  if (code == FSM_OK) code = add_model(sim, content->file.machine, content->file.def, err);
  if (code == FSM_OK) *machine = content->file.machine;
  return code;
}

static fsm_code load_content(cli_simulation *sim, const fsm_value *value, const fsm_machine **machine,
                             fsm_error *err) {
  fsm_buf text = {0};
  if (fsm_is(value, FSM_STRING))
    fsm_buf_add(&text, value->s, value->len);
  else
    fsm_json_write(&text, value);
  if (!fsm_buf_ok(&text)) return no_memory(err);
  for (const struct cli_content *c = sim->contents; c != NULL; c = c->next) {
    if (c->text.len != text.len || memcmp(c->text.data, text.data, text.len) != 0) continue;
    *machine = c->file.machine;
    fsm_buf_free(&text);
    return *machine != NULL ? FSM_OK : fsm_fail(err, FSM_EDEFINITION, "content", "is not a machine");
  }
  fsm_code code = add_content(sim, &text, machine, err);
  fsm_buf_free(&text);
  return code;
}

fsm_code cli_simulation_load(void *arg, const fsm_session *parent, const fsm_effect *open,
                             const fsm_machine **machine, fsm_error *err) {
  cli_simulation *sim = arg;
  *machine = NULL;
  if (!fsm_is(&open->content, FSM_NULL)) return load_content(sim, &open->content, machine, err);
  const char *src = open->src != NULL ? open->src : fsm_invoke_src(fsm_session_machine(parent), open->invoke);
  for (size_t i = 0; src != NULL && i < sim->child_count; i++)
    if (strcmp(sim->children[i].name, src) == 0) *machine = sim->children[i].file.machine;
  return FSM_OK;
}

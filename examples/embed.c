/* embed.c: an approval inside a C program: no daemon, no network; the service is a function of this
 * program. embed DIR [ID]: makes or reopens DIR, runs one case to its end, prints it as JSON. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "runtime/fsm_runtime.h"
#include "schema/json.h"

static const char LEAVE[] =
    "{\"id\":\"leave\",\"initial\":\"asked\",\"context\":{\"days\":{\"@expr\":\"input.days\"},\"entry\":null}"
    ","
    "\"states\":{\"asked\":{\"invoke\":{\"id\":\"book\",\"src\":\"calendar\",\"onDone\":[{\"target\":"
    "\"granted\","
    "\"guard\":{\"@expr\":\"context.days <= 30\"},\"context\":{\"entry\":{\"@expr\":\"event.output\"}}},"
    "{\"target\":\"refused\"}],\"onError\":\"refused\"}},"
    "\"granted\":{\"type\":\"final\"},\"refused\":{\"type\":\"final\"}}}";

/* The service `calendar`, on the writer's thread: it only submits its answer; slow work goes elsewhere. */
static void calendar(void *arg, const fsm_task *task) {
  fsm_command done = fsm_command_new(FSM_CMD_TASK_COMPLETE);
  memcpy(done.token, task->token, sizeof done.token);
  done.data = fsm_string("CAL-2026-1");
  fsm_runtime *const *runtime = arg;
  if (fsm_submit(*runtime, &done, NULL, NULL, NULL) != FSM_OK) fputs("the answer is not taken\n", stderr);
}

static fsm_code call(fsm_runtime *runtime, const fsm_command *command, fsm_arena *arena) {
  fsm_answer answer;
  fsm_code code = fsm_call(runtime, command, arena, &answer);
  if (code != FSM_OK) fprintf(stderr, "%s: %s\n", fsm_code_name(code), answer.error.text);
  return code;
}

/* Waits until the case has ended, then prints it. */
static fsm_code show(fsm_runtime *runtime, const char *id, fsm_arena *arena) {
  fsm_value instance = fsm_null();
  fsm_code code = FSM_OK;
  for (int i = 0; i < 500 && code == FSM_OK && !fsm_map_get(&instance, "output"); i++) {
    nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    code =
        fsm_query_wait(runtime, &(fsm_query){.kind = FSM_QUERY_INSTANCE, .ref = id}, arena, &instance, NULL);
  }
  fsm_buf text = {0};
  fsm_json_write_pretty(&text, &instance);
  puts(fsm_buf_text(&text));
  fsm_buf_free(&text);
  return code;
}

int main(int argc, char *argv[]) {
  fsm_runtime *runtime = NULL;
  fsm_error err;
  fsm_arena arena;
  if (argc > 1 && strcmp(argv[1], "--version") == 0) return puts("embed " FSM_VERSION), 0;
  if (argc < 2) return fputs("usage: embed DIR [ID]\n", stderr), 2;
  const fsm_runtime_options options = {.dir = argv[1], .task_ready = calendar, .task_arg = &runtime};
  if (fsm_runtime_open(&options, &runtime, NULL, &err) != FSM_OK)
    return fprintf(stderr, "%s: %s\n", err.where, err.text), fsm_code_exit(err.code);
  fsm_arena_init(&arena, 0);
  fsm_command deploy = fsm_command_new(FSM_CMD_DEPLOY), start = fsm_command_new(FSM_CMD_START);
  fsm_pair days[] = {{fsm_string("days"), fsm_int(12)}};
  deploy.source = LEAVE;
  deploy.source_len = strlen(LEAVE);
  start.machine = "leave";
  start.instance = argc > 2 ? argv[2] : "L-1";
  fsm_code code = fsm_map(days, 1, &start.data, &err);
  if (code == FSM_OK) code = call(runtime, &deploy, &arena);
  if (code == FSM_OK) code = call(runtime, &start, &arena);
  if (code == FSM_OK) code = show(runtime, start.instance, &arena);
  fsm_runtime_close(runtime);
  fsm_arena_free(&arena);
  return fsm_code_exit(code);
}

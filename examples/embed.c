/* embed.c: an approval inside a C program: no daemon, no network; the service is a function of this program.
 * embed [DIR]: makes or reopens DIR, runs a case to its end. */
#include <stdio.h>
#include <stdlib.h>

#include "runtime/fsm_runtime.h"

static const char LEAVE[] =
    "{\"id\":\"leave\",\"initial\":\"draft\",\"context\":{\"days\":{\"@expr\":\"input.days\"},\"entry\":null}"
    ","
    "\"states\":{\"draft\":{\"on\":{\"ASK\":\"asked\"}},\"asked\":{\"on\":{\"APPROVE\":\"booking\"}},"
    "\"booking\":{\"invoke\":{\"id\":\"book\",\"src\":\"calendar\",\"onDone\":{\"target\":\"granted\","
    "\"context\":{\"entry\":{\"@expr\":\"event.output\"}}}}},\"granted\":{\"type\":\"final\"}}}";

/* The service `calendar`, on a thread of the service pool: it may take its time. */
static void calendar(void *arg, const fsm_task *task, fsm_arena *arena, fsm_service_result *out) {
  out->output = fsm_string(fsm_arena_printf(arena, "%s for %s", (char *)arg, task->instance));
}

static void told(void *arg, const fsm_answer *answer) {
  printf("%s: %s\n", (char *)arg, answer->error.code == FSM_OK ? answer->status : answer->error.text);
}

static void must(fsm_code code, const fsm_error *err) {
  if (code != FSM_OK) exit((fprintf(stderr, "%s: %s\n", err->where, err->text), fsm_code_exit(code)));
}

int main(int argc, char *argv[]) {
  static char entry[] = "an entry", approved[] = "approved";
  const fsm_service services[] = {{.name = "calendar", .run = calendar, .arg = entry}};
  const char *dir = argc > 1 ? argv[1] : "leave";
  const fsm_runtime_options options = {.dir = dir, .services = services, .service_count = 1};
  fsm_runtime *runtime;
  fsm_answer answers[2];
  fsm_value instance = fsm_map_empty();
  fsm_error err;
  fsm_arena arena;
  fsm_arena_init(&arena, 0);
  must(fsm_runtime_open(&options, &runtime, NULL, &err), &err);
  fsm_command batch[] = {fsm_command_new(FSM_CMD_DEPLOY), fsm_command_new(FSM_CMD_START)};
  batch[0].source = LEAVE;
  batch[0].source_len = sizeof LEAVE - 1;
  batch[1].machine = "leave";
  must(fsm_map(&(fsm_pair){fsm_string("days"), fsm_int(12)}, 1, &batch[1].data, &err), &err);
  must(fsm_call_batch(runtime, batch, 2, &arena, answers, &err), &err); /* many at once, in order */
  fsm_command send = fsm_command_new(FSM_CMD_SEND);
  send.instance = answers[1].instance;
  send.event = "ASK";
  must(fsm_call(runtime, &send, &arena, &answers[0]), &answers[0].error); /* waiting: it is durable then */
  send.event = "APPROVE";
  must(fsm_submit(runtime, &send, told, approved, &err), &err); /* or be called with it */
  const fsm_query query = {.kind = FSM_QUERY_INSTANCE, .ref = send.instance};
  while (!fsm_map_get(&instance, "output"))
    must(fsm_query_wait(runtime, &query, &arena, &instance, &err), &err);
  const fsm_value *booked = fsm_map_get(fsm_map_get(&instance, "context"), "entry");
  printf("granted: %.*s\n", (int)booked->len, booked->s);
  fsm_runtime_close(runtime);
  fsm_arena_free(&arena);
}

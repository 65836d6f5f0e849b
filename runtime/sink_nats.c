/* sink_nats.c: the life of the sink: made from its configuration, on the bus of all or on one of its own. */
#include "runtime/sink_nats.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/sink_nats_impl.h"

static uint64_t life(fsm__sink *sink) { return fsm__bus_life(((fsm__sink_nats *)sink)->bus); }

static void clear(fsm__sink *sink) { atomic_store(&((fsm__sink_nats *)sink)->cleared, true); }

static void interrupt(fsm__sink *sink) { atomic_store(&((fsm__sink_nats *)sink)->interrupted, true); }

static void on_changed(void *arg) {
  fsm__sink_nats *s = arg;
  if (s->wake != NULL) s->wake(s->wake_arg);
}

static void free_sink(fsm__sink *sink) {
  fsm__sink_nats *s = (fsm__sink_nats *)sink;
  if (s->own_bus) fsm__bus_free(s->bus);
  for (int i = 0; i < 2; i++) {
    fsm_arena_free(&s->held[i].arena);
    fsm_buf_free(&s->held[i].payload);
  }
  fsm__formatter_free(s->formatter);
  fsm__formatter_free(s->stored);
  pthread_mutex_destroy(&s->lock);
  free(s->known);
  free(s->given);
  free(s);
}

static fsm_code check_name(const char *stream, fsm_error *err) {
  static const char fit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
  if (stream == NULL) return FSM_OK;
  size_t len = strlen(stream);
  if (len > 0 && len <= FSM_STREAM_NAME_MAX && strspn(stream, fit) == len) return FSM_OK;
  return fsm_fail(err, FSM_EARGUMENT, "stream", "\"%.80s\" cannot name a stream of ours", stream);
}

static fsm_code sink_new(const fsm__sink_config *config, fsm__sink_nats **out, fsm_error *err) {
  fsm_code code = check_name(config->stream, err);
  if (code != FSM_OK) return code;
  fsm__sink_nats *s = calloc(1, sizeof *s);
  fsm__nats_given *given = calloc(FSM_SINK_WINDOW_MAX, sizeof *given);
  if (s == NULL || given == NULL) {
    free(s), free(given);
    return fsm_fail(err, FSM_ENOMEM, "sink", "no memory for the NATS sink");
  }
  snprintf(s->name, sizeof s->name, "%s", config->name);
  s->sink = (fsm__sink){.name = s->name,
                        .prepare = fsm__nats_prepare,
                        .publish = fsm__nats_publish,
                        .flush = fsm__nats_flush,
                        .reconcile = fsm__nats_reconcile,
                        .life = life,
                        .clear = clear,
                        .interrupt = interrupt,
                        .free = free_sink};
  s->config = config;
  s->given = given;
  pthread_mutex_init(&s->lock, NULL);
  for (int i = 0; i < 2; i++) fsm_arena_init(&s->held[i].arena, 0);
  snprintf(s->stream, sizeof s->stream, "%s", config->stream != NULL ? config->stream : "");
  snprintf(s->prefix, sizeof s->prefix, "%s", config->prefix != NULL ? config->prefix : "fsm");
  snprintf(s->subject, sizeof s->subject, "%s.evt.>", s->prefix);
  fsm__format_options stored = {.format = "msgpack"};
  code = fsm__formatter_new(&config->format, &s->formatter, err);
  if (code == FSM_OK) code = fsm__formatter_new(&stored, &s->stored, err);
  if (code != FSM_OK) free_sink(&s->sink);
  if (code == FSM_OK) *out = s;
  return code;
}

static fsm_code own_bus(fsm__sink_nats *s, const fsm__sink_config *c, fsm_error *err) {
  fsm__bus_options options = {.url = c->url,
                              .name = "fsmd",
                              .ca_file = c->ca_file,
                              .cert_file = c->cert_file,
                              .key_file = c->key_file,
                              .user = c->user,
                              .password_file = c->password_file,
                              .token_file = c->token_file,
                              .creds_file = c->creds_file,
                              .nkey_file = c->nkey_file};
  fsm_code code = fsm__bus_open(&options, &s->bus, err);
  s->own_bus = code == FSM_OK;
  return code;
}

fsm_code fsm__sink_nats_make(const fsm__sink_config *config, const fsm__sink_env *env, fsm__sink **out,
                             fsm_error *err) {
  FSM_ASSERT(config != NULL && env != NULL && out != NULL);
  if (config->url == NULL && env->bus == NULL)
    return fsm_fail(err, FSM_EARGUMENT, "url", "there is no NATS url, neither here nor for all");
  fsm__sink_nats *s;
  fsm_code code = sink_new(config, &s, err);
  if (code != FSM_OK) return code;
  s->wake = env->wake;
  s->wake_arg = env->wake_arg;
  s->bus = env->bus;
  if (config->url != NULL) code = own_bus(s, config, err);
  if (code == FSM_OK) code = fsm__bus_inbox(s->bus, fsm__nats_on_answer, s, &s->inbox, err);
  if (code == FSM_OK) code = fsm__bus_observe(s->bus, on_changed, s, err);
  if (code == FSM_OK && s->own_bus) code = fsm__bus_start(s->bus, err);
  if (code != FSM_OK) free_sink(&s->sink);
  if (code == FSM_OK) *out = &s->sink;
  return code;
}

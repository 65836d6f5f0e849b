/* session_message.c: messages, each one block of memory, and the queue they wait in.
 *
 * A message may wait for years of virtual time among a hundred thousand others, so it takes what it
 * needs and no more: its size is counted, then everything it points at is laid behind it.
 */
#include <stdlib.h>
#include <string.h>

#include "fsm/session_impl.h"

enum { ALIGN = 16 };

static size_t aligned(size_t len) { return (len + ALIGN - 1) & ~(size_t)(ALIGN - 1); }

static size_t text_size(const char *text) { return text ? aligned(strlen(text) + 1) : 0; }

/* Depth is at most FSM_VALUE_DEPTH_MAX: fsm__message_new has asked. Sizes cannot overflow: the value is
 * in memory. */
static size_t value_size(const fsm_value *v) {
  size_t size = 0;
  switch ((fsm_type)v->type) {
    case FSM_STRING:
    case FSM_BYTES: return aligned(v->len);
    case FSM_LIST:
      for (uint32_t i = 0; i < v->len; i++) size += value_size(&v->items[i]);
      return size + v->len * sizeof(fsm_value);
    case FSM_MAP:
      for (uint32_t i = 0; i < v->len; i++)
        size += value_size(&v->pairs[i].key) + value_size(&v->pairs[i].value);
      return size + v->len * sizeof(fsm_pair);
    default: return 0;
  }
}

static void *lay(unsigned char **at, const void *data, size_t len) {
  void *place = *at;
  if (len) memcpy(place, data, len);
  *at += aligned(len);
  return place;
}

static fsm_value value_lay(unsigned char **at, const fsm_value *v) {
  fsm_value copy = *v;
  if (v->type == FSM_STRING || v->type == FSM_BYTES) copy.s = lay(at, v->s, v->len);
  if (v->type == FSM_LIST) {
    fsm_value *items = lay(at, v->items, v->len * sizeof *items);
    for (uint32_t i = 0; i < v->len; i++) items[i] = value_lay(at, &v->items[i]);
    copy.items = items;
  }
  if (v->type == FSM_MAP) {
    fsm_pair *pairs = lay(at, v->pairs, v->len * sizeof *pairs);
    for (uint32_t i = 0; i < v->len; i++) {
      pairs[i].key = value_lay(at, &v->pairs[i].key);
      pairs[i].value = value_lay(at, &v->pairs[i].value);
    }
    copy.pairs = pairs;
  }
  return copy;
}

enum { TEXTS = 9 };

/* Where its texts are kept, so that counting and laying cannot differ. */
static void texts_of(fsm__message *m, const char **texts[TEXTS]) {
  texts[0] = &m->id;
  texts[1] = &m->target;
  texts[2] = &m->processor;
  texts[3] = &m->event.name;
  texts[4] = &m->event.type;
  texts[5] = &m->event.sendid;
  texts[6] = &m->event.origin;
  texts[7] = &m->event.origintype;
  texts[8] = &m->event.invokeid;
}

fsm_code fsm__message_new(fsm_sessions *all, const fsm__message *draft, fsm__message **out, fsm_error *err) {
  FSM_ASSERT(all && draft && out);
  if (all->waiting == FSM_SESSION_QUEUE_MAX)
    return fsm_fail(err, FSM_ETOOLARGE, "", "more than %d events wait", FSM_SESSION_QUEUE_MAX);
  if (fsm_value_depth(&draft->event.data) > FSM_VALUE_DEPTH_MAX)
    return fsm_fail(err, FSM_ETOOLARGE, draft->event.name, "its data nests deeper than %d",
                    FSM_VALUE_DEPTH_MAX);
  fsm__message header = *draft;
  const char **texts[TEXTS];
  texts_of(&header, texts);
  size_t size = aligned(sizeof header) + value_size(&header.event.data);
  for (unsigned i = 0; i < TEXTS; i++) size += text_size(*texts[i]);
  unsigned char *block = malloc(size), *at = block + aligned(sizeof header);
  if (!block) return fsm_fail(err, FSM_ENOMEM, "", "no memory for an event of %zu bytes", size);
  header.next = NULL;
  header.event.data = value_lay(&at, &draft->event.data);
  for (unsigned i = 0; i < TEXTS; i++)
    if (*texts[i]) *texts[i] = lay(&at, *texts[i], strlen(*texts[i]) + 1);
  FSM_ASSERT(at == block + size);
  memcpy(block, &header, sizeof header);
  all->waiting++;
  *out = (fsm__message *)block;
  return FSM_OK;
}

void fsm__message_free(fsm_sessions *all, fsm__message *message) {
  FSM_ASSERT(all->waiting > 0);
  all->waiting--;
  free(message);
}

void fsm__message_put(fsm_sessions *all, fsm__message *message) {
  message->next = NULL;
  *all->queue_end = message;
  all->queue_end = &message->next;
}

fsm__message *fsm__message_take(fsm_sessions *all) {
  fsm__message *first = all->queue;
  if (!first) return NULL;
  all->queue = first->next;
  if (!all->queue) all->queue_end = &all->queue;
  return first;
}

void fsm__message_cancel(fsm_sessions *all, uint64_t from, const char *id) {
  fsm__message **at = &all->queue;
  while (*at) {
    fsm__message *m = *at;
    if (m->from == from && m->to == from && m->id && strcmp(m->id, id) == 0) {
      *at = m->next;
      fsm__message_free(all, m);
    } else {
      at = &m->next;
    }
  }
  all->queue_end = at;
}

void fsm__message_survive(fsm_sessions *all, uint64_t task) {
  for (fsm__message *m = all->queue; m; m = m->next)
    if (m->task == task) m->survives = true;
}

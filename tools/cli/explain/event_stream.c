/* event_stream.c: lines, and blank ones between events. */
#include "tools/cli/explain/event_stream.h"

#include <string.h>

fsm_code cli_event_stream_add(cli_event_stream *stream, const char *data, size_t len, fsm_error *err) {
  fsm_buf *text = &stream->text;
  if (stream->read > 0) {
    text->len -= stream->read;
    memmove(text->data, text->data + stream->read, text->len);
    stream->read = 0;
  }
  if (text->len + len > CLI_EVENT_BYTES_MAX)
    return fsm_fail(err, FSM_ETOOLARGE, "", "an event of the stream is over %d bytes; is that a fsmd?",
                    CLI_EVENT_BYTES_MAX);
  fsm_buf_add(text, data, len);
  return fsm_buf_ok(text) ? FSM_OK : fsm_fail(err, FSM_ENOMEM, "", "no memory for a stream");
}

/* "name: value", its end made a NUL; NULL: it is another. */
static const char *value_of(char *line, size_t len, const char *name, size_t *value_len) {
  const size_t name_len = strlen(name);
  if (len < name_len + 1 || memcmp(line, name, name_len) != 0 || line[name_len] != ':') return NULL;
  const char *value = line + name_len + 1 + (line[name_len + 1] == ' ');
  *value_len = (size_t)(line + len - value);
  return value;
}

static void read_line(char *line, size_t len, cli_event *out) {
  size_t value_len = 0;
  const char *value = NULL;
  line[len] = '\0';
  if ((value = value_of(line, len, "id", &value_len)) != NULL) out->id = value;
  if ((value = value_of(line, len, "event", &value_len)) != NULL) out->kind = value;
  if ((value = value_of(line, len, "data", &value_len)) == NULL) return;
  out->data = value;
  out->len = value_len;
}

bool cli_event_stream_next(cli_event_stream *stream, cli_event *out) {
  char *at = stream->text.data + stream->read, *const end = stream->text.data + stream->text.len;
  const char *blank = at < end ? memmem(at, (size_t)(end - at), "\n\n", 2) : NULL;
  *out = (cli_event){.id = NULL};
  if (blank == NULL) return false;
  stream->read = (size_t)(blank + 2 - stream->text.data);
  for (char *stop; at <= blank; at = stop + 1) {
    stop = memchr(at, '\n', (size_t)(end - at));
    read_line(at, (size_t)(stop - at), out);
  }
  return true;
}

void cli_event_stream_reset(cli_event_stream *stream) {
  fsm_buf_reset(&stream->text);
  stream->read = 0;
}

void cli_event_stream_free(cli_event_stream *stream) { fsm_buf_free(&stream->text); }

/* gzip.c: one pass over a text that is whole, into a buffer that is large enough beforehand. */
#include "runtime/daemon/gzip.h"

#include <zlib.h>

enum { LEVEL = 4, GZIP_WINDOW = 15 + 16, MEMORY = 8 };

bool fsm__gzip(fsm_buf *text) {
  if (!fsm_buf_ok(text) || text->len < FSM__GZIP_MIN || text->len > FSM__GZIP_MAX) return false;
  z_stream z = {0};
  if (deflateInit2(&z, LEVEL, Z_DEFLATED, GZIP_WINDOW, MEMORY, Z_DEFAULT_STRATEGY) != Z_OK) return false;
  fsm_buf out = {0};
  bool done = fsm_buf_reserve(&out, text->len - 1);
  if (done) {
    z.next_in = (Bytef *)text->data;
    z.avail_in = (uInt)text->len;
    z.next_out = (Bytef *)out.data;
    z.avail_out = (uInt)(text->len - 1); /* not smaller: not worth it */
    done = deflate(&z, Z_FINISH) == Z_STREAM_END;
    out.len = z.total_out;
  }
  deflateEnd(&z);
  if (done) {
    const fsm_buf plain = *text;
    *text = out;
    out = plain;
  }
  fsm_buf_free(&out);
  return done;
}

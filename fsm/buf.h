/* buf.h: a byte buffer that grows. Its error is sticky: after one failed growth every append is a
 * no-op and fsm_buf_ok is false, so a writer appends in straight lines and asks once at the end. */
#ifndef FSM_BUF_H
#define FSM_BUF_H

#include "fsm/code.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct fsm_buf {
  char *data; /* not NUL-terminated unless fsm_buf_text was called */
  size_t len, cap;
  bool failed;
} fsm_buf;

/* {0} is an empty buffer. */
FSM_API void fsm_buf_free(fsm_buf *buf);
FSM_API void fsm_buf_reset(fsm_buf *buf); /* keeps the memory */
FSM_API bool fsm_buf_ok(const fsm_buf *buf);
FSM_API bool fsm_buf_reserve(fsm_buf *buf, size_t more);
FSM_API void fsm_buf_add(fsm_buf *buf, const void *data, size_t len);
FSM_API void fsm_buf_str(fsm_buf *buf, const char *text);
FSM_API void fsm_buf_char(fsm_buf *buf, char c);
FSM_API void fsm_buf_printf(fsm_buf *buf, const char *format, ...) FSM_PRINTF(2, 3);
/* The content with a NUL behind it; "" after a failure. Valid until the next append. */
FSM_API const char *fsm_buf_text(fsm_buf *buf);

#ifdef __cplusplus
}
#endif
#endif

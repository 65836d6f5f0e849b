/* sink_http_index.c: names of indices from the time of a record. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "runtime/sink_http_impl.h"

void fsm__index_of(const char *pattern, int64_t time_ns, char out[FSM_INDEX_MAX + 1]) {
  time_t seconds = (time_t)(time_ns / 1000000000 - (time_ns % 1000000000 < 0));
  struct tm t;
  FSM_ASSERT(gmtime_r(&seconds, &t) != NULL);
  size_t at = 0;
  for (const char *c = pattern; *c != '\0'; c++) {
    FSM_ASSERT(at < FSM_INDEX_MAX);
    if (*c != '%') {
      out[at++] = *c;
      continue;
    }
    c++;
    FSM_ASSERT(*c != '\0' && strchr("YmdH", *c) != NULL);
    int value = *c == 'Y' ? t.tm_year + 1900 : *c == 'm' ? t.tm_mon + 1 : *c == 'd' ? t.tm_mday : t.tm_hour;
    at += (size_t)snprintf(out + at, FSM_INDEX_MAX + 1 - at, *c == 'Y' ? "%04d" : "%02d", value);
    FSM_ASSERT(at <= FSM_INDEX_MAX);
  }
  out[at] = '\0';
}

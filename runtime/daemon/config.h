/* config.h: the settings of fsmd: one table row per option, from which parsing, --help and
 * --print-config come. Settings come from the command line alone. */
#ifndef FSM_DAEMON_CONFIG_H
#define FSM_DAEMON_CONFIG_H

#include "runtime/daemon/auth.h"

enum { FSM__SOCKET_PATH_MAX = 107 /* sun_path less its NUL */ };

enum { FSM__CONFIG_LIST_MAX = 64 };

/* An option that may be given several times. */
typedef struct fsm__config_list {
  const char *at[FSM__CONFIG_LIST_MAX];
  size_t count;
} fsm__config_list;

typedef struct fsm__config {
  /* As given, defaults filled in; "" = not set. */
  const char *data, *listen, *socket, *jwt_key, *auth, *socket_auth, *nats, *sinks, *log_format, *node,
      *port_file;
  const char *segment_bytes, *snapshot_every, *retain, *retain_bytes, *archive_dir, *store_bytes_max;
  const char *http_concurrency;
  fsm__config_list http_allow;
  bool no_listen, help, version, print, print_sinks;
  /* What that means. */
  char socket_path[FSM__SOCKET_PATH_MAX + 1];
  fsm__policy tcp_policy, socket_policy;
  uint64_t segment, store_max, http_threads;
  int64_t snapshot_ns, retain_ns; /* 0 = none, for ever */
  uint64_t retain_size;           /* 0 = any */
  bool log_json;
} fsm__config;

/* Reads argv, then checks that the settings fit together. FSM_EARGUMENT: where is the option. With
 * help, version or a print set nothing else is checked. Strings are borrowed from argv. */
FSM_MUST_USE fsm_code fsm__config_parse(int argc, char *const argv[], fsm__config *out, fsm_error *err);

void fsm__config_help(fsm_buf *out); /* lines of at most 80 columns */
/* The settings as they would be in force; "" = not set. */
void fsm__config_print(fsm_buf *out, const fsm__config *config);

#endif

/* config.h: the settings of fsmd: a flat file, and options that win over it.
 *
 * One row of config_table.c per setting: from it come parsing, ranges, --help, --print-config, the man page
 * and the completions. A setting has the same name in the file (`name = value`) and as an option (`--name
 * VALUE`). No setting takes a secret, only the file that holds one. To add one: a member here, a row there,
 * and what it contradicts in config_check.c. */
#ifndef FSM_DAEMON_CONFIG_H
#define FSM_DAEMON_CONFIG_H

#include "runtime/daemon/auth.h"
#include "runtime/daemon/log.h"

enum {
  FSM__SOCKET_PATH_MAX = 107, /* sun_path less its NUL */
  FSM__CONFIG_LIST_MAX = 64,
  FSM__CONFIG_FILE_MAX = 256 << 10, /* bytes of the file */
  FSM__CONFIG_VALUE_MAX = 4095,     /* bytes of a value */
  FSM__SETTINGS_MAX = 128
};

/* A setting that may be given several times. */
typedef struct fsm__config_list {
  const char *at[FSM__CONFIG_LIST_MAX];
  size_t count;
} fsm__config_list;

/* AUTO: when there is NATS, and tokens can be checked or need not be. */
typedef enum fsm__nats_wish { FSM__NATS_AUTO, FSM__NATS_ON, FSM__NATS_OFF } fsm__nats_wish;
typedef enum fsm__log_style { FSM__LOG_LOGFMT, FSM__LOG_JSON } fsm__log_style;

/* What is made of the table for others to read; FSM__DOCS in this order. */
typedef enum fsm__doc {
  FSM__DOC_NONE,
  FSM__DOC_FSMD_8,
  FSM__DOC_CONF_5,
  FSM__DOC_BASH,
  FSM__DOC_ZSH,
  FSM__DOC_FISH
} fsm__doc;
#define FSM__DOCS "none fsmd.8 fsmd.conf.5 bash zsh fish"

typedef struct fsm__config {
  /* As given or by default; "" = not set. */
  const char *config, *data, *listen, *socket, *jwt_key, *jwt_keys, *nats, *nats_creds, *nats_ca, *sinks, *people,
      *node, *port_file, *archive_dir, *tls_cert, *tls_key;
  const char *jwt_audience, *jwt_sub_claim, *jwt_session_claim, *admin_audience, *admin_allow;
  fsm__config_list http_allow, cors_origin, jwt_roles_claims, socket_users;
  int64_t jwt_overlap_ns, jwt_leeway_ns;
  bool no_listen, behind_proxy, help, version, print_config, print_sinks;
  fsm__policy auth, socket_auth, nats_auth;
  fsm__nats_wish nats_api;
  bool nats_queue;
  const char *nats_queue_stream;
  fsm__doc print_doc;
  fsm__log_style log_format;
  fsm__log_level log_level;
  uint64_t segment_bytes, store_bytes_max, http_concurrency, streams_max;
  uint64_t retain_bytes;                /* 0 = any */
  int64_t snapshot_every_ns, retain_ns; /* 0 = none, for ever */
  int64_t stop_timeout_ns;
  int64_t header_timeout_ns, body_timeout_ns, idle_timeout_ns;
  uint64_t connections_max; /* 0 = as many as the file limit allows */
  /* What follows from that. */
  char socket_path[FSM__SOCKET_PATH_MAX + 1];
  bool serves_nats;
  int from[FSM__SETTINGS_MAX]; /* by row: 0 = default, else the line of the file, or FSM__FROM_OPTION */
  char *file_text;             /* what values of the file point into */
} fsm__config;

enum { FSM__FROM_OPTION = -1 };

/* Reads argv, then the file that it names, then checks that the settings fit together. FSM_EARGUMENT: where
 * is the option, or FILE:LINE with the setting's name in front of the text. With help or version the file is
 * not read; with those or a print set nothing is checked but each value by itself. Strings are borrowed from
 * argv and live until fsm__config_free, which is due after a failure too. */
FSM_MUST_USE fsm_code fsm__config_parse(int argc, char *const argv[], fsm__config *out, fsm_error *err);
void fsm__config_free(fsm__config *config);

/* The text of a file of settings, each value checked by itself, as --print-config prints what it says. */
FSM_MUST_USE fsm_code fsm__config_normal(const char *text, size_t len, fsm_buf *out, fsm_error *err);

/* A fault of the settings as one line, whatever was in the words. */
void fsm__config_fault(fsm_buf *out, const fsm_error *err);

void fsm__config_help(fsm_buf *out);               /* lines of at most 80 columns */
void fsm__config_doc(fsm_buf *out, fsm__doc what); /* config_doc.c, config_complete.c */
/* The settings in force as a file that says the same, each with its help and range. */
void fsm__config_print(fsm_buf *out, const fsm__config *config);

#endif

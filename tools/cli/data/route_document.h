/* route_document.h: a route (runtime/routing.h) as the command line says it: by options, or a JSON file. */
#ifndef FSM_CLI_ROUTE_DOCUMENT_H
#define FSM_CLI_ROUTE_DOCUMENT_H

#include "tools/cli/cli.h"

/* The rows of an option table; X ends each. */
/* clang-format off */
#define CLI_ROUTE_OPTIONS                                                                               \
  {"machine", 'm', "ID", "of this machine; a * at the end of a text stands for the rest", true},         \
  {"kind", 'k', "KIND", "of this kind: transition, completed, …", true},                                 \
  {"from", 0, "STATE", "that leave this state, or one in it", true},                                     \
  {"to", 0, "STATE", "that enter this state, or one in it", true},                                       \
  {"event", 'e', "NAME", "with this event", true},                                                       \
  {"level", 0, "N", "of at least this level", false},                                                    \
  {"label", 'l', "NAME=VALUE", "with this label: the record `created` has them", true},                                  \
  {"where", 0, "EXPR", "for which this is true: \"record.level > 1\"", false},                           \
  {"sink", 's', "NAME", "give them to this sink", true}
/* clang-format on */

/* The document: of the file when there is one (- is stdin), which then stands alone, else of the options. */
FSM_MUST_USE fsm_code cli_route_document(cli_run *cli, const char *file, fsm_value *out, fsm_error *err);
/* "/v1/routes/NAME", with ?name=value when value is not NULL, in the arena. */
FSM_MUST_USE fsm_code cli_route_path(cli_run *cli, const char *name, const char *param, const char *value,
                                     const char **out, fsm_error *err);
/* What became of a change. */
FSM_MUST_USE fsm_code cli_route_changed(cli_run *cli, const char *name, const fsm_value *answer,
                                        fsm_error *err);

#endif

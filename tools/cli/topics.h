/* topics.h: what concerns more than one command: the headings under which commands are listed, and pages that
 * `fsm-cli help TOPIC` shows. */
#ifndef FSM_CLI_TOPICS_H
#define FSM_CLI_TOPICS_H

#include "tools/cli/cli.h"

typedef struct cli_topic {
  const char *name;
  const char *summary;
  const char *text; /* lines as they stand, at most 80 columns */
} cli_topic;

/* In the order of the help, up to name == NULL. */
extern const cli_topic cli_topics[];

/* "Find", and what that is about. */
const char *cli_heading_title(cli_heading heading);
const char *cli_heading_about(cli_heading heading);
/* By the first word of its title in small letters ("find", "tasks"); CLI_HEADING_COUNT = there is none such. */
cli_heading cli_heading_of(const char *word);

/* `fsm-cli help WORD` for a heading or a topic; false = it is neither. */
bool cli_help_topic(const char *word, fsm_buf *out);

#endif

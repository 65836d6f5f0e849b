/* scxml_definition.c: which notation a text is in. */
#include "schema/scxml_definition.h"

#include <string.h>

bool fsm__is_scxml(const char *text, size_t len) {
  static const unsigned char mark[] = {0xEF, 0xBB, 0xBF};
  size_t at = len >= 3 && memcmp(text, mark, 3) == 0 ? 3 : 0;
  while (at < len && (text[at] == ' ' || text[at] == '\t' || text[at] == '\r' || text[at] == '\n')) at++;
  return at < len && text[at] == '<';
}

/* expr_fault.c: why an evaluation failed, noted when it happens and put into words only if it counts.
 *
 * && and || absorb errors, so most faults are never read: noting one costs a few stores. The sentence
 * is "<source>: <reason>, got <operand> and <operand>", but for an absent field, which reads
 * "no such field context.amount".
 */
#include <stdio.h>
#include <string.h>

#include "fsm/buf.h"
#include "fsm/expr_impl.h"
#include "fsm/expr_time_text.h"

enum { SLICE_MAX = 160, OPERAND_MAX = 48 };

bool fsm__refuse(fsm__run *run, const char *reason, unsigned operands, const fsm_value *a,
                 const fsm_value *b) {
  fsm__fault *fault = &run->fault;
  *fault = (fsm__fault){.code = FSM_EEXPRESSION, .reason = reason, .operands = (uint8_t)operands};
  if (operands > 0) fault->a = *a;
  if (operands > 1) fault->b = *b;
  return false;
}

bool fsm__no_memory(fsm__run *run) {
  fsm__refuse(run, "no memory to evaluate it", 0, NULL, NULL);
  run->fault.code = FSM_ENOMEM;
  return false;
}

bool fsm__work(fsm__run *run, uint64_t amount) {
  run->work += amount;
  if (run->work <= FSM_EXPR_WORK_MAX) return true;
  return fsm__refuse(run, "it would make or compare more than an expression may", 0, NULL, NULL);
}

/* At most cap bytes, cut between characters, control characters as blanks. */
static void add_cut(fsm_buf *buf, const char *text, size_t len, size_t cap) {
  size_t at = 0;
  while (at < len) {
    size_t width = fsm__utf8_sequence(text + at, len - at);
    if (at + (width ? width : 1) > cap) break;
    if (!width)
      fsm_buf_char(buf, '?');
    else if ((unsigned char)text[at] < 0x20)
      fsm_buf_char(buf, ' ');
    else
      fsm_buf_add(buf, text + at, width);
    at += width ? width : 1;
  }
  if (at < len) fsm_buf_str(buf, "…");
}

static void add_time(fsm_buf *buf, const fsm_value *value) {
  char text[FSM__TIME_TEXT_MAX];
  if (value->type == FSM_TIMESTAMP)
    fsm__timestamp_text(value->i, value->len, text, sizeof text);
  else
    fsm__duration_text(value->i, (int32_t)value->len, text, sizeof text);
  fsm_buf_printf(buf, "%s %s", fsm_type_name((fsm_type)value->type), text);
}

static void add_operand(fsm_buf *buf, const fsm_value *value) {
  char number[FSM__DOUBLE_TEXT];
  switch (value->type) {
    case FSM_NULL: fsm_buf_str(buf, "null"); break;
    case FSM_BOOL: fsm_buf_str(buf, value->b ? "true" : "false"); break;
    case FSM_INT: fsm_buf_printf(buf, "int %lld", (long long)value->i); break;
    case FSM_UINT: fsm_buf_printf(buf, "uint %llu", (unsigned long long)value->u); break;
    case FSM_DOUBLE:
      fsm__double_text(value->d, number);
      fsm_buf_printf(buf, "double %s", number);
      break;
    case FSM_STRING:
      fsm_buf_str(buf, "string \"");
      add_cut(buf, value->s, value->len, OPERAND_MAX);
      fsm_buf_char(buf, '"');
      break;
    case FSM_BYTES: fsm_buf_printf(buf, "%u bytes", value->len); break;
    case FSM_LIST:
    case FSM_MAP: fsm_buf_printf(buf, "a %s of %u", fsm_type_name((fsm_type)value->type), value->len); break;
    case FSM_TIMESTAMP:
    case FSM_DURATION: add_time(buf, value); break;
    case FSM__TYPE: fsm_buf_printf(buf, "the type %s", fsm__type_text(value->len)); break;
    case FSM__OPTIONAL: fsm_buf_str(buf, value->len ? "an optional value" : "an empty optional"); break;
    default: break;
  }
}

/* ", at [2]" or, of a macro in a macro, ", at ["key"][0]": the outermost first. */
static void add_elements(fsm_buf *buf, const fsm__fault *fault) {
  if (fault->levels) fsm_buf_str(buf, ", at ");
  for (unsigned i = fault->levels; i-- > 0;) {
    const fsm_value *element = &fault->elements[i];
    fsm_buf_char(buf, '[');
    if (element->type == FSM_STRING) {
      fsm_buf_char(buf, '"');
      add_cut(buf, element->s, element->len, OPERAND_MAX);
      fsm_buf_char(buf, '"');
    } else if (element->type == FSM_INT) {
      fsm_buf_printf(buf, "%lld", (long long)element->i);
    } else {
      add_operand(buf, element);
    }
    fsm_buf_char(buf, ']');
  }
}

fsm_code fsm__fault_report(const fsm__run *run, const fsm_expr *expr, fsm_error *err) {
  const fsm__fault *fault = &run->fault;
  if (!err) return fault->code;
  char where[32];
  fsm__expr_place(expr->text, fault->begin, where, sizeof where);
  fsm_buf text = {0};
  size_t len = (size_t)fault->end - fault->begin;
  if (fault->absent) {
    fsm_buf_printf(&text, "%s ", fault->reason);
    add_cut(&text, expr->text + fault->begin, len, SLICE_MAX);
  } else {
    add_cut(&text, expr->text + fault->begin, len, SLICE_MAX);
    fsm_buf_printf(&text, ": %s", fault->reason);
  }
  if (fault->operands) {
    fsm_buf_str(&text, fault->absent ? ", it is looked for in " : ", got ");
    add_operand(&text, &fault->a);
  }
  if (fault->operands > 1) {
    fsm_buf_str(&text, " and ");
    add_operand(&text, &fault->b);
  }
  add_elements(&text, fault);
  fsm_code code = fsm_fail(err, fault->code, where, "%s", fsm_buf_text(&text));
  fsm_buf_free(&text);
  return code;
}

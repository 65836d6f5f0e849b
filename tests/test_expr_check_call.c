/* test_expr_check_call.c: functions and macros over shapes. */
#include "tests/expr_shapes.h"

static void functions_take_what_they_can_convert(void **state) {
  (void)state;
  static const expr_case cases[] = {
      {"size(context.items) + context.title.size() + size(context.item)", "ok"},
      {"size(context.amount)", "1:1 size(context.amount): size() does not take a value of the type int"},
      {"context.title.startsWith(1)",
       "1:1 context.title.startsWith(1): startsWith() does not take a value of the type int"},
      {"context.amount.contains('a')",
       "1:1 context.amount.contains('a'): contains() does not take a value of the type int"},
      {"int(context.due) + int('1') + int(1.5)", "ok"},
      {"int(context.ok)", "1:1 int(context.ok): int() does not take a value of the type bool"},
      {"string(context.items)", "1:1 string(context.items): string() does not take a value of the type list"},
      {"string(context.due) + 1", "1:1 string(context.due) + 1: + does not take string and int"},
      {"context.due.getHours() + 'a'", "1:1 context.due.getHours() + 'a': + does not take int and string"},
      {"context.title.getHours()",
       "1:1 context.title.getHours(): getHours() does not take a value of the type string"},
      {"In(context.amount)", "1:1 In(context.amount): In() does not take a value of the type int"},
      {"timestamp(context.ok)",
       "1:1 timestamp(context.ok): timestamp() does not take a value of the type bool"},
      {"dyn(context.amount) + 'a'", "ok"},
      {"size(1 + 'a')", "1:6 1 + 'a': + does not take int and string"},
      {"optional.none().hasValue() && optional.of(1).value() == 'a'", "ok"},
  };
  CHECK_SHAPES(cases);
}

static void macros_know_their_items(void **state) {
  (void)state;
  static const expr_case cases[] = {
      {"context.items.all(i, i.count > 0 && i.sku != '')", "ok"},
      {"context.items.exists(i, i.skw == '')", "1:25 i.skw: there is no member skw, did you mean sku?"},
      {"context.items.all(i, i.count)", "1:22 i.count: expected true or false, and it is of the type int"},
      {"context.items.map(i, i.count)[0] + 'a'",
       "1:1 context.items.map(i, i.count)[0] + 'a': + does not take int and string"},
      {"context.items.filter(i, i.count > 0)[0].skw",
       "1:1 context.items.filter(i, i.count > 0)[0].skw: there is no member skw, did you mean sku?"},
      {"context.items.map(i, i.count, i.sku)",
       "1:22 i.count: expected true or false, and it is of the type int"},
      {"context.items.all(n, i, n + i.count > 0)", "ok"},
      {"context.items.all(n, i, n + i.sku > 0)", "1:25 n + i.sku: + does not take int and string"},
      {"context.count.all(k, k > 1)", "1:22 k > 1: > does not take string and int"},
      {"context.count.all(k, v, v > 'a')", "1:25 v > 'a': > does not take int and string"},
      {"context.item.exists(k, k == 'sku')", "ok"},
      {"context.free.all(x, x.y > 1)", "ok"},
      {"context.amount.all(x, true)",
       "1:1 context.amount: a macro goes over a list or a map, and this is of the type int"},
      {"context.labels.all(a, context.items.all(b, a == b.sku))", "ok"},
      {"context.labels.all(a, context.items.all(b, a == b.count))",
       "1:44 a == b.count: string and int are never equal"},
      {"context.labels.all(a, context.items.all(b, true) && a > 1)",
       "1:53 a > 1: > does not take string and int"},
      {"context.?item.optMap(i, i.none).orValue(1)", "ok"},
      {"context.count.transformMap(k, v, v + 1).a + 'x'", "ok"},
  };
  CHECK_SHAPES(cases);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(functions_take_what_they_can_convert),
      cmocka_unit_test(macros_know_their_items),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

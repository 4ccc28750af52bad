/* speculation.c: the record of what outputs were computed from, and its check. See speculation.h for the method. Values are
 * compared by their bits, since a wrong sign of a zero may show in a result too. */
#include "exec/speculation.h"
#include <stdlib.h>
#include <string.h>

void mw_speculation_clear(mw_speculation *s) { s->output_count = s->checked = s->assumption_count = 0; }

uint32_t mw_speculation_last(const mw_speculation *s, uint32_t output) {
  bool recorded = s->output_count && s->outputs[s->output_count - 1].output == output;
  return recorded ? (uint32_t)s->output_count - 1 : MW_SPECULATION_NONE;
}

bool mw_speculation_assume(mw_speculation *s, uint32_t output, mw_node scalar, double value, mw_error *err) {
  MW_TRY(mw_mem_grow(&s->assumptions, &s->assumption_capacity, s->assumption_count + 1, sizeof *s->assumptions, err));
  if (mw_speculation_last(s, output) == MW_SPECULATION_NONE) {
    MW_TRY(mw_mem_grow(&s->outputs, &s->output_capacity, s->output_count + 1, sizeof *s->outputs, err));
    s->outputs[s->output_count++] = (mw_speculation_output){.output = output, .first = (uint32_t)s->assumption_count};
  }
  s->assumptions[s->assumption_count++] = (mw_speculation_assumption){scalar, value};
  s->outputs[s->output_count - 1].count++;
  return true;
}

bool mw_speculation_check(mw_speculation *s, uint32_t output, mw_values *values, bool *invalidated, mw_error *err) {
  *invalidated = false;
  if (s->checked == s->output_count || s->outputs[s->checked].output != output) return true;
  const mw_speculation_output *record = &s->outputs[s->checked++];
  *invalidated = record->not_finite;
  for (uint32_t i = 0; i < record->count; i++) {
    const mw_speculation_assumption *assumption = &s->assumptions[record->first + i];
    double value;
    MW_TRY(mw_values_get(values, assumption->scalar, &value, err));
    *invalidated |= memcmp(&value, &assumption->value, sizeof value) != 0;
  }
  return true;
}

void mw_speculation_free(mw_speculation *s) {
  free(s->outputs);
  free(s->assumptions);
}

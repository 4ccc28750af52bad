/* speculation.c: the record of what outputs were computed from, and its check. See speculation.h for the method. Values are
 * compared by their bits, since a wrong sign of a zero may show in a result too. */
#include "exec/speculation.h"
#include <stdlib.h>
#include <string.h>

/* Of an output with more marked units than one in SCATTERED all are computed again: single ones take longer. */
enum { SCATTERED = 8 };

void mw_speculation_clear(mw_speculation *s) {
  for (size_t i = 0; i < s->output_count; i++) free(s->outputs[i].open);
  s->output_count = s->checked = s->opened = s->assumption_count = 0;
}

uint32_t mw_speculation_last(const mw_speculation *s, uint32_t output) {
  bool recorded = s->output_count && s->outputs[s->output_count - 1].output == output;
  return recorded ? (uint32_t)s->output_count - 1 : MW_SPECULATION_NONE;
}

bool mw_speculation_assume(mw_speculation *s, uint32_t output, mw_node scalar, double value, bool marked, mw_error *err) {
  MW_TRY(mw_mem_grow(&s->assumptions, &s->assumption_capacity, s->assumption_count + 1, sizeof *s->assumptions, err));
  if (mw_speculation_last(s, output) == MW_SPECULATION_NONE) {
    MW_TRY(mw_mem_grow(&s->outputs, &s->output_capacity, s->output_count + 1, sizeof *s->outputs, err));
    s->outputs[s->output_count++] = (mw_speculation_output){.output = output, .first = (uint32_t)s->assumption_count};
  }
  s->assumptions[s->assumption_count++] = (mw_speculation_assumption){scalar, value, marked};
  s->outputs[s->output_count - 1].count++;
  return true;
}

bool mw_speculation_mark(mw_speculation *s, uint32_t output, uint64_t units, mw_error *err) {
  uint32_t last = mw_speculation_last(s, output);
  mw_speculation_output *record = last == MW_SPECULATION_NONE ? NULL : &s->outputs[last];
  for (uint32_t i = 0; record && i < record->count && !record->open; i++) {
    if (!s->assumptions[record->first + i].marked) continue;
    record->units = units;
    record->open = mw_mem_new((size_t)(units / 64 + 1), sizeof *record->open, err);
    if (!record->open) return false;
  }
  return true;
}

static bool is_scattered(const mw_speculation_output *record) {
  uint64_t marked = 0;
  for (uint64_t word = 0; word <= record->units / 64; word++) marked += (uint64_t)__builtin_popcountll(record->open[word]);
  return marked <= record->units / SCATTERED;
}

bool mw_speculation_check(mw_speculation *s, uint32_t output, mw_values *values, bool *invalidated, mw_error *err) {
  *invalidated = false;
  if (s->checked == s->output_count || s->outputs[s->checked].output != output) return true;
  mw_speculation_output *record = &s->outputs[s->checked++];
  *invalidated = record->not_finite;
  record->partly = record->open && !record->not_finite && is_scattered(record);
  for (uint32_t i = 0; i < record->count; i++) {
    const mw_speculation_assumption *assumption = &s->assumptions[record->first + i];
    double value;
    MW_TRY(mw_values_get(values, assumption->scalar, &value, err));
    bool changed = memcmp(&value, &assumption->value, sizeof value) != 0;
    *invalidated |= changed;
    if (changed && !assumption->marked) record->partly = false;
  }
  return true;
}

const uint64_t *mw_speculation_open(mw_speculation *s, uint32_t output, uint64_t *units) {
  for (size_t k = 0; k < s->output_count; k++) { /* in the order of the tasks the next one is mostly the first that is looked at */
    const size_t at = (s->opened + k) % s->output_count;
    if (s->outputs[at].output != output) continue;
    s->opened = at + 1;
    *units = s->outputs[at].units;
    return s->outputs[at].partly ? s->outputs[at].open : NULL;
  }
  return NULL;
}

void mw_speculation_free(mw_speculation *s) {
  mw_speculation_clear(s);
  free(s->outputs);
  free(s->assumptions);
}

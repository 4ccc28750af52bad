/* row_table.c: first every token as if there was no rule, then those that have one. */
#include "vocabulary/row_table.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOBODY UINT32_MAX

typedef struct making {
  mw_row_table *table;
  mw_gathered_row **rows; /* [model][token] */
  mw_gathered_mean *means;
  mw_gathered_row *parts;
  size_t mean_count, mean_capacity, part_count, part_capacity;
  mw_error *err;
} making;

/* Whether a model's ids are those of the tokenizer that the output's starts from: then a row without a token is its own too. */
static bool is_start(const mw_row_table *t, size_t member) {
  return t->start != SIZE_MAX &&
         (member == t->start || mw_vocabulary_same(&t->tokens[member].vocabulary, &t->tokens[t->start].vocabulary));
}

/* The row that model k has of a token, or NOBODY. */
static uint32_t own_row(const mw_row_table *t, size_t k, size_t id, bool starts) {
  const mw_output_vocabulary_token *token = &t->vocabulary->tokens[id];
  uint32_t row;
  if (!token->text) return starts && id < t->rows[k] ? (uint32_t)id : NOBODY;
  return mw_model_tokens_find(&t->tokens[t->members[k]], token->text, token->length, &row) && row < t->rows[k] ? row : NOBODY;
}

static bool add_mean(making *m, const uint32_t *own, mw_gathered_row *row) {
  const mw_row_table *t = m->table;
  mw_gathered_mean mean = {(uint32_t)m->part_count, 0};
  MW_TRY(mw_mem_grow(&m->parts, &m->part_capacity, m->part_count + t->count, sizeof *m->parts, m->err) &&
         mw_mem_grow(&m->means, &m->mean_capacity, m->mean_count + 1, sizeof *m->means, m->err));
  for (size_t k = 0; k < t->count; k++)
    if (own[k] != NOBODY && t->counts[k]) m->parts[m->part_count++] = (mw_gathered_row){(uint32_t)k, own[k]}, mean.count++;
  *row = (mw_gathered_row){MW_GATHERED_MEAN, (uint32_t)m->mean_count};
  m->means[m->mean_count++] = mean;
  return true;
}

/* What stands in for the row of a model that lacks the token. */
static bool find_fill(making *m, const uint32_t *own, mw_gathered_row *fill) {
  const mw_row_table *t = m->table;
  size_t holders = 0, only = 0;
  *fill = (mw_gathered_row){MW_GATHERED_ZERO, 0};
  for (size_t k = 0; k < t->count; k++) {
    if (own[k] == NOBODY || !t->counts[k]) continue;
    if (t->members[k] == t->base) return *fill = (mw_gathered_row){(uint32_t)k, own[k]}, true;
    holders++;
    only = k;
  }
  if (holders == 1) *fill = (mw_gathered_row){(uint32_t)only, own[only]};
  return holders < 2 || add_mean(m, own, fill);
}

static bool fill_token(making *m, size_t id, const uint32_t *own) {
  const mw_row_table *t = m->table;
  mw_gathered_row fill = {0};
  bool lacking = false, any = false;
  for (size_t k = 0; k < t->count; k++) lacking |= own[k] == NOBODY, any |= own[k] != NOBODY && t->counts[k];
  if (lacking) MW_TRY(find_fill(m, own, &fill));
  if (!any && t->vocabulary->tokens[id].text) m->table->zeros++;
  for (size_t k = 0; k < t->count; k++)
    m->rows[k][id] = own[k] == NOBODY ? fill : (mw_gathered_row){(uint32_t)k, own[k]};
  return true;
}

/* ---- rules ---- */

static bool lacks(const making *m, const mw_token_rule *rule, const char *what, const char *text, size_t length) {
  mw_text_escaped shown, other;
  return mw_error_set(m->err, MW_USAGE, "--tokens: '%s': %s has no %s%s%s", mw_text_escape(&shown, rule->text, rule->length),
                      m->table->tokens[rule->member].label, what, text ? " " : "", text ? mw_text_escape(&other, text, length) : "");
}

/* The row that a rule names. */
static bool row_of_rule(const making *m, const mw_token_rule *rule, mw_gathered_row *row) {
  const mw_row_table *t = m->table;
  char number[24];
  uint32_t id;
  size_t k = 0;
  *row = (mw_gathered_row){MW_GATHERED_ZERO, 0};
  if (rule->kind == MW_TOKEN_RULE_ZERO) return true;
  while (k < t->count && t->members[k] != rule->member) k++;
  if (k == t->count) return lacks(m, rule, "row of it", NULL, 0);
  const mw_model_tokens *tokens = &t->tokens[rule->member];
  bool other = rule->kind == MW_TOKEN_RULE_TOKEN;
  const char *text = other ? rule->token : rule->text;
  size_t length = other ? rule->token_length : rule->length;
  if (rule->kind == MW_TOKEN_RULE_ID) {
    snprintf(number, sizeof number, "%llu", (unsigned long long)rule->id);
    if (rule->id >= t->rows[k]) return lacks(m, rule, "row", number, strlen(number));
    return *row = (mw_gathered_row){(uint32_t)k, (uint32_t)rule->id}, true;
  }
  if (!mw_model_tokens_find(tokens, text, length, &id) || id >= t->rows[k]) return lacks(m, rule, "token", text, length);
  return *row = (mw_gathered_row){(uint32_t)k, id}, true;
}

static bool apply_rule(making *m, const mw_token_rule *rule) {
  const mw_row_table *t = m->table;
  mw_gathered_row row;
  uint32_t id;
  bool lacking = rule->force, any = false;
  if (rule->kind == MW_TOKEN_RULE_NONE || !mw_vocab_find(&t->vocabulary->ids, rule->text, rule->length, &id)) return true;
  for (size_t k = 0; k < t->count; k++) {
    const mw_gathered_row *now = &m->rows[k][id];
    lacking |= now->source != k;
    any |= now->source != MW_GATHERED_ZERO && t->counts[k];
  }
  if (!lacking) return true;
  MW_TRY(row_of_rule(m, rule, &row));
  if (!any) m->table->zeros--;
  for (size_t k = 0; k < t->count; k++)
    if (rule->force || m->rows[k][id].source != k) m->rows[k][id] = row;
  return true;
}

/* ---- the table ---- */

static bool fill_tokens(making *m, const bool *starts) {
  const mw_row_table *t = m->table;
  uint32_t *own = mw_mem_new(t->count, sizeof *own, m->err);
  bool ok = own != NULL;
  for (size_t id = 0; id < t->vocabulary->count && ok; id++) {
    for (size_t k = 0; k < t->count; k++) own[k] = own_row(t, k, id, starts[k]);
    ok = fill_token(m, id, own);
  }
  free(own);
  for (size_t i = 0; t->rules && i < t->rules->count && ok; i++) ok = apply_rule(m, &t->rules->rules[i]);
  return ok;
}

/* Means and their parts go into the arena, once for all. */
static bool finish(making *m, mw_arena *arena) {
  mw_row_table *t = m->table;
  mw_gathered_mean *means = mw_mem_take(arena, (m->mean_count + 1) * sizeof *means, m->err);
  mw_gathered_row *parts = mw_mem_take(arena, (m->part_count + 1) * sizeof *parts, m->err);
  if (!means || !parts) return false;
  if (m->mean_count) memcpy(means, m->means, m->mean_count * sizeof *means);
  if (m->part_count) memcpy(parts, m->parts, m->part_count * sizeof *parts);
  for (size_t k = 0; k < t->count; k++)
    t->of[k] = (mw_gathered_rows){.rows = m->rows[k], .count = t->vocabulary->count, .means = means, .parts = parts,
                                  .mean_count = m->mean_count, .part_count = m->part_count};
  return true;
}

bool mw_row_table_make(mw_row_table *t, mw_arena *arena, mw_error *err) {
  making m = {.table = t, .err = err};
  bool *starts = mw_mem_new(t->count, sizeof *starts, err);
  m.rows = mw_mem_new(t->count, sizeof *m.rows, err);
  t->of = mw_mem_take(arena, t->count * sizeof *t->of, err);
  t->zeros = 0;
  bool ok = starts && m.rows && t->of;
  for (size_t k = 0; k < t->count && ok; k++) {
    starts[k] = is_start(t, t->members[k]);
    ok = (m.rows[k] = mw_mem_take(arena, (t->vocabulary->count + 1) * sizeof **m.rows, err)) != NULL;
  }
  ok = ok && fill_tokens(&m, starts) && finish(&m, arena);
  free(starts);
  free(m.rows);
  free(m.means);
  free(m.parts);
  return ok;
}

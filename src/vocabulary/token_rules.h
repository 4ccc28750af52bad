/* token_rules.h: what --tokens says of single tokens: from where the row of a model comes that lacks the token, or, with "force", of
 * every model. It is a JSON object, or a file with one:
 *
 *   {"<|im_start|>": {"source": "models[2]"},
 *    "<|im_end|>":   {"source": {"kind": "model_token", "model": "models[1]", "token": "</s>"}},
 *    "<|user|>":     {"source": {"kind": "zero"}, "force": true},
 *    "<|new|>":      {"source": {"kind": "model_token", "model": "base", "token_id": 7}}}
 *
 * A source is an input, as its argument names it or as it was typed: its row of this very token; a "model_token": its row of
 * another token, or of that id; or "zero". A token that no tokenizer has becomes a new one. */
#ifndef MW_VOCABULARY_TOKEN_RULES_H
#define MW_VOCABULARY_TOKEN_RULES_H

#include "model/family.h"

typedef enum mw_token_rule_kind {
  MW_TOKEN_RULE_NONE, /* the token shall exist, and its rows are filled as if there was no rule */
  MW_TOKEN_RULE_MODEL, MW_TOKEN_RULE_TOKEN, MW_TOKEN_RULE_ID, MW_TOKEN_RULE_ZERO
} mw_token_rule_kind;

typedef struct mw_token_rule {
  const char *text; /* of the token that the rule is for */
  size_t length;
  mw_token_rule_kind kind;
  bool force;
  size_t member;     /* MODEL, TOKEN, ID: of the family */
  const char *token; /* TOKEN */
  size_t token_length;
  uint64_t id;       /* ID */
} mw_token_rule;

typedef struct mw_token_rules {
  const mw_token_rule *rules; /* [count], in the order of the text */
  size_t count;
} mw_token_rules;

/* The text of the rules: `word` itself if it begins with '{', else of the file of that name. */
bool mw_token_rules_text(const char *word, mw_arena *arena, const char **text, mw_error *err);
/* MW_USAGE where a rule is none, with the token and what is wrong. */
bool mw_token_rules_read(const char *text, const mw_family *family, mw_arena *arena, mw_token_rules *out, mw_error *err);

#endif

/* adapter_pattern.h: the keys of peft's rank_pattern and alpha_pattern. peft takes each as a Python regular expression that must
 * match the end of a module's name, from its start or from behind a dot. Those that people write are read here: letters, `\.`,
 * `.`, `\d`, `[0-9]`, these with `*`, `+` or `?`, alternatives in groups, `^` and `$` at the ends. The rest is refused by name. */
#ifndef MW_MODEL_ADAPTER_PATTERN_H
#define MW_MODEL_ADAPTER_PATTERN_H

#include "base/error.h"

/* Whether "(.*\.)?(PATTERN)$" matches the module. MW_DATA where the pattern is not of that kind (for any module alike), or longer
 * than 1000 bytes. Takes at most pattern length x module length steps. */
bool mw_adapter_pattern_match(const char *pattern, const char *module, bool *matches, mw_error *err);

#endif

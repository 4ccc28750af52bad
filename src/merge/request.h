/* request.h: checks a request, the recipe's arguments and the options, against its signature and the options' ranges, before any
 * model is opened. No argument or option is ignored. */
#ifndef MW_MERGE_REQUEST_H
#define MW_MERGE_REQUEST_H

#include "base/error.h"

/* MW_USAGE names the argument or option that is unknown, has too many words, or is not used by the recipe. */
bool mw_request_check(const mw_recipe *recipe, const mw_binding *bindings, size_t count, const mw_options *options, mw_error *err);

#endif

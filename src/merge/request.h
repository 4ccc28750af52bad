/* request.h: what is asked of a recipe, held against its signature and the options' ranges before anything is opened: no
 * argument or option may be passed over. */
#ifndef MW_MERGE_REQUEST_H
#define MW_MERGE_REQUEST_H

#include "base/error.h"

/* MW_USAGE names the argument or option that is unknown, has too many words, or that the recipe does not use. */
bool mw_request_check(const mw_recipe *recipe, const mw_binding *bindings, size_t count, const mw_options *options, mw_error *err);

#endif

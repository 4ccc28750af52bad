/* identity.h: what outputs compute, as a hash: two graphs that were built in another order, or hold other nodes besides,
 * have one identity if their outputs are the same expressions of the same inputs. */
#ifndef MW_EXPR_IDENTITY_H
#define MW_EXPR_IDENTITY_H

#include "expr/graph.h"

/* Of the outputs in their order: 64 hex digits and a NUL. Sets models[m] where an output reads input model m
 * (models may be NULL; m is below model_count). */
bool mw_identity_hash(const mw_graph *graph, const mw_node *outputs, size_t count, bool *models, size_t model_count,
                      char hex[65], mw_error *err);

#endif

/* hub.h: hub ids (`org/name[@revision]`) in the local Hugging Face cache: HF_HUB_CACHE, HUGGINGFACE_HUB_CACHE,
 * HF_HOME/hub, XDG_CACHE_HOME/huggingface/hub, ~/.cache/huggingface/hub. Never the network. */
#ifndef MW_MODEL_HUB_H
#define MW_MODEL_HUB_H

#include "base/mem.h"

/* Whether the words look like a hub id and not like a path (no such path exists, one '/'). */
bool mw_hub_is_id(const char *where);
/* The snapshot folder and its commit. A malformed id is MW_USAGE, one that is not in the cache MW_MISSING. */
bool mw_hub_find(const char *id, mw_arena *arena, const char **folder, const char **commit, mw_error *err);
/* Reads a file of a snapshot whose blob is named by its SHA-256, as the cache names large ones: MW_DATA if its contents
 * have another. *promised says whether the file has such a name; others are not read. */
bool mw_hub_verify(const char *path, bool *promised, mw_error *err);

#endif

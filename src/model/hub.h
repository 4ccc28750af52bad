/* hub.h: models named by a hub id (`org/name[@revision]`), found in the local Hugging Face cache, never in the network. The cache is
 * the first of HF_HUB_CACHE, HUGGINGFACE_HUB_CACHE, HF_HOME/hub, XDG_CACHE_HOME/huggingface/hub, ~/.cache/huggingface/hub. */
#ifndef MW_MODEL_HUB_H
#define MW_MODEL_HUB_H

#include "base/mem.h"

/* Whether the words look like a hub id and not like a path (no such path exists, one '/'). */
bool mw_hub_is_id(const char *where);
/* The snapshot folder and its commit. MW_MISSING where the id is malformed or not in the cache. Without a revision it
 * is refs/main, and where that is not there the only snapshot. */
bool mw_hub_find(const char *id, mw_arena *arena, const char **folder, const char **commit, mw_error *err);
/* A folder in a snapshot, "org/name/unet[@revision]": its id, "org/name[@revision]", its folder and commit. All three are NULL where the
 * words are none, or where the cache lacks it. */
bool mw_hub_find_within(const char *where, mw_arena *arena, const char **id, const char **folder, const char **commit, mw_error *err);
/* A folder of the cache itself, .../models--ORG--NAME, given as a path: its id "ORG/NAME", and the snapshot as above. All three
 * are NULL where the folder is no such one. */
bool mw_hub_enter(const char *repository, mw_arena *arena, const char **id, const char **folder, const char **commit, mw_error *err);
/* Whether a path without links is a file of some hub's cache: .../models--ORG--NAME/blobs/HASH. Links to such files stand in
 * snapshots and in folders that `--local-dir` of the hub's tool made. */
bool mw_hub_is_blob(const char *resolved);
/* Reads a file of a snapshot whose blob is named by its SHA-256, as the cache names large ones: MW_DATA if its contents
 * have another. *promised says whether the file has such a name; others are not read. */
bool mw_hub_verify(const char *path, bool *promised, mw_error *err);

#endif

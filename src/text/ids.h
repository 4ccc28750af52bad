/* ids.h: a growing list of token ids. A zeroed one is empty; free(list.ids) ends it. */
#ifndef MW_TEXT_IDS_H
#define MW_TEXT_IDS_H

#include "base/mem.h"

typedef struct mw_ids {
  uint32_t *ids;
  size_t count, capacity;
} mw_ids;

static inline bool mw_ids_add(mw_ids *list, uint32_t id, mw_error *err) {
  if (list->count == list->capacity) MW_TRY(mw_mem_grow(&list->ids, &list->capacity, list->count + 1, sizeof id, err));
  list->ids[list->count++] = id;
  return true;
}

#endif

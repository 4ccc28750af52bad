/* sample.h: which elements of a task a sample reads. A search for a rank among very many elements (the threshold of a whole
 * model, say) first looks at a small sample of them, which tells about where the answer is (selection.h). */
#ifndef MW_EXEC_SAMPLE_H
#define MW_EXEC_SAMPLE_H

#include "base/mem.h"

/* The sample's part in one task. */
typedef struct mw_sample {
  uint64_t elements;   /* of the task */
  uint64_t first_unit; /* units of MW_UNIT elements are numbered through all tasks of a pass: the task's first one */
  uint64_t stride;     /* one of so many units is in the sample */
} mw_sample;

/* Whether a selection among so many elements is worth a sample. */
bool mw_sample_pays(uint64_t elements);
/* The stride of a sample for a selection among so many elements. */
uint64_t mw_sample_stride(uint64_t elements);
/* How many units the task has, and how many of these are in the sample. */
uint64_t mw_sample_units(const mw_sample *sample);
uint64_t mw_sample_count(const mw_sample *sample);
/* The elements [start, start + count) of the k-th unit that is in the sample. */
void mw_sample_unit(const mw_sample *sample, uint64_t k, uint64_t *start, uint64_t *count);

#endif

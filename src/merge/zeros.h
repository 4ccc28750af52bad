/* zeros.h: weights that were never written. What a power cut, or a download that was cut off, leaves of a file may have the right
 * size and a good header, and zeros behind it: in all of its tensors, in some, or from some byte on. */
#ifndef MW_MERGE_ZEROS_H
#define MW_MERGE_ZEROS_H

#include "exec/ranks.h"
#include "model/family.h"

/* MW_DATA where a file holds nothing but zeros (with rules.allow_empty a warning). A warning names the tensors that are zeros, or have
 * a hole, where those of the same name of another model have values: zeros that all models have are no accident. Only weights
 * of two dimensions and more, and of at least 4096 bytes, are looked at; of nearly all of them 512 bytes are read. `ranks`: NULL, or each
 * of these processes, which have the same family, looks at some of the files, and rank 0 warns. */
bool mw_zeros_check(const mw_family *family, const mw_ranks *ranks, mw_warning *warnings, mw_error *err);

#endif

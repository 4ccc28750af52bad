/* checksum_base.c: XXH3 for every processor. */
#define MW_CHECKSUM_FORM mw_checksum_base
#include "base/checksum_body.h"

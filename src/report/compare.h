/* compare.h: compares two models tensor by tensor, and both with the base that they may come from: which tensors each has, and sums
 * over their elements, from which lengths, angles and shares are computed. All real tensors are read in one pass of the executor,
 * the others byte by byte. A difference is a result, never an error. */
#ifndef MW_REPORT_COMPARE_H
#define MW_REPORT_COMPARE_H

#include "model/family.h"

enum { MW_COMPARE_A, MW_COMPARE_B, MW_COMPARE_BASE, MW_COMPARE_MODELS };

/* Sums over elements. With u and v the task vectors A - base and B - base, or without a base A and B themselves. */
typedef enum mw_compare_sum {
  MW_COMPARE_ELEMENTS, /* compared */
  MW_COMPARE_CHANGED,  /* A differs from B */
  MW_COMPARE_MEASURED, /* elements of the lengths below */
  MW_COMPARE_AA, MW_COMPARE_BB, MW_COMPARE_DD, /* squares of A, B, B - A */
  MW_COMPARE_PAIRED,   /* elements that u and v have */
  MW_COMPARE_CONFLICT, /* u and v have opposite signs */
  MW_COMPARE_UU, MW_COMPARE_VV, MW_COMPARE_UV,
  MW_COMPARE_CC,       /* squares of the base */
  MW_COMPARE_CHANGED_A, MW_COMPARE_CHANGED_B, /* A, B differs from the base */
  MW_COMPARE_LEFT,     /* A differs from the base, B does not */
  MW_COMPARE_SUMS
} mw_compare_sum;

typedef struct mw_compare_sums { double of[MW_COMPARE_SUMS]; } mw_compare_sums;

/* What follows from the sums. NAN: not known, since nothing was measured, or since it would be a division by 0. */
typedef struct mw_compare_figures {
  double relative_delta;   /* |B - A| / |A| */
  double delta_a, delta_b; /* |A - base| / |base|, |B - base| / |base| */
  double changed, changed_a, changed_b; /* shares of the elements */
  double cosine;           /* of u and v; 0 where one of them is zero */
  double sign_conflict;    /* share of the elements */
  double left;             /* of the elements that A has changed, the share that are the base's in B: what B, a merge of A, left out */
} mw_compare_figures;

mw_compare_figures mw_compare_tell(const mw_compare_sums *sums);

typedef enum mw_compare_state {
  MW_COMPARE_SAME, MW_COMPARE_DIFFERS,
  MW_COMPARE_ONLY_A, MW_COMPARE_ONLY_B, MW_COMPARE_ONLY_BASE,
  MW_COMPARE_NO_BASE, /* the base does not have it, or in another shape or kind: compared without the base */
  MW_COMPARE_SHAPE,   /* the shapes differ: not compared */
  MW_COMPARE_DTYPE,   /* real numbers in one, integers or other bytes in the other: not compared */
  MW_COMPARE_STATES
} mw_compare_state;

extern const char *const mw_compare_state_names[MW_COMPARE_STATES]; /* "same" "differs" "only_a" ... */

typedef struct mw_compare_row {
  const char *name;
  const mw_tensor *tensor[MW_COMPARE_MODELS]; /* NULL where a model has none */
  mw_compare_state state;
  uint32_t group;
  /* Of its name: the first `key` bytes are its layer's ("model.layers.3") or its module's ("model.norm"). */
  size_t key;
  uint64_t layer;
  uint8_t place;    /* 0: before the layers, 1: in a layer, 2: after them */
  mw_compare_sums sums;
} mw_compare_row;

/* The tensors of a layer, or of a module that is in no layer. */
typedef struct mw_compare_group {
  size_t first, count; /* rows */
  mw_compare_sums sums;
} mw_compare_group;

typedef struct mw_compare {
  mw_family_member members[MW_COMPARE_MODELS];
  size_t models;          /* 2, or 3 with a base */
  mw_compare_row *rows;   /* in the order of a forward pass, as far as names show it */
  size_t count;
  mw_compare_group *groups;
  size_t group_count;
  mw_compare_sums all;
} mw_compare;

/* A model to compare: where it lies (of the base NULL where there is none), and what warnings call it: "A", "the base". */
typedef struct mw_compare_given { const char *where, *label; } mw_compare_given;

/* Opens the models A, B and base, and compares them. A zeroed `out` is closed after a failure too. `progress` may be NULL. */
bool mw_compare_models(const mw_compare_given given[MW_COMPARE_MODELS], int threads, mw_progress progress, void *context,
                       mw_warning *warnings, mw_compare *out, mw_error *err);
void mw_compare_close(mw_compare *compare);

#endif

/* kind.h: what a tensor is for, as its name tells: by it the reader of a page chooses what to see. */
#ifndef MW_REPORT_KIND_H
#define MW_REPORT_KIND_H

typedef enum mw_kind { MW_KIND_ATTENTION, MW_KIND_MLP, MW_KIND_NORM, MW_KIND_EMBEDDING, MW_KIND_OTHER, MW_KINDS } mw_kind;

/* "attention" "mlp" "norm" "embedding" "other": also the classes of the page's style. */
extern const char *const mw_kind_names[MW_KINDS];

/* "layers.0.self_attn.q_norm.weight" is a norm, "layers.0.self_attn.q_proj.weight" attention, "lm_head.weight" an embedding. */
mw_kind mw_kind_of(const char *name);

#endif

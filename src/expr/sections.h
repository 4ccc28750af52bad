/* sections.h: which values along rows a program keeps (program.h), and in which order they become known. */
#ifndef MW_EXPR_SECTIONS_H
#define MW_EXPR_SECTIONS_H

#include "expr/cone.h"

/* Lists what the roots need in program->kept, and sets `quantum` and `run`. `cone` is scratch. A program without rows has none. */
bool mw_sections_find(mw_program *program, const mw_graph *graph, const mw_program_root *roots, size_t count, mw_cone *cone,
                      mw_error *err);
/* The place of a node in program->kept, or -1. */
long mw_sections_kept(const mw_program *program, mw_node node);
/* What a leaf of a cone reads: the vector below a SPREAD, a ROW itself; 0: the node is no such leaf. */
mw_node mw_sections_read(const mw_graph *graph, mw_node leaf);

#endif

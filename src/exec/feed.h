/* feed.h: reads the elements of a view (expr/view.h), or of whatever is streamed, any range of them, into memory. A view is as streamed as
 * an input of a file: a thread holds buffers of a bounded size, whatever the size of the tensors.
 *
 * A feed is a tree. Its leaves read a file, or coefficients in memory; above them are the views, each of which finds for a range of
 * its elements those of its parts; and where a view is of something that is computed, there is a program in between, which
 * computes just the range that is asked for. For example join{x:slice{rows = {0, 2}}, 2 * y}, where x and y are bf16:
 *
 *   JOIN_ROWS, f32
 *     program: INPUT; STORE as f32      since the join's parts are not all stored in one dtype
 *       SLICE_ROWS, bf16
 *         file of x
 *     program: INPUT; MUL 2; STORE as f32
 *       file of y
 *
 * With a view that turns a matrix (TRANSPOSE) blocks are larger, MW_FEED_TURNED elements, so that a row of it is read in runs. */
#ifndef MW_EXEC_FEED_H
#define MW_EXEC_FEED_H

#include "exec/tile.h"
#include "exec/values.h"

typedef struct mw_feed mw_feed;

enum { MW_FEED_TURNED = 4 << 20 };

/* The scalars, vectors and matrices that it reads must be known, and `values` must stay. `tile`: elements of a tile. `dtype`: in which
 * elements are read; that of a view's facts costs nothing. */
bool mw_feed_open(const mw_job *job, const mw_kernels *kernels, size_t tile, mw_values *values, mw_node node, mw_dtype dtype, mw_feed **out,
                  mw_error *err);
/* Elements [start, start + count) in that dtype. MW_DATA without a text: `bad_input` says which input has a NaN. */
bool mw_feed_read(mw_feed *feed, uint64_t start, uint64_t count, void *elements, mw_error *err);
void mw_feed_close(mw_feed *feed);

/* Calls `visit` for each program that a feed of that dtype has. */
typedef bool (*mw_feed_visit)(void *context, const mw_program *program, mw_error *err);
bool mw_feed_programs(const mw_graph *graph, mw_node node, mw_dtype dtype, mw_feed_visit visit, void *context, mw_error *err);
/* Bytes that a feed holds, at most. */
bool mw_feed_bytes(const mw_graph *graph, mw_node node, mw_dtype dtype, size_t tile, uint64_t *bytes, mw_error *err);

#endif

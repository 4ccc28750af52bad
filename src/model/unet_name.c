/* unet_name.c: see unet_name.h. Of three steps at each depth of Stable Diffusion 1, 2 and XL, on the way down two are residual blocks,
 * mostly with attention, and the third halves the size; on the way up all three are, and the last also doubles it. */
#include "model/unet_name.h"
#include "base/text.h"
#include <stdio.h>
#include <string.h>

enum { LONGEST = 1024, STEPS = 3 };

/* What a residual block's modules are called. */
static const char *const residual[][2] = {{"_in_layers_0", "_norm1"}, {"_in_layers_2", "_conv1"}, {"_emb_layers_1", "_time_emb_proj"},
                                          {"_out_layers_0", "_norm2"}, {"_out_layers_3", "_conv2"}, {"_skip_connection", "_conv_shortcut"}};

static const char *in_residual(const char *rest) {
  for (size_t i = 0; i < sizeof residual / sizeof *residual; i++)
    if (strcmp(rest, residual[i][0]) == 0) return residual[i][1];
  return rest;
}

/* Step `step` of the way down or up, of it `piece`, and what stands behind: "_proj_in". False where it is none. */
static bool rename_step(const char *way, unsigned depth, unsigned step, unsigned piece, const char *rest, char out[LONGEST]) {
  if (strcmp(rest, "_op") == 0) snprintf(out, LONGEST, "%s_blocks_%u_downsamplers_0_conv", way, depth);
  else if (strcmp(rest, "_conv") == 0) snprintf(out, LONGEST, "%s_blocks_%u_upsamplers_0_conv", way, depth);
  else if (piece == 0) snprintf(out, LONGEST, "%s_blocks_%u_resnets_%u%s", way, depth, step, in_residual(rest));
  else if (piece == 1) snprintf(out, LONGEST, "%s_blocks_%u_attentions_%u%s", way, depth, step, rest);
  else return false;
  return true;
}

static bool rename_block(const char *at, char out[LONGEST]) {
  unsigned block, piece;
  int end = 0;
  if (sscanf(at, "input_blocks_%3u_%1u%n", &block, &piece, &end) == 2 && end) {
    if (block) return rename_step("down", (block - 1) / STEPS, (block - 1) % STEPS, piece, at + end, out);
    return snprintf(out, LONGEST, "conv_in%s", at + end) > 0;
  }
  if (sscanf(at, "output_blocks_%3u_%1u%n", &block, &piece, &end) == 2 && end)
    return rename_step("up", block / STEPS, block % STEPS, piece, at + end, out);
  if (sscanf(at, "middle_block_%1u%n", &piece, &end) != 1 || !end || piece > 2) return false;
  if (piece == 1) return snprintf(out, LONGEST, "mid_block_attentions_0%s", at + end) > 0;
  return snprintf(out, LONGEST, "mid_block_resnets_%u%s", piece / 2, in_residual(at + end)) > 0;
}

static bool rename_embedding(const char *at, char out[LONGEST]) {
  static const char *const names[][2] = {{"time_embed_0", "time_embedding_linear_1"}, {"time_embed_2", "time_embedding_linear_2"},
                                         {"label_emb_0_0", "add_embedding_linear_1"}, {"label_emb_0_2", "add_embedding_linear_2"}};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strcmp(at, names[i][0]) == 0) return snprintf(out, LONGEST, "%s", names[i][1]) > 0;
  return false;
}

void mw_unet_name_flat(char *name, size_t room) {
  static const char *const words[] = {"input_blocks_", "output_blocks_", "middle_block_", "time_embed_", "label_emb_"};
  char renamed[LONGEST];
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    char *at = strstr(name, words[i]);
    if (!at || (at > name && at[-1] != '_') || strlen(at) >= LONGEST / 2) continue;
    const size_t before = (size_t)(at - name);
    if ((rename_block(at, renamed) || rename_embedding(at, renamed)) && before + strlen(renamed) < room) strcpy(at, renamed);
    return;
  }
}

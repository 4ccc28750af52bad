/* unet_name.h: the two ways in which the modules of a diffusion model's unet are called: as in the checkpoints of one file, and as in
 * diffusers. kohya's scripts write either, whatever the base has. Flat names, with underscores for dots:
 *
 *   input_blocks_4_1_proj_in        down_blocks_1_attentions_0_proj_in
 *   output_blocks_2_2_conv          up_blocks_0_upsamplers_0_conv
 *   middle_block_0_in_layers_2      mid_block_resnets_0_conv1 */
#ifndef MW_MODEL_UNET_NAME_H
#define MW_MODEL_UNET_NAME_H

#include <stddef.h>

/* Brings a flat name to that of diffusers, in its place of `room` bytes; what stands before the block stays. Other names stay as they
 * are. */
void mw_unet_name_flat(char *name, size_t room);

#endif

/* power.c: `x ^ y` of plain numbers in a recipe. Lua computes it by C's pow, whose last bit depends on the processor (the C library
 * has one version with fused multiply-add and one without), and in Lua the operator of two numbers cannot be replaced. So the
 * program defines pow itself, the same that tensors use, and the linker takes it for Lua too. A library must not do this to the
 * program that uses it, so there `^` is the C library's. */
#include "base/mathx.h"
#include <math.h>

/* Visible, since Lua is a shared library on most systems. */
__attribute__((visibility("default"))) double pow(double x, double y) { return mw_mathx_pow(x, y); }

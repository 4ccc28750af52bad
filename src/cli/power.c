/* power.c: `x ^ y` of plain numbers in a recipe. Lua calls C's pow for it, whose last bit depends on the processor (the
 * C library has one with fused multiply-add and one without), and an operator of numbers cannot be replaced from within.
 * So the program has a pow of its own, the one that tensors get, and the linker gives it to Lua as well. The libraries
 * must not do this to a program that uses them: there `^` is the C library's. */
#include "base/mathx.h"
#include <math.h>

/* Visible, since Lua is a shared library on most systems. */
__attribute__((visibility("default"))) double pow(double x, double y) { return mw_mathx_pow(x, y); }

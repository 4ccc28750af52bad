/* layer_name.c: a scan for the first ".NUMBER." that has something before and behind it. */
#include "model/layer_name.h"
#include "base/text.h"
#include <string.h>

static bool ends_so(const char *stack, size_t length, const char *word) {
  size_t n = strlen(word);
  return length >= n && memcmp(stack + length - n, word, n) == 0;
}

/* Whether a stack is called "h", or as layers are: "layers", "h.blocks". */
static bool is_stack(const char *stack, size_t length) {
  static const char *const words[] = {"layer", "layers", "block", "blocks", ".h"};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (ends_so(stack, length, words[i])) return true;
  return length == 1 && *stack == 'h';
}

bool mw_layer_name_read(const char *name, mw_layer_name *out) {
  for (const char *dot = *name ? strchr(name + 1, '.') : NULL; dot; dot = strchr(dot + 1, '.')) {
    size_t digits = strspn(dot + 1, "0123456789");
    const char *rest = dot + 1 + digits;
    if (!digits || rest[0] != '.' || !rest[1]) continue;
    out->stack = (size_t)(dot - name);
    out->rest = rest + 1;
    return (strchr(out->rest, '.') || is_stack(name, out->stack)) && mw_text_parse_u64(dot + 1, digits, &out->layer) &&
           out->layer < UINT32_MAX;
  }
  return false;
}

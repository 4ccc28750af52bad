-- The Lua module as a rock: `luarocks --lua-version 5.4 make .github/moonweld-scm-0.rockspec` in the root of the sources.
rockspec_format = "3.0"
package = "moonweld"
version = "scm-0"
source = { url = "git+file://." }
description = {
  summary = "Merges model checkpoints by recipes in Lua",
  detailed = "The Lua module of Moonweld, with its runtime in C. It stands on OpenBLAS, nettle, xxHash, cJSON, libyaml, PCRE2, utf8proc and libseccomp, which pkg-config finds.",
  license = "MIT",
}
supported_platforms = { "linux" }
dependencies = { "lua ~> 5.4" }
build = {
  type = "make",
  build_target = "build/moonweld.so",
  install_target = "install-module",
  install_variables = { LUA_LIB = "$(LIBDIR)" },
}

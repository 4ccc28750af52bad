-- expect: 65 syntax error
this is not Lua

-- expect: 65 package
package.loadlib("libc.so.6", "system")
return recipe { "A hostile recipe.", arg.model("base", "a model"), function(a) return a.base end }

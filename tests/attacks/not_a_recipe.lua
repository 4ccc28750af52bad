-- expect: 65
return 42

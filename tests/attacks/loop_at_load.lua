-- expect: 65 too long
while true do end

-- https://github.com/thibaultcha/lua-resty-jit-uuid
return {}

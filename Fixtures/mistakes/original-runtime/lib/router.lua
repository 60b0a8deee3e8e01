local router = {}
function router.new() end -- Enrique Garcia Cota, APItools
return router

-- args holds the route's parameters, the query and the body in one table.
return function (args)
  return args
end

return function (order)
  return order.id
end

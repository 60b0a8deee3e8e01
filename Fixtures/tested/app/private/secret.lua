return function () return "inside" end

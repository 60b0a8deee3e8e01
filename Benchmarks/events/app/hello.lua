return function () return "Hello from Spacer!" end

return {text = "hello"}

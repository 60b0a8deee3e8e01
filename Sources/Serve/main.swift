print("spacer-serve")

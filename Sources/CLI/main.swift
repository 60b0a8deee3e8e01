print("spacer")

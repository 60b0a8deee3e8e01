local version = os.getenv("VERSION")
return {{"GET", "/" .. version, "hello"}}

// The lean executable: it serves an artifact and can do nothing else.

import Glibc
import SpacerRuntime

exit(ServeCommand.run(arguments: CommandLine.arguments))

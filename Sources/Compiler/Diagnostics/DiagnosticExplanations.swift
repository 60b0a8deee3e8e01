// What each id means, in one paragraph: what was found, why it matters, the way out.
// docs/diagnostics.md holds the same text; a test keeps the two in step.

extension DiagnosticID {
  /// One paragraph for documentation and `--help`.
  package var explanation: String {
    switch self {
    case .syntaxError, .limitExceeded, .notAFunction, .unresolvedRequire, .requireCycle, .engineOnly,
      .undeclaredTopic, .unknownCallee, .undeclaredEnvironment, .undefinedGlobal, .unusedLocal,
      .unreachableCode, .unknownType, .missingDatabase, .unreadableFile, .ambiguousModule, .unusedIgnore:
      fileExplanation
    default:
      projectExplanation
    }
  }

  private var fileExplanation: String {
    switch self {
    case .syntaxError:
      "The file is not valid Lua 5.4, so nothing in it can run. The message names what was expected, and a "
        + "note shows where an unclosed block or bracket began. Correct the text at the caret or at the note."
    case .limitExceeded:
      "The file is valid Lua but more than the virtual machine can compile: more than 200 locals in one "
        + "function, 255 upvalues, or nesting deeper than 200 levels. Split the function or the table."
    case .notAFunction:
      "A file under app/ is a function: its last statement returns the handler. This one returns something "
        + "else or nothing, so every call would fail. Return a function, or move shared code to lib/."
    case .unresolvedRequire:
      "`require` names a module that is neither in app/ nor in lib/ nor built in, so the file would fail to "
        + "load. Correct the name, or add the file. A name computed at run time belongs under `include`."
    case .requireCycle:
      "Modules require each other in a circle while they load, so one of them would get an unfinished "
        + "module. Call `require` inside the function that needs it, or move what both share to a third module."
    case .engineOnly:
      "The code uses what only the original's engine had: ngx, ffi, bit, setfenv, module or a C module. It "
        + "does not exist here. The hint names what takes its place."
    case .undeclaredTopic:
      "An event is appended to, or a trigger or schedule names, a topic that `topics` in "
        + "config/application.yml does not list; the append would always raise. Add the topic to the list or "
        + "correct the name. Inside pcall it is a warning, since the failure may be meant."
    case .unknownCallee:
      "`flow.call` names a function that does not exist under app/, so the call would always raise. Correct "
        + "the name. Inside pcall it is a warning, since the failure may be meant."
    case .undeclaredEnvironment:
      "`os.getenv` reads a variable that `envVar` in config/application.yml does not list. Functions see only "
        + "the listed ones, so the result is always nil. Add the name to `envVar`."
    case .undefinedGlobal:
      "A global is used or assigned that no standard name covers: most often a misspelling or a forgotten "
        + "`local`. A request's globals vanish with it. Correct the name or declare a local."
    case .unusedLocal:
      "A local variable is never read: dead code, or another name was meant. Remove it, or begin its name "
        + "with an underscore when it only fills a place."
    case .unreachableCode:
      "Code after a return, break, goto or an endless loop can never run. Remove it, or correct the "
        + "condition that was meant to let it run."
    case .unknownType:
      "A description given to `validate` names a type that does not exist, or an option that its type does not "
        + "have, so the module would fail to load; or a topic's `schema` does. The types are string, integer, number, "
        + "boolean, array, object and any. Correct the name."
    case .missingDatabase:
      "A module requires `db`, and config/application.yml has no `databases`, so every statement fails unless "
        + "`run --config` brings one. Add one: `driver: sqlite` with a `path`, or `driver: postgres` with a `connString`."
    case .unreadableFile:
      "A file or folder of the project cannot be used: no permission, a broken link, not a regular file, "
        + "larger than 16 MiB, or a name that is not valid UTF-8 or holds control characters. Correct its "
        + "permissions or its name, or move it out of app/, lib/ and config/."
    case .ambiguousModule:
      "Two files answer to the same module name, such as app/a.b.lua and app/a/b.lua, or a library in lib/ "
        + "is hidden by a file of the same name in app/, which `require` finds first. Rename one of them."
    case .unusedIgnore:
      "A comment `-- spacer: ignore ID` silences nothing: its line has no such warning, the finding is an "
        + "error, or the id does not exist. Remove the comment, since it would hide the next finding."
    default: ""
    }
  }

  private var projectExplanation: String {
    switch self {
    case .gatewayMissing:
      "There is no app/gateway.lua, so no function can be reached over HTTP. Add the file; it returns the "
        + "list of routes, each {METHOD, PATH, FUNCTION}."
    case .gatewayFailed:
      "app/gateway.lua runs at build time, in a sandbox without input and output and with bounded time and "
        + "memory. It raised an error, did not end, or returned no list. Make it compute the route list from "
        + "constants and pure modules only."
    case .malformedRoute:
      "A route is not {METHOD, PATH, FUNCTION}: an unknown method, a path without its leading slash, an empty "
        + "or repeated parameter, or a `*name` that is not the last segment. Correct the entry."
    case .unknownFunction:
      "A route, a trigger or a schedule names a function for which there is no file under app/. Correct the name, or add "
        + "the file."
    case .privateRoute:
      "A route leads to a function under app/private/. Those are reachable from loopback and by flow.call "
        + "only, never through the gateway. Move the function out of app/private/ or remove the route."
    case .duplicateRoute:
      "Two routes have the same method and path, so the second could never be reached. Remove one."
    case .conflictingRoute:
      "Two routes match the same requests and differ only in their parameters' names, so which one answers "
        + "would be chance. The note shows a path that both match. Change one of the patterns."
    case .unreachableRoute:
      "Every request that this route matches is taken by routes that come before it in precedence. The note "
        + "shows a path and the route that takes it. Remove the route or change its pattern."
    case .configMissing:
      "There is no config/application.yml. It names the application, its topics and triggers. Add the file; "
        + "the least it holds is `spacerVersion: 1` and `appName`."
    case .configSyntax:
      "config/application.yml cannot be read as YAML: a syntax error, a repeated key, more than one document, "
        + "an unknown alias, or more nesting or expansion than any configuration needs. Correct the text at "
        + "the caret."
    case .configUnknownKey:
      "config/application.yml has a key that does not exist at this place, so its value would have no effect. "
        + "The hint names the nearest known key or the section where the key belongs."
    case .configType:
      "A value in config/application.yml has the wrong type, such as a number where a list belongs. The "
        + "message names both; docs/application-yml.md describes each key."
    case .configValue:
      "A value in config/application.yml is of the right type but not one the key can have, or a key that is "
        + "needed is absent. The message says what is expected."
    case .topicName:
      "A topic's name is [A-Za-z][A-Za-z0-9_]* and at most 57 bytes long, since storages build table names "
        + "from it; two names that differ only in letter case would share one table, and names beginning with "
        + "`spacer_` are Spacer's own. Rename the topic."
    case .eventLoop:
      "A trigger appends to a topic whose triggers lead back to it: one event would cause events for ever. "
        + "The notes show the circle step by step. Break it, or ignore the warning where a condition ends it."
    case .triggerRoute:
      "A trigger names no function, but POST of the same path is routed, so that route's function is used, as "
        + "the original did. Name the function itself to make this note go away."
    case .duplicateTrigger:
      "A function is wired twice to one event of a topic. Each event runs a function once, and progress, "
        + "retries and dead letters are kept by the function's name. Keep one of the two; two filters can "
        + "become one, or two functions."
    case .malformedFilter:
      "A trigger's `filter` is not understood: an operator other than equals, prefix and exists, an empty list, "
        + "or a value that a field can never have. Filters are compiled into the artifact, so that a mistake "
        + "shows here and not as events that no handler gets. Correct the condition."
    case .malformedSchedule:
      "A schedule is not complete or not understood: a cron expression that is none or that never comes, both "
        + "`cron` and `every`, or neither a function nor a topic. The message says which; "
        + "docs/application-yml.md describes the fields."
    case .transactionStorage:
      "A trigger asks for `transaction: true`, and no environment under `logStorage` has the driver `postgres`, "
        + "the only one where a handler's queries, its appends and the group's progress can be one "
        + "transaction. Use that driver, or leave the option out: events are then handled at least once."
    case .originalRuntime:
      "The project holds files of the original's runtime. Built-in modules take their place, so they are "
        + "left out of the artifact. They may be deleted; a library of your own under such a name is kept."
    default: ""
    }
  }
}

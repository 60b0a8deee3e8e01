// Names that the configuration declares, and names that nothing declares: topics, environment variables,
// globals.

extension ModuleChecks {
  mutating func checkConfiguredNames() {
    guard let config, let configPath = scan.configPath else { return }
    let topics = config.topics.map(\.value)
    let variables = config.environmentVariables.map(\.value)
    let knownTopics = Set(topics)
    let knownVariables = Set(variables)
    for (path, facts) in files {
      if !config.hasDatabases { checkDatabase(facts, path: path, configPath: configPath) }
      for append in facts.appends where !knownTopics.contains(append.name) {
        let nearest = NearestName.find(append.name, in: topics)
        diagnostics.append(
          Diagnostic(
            .undeclaredTopic, Self.severity(append), "the topic '\(append.name)' is not declared",
            at: SourceLocation(path: path, range: append.range),
            hint: Self.hint(nearest) ?? "list it under 'topics' in \(configPath)",
            fix: Self.fix(append.range, nearest)))
      }
      // The gateway has no environment at all, which its evaluation reports.
      guard path != scan.gatewayPath else { continue }
      for variable in facts.getenvs where !knownVariables.contains(variable.name) {
        let nearest = NearestName.find(variable.name, in: variables)
        diagnostics.append(
          Diagnostic(
            .undeclaredEnvironment, .warning,
            "os.getenv gives nil: '\(variable.name)' is not listed under 'envVar'",
            at: SourceLocation(path: path, range: variable.range),
            hint: Self.hint(nearest) ?? "add it to 'envVar' in \(configPath)",
            fix: Self.fix(variable.range, nearest)))
      }
    }
  }

  /// `db` without a database to reach, in what runs when the application is served.
  private mutating func checkDatabase(_ facts: ModuleFacts, path: String, configPath: String) {
    guard !TestFiles.contains(path), scan.resolve(require: "db") == nil,
      let require = facts.requires.first(where: { $0.reference.name == "db" && !$0.reference.isGuarded })
    else { return }
    diagnostics.append(
      Diagnostic(
        .missingDatabase, .warning, "'db' has no database: \(configPath) has no 'databases'",
        at: SourceLocation(path: path, range: require.reference.range),
        hint:
          "add 'databases: { default: { driver: sqlite, path: .spacer/app.db } }', or postgres with a connString"
      ))
  }

  /// A mistyped global is what Lua users lose most time to. One finding a name and file: the first use.
  mutating func checkGlobals() {
    var assigned: Set<String> = []
    for (path, facts) in files where !TestFiles.contains(path) {
      for write in facts.globalWrites { assigned.insert(write.name) }
    }
    for (path, facts) in files {
      let isTest = TestFiles.contains(path)
      var assigned = assigned
      if isTest { assigned.formUnion(facts.globalWrites.map(\.name)) }
      let known = StandardGlobals.names.union(assigned)
      var reported: Set<String> = []
      for write in facts.globalWrites
      where StandardMembers.split(write.name) == nil && reported.insert(write.name).inserted {
        if isTest, TestFiles.defines(global: write.name) { continue }
        // A name close to one that exists everywhere is rather a slip than a variable of its own.
        let nearest = NearestName.find(write.name, in: StandardGlobals.names)
        diagnostics.append(
          Diagnostic(
            .undefinedGlobal, .warning, "assignment to the undefined global '\(write.name)'",
            at: SourceLocation(path: path, range: write.range),
            hint: Self.hint(nearest) ?? "is 'local' missing? a global set in a request ends with it"))
      }
      reported = []
      for read in facts.globalReads where !assigned.contains(read.name) {
        guard reported.insert(read.name).inserted else { continue }
        if isTest, TestFiles.provides(global: read.name) { continue }
        if let (table, member) = StandardMembers.split(read.name) {
          checkMember(member, of: table, at: SourceLocation(path: path, range: read.range))
          continue
        }
        let isModule = BuiltinModules.names.contains(read.name)
        let nearest = NearestName.find(read.name, in: known)
        let further = facts.globalReads.count { $0.name == read.name } - 1
        diagnostics.append(
          Diagnostic(
            .undefinedGlobal, .warning, "the global '\(read.name)' is not defined anywhere",
            at: SourceLocation(path: path, range: read.range),
            notes: further == 0
              ? [] : [.init("used \(further) more \(further == 1 ? "time" : "times") in this file")],
            hint: isModule ? "add: local \(read.name) = require \"\(read.name)\"" : Self.hint(nearest),
            fix: isModule ? nil : nearest.map { Diagnostic.Fix(range: read.range, replacement: $0) }))
      }
    }
  }

  /// A member that a standard library or a built-in module does not have.
  private mutating func checkMember(_ member: String, of table: String, at place: SourceLocation) {
    // A file of the project comes before the built-in module of its name.
    if !StandardGlobals.libraries.contains(table), scan.resolve(require: table) != nil { return }
    let nearest = NearestName.find(member, in: StandardMembers.byTable[table] ?? [])
    diagnostics.append(
      Diagnostic(
        .undefinedGlobal, .warning, "'\(table)' has no field '\(member)'", at: place,
        hint: Self.hint(nearest),
        fix: nearest.flatMap { name in place.range.map { Diagnostic.Fix(range: $0, replacement: name) } }))
  }
}

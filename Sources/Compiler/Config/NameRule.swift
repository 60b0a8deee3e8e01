// The names that the configuration holds, each kind with its rule.

/// What a name in the configuration must look like.
enum NameRule {
  case appName, topic, event, function, variable, module, environment, property, database, schedule

  /// Why `name` is none, or nil.
  func complaint(_ name: String) -> String? {
    switch self {
    case .appName:
      return Patterns.isName(name, others: "-") && name.utf8.count <= ConfigLimits.appNameBytesMax
        ? nil
        : "an application's name is a letter, then letters, digits and '-', at most "
          + "\(ConfigLimits.appNameBytesMax) bytes"
    case .topic:
      // Tables are named in lower case.
      if name.lowercased().hasPrefix("spacer_") { return "names beginning with 'spacer_' are Spacer's own" }
      return Patterns.isName(name, others: "_") && name.utf8.count <= ConfigLimits.topicNameBytesMax
        ? nil
        : "a topic's name is a letter, then letters, digits and '_', at most "
          + "\(ConfigLimits.topicNameBytesMax) bytes"
    case .event:
      return name == "APPEND" ? nil : "the only event is APPEND"
    case .variable:
      return Patterns.isVariable(name) && name.utf8.count <= ConfigLimits.nameBytesMax
        ? nil : "an environment variable's name is letters, digits and '_', not beginning with a digit"
    case .environment:
      return Patterns.isName(name, others: "_-") && name.utf8.count <= ConfigLimits.nameBytesMax
        ? nil : "an environment's name is a letter, then letters, digits, '_' and '-'"
    case .database:
      return Patterns.isName(name, others: "_-") && name.utf8.count <= ConfigLimits.nameBytesMax
        ? nil : "a database's name is a letter, then letters, digits, '_' and '-'"
    case .schedule:
      let isName = name.utf8.allSatisfy { Patterns.isWord($0) || $0 == 0x2D }
      return isName && !name.isEmpty && name.utf8.count <= ConfigLimits.scheduleNameBytesMax
        ? nil
        : "a schedule's name is letters, digits, '_' and '-', at most \(ConfigLimits.scheduleNameBytesMax) bytes"
    case .property:
      return Patterns.isName(name, others: "._-") && name.utf8.count <= ConfigLimits.nameBytesMax
        ? nil : "a property's name is a letter, then letters, digits, '.', '_' and '-'"
    case .function, .module:
      let parts = name.split(separator: "/", omittingEmptySubsequences: false)
      if name.hasSuffix(".lua") { return "write the name without '.lua'" }
      let isPath = !parts.contains { $0.isEmpty || $0 == ".." || $0 == "." }
      return isPath && !Patterns.hasControl(name) && name.utf8.count <= ConfigLimits.nameBytesMax
        ? nil : "a name is a path under app/ or lib/ such as 'models/user'"
    }
  }
}

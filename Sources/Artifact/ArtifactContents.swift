// What an artifact holds, as plain values: the compiler's plan in the form the writer takes.
// The writer owns order and layout; a caller may list modules and settings in any order.

/// The request methods a route can name, and every other token as `other`, which only `ANY` routes take.
package enum RouteMethod: UInt8, CaseIterable, Sendable {
  case get = 0
  case post, put, patch, delete, head, options, other

  /// The method's bit in a mask of methods.
  package var bit: UInt8 { 1 << rawValue }

  /// The token as it stands in a request line; `other` has none.
  package var name: String {
    switch self {
    case .get: "GET"
    case .post: "POST"
    case .put: "PUT"
    case .patch: "PATCH"
    case .delete: "DELETE"
    case .head: "HEAD"
    case .options: "OPTIONS"
    case .other: ""
    }
  }
}

/// A set of methods; `ANY` is all bits.
package struct RouteMethods: OptionSet, Hashable, Sendable {
  package let rawValue: UInt8
  package init(rawValue: UInt8) { self.rawValue = rawValue }
  package init(_ method: RouteMethod) { rawValue = method.bit }
  package static let any = RouteMethods(rawValue: 0xFF)
}

/// Everything that goes into one artifact.
package struct ArtifactContents: Equatable, Sendable {
  /// What a module is to the runtime.
  package enum ModuleKind: UInt8, Sendable {
    /// Under `app/`, callable by a route, a trigger, `flow.call` or the internal token.
    case function = 0
    /// Under `app/private/`: a function for loopback peers and `flow.call` only.
    case privateFunction = 1
    /// Under `lib/`: reached by `require` only.
    case library = 2
  }

  /// What a module's code hands to `validate`.
  package struct Validation: Equatable, Sendable {
    /// 1-based line of the call in the module's file.
    package var line: Int
    /// The description of the arguments as canonical JSON.
    package var description: String

    package init(line: Int, description: String) {
      self.line = line
      self.description = description
    }
  }

  /// Something outside of itself that a module's code reaches, as far as its text shows.
  package struct Capability: Hashable, Sendable {
    /// What is reached. The numbers are the format's.
    package enum Kind: UInt8, CaseIterable, Sendable {
      /// A server, by requests of the module `http`; the target is its origin, `https://weather.example`, or the
      /// environment variable that names it, `${WEATHER_URL}`.
      case http = 0
      /// A topic that it appends to.
      case topic
      /// A function that it calls with `flow`.
      case function
      /// A database, by its name in the configuration.
      case database
      /// An environment variable.
      case variable
      /// An environment variable that has another value in its place where it is read.
      case optionalVariable
      /// A module whose name, or code whose text, is computed: any is the only target.
      case module
      /// A function of the program that embeds the runtime, by the name it is registered under.
      case host
    }

    package var kind: Kind
    /// Nil when the text does not tell which: any.
    package var target: String?

    package init(_ kind: Kind, _ target: String?) {
      self.kind = kind
      self.target = target
    }

    /// By kind, any first, then by the target's bytes.
    package static func precedes(_ a: Self, _ b: Self) -> Bool {
      if a.kind != b.kind { return a.kind.rawValue < b.kind.rawValue }
      guard let second = b.target else { return false }
      guard let first = a.target else { return true }
      return first.utf8.lexicographicallyPrecedes(second.utf8)
    }
  }

  /// One compiled Lua file.
  package struct Module: Equatable, Sendable {
    /// The function or library name without folder and ending: `controllers/users/get`, `helper`.
    package var name: String
    /// Relative to the project: `app/controllers/users/get.lua`.
    package var path: String
    package var kind: ModuleKind
    /// A Lua 5.4 binary chunk with exactly one upvalue, `_ENV`.
    package var bytecode: [UInt8]
    /// A hash of everything that decides the module's behaviour by itself (its source and path).
    package var contentHash: UInt64
    /// Indexes into `ArtifactContents.modules` of what it requires by a constant name.
    package var requires: [Int]
    /// Built-in modules it requires by a constant name (`flow`, `cjson`), sorted.
    package var builtins: [String]
    /// Topics it appends to by a constant name, sorted.
    package var appends: [String]
    /// Functions it calls with `flow.call` by a constant name, sorted.
    package var calls: [String]
    /// Constant descriptions of arguments, in the order of the text.
    package var validations: [Validation]
    /// What its own code reaches, without that of the modules it requires.
    package var capabilities: [Capability]

    package init(
      name: String, path: String, kind: ModuleKind, bytecode: [UInt8], contentHash: UInt64,
      requires: [Int] = [], builtins: [String] = [], appends: [String] = [], calls: [String] = [],
      validations: [Validation] = [], capabilities: [Capability] = []
    ) {
      self.name = name
      self.path = path
      self.kind = kind
      self.bytecode = bytecode
      self.contentHash = contentHash
      self.requires = requires
      self.builtins = builtins
      self.appends = appends
      self.calls = calls
      self.validations = validations
      self.capabilities = capabilities
    }
  }

  /// One entry of the gateway.
  package struct Route: Equatable, Sendable {
    package var methods: RouteMethods
    /// As written, without a trailing slash: `/users/:id`; the root is `/`.
    package var pattern: String
    /// Index into `ArtifactContents.modules`.
    package var module: Int
    /// 1-based line in `app/gateway.lua`, 0 when the entry was computed.
    package var line: Int

    package init(methods: RouteMethods, pattern: String, module: Int, line: Int = 0) {
      self.methods = methods
      self.pattern = pattern
      self.module = module
      self.line = line
    }
  }

  /// One handler wired to a topic.
  package struct Trigger: Equatable, Sendable {
    /// Index into `ArtifactContents.topics`.
    package var topic: Int
    /// The event's kind: `APPEND`.
    package var event: String
    /// Index into `ArtifactContents.modules`.
    package var module: Int

    package init(topic: Int, event: String, module: Int) {
      self.topic = topic
      self.event = event
      self.module = module
    }
  }

  /// A configuration value; `${NAME}` references inside text are kept for the runtime to resolve.
  package enum SettingValue: Equatable, Sendable {
    case string(String)
    case integer(Int64)
    case boolean(Bool)
    case float(Double)
  }

  /// One configuration entry under its dotted path: `logStorage.development.driver`.
  /// A list's items take their index: `listen.0`.
  package struct Setting: Equatable, Sendable {
    package var key: String
    package var value: SettingValue

    package init(key: String, value: SettingValue) {
      self.key = key
      self.value = value
    }
  }

  package var appName: String
  /// The release of Spacer that compiled it, `0.1.0`.
  package var spacerRelease: String
  /// `LUA_RELEASE` of the VM whose bytecode it holds, `Lua 5.4.4`.
  package var luaRelease: String
  /// The processor it was compiled for, `x86_64` or `aarch64`.
  package var architecture: String
  /// Local variable records were dropped (`--release`).
  package var isRelease: Bool
  /// The environment chosen at build time (`--env`), or nil when the runtime chooses.
  package var environment: String?
  package var modules: [Module]
  package var routes: [Route]
  package var topics: [String]
  package var triggers: [Trigger]
  /// Names that functions may read with `os.getenv`.
  package var environmentVariables: [String]
  package var settings: [Setting]
  /// Whether the modules' capabilities were looked for; without, that there are none says nothing.
  package var hasCapabilities: Bool

  package init(
    appName: String, spacerRelease: String, luaRelease: String, architecture: String,
    isRelease: Bool = false, environment: String? = nil, modules: [Module] = [], routes: [Route] = [],
    topics: [String] = [], triggers: [Trigger] = [], environmentVariables: [String] = [],
    settings: [Setting] = [], hasCapabilities: Bool = false
  ) {
    self.appName = appName
    self.spacerRelease = spacerRelease
    self.luaRelease = luaRelease
    self.architecture = architecture
    self.isRelease = isRelease
    self.environment = environment
    self.modules = modules
    self.routes = routes
    self.topics = topics
    self.triggers = triggers
    self.environmentVariables = environmentVariables
    self.settings = settings
    self.hasCapabilities = hasCapabilities
  }
}

// swift-tools-version: 6.2
import PackageDescription

// `make test` sets the variable: in a user's build a newer compiler's new warning must not be an error.
let warningSettings: [SwiftSetting] =
  Context.environment["SPACER_WARNINGS_AS_ERRORS"] == "1" ? [.treatAllWarnings(as: .error)] : []

let swiftSettings: [SwiftSetting] =
  [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
  ] + warningSettings

let package = Package(
  name: "spacer",
  products: [
    .executable(name: "spacer", targets: ["spacer"]),
    .executable(name: "spacer-serve", targets: ["spacer-serve"]),
    .library(name: "SpacerRuntime", targets: ["SpacerRuntime"]),
    .plugin(name: "SpacerCommand", targets: ["SpacerCommand"]),
    .plugin(name: "SpacerBuild", targets: ["SpacerBuild"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
    .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
  ],
  targets: [
    // C, thin: Lua's API with its macros as functions, the hash, system headers.
    .target(
      name: "CLua", path: "Sources/CLua",
      // The archive, not the shared object: an artifact's bytecode belongs to one Lua release.
      linkerSettings: [.linkedLibrary(":liblua5.4.a"), .linkedLibrary("m"), .linkedLibrary("dl")]),
    .target(name: "CXXHash", path: "Sources/CXXHash"),
    .target(name: "CSystem", path: "Sources/CSystem"),
    // Function tables over client libraries that are opened at run time, when an application needs them: only
    // their headers are needed here.
    .target(name: "CCurl", path: "Sources/CCurl", linkerSettings: [.linkedLibrary("dl")]),
    .target(name: "CCrypto", path: "Sources/CCrypto", linkerSettings: [.linkedLibrary("dl")]),
    .target(name: "CTLS", path: "Sources/CTLS", linkerSettings: [.linkedLibrary("dl")]),
    .target(name: "CPostgres", path: "Sources/CPostgres", linkerSettings: [.linkedLibrary("dl")]),
    .target(name: "CSQLite", path: "Sources/CSQLite", linkerSettings: [.linkedLibrary("dl")]),
    .target(name: "CKafka", path: "Sources/CKafka", linkerSettings: [.linkedLibrary("dl")]),
    // The archive: its block functions alone, and no shared library to load at each start.
    .target(
      name: "CDigest", path: "Sources/CDigest", linkerSettings: [.linkedLibrary(":libcrypto.a")]),

    .target(
      name: "SpacerArtifact", dependencies: ["CXXHash"], path: "Sources/Artifact",
      swiftSettings: swiftSettings),
    .target(
      name: "SpacerLuaVM", dependencies: ["CLua"], path: "Sources/LuaVM", swiftSettings: swiftSettings),
    .target(
      name: "SpacerCompiler",
      dependencies: [
        "SpacerArtifact", "SpacerLuaVM", "CDigest", .product(name: "Yams", package: "Yams"),
      ],
      path: "Sources/Compiler", swiftSettings: swiftSettings),
    .target(
      name: "SpacerSystem", dependencies: ["CSystem"], path: "Sources/System", swiftSettings: swiftSettings),
    .target(
      name: "SpacerEventLog",
      dependencies: ["SpacerSystem", "CSystem", "CPostgres", "CSQLite", "CKafka"],
      path: "Sources/EventLog", swiftSettings: swiftSettings),
    .target(
      name: "SpacerRuntime",
      dependencies: [
        "SpacerArtifact", "SpacerLuaVM", "SpacerEventLog", "SpacerSystem", "CLua", "CSystem", "CCurl",
        "CCrypto", "CTLS", "CPostgres", "CSQLite",
      ],
      path: "Sources/Runtime", swiftSettings: swiftSettings),
    .executableTarget(
      name: "spacer",
      dependencies: [
        "SpacerCompiler", "SpacerRuntime", "SpacerEventLog", "SpacerSystem", "SpacerArtifact", "CSystem",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: "Sources/CLI", swiftSettings: swiftSettings),
    .executableTarget(
      name: "spacer-serve", dependencies: ["SpacerRuntime"], path: "Sources/Serve",
      swiftSettings: swiftSettings),
    .plugin(
      name: "SpacerCommand",
      capability: .command(
        intent: .custom(
          verb: "spacer", description: "Builds, checks and inspects a Spacer application."),
        permissions: [
          .writeToPackageDirectory(reason: "The artifact and the build cache are written into the project.")
        ]),
      dependencies: ["spacer"], path: "Sources/Plugin/Command"),
    .plugin(
      name: "SpacerBuild", capability: .buildTool(), dependencies: ["spacer"], path: "Sources/Plugin/Build"),

    // What several test targets use: child processes, and a PostgreSQL server of the tests' own.
    .target(name: "SpacerTestSupport", path: "Tests/Support", swiftSettings: swiftSettings),
    .testTarget(
      name: "ArtifactTests", dependencies: ["SpacerArtifact"], path: "Tests/ArtifactTests",
      swiftSettings: swiftSettings),
    .testTarget(
      name: "CompilerTests", dependencies: ["SpacerCompiler", "SpacerLuaVM", "SpacerArtifact", "CLua"],
      path: "Tests/CompilerTests", swiftSettings: swiftSettings),
    .testTarget(
      name: "RuntimeTests",
      dependencies: ["SpacerRuntime", "SpacerLuaVM", "SpacerArtifact", "CLua", "CSystem", "CTLS"],
      path: "Tests/RuntimeTests",
      swiftSettings: swiftSettings),
    .target(name: "CKafkaMock", path: "Tests/CKafkaMock", linkerSettings: [.linkedLibrary("dl")]),
    .testTarget(
      name: "EventLogTests",
      dependencies: [
        "SpacerEventLog", "SpacerSystem", "SpacerTestSupport", "CSystem", "CPostgres", "CKafka", "CKafkaMock",
      ],
      path: "Tests/EventLogTests", swiftSettings: swiftSettings),
    .testTarget(
      name: "EndToEndTests",
      dependencies: ["spacer", "spacer-serve", "SpacerCompiler", "SpacerTestSupport"],
      path: "Tests/EndToEndTests",
      swiftSettings: swiftSettings),
  ]
)

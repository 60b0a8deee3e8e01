// swift-tools-version: 6.2
// Benchmarks that need peers as packages; kept apart so that building Spacer never builds them.
//
// SpacerArtifact and CXXHash are links to the main package's folders: compiled as targets of this package,
// they need not be made public for its sake.
import PackageDescription

let package = Package(
  name: "spacer-benchmarks",
  dependencies: [
    .package(url: "https://github.com/hummingbird-project/hummingbird", exact: "2.28.1"),
    .package(url: "https://github.com/apple/swift-http-types", exact: "1.8.0"),
  ],
  targets: [
    .target(name: "CXXHash"),
    .target(name: "CAllocations"),
    .target(
      name: "SpacerArtifact", dependencies: ["CXXHash"],
      swiftSettings: [
        .swiftLanguageMode(.v6),
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("InternalImportsByDefault"),
      ]),
    .executableTarget(
      name: "RouteBench",
      dependencies: [
        "SpacerArtifact", "CAllocations", .product(name: "Hummingbird", package: "hummingbird"),
        .product(name: "HTTPTypes", package: "swift-http-types"),
      ],
      swiftSettings: [.swiftLanguageMode(.v6)]),
  ]
)

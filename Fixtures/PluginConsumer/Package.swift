// swift-tools-version: 6.2
// What a package gets from Spacer: the command `swift package spacer`, an artifact that is built with the package,
// and the runtime as a library. The project is this folder: app, config, test.
import PackageDescription

let package = Package(
  name: "PluginConsumer",
  dependencies: [.package(name: "spacer", path: "../..")],
  targets: [
    .executableTarget(
      name: "Greeter",
      dependencies: [.product(name: "SpacerRuntime", package: "spacer")],
      plugins: [.plugin(name: "SpacerBuild", package: "spacer")])
  ]
)

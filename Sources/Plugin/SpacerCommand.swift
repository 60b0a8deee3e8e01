import PackagePlugin

@main
struct SpacerCommand: CommandPlugin {
  func performCommand(context: PluginContext, arguments: [String]) async throws {}
}

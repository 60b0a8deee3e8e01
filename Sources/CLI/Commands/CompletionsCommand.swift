import ArgumentParser

/// `spacer completions`.
struct CompletionsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "completions", abstract: "Print the completions for a shell.",
    discussion: """
      'make install' puts them where each shell finds them. By hand:

        bash: spacer completions bash > ~/.local/share/bash-completion/completions/spacer
        zsh:  spacer completions zsh > a folder of $fpath/_spacer
        fish: spacer completions fish > ~/.config/fish/completions/spacer.fish
      """)

  /// The shells that there are completions for.
  enum Shell: String, CaseIterable, ExpressibleByArgument { case bash, zsh, fish }

  @Argument(help: "The shell: bash, zsh or fish.") var shell: Shell

  func run() {
    let script =
      switch shell {
      case .bash:
        // A function of that name is in the script; the last definition counts.
        Spacer.completionScript(for: .bash)
          + "\n_spacer_help() { COMPREPLY+=($(compgen -W '\(Self.helpWords)' -- \"${cur}\")); }"
      case .zsh:
        Spacer.completionScript(for: .zsh)
          .replacing("'*:subcommands:'", with: "'*:subcommands:(\(Self.helpWords))'")
      case .fish:
        Spacer.completionScript(for: .fish)
          + "\ncomplete -c spacer -f -n '__fish_seen_subcommand_from help' -a '\(Self.helpWords)'"
      }
    Console.standardOutput.write(script + "\n")
  }

  /// What may follow `spacer help`, for which the parser's own scripts offer nothing.
  private static var helpWords: String {
    (Spacer.configuration.subcommands.compactMap { $0.configuration.commandName } + HelpTopic.names)
      .joined(separator: " ")
  }
}

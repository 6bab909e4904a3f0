//! Arguments of `completion`.
//! Parses; writes no script.

use clap::{Args, ValueEnum};

/// What a script of completions is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CompletionShell {
    Bash,
    Zsh,
    Fish,
    /// kubectl itself: the program that it asks behind `kubectl siskin`.
    Kubectl,
}

#[derive(Debug, Args)]
pub(crate) struct CompletionArgs {
    /// The shell, or kubectl.
    #[arg(value_name = "SHELL")]
    pub(crate) shell: CompletionShell,
}

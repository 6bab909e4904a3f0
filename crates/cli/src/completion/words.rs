//! What may follow the words of a command line: from the words to what is wanted next.
//! Pure; knows the commands by their definition, and no cluster.

use clap::{Arg, Command};

use crate::options::cluster::ClusterArgs;

/// A word that may follow, with what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Suggestion {
    pub(crate) word: String,
    pub(crate) about: String,
}

/// What may follow.
#[derive(Clone, Debug)]
pub(crate) enum Wanted {
    Words(Vec<Suggestion>),
    Files,
    /// Names of `CanaryRollouts` in this cluster, as far as the words say which.
    Rollouts(Box<ClusterArgs>),
}

/// A command line as far as it was read.
struct TypedLine<'a> {
    command: &'a Command,
    /// Words so far that belong to no flag.
    positionals: usize,
    /// Flag whose value comes next.
    pending: Option<&'a Arg>,
    /// Whether `--` was there: no flag follows.
    is_bare: bool,
    cluster: ClusterArgs,
}

/// What may stand in the place of the last word.
pub(crate) fn wanted(root: &Command, typed: &[String]) -> Wanted {
    let nothing = String::new();
    let (begun, before) = typed.split_last().unwrap_or((&nothing, &[]));
    let mut line = TypedLine {
        command: root,
        positionals: 0,
        pending: None,
        is_bare: false,
        cluster: ClusterArgs::default(),
    };
    for word in before {
        line.read(word);
    }
    if let Some(flag) = line.pending {
        return line.value_of(flag, "");
    }
    if begun.starts_with('-') && !line.is_bare {
        return line.flag(begun);
    }
    let positional = line.command.get_positionals().nth(line.positionals);
    let last = || line.command.get_positionals().last().filter(|it| is_list(it));
    match positional.or_else(last) {
        Some(positional) => line.value_of(positional, ""),
        None if line.positionals == 0 => Wanted::Words(subcommands(line.command)),
        None => Wanted::Words(Vec::new()),
    }
}

impl<'a> TypedLine<'a> {
    fn read(&mut self, word: &str) {
        if let Some(flag) = self.pending.take() {
            self.note(flag, word);
        } else if self.is_bare || word == "-" || !word.starts_with('-') {
            let named = self.command.find_subcommand(word).filter(|_| self.positionals == 0);
            match named {
                Some(command) => self.command = command,
                None => self.positionals += 1,
            }
        } else if word == "--" {
            self.is_bare = true;
        } else if let Some(long) = word.strip_prefix("--") {
            let (name, value) = long.split_once('=').map_or((long, None), |it| (it.0, Some(it.1)));
            let named = self.command.get_arguments().find(|it| it.get_long() == Some(name));
            self.take(named, value);
        } else {
            self.read_short(&word[1..]);
        }
    }

    /// Letters of flags, the last of which may have its value behind it.
    fn read_short(&mut self, letters: &str) {
        for (at, letter) in letters.char_indices() {
            let named = self.command.get_arguments().find(|it| it.get_short() == Some(letter));
            if named.is_some_and(takes_value) {
                let value = letters[at + letter.len_utf8()..].trim_start_matches('=');
                return self.take(named, Some(value).filter(|it| !it.is_empty()));
            }
        }
    }

    fn take(&mut self, flag: Option<&'a Arg>, value: Option<&str>) {
        let Some(flag) = flag.filter(|it| takes_value(it)) else { return };
        match value {
            Some(value) => self.note(flag, value),
            None => self.pending = Some(flag),
        }
    }

    /// Keeps what says which cluster is meant, and as whom.
    fn note(&mut self, flag: &Arg, value: &str) {
        let (cluster, value) = (&mut self.cluster, value.to_owned());
        match flag.get_long() {
            Some("namespace") => cluster.namespace = Some(value),
            Some("context") => cluster.context = Some(value),
            Some("kubeconfig") => cluster.kubeconfig = Some(value.into()),
            Some("as") => cluster.as_user = Some(value),
            Some("as-group") => cluster.as_groups.push(value),
            Some(_) | None => {}
        }
    }

    /// Flags, or the value of one that ends in `=`.
    fn flag(&self, begun: &str) -> Wanted {
        let long = begun.strip_prefix("--").and_then(|it| it.split_once('='));
        if let Some((name, _)) = long {
            let named = self.command.get_arguments().find(|it| it.get_long() == Some(name));
            let named = named.filter(|it| takes_value(it));
            return named
                .map_or(Wanted::Words(Vec::new()), |it| self.value_of(it, &format!("--{name}=")));
        }
        let shown = self.command.get_arguments().filter(|it| !it.is_hide_set());
        let flags = shown.filter_map(|it| {
            Some(Suggestion { word: format!("--{}", it.get_long()?), about: about(it.get_help()) })
        });
        Wanted::Words(flags.collect())
    }

    /// Values of an argument, each behind `prefix`.
    fn value_of(&self, argument: &Arg, prefix: &str) -> Wanted {
        let values = argument.get_possible_values();
        let shown = values.iter().filter(|it| !it.is_hide_set()).map(|it| Suggestion {
            word: format!("{prefix}{}", it.get_name()),
            about: about(it.get_help()),
        });
        let words: Vec<Suggestion> = shown.collect();
        let names = argument.get_value_names().unwrap_or_default();
        match names.first().map(clap::builder::Str::as_str) {
            _ if !words.is_empty() => Wanted::Words(words),
            Some("NAME") if argument.is_positional() => {
                Wanted::Rollouts(Box::new(self.cluster.clone()))
            }
            Some("FILE") => Wanted::Files,
            Some(_) | None => Wanted::Words(Vec::new()),
        }
    }
}

fn takes_value(argument: &Arg) -> bool {
    argument.get_action().takes_values()
}

/// Whether an argument takes more words than one.
fn is_list(argument: &Arg) -> bool {
    argument.get_num_args().is_some_and(|it| 1 < it.max_values())
}

fn subcommands(command: &Command) -> Vec<Suggestion> {
    let shown = command.get_subcommands().filter(|it| !it.is_hide_set());
    shown
        .map(|it| Suggestion { word: it.get_name().to_owned(), about: about(it.get_about()) })
        .collect()
}

fn about(text: Option<&clap::builder::StyledStr>) -> String {
    text.map(ToString::to_string).unwrap_or_default()
}

#[cfg(test)]
mod tests;

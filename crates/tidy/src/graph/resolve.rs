//! Where a path leads: through modules, imports and re-exports to the file that defines its item.
//! What the workspace does not define is foreign. A name that is not found counts as defined in the module that was reached.

use std::collections::HashSet;

use crate::graph::modules::{Module, ModuleTree};
use crate::outline::items::Scope;
use crate::workspace::Workspace;

/// Where a path leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A module of the workspace, by index.
    Module(usize),
    /// An item that a file of the workspace defines, by index of the file.
    Item(usize),
    /// Something of another crate, or a name that no module declares.
    Foreign,
}

/// Re-exports of re-exports are followed this often; a path that names itself ends there.
const DEEPEST: usize = 12;

/// Follows paths.
pub struct Resolver<'w, 'a> {
    workspace: &'w Workspace<'a>,
    tree: &'w ModuleTree<'a>,
    items: Vec<HashSet<&'a str>>,
}

impl<'w, 'a> Resolver<'w, 'a> {
    /// A resolver for all modules of `tree`.
    pub fn new(workspace: &'w Workspace<'a>, tree: &'w ModuleTree<'a>) -> Self {
        let items = tree.modules.iter().map(|module| {
            workspace.files[module.file].outline.scopes[module.scope]
                .items
                .iter()
                .copied()
                .collect()
        });
        Self { workspace, tree, items: items.collect() }
    }

    /// Where `path` leads from code in `module`.
    pub fn resolve(&self, module: usize, path: &[&str]) -> Target {
        self.follow(module, path, 0)
    }

    /// Whether `path` names, by way of the root of its own crate, what that root only re-exports.
    pub fn leads_through_root(&self, module: usize, path: &[&str]) -> bool {
        let Some((start, rest)) = self.start(module, path) else { return false };
        let Some(name) = rest.first() else { return false };
        let root = self.tree.modules[start].parent.is_none();
        root && start != module
            && !self.items[start].contains(name)
            && !self.tree.modules[start].children.contains_key(name)
            && self
                .scope(start)
                .imports
                .iter()
                .any(|import| import.name == *name || import.name == "*")
    }

    fn module(&self, module: usize) -> &Module<'a> {
        &self.tree.modules[module]
    }

    fn scope(&self, module: usize) -> &'w Scope<'a> {
        let it = &self.tree.modules[module];
        &self.workspace.files[it.file].outline.scopes[it.scope]
    }

    /// For a path that starts with `crate`, `self` or `super`: the module that this names, and what is left of the path.
    fn start<'p>(&self, module: usize, path: &'p [&'p str]) -> Option<(usize, &'p [&'p str])> {
        let (mut at, mut rest) = (module, path);
        while let Some((first, after)) = rest.split_first() {
            at = match *first {
                "crate" => std::iter::successors(Some(at), |at| self.module(*at).parent).last()?,
                "self" => at,
                "super" => self.module(at).parent?,
                _ => break,
            };
            rest = after;
        }
        (rest.len() < path.len()).then_some((at, rest))
    }

    fn follow(&self, module: usize, path: &[&str], depth: usize) -> Target {
        if let Some((start, rest)) = self.start(module, path) {
            return self.within(start, rest, depth);
        }
        let Some((first, rest)) = path.split_first() else { return Target::Foreign };
        match self.named(module, first, rest.is_empty(), depth) {
            Some(target) => self.onward(target, rest, depth),
            None => match self.tree.libraries.get(*first) {
                Some(library) => self.within(*library, rest, depth),
                None => Target::Foreign,
            },
        }
    }

    /// Where `path` leads from within `module`, whose own names alone count.
    fn within(&self, module: usize, path: &[&str], depth: usize) -> Target {
        let Some((first, rest)) = path.split_first() else { return Target::Module(module) };
        let unknown = Target::Item(self.module(module).file);
        let target = self.named(module, first, rest.is_empty(), depth).unwrap_or(unknown);
        self.onward(target, rest, depth)
    }

    fn onward(&self, target: Target, rest: &[&str], depth: usize) -> Target {
        match target {
            Target::Module(module) => self.within(module, rest, depth),
            Target::Item(_) | Target::Foreign => target,
        }
    }

    /// What `name` is in `module`: the last step of a path rather an item, an earlier one rather a module.
    fn named(&self, module: usize, name: &str, last: bool, depth: usize) -> Option<Target> {
        let child = self.module(module).children.get(name).map(|child| Target::Module(*child));
        if child.is_some() && !last {
            return child;
        }
        if self.items[module].contains(name) {
            return Some(Target::Item(self.module(module).file));
        }
        if depth >= DEEPEST {
            return child;
        }
        let imports = || self.scope(module).imports.iter();
        let named = imports().filter(|import| import.name == name);
        let found = named.map(|import| self.follow(module, &import.path, depth + 1));
        let found = found.max_by_key(|target| matches!(target, Target::Item(_)));
        if found.is_some() {
            return found;
        }
        child.or_else(|| self.globbed(module, name, last, depth))
    }

    /// What `name` is among that which `use …::*` brings into `module`.
    fn globbed(&self, module: usize, name: &str, last: bool, depth: usize) -> Option<Target> {
        let globs = self.scope(module).imports.iter().filter(|import| import.name == "*");
        for glob in
            globs.filter(|glob| glob.path.first().is_some_and(|first| self.knows(module, first)))
        {
            if let Target::Module(from) = self.follow(module, &glob.path, depth + 1)
                && from != module
                && let Some(target) = self.named(from, name, last, depth + 1)
            {
                return Some(target);
            }
        }
        None
    }

    /// Whether the first segment of a path can lead into the workspace without another glob.
    fn knows(&self, module: usize, first: &str) -> bool {
        matches!(first, "crate" | "self" | "super")
            || self.module(module).children.contains_key(first)
            || self.tree.libraries.contains_key(first)
            || self.scope(module).imports.iter().any(|import| import.name == first)
    }
}

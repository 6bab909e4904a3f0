//! The modules of each library, binary and test, from its root along `mod` declarations.
//! Follows no import.

use std::collections::{BTreeSet, HashMap};

use crate::outline::items::ModuleFile;
use crate::workspace::Workspace;

/// A module: a file, or an inline module in one.
#[derive(Debug)]
pub struct Module<'a> {
    /// Index of the file that holds it.
    pub file: usize,
    /// Index of its scope in the file's outline.
    pub scope: usize,
    /// Index of the file that is the root of its crate.
    pub root: usize,
    /// Index of the module around it.
    pub parent: Option<usize>,
    /// Modules in it, by name.
    pub children: HashMap<&'a str, usize>,
    /// Whether it is compiled for tests only.
    pub test: bool,
}

/// All modules.
#[derive(Debug)]
pub struct ModuleTree<'a> {
    /// Parents before their children.
    pub modules: Vec<Module<'a>>,
    /// The root module of each library, by the name that code knows it by.
    pub libraries: HashMap<String, usize>,
}

impl<'a> ModuleTree<'a> {
    /// Follows all `mod` declarations.
    pub fn new(workspace: &Workspace<'a>) -> Self {
        let by_path =
            workspace.files.iter().enumerate().map(|(at, file)| (file.path, at)).collect();
        let tree = Self { modules: Vec::new(), libraries: HashMap::new() };
        let mut builder = Builder { workspace, by_path, tree };
        for (at, file) in workspace.files.iter().enumerate() {
            let within = workspace.within_package(file);
            if !is_root(within) {
                continue;
            }
            let root = builder.tree.modules.len();
            if within == "src/lib.rs" {
                builder.tree.libraries.insert(workspace.package_of(file).library(), root);
            }
            let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
            let module = Module {
                file: at,
                scope: 0,
                root: at,
                parent: None,
                children: HashMap::new(),
                test: file.outline.test,
            };
            builder.module(module, folder);
        }
        builder.tree
    }

    /// Files of libraries and binaries, without their tests, each once.
    pub fn shipped_files(&self, workspace: &Workspace<'_>) -> BTreeSet<usize> {
        let shipped =
            self.modules.iter().filter(|it| !it.test && is_source_root(workspace, it.root));
        shipped.map(|it| it.file).collect()
    }
}

/// Whether the path within a package is the root of a library, binary, test, benchmark or example.
pub fn is_root(within: &str) -> bool {
    if let "src/lib.rs" | "src/main.rs" | "build.rs" = within {
        return true;
    }
    ["src/bin/", "tests/", "benches/", "examples/"].iter().any(|folder| {
        within.strip_prefix(folder).is_some_and(|rest| {
            !rest.contains('/') || (rest.ends_with("/main.rs") && rest.matches('/').count() == 1)
        })
    })
}

/// Whether `root` is the root of code that ships: below `src`.
pub fn is_source_root(workspace: &Workspace<'_>, root: usize) -> bool {
    workspace.within_package(&workspace.files[root]).starts_with("src/")
}

struct Builder<'w, 'a> {
    workspace: &'w Workspace<'a>,
    by_path: HashMap<&'a str, usize>,
    tree: ModuleTree<'a>,
}

impl<'a> Builder<'_, 'a> {
    /// Adds a module and all below it; the files of its children are in `folder`.
    fn module(&mut self, module: Module<'a>, folder: &str) -> usize {
        let (file, scope, root, test) = (module.file, module.scope, module.root, module.test);
        let at = self.tree.modules.len();
        self.tree.modules.push(module);
        let workspace = self.workspace;
        let outline = &workspace.files[file].outline;
        let child = |file: usize, scope, test| Module {
            file,
            scope,
            root,
            parent: Some(at),
            children: HashMap::new(),
            test,
        };
        for declared in &outline.scopes[scope].modules {
            let Some((child_file, child_folder)) = self.file_of(file, folder, declared) else {
                continue;
            };
            let test = test || declared.test || workspace.files[child_file].outline.test;
            let made = self.module(child(child_file, 0, test), &child_folder);
            self.tree.modules[at].children.insert(declared.name, made);
        }
        for (inner, it) in outline.scopes.iter().enumerate() {
            if it.parent == Some(scope) {
                let made = self.module(child(file, inner, test), &format!("{folder}/{}", it.name));
                self.tree.modules[at].children.insert(it.name, made);
            }
        }
        at
    }

    /// The file of a declared module, and the folder of that module's own children.
    fn file_of(
        &self,
        file: usize,
        folder: &str,
        declared: &ModuleFile<'_>,
    ) -> Option<(usize, String)> {
        let beside =
            self.workspace.files[file].path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let own = format!("{folder}/{}", declared.name);
        let candidates = match declared.path {
            Some(path) => vec![normal(&format!("{beside}/{path}"))],
            None => vec![format!("{own}.rs"), format!("{own}/mod.rs")],
        };
        let found = candidates.iter().find_map(|path| self.by_path.get(path.as_str()))?;
        // A file that `#[path]` names keeps its children in its own folder.
        let moved = declared.path.and_then(|_| candidates[0].rsplit_once('/'));
        Some((*found, moved.map_or(own, |(folder, _)| folder.to_owned())))
    }
}

/// `a/b/../c` as `a/c`.
pub fn normal(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "." | "" => {}
            ".." => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    parts.join("/")
}

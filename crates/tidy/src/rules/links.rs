//! Relative links of Markdown files, and Rust files and tests that they name, are in the tree.
//! Links to the web and anchors within a page are not followed; pages about what was may name what is gone.

use std::collections::HashSet;

use crate::finding::Finding;
use crate::graph::modules::normal;
use crate::source::Source;
use crate::workspace::Workspace;

/// Pages that tell of the past.
const HISTORY: [&str; 3] = ["docs/CHANGELOG.md", "docs/decisions/", "docs/development/style.md"];

/// Looks at every Markdown file.
pub fn check(workspace: &Workspace<'_>) -> Vec<Finding> {
    let known = known_places(workspace.sources);
    let functions = known_functions(workspace.sources);
    // Pages below `src` are texts of a program, which it writes elsewhere.
    let is_page = |it: &&Source| it.extension() == "md" && !it.path.contains("/src/");
    let pages = workspace.sources.iter().filter(is_page);
    let check = |page| [check_page(page, &known), check_tests(page, &functions)].concat();
    pages.flat_map(check).collect()
}

/// Every function, by its name alone.
fn known_functions(sources: &[Source]) -> HashSet<&str> {
    let texts = sources.iter().filter(|source| source.extension() == "rs");
    let declared = texts.flat_map(|source| source.text.split("fn ").skip(1));
    let is_end = |c: char| !(c.is_alphanumeric() || c == '_');
    declared.filter_map(|rest| rest.split(is_end).next()).collect()
}

/// Tests that a page names as `module::name`.
fn check_tests(page: &Source, functions: &HashSet<&str>) -> Vec<Finding> {
    let mut findings = Vec::new();
    if HISTORY.iter().any(|past| page.path.starts_with(past)) {
        return findings;
    }
    for (at, line) in page.text.lines().enumerate() {
        for named in line.split('`').skip(1).step_by(2) {
            let Some((_, name)) = named.rsplit_once("::") else { continue };
            if is_sentence(name) && !functions.contains(name) {
                let what = format!("the page names the test {named}, which is not in the tree");
                findings.push(Finding::new(&page.path, at + 1, "links", what));
            }
        }
    }
    findings
}

/// Whether it is as long as names of tests are, which are sentences.
fn is_sentence(name: &str) -> bool {
    let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    4 <= name.split('_').count() && name.chars().all(is_part)
}

/// All files, and all folders that hold some.
fn known_places(sources: &[Source]) -> HashSet<&str> {
    let folders = |path: &'_ str| path.match_indices('/').map(|(at, _)| at).collect::<Vec<_>>();
    let mut known = HashSet::new();
    for source in sources {
        known.insert(source.path.as_str());
        known.extend(folders(&source.path).into_iter().map(|end| &source.path[..end]));
    }
    known
}

fn check_page(page: &Source, known: &HashSet<&str>) -> Vec<Finding> {
    let folder = page.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut findings = Vec::new();
    let mut fenced = false;
    for (at, line) in page.text.lines().enumerate() {
        fenced ^= line.trim_start().starts_with("```");
        let prose: String = line.split('`').step_by(2).collect();
        for link in prose.split("](").skip(1).filter(|_| !fenced) {
            let link = link.split([')', '#']).next().unwrap_or_default();
            let place = normal(&format!("{folder}/{link}"));
            if !link.is_empty() && !link.contains(':') && !known.contains(place.as_str()) {
                let what = format!("the link to {link} leads nowhere");
                findings.push(Finding::new(&page.path, at + 1, "links", what));
            }
        }
        if !HISTORY.iter().any(|past| page.path.starts_with(past)) {
            let named = line.split('`').skip(1).step_by(2).filter(|name| is_file_name(name));
            let gone = named.filter(|name| !known.iter().any(|path| is_at_end(path, name)));
            let finding = |name| format!("the page names {name}, which is not in the tree");
            findings
                .extend(gone.map(|name| Finding::new(&page.path, at + 1, "links", finding(name))));
        }
    }
    findings
}

fn is_file_name(text: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || "_-./".contains(c);
    text.strip_suffix(".rs").is_some_and(|name| !name.is_empty() && name.chars().all(is_part))
}

/// Whether `path` ends in all steps of `name`.
fn is_at_end(path: &str, name: &str) -> bool {
    path.strip_suffix(name).is_some_and(|before| before.is_empty() || before.ends_with('/'))
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::source::Source;
    use crate::workspace::Workspace;

    #[test]
    fn a_relative_link_leads_somewhere() {
        let page = "[a](../b/c.rs#x) [d](../b) [e](https://e.e) [f](#f)\n\n[g](g.md) `[i](i)`\n```\n[h](h)\n```";
        let sources = [Source::new("b/c.rs", ""), Source::new("docs/page.md", page)];
        let found = check(&Workspace::new(&sources));
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].to_string(), "docs/page.md:3: links: the link to g.md leads nowhere");
    }

    #[test]
    fn a_page_names_tests_that_are_there() {
        let page = "`a::what_is_there_is_found` `a::what_is_gone_is_told` `what_is_no_path_at_all`";
        let page = Source::new("docs/page.md", page);
        let code = Source::new("a/b.rs", "#[test]\nfn what_is_there_is_found() {}");
        let sources = [code, page];
        let found = check(&Workspace::new(&sources));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].message.contains("a::what_is_gone_is_told"), "{found:?}");
    }

    #[test]
    fn a_page_names_files_that_are_there() {
        let page = Source::new("docs/page.md", "`b/c.rs` `c.rs` `x.rs` `.rs`");
        let history = Source::new("docs/CHANGELOG.md", "`x.rs`");
        let sources = [Source::new("a/b/c.rs", ""), page, history];
        let found = check(&Workspace::new(&sources));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].message.contains("names x.rs"), "{found:?}");
    }
}

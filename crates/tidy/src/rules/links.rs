//! Relative links of Markdown files lead to files or folders of the tree.
//! Links to the web and anchors within a page are not followed.

use std::collections::HashSet;

use crate::finding::Finding;
use crate::graph::modules::normal;
use crate::source::Source;
use crate::workspace::Workspace;

/// Looks at every Markdown file.
pub fn check(workspace: &Workspace<'_>) -> Vec<Finding> {
    let known = known_places(workspace.sources);
    // Pages below `src` are texts of a program, which it writes elsewhere.
    let is_page = |it: &&Source| it.extension() == "md" && !it.path.contains("/src/");
    let pages = workspace.sources.iter().filter(is_page);
    pages.flat_map(|page| check_page(page, &known)).collect()
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
    }
    findings
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
}

//! No circle among the files of a crate: what two files name lives in a file that names neither.
//! One finding per knot of files, with its shortest circle told as a path.

#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet, VecDeque};

use crate::finding::Finding;
use crate::graph::Arrow;
use crate::workspace::Workspace;

/// Looks for circles in `arrows`.
pub fn check(workspace: &Workspace<'_>, arrows: &[Arrow]) -> Vec<Finding> {
    let package = |file: usize| workspace.files[file].package;
    let mut next: HashMap<usize, Vec<&Arrow>> = HashMap::new();
    for arrow in arrows.iter().filter(|arrow| arrow.from != arrow.to) {
        if package(arrow.from) == package(arrow.to) {
            next.entry(arrow.from).or_default().push(arrow);
        }
    }
    let mut starts: Vec<usize> = next.keys().copied().collect();
    starts.sort_unstable();
    let mut told = HashSet::new();
    let mut circles: Vec<_> = starts.iter().filter_map(|start| shortest(&next, *start)).collect();
    circles.sort_by_key(Vec::len);
    let mut findings = Vec::new();
    for circle in circles {
        if circle.iter().any(|arrow| told.contains(&arrow.from)) {
            continue;
        }
        let knot = knot(&next, circle[0].from);
        findings.push(finding(workspace, &circle, knot.len()));
        told.extend(knot);
    }
    findings
}

fn finding(workspace: &Workspace<'_>, circle: &[&Arrow], knot: usize) -> Finding {
    let name = |file: usize| workspace.within_package(&workspace.files[file]);
    let steps = circle.iter().map(|arrow| format!("{}:{} -> ", name(arrow.from), arrow.line));
    let path: String = steps.chain([name(circle[0].from).to_owned()]).collect();
    let more = match knot - circle.len() {
        0 => String::new(),
        _ => format!(" ({knot} files can reach each other)"),
    };
    let what =
        format!("{path}{more}; move the item that both sides name to a file that imports neither");
    Finding::new(workspace.files[circle[0].from].path, circle[0].line, "circle", what)
}

/// The shortest way from `start` back to it.
fn shortest<'a>(next: &HashMap<usize, Vec<&'a Arrow>>, start: usize) -> Option<Vec<&'a Arrow>> {
    let mut reached: HashMap<usize, &'a Arrow> = HashMap::new();
    let mut queue = VecDeque::from([start]);
    while let Some(file) = queue.pop_front() {
        for arrow in next.get(&file).into_iter().flatten() {
            if reached.contains_key(&arrow.to) {
                continue;
            }
            reached.insert(arrow.to, arrow);
            if arrow.to == start {
                return Some(way_back(&reached, start));
            }
            queue.push_back(arrow.to);
        }
    }
    None
}

fn way_back<'a>(reached: &HashMap<usize, &'a Arrow>, start: usize) -> Vec<&'a Arrow> {
    let mut way = vec![reached[&start]];
    while let Some(last) = way.last().filter(|arrow| arrow.from != start) {
        way.push(reached[&last.from]);
    }
    way.reverse();
    way
}

/// All files that `start` can reach and that can reach it.
fn knot(next: &HashMap<usize, Vec<&Arrow>>, start: usize) -> HashSet<usize> {
    let mut back: HashMap<usize, Vec<usize>> = HashMap::new();
    for arrow in next.values().flatten() {
        back.entry(arrow.to).or_default().push(arrow.from);
    }
    let ahead = closure(start, |file| {
        next.get(&file).into_iter().flatten().map(|arrow| arrow.to).collect()
    });
    let behind = closure(start, |file| back.get(&file).cloned().unwrap_or_default());
    ahead.intersection(&behind).copied().collect()
}

fn closure(start: usize, next: impl Fn(usize) -> Vec<usize>) -> HashSet<usize> {
    let mut seen = HashSet::from([start]);
    let mut open = vec![start];
    while let Some(file) = open.pop() {
        open.extend(next(file).into_iter().filter(|to| seen.insert(*to)));
    }
    seen
}

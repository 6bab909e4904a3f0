//! A request to the API server as its rules see it: verb, group, resource.
//! Knows no object.

use std::fmt;

use axum::http::{Method, Uri};

/// What a rule of a role grants, alone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Right {
    /// As a rule of a role has it: `get`, `list`, `watch`, `create`, …
    pub verb: String,
    /// API group; empty for the core.
    pub group: String,
    /// With its subresource, if it has one.
    pub resource: String,
}

impl fmt::Display for Right {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { verb, group, resource } = self;
        let group = if group.is_empty() { "core" } else { group };
        write!(to, "{verb} {resource} of {group}")
    }
}

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) right: Right,
    /// Path of the object, without its subresource, or of the collection.
    pub(crate) path: String,
    pub(crate) namespace: Option<String>,
    pub(crate) subresource: Option<String>,
    query: Vec<(String, String)>,
}

impl Asked {
    /// The request of this method and address.
    pub(crate) fn of(method: &Method, uri: &Uri) -> Self {
        let query = uri.query().unwrap_or_default().split('&').filter_map(|it| it.split_once('='));
        let query: Vec<_> = query.map(|(key, value)| (key.to_owned(), decoded(value))).collect();
        let parts: Vec<&str> = uri.path().split('/').filter(|it| !it.is_empty()).collect();
        let (group, rest) = match parts.as_slice() {
            ["api", _version, rest @ ..] => ("", rest),
            ["apis", group, _version, rest @ ..] => (*group, rest),
            other => panic!("no path of an API: {other:?}"),
        };
        let (namespace, rest) = match rest {
            ["namespaces", namespace, rest @ ..] if !rest.is_empty() => (Some(*namespace), rest),
            rest => (None, rest),
        };
        let (resource, name, subresource) = match rest {
            [resource] => (*resource, None, None),
            [resource, name] => (*resource, Some(*name), None),
            // What follows the proxy of a pod is an address there.
            [resource, name, subresource, ..] => (*resource, Some(*name), Some(*subresource)),
            other => panic!("no resource: {other:?}"),
        };
        let watches = query.iter().any(|(key, value)| key == "watch" && value != "false");
        let verb = match (method.as_str(), name) {
            ("GET", _) if watches => "watch",
            ("GET", None) => "list",
            ("GET", Some(_)) => "get",
            ("POST", _) => "create",
            ("PUT", _) => "update",
            ("PATCH", _) => "patch",
            ("DELETE", _) => "delete",
            other => panic!("no verb: {other:?}"),
        };
        let end: usize = rest.iter().skip(2).map(|it| it.len() + 1).sum();
        let resource =
            subresource.map_or_else(|| resource.to_owned(), |it| format!("{resource}/{it}"));
        Self {
            right: Right { verb: verb.to_owned(), group: group.to_owned(), resource },
            path: uri.path()[..uri.path().len() - end].to_owned(),
            namespace: namespace.map(ToOwned::to_owned),
            subresource: subresource.map(ToOwned::to_owned),
            query,
        }
    }

    /// A parameter of the address.
    pub(crate) fn parameter(&self, key: &str) -> Option<&str> {
        self.query.iter().find(|it| it.0 == key).map(|it| it.1.as_str())
    }
}

/// What stands percent-encoded in an address.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let digits = [rest.next(), rest.next()].map(|it| it.map_or('0', char::from));
                let digits: String = digits.into_iter().collect();
                bytes.push(u8::from_str_radix(&digits, 16).expect("two digits"));
            }
            byte => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).expect("UTF-8")
}

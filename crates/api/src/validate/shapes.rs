//! Shapes of names and addresses, as the patterns of the schema have them.
//! Text in, yes or no out; says nothing of what a wrong one means.

pub(super) fn is_dns_label(text: &str, max: usize) -> bool {
    (1..=max).contains(&text.len())
        && text.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// Whether a text is the name of an object, as the schema has it: dots are allowed anywhere but at
/// the ends. The API server is stricter when the Secret is created.
pub(super) fn is_object_name(text: &str) -> bool {
    let plain = text.replace('.', "-");
    !text.starts_with('.') && !text.ends_with('.') && is_dns_label(&plain, 253)
}

pub(super) fn is_topic(text: &str) -> bool {
    (1..=249).contains(&text.len()) && is_plain(text)
}

/// Whether a text may be the name of an environment variable, as Kubernetes has it, in 128 characters.
#[must_use]
pub fn is_env_name(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && is_plain(text)
        && !text.starts_with(|it: char| it.is_ascii_digit())
}

pub(super) fn is_server(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else { return false };
    text.len() <= 260 && is_host(host) && is_port(port)
}

fn is_port(text: &str) -> bool {
    let canonical = text.starts_with(|it: char| matches!(it, '1'..='9'));
    canonical && text.bytes().all(|it| it.is_ascii_digit()) && text.parse::<u16>().is_ok()
}

pub(super) fn is_host(text: &str) -> bool {
    let bracketed = text.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    if let Some(address) = bracketed {
        let hex = |it: u8| it.is_ascii_hexdigit() || b":.".contains(&it);
        return !address.is_empty() && address.bytes().all(hex);
    }
    let alphanumeric = |it: char| it.is_ascii_alphanumeric();
    text.starts_with(alphanumeric) && text.ends_with(alphanumeric) && is_plain(text)
}

/// Whether a text has letters, digits, dots, underscores and dashes only: topics and host names do.
pub(super) fn is_plain(text: &str) -> bool {
    text.bytes().all(|it| it.is_ascii_alphanumeric() || b"._-".contains(&it))
}

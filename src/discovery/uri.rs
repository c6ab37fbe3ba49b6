//! Where a `Location` leads (RFC 3986).
//!
//! As much of it as redirects need: references of ASCII, resolved against an https URL.

use std::net::Ipv6Addr;

/// A URI, or one relative to another, taken apart. Its fragment is for whoever asks, not for servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reference<'a> {
    pub scheme: Option<&'a str>,
    pub authority: Option<Authority<'a>>,
    pub path: &'a str,
    pub query: Option<&'a str>,
}

/// Who is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Authority<'a> {
    pub has_user: bool,
    /// The host; an IPv6 address with its brackets.
    pub host: &'a str,
    /// `None` also where there is a colon and nothing after it (3.2.3).
    pub port: Option<&'a str>,
}

impl<'a> Reference<'a> {
    /// By the grammar of sections 3 and 4; `None`: this is none.
    pub fn parse(text: &'a str) -> Option<Self> {
        let (rest, fragment) = split(text, '#');
        let (rest, query) = split(rest, '?');
        let (scheme, rest) = match rest.split_once(':') {
            // A colon after a slash is one of the path or the authority.
            Some((scheme, rest)) if !scheme.contains('/') => (Some(scheme), rest),
            _ => (None, rest),
        };
        let (authority, path) = match rest.strip_prefix("//") {
            Some(rest) => {
                let end = rest.find('/').unwrap_or(rest.len());
                let (authority, path) = rest.split_at_checked(end)?;
                (Some(Authority::parse(authority)?), path)
            }
            None => (None, rest),
        };
        let valid = scheme.is_none_or(is_scheme)
            && is_text(path, b":@/")
            && [query, fragment].into_iter().flatten().all(|text| is_text(text, b":@/?"));
        valid.then_some(Self { scheme, authority, path, query })
    }

    /// Path and query of what this leads to from `base`, a path and a query (section 5.2.2).
    pub fn target(&self, base: &str) -> String {
        let (base_path, base_query) = split(base, '?');
        let is_whole = self.scheme.is_some() || self.authority.is_some();
        let path = if is_whole || self.path.starts_with('/') {
            without_dots(self.path)
        } else if self.path.is_empty() {
            base_path.to_owned()
        } else {
            let folder = base_path.rsplit_once('/').map_or("", |(folder, _)| folder);
            without_dots(&format!("{folder}/{}", self.path))
        };
        let stays = !is_whole && self.path.is_empty();
        match self.query.or(base_query.filter(|_| stays)) {
            Some(query) => format!("{path}?{query}"),
            None => path,
        }
    }
}

impl<'a> Authority<'a> {
    /// Section 3.2.
    fn parse(text: &'a str) -> Option<Self> {
        let (user, rest) = match text.rsplit_once('@') {
            Some((user, rest)) => (Some(user), rest),
            None => (None, text),
        };
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port),
            _ => (rest, ""),
        };
        let is_host = match host.strip_prefix('[') {
            Some(address) => address.strip_suffix(']')?.parse::<Ipv6Addr>().is_ok(),
            None => is_text(host, b""),
        };
        let valid = is_host
            && user.is_none_or(|user| is_text(user, b":"))
            && port.bytes().all(|byte| byte.is_ascii_digit());
        let port = Some(port).filter(|port| !port.is_empty());
        valid.then_some(Self { has_user: user.is_some(), host, port })
    }
}

fn split(text: &str, at: char) -> (&str, Option<&str>) {
    text.split_once(at).map_or((text, None), |(before, after)| (before, Some(after)))
}

/// Section 3.1.
fn is_scheme(text: &str) -> bool {
    let rest = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    text.starts_with(|first: char| first.is_ascii_alphabetic()) && text.bytes().all(rest)
}

/// Unreserved characters, sub-delims, percent-encoded bytes (section 2), and `more`.
fn is_text(text: &str, more: &[u8]) -> bool {
    let plain = |byte: u8| {
        byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(&byte) || more.contains(&byte)
    };
    let mut parts = text.split('%');
    let first = parts.next().unwrap_or_default();
    first.bytes().all(plain)
        && parts.all(|part| {
            let is_hex = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_hexdigit());
            let mut bytes = part.bytes();
            is_hex(bytes.next()) && is_hex(bytes.next()) && bytes.all(plain)
        })
}

/// A path without `.` and `..` (section 5.2.4). It begins with a slash, or there is none.
fn without_dots(path: &str) -> String {
    let mut kept = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        match segment {
            "." => {}
            ".." => drop(kept.pop()),
            _ => kept.push(segment),
        }
        // "/a/." is the folder "/a/".
        if segments.peek().is_none() && matches!(segment, "." | "..") {
            kept.push("");
        }
    }
    format!("/{}", kept.join("/"))
}

#[cfg(test)]
mod tests {
    use super::Reference;

    /// Where this leads from `/b/c/d;p?q`, as in the table of RFC 3986, section 5.4.
    fn target(reference: &str) -> String {
        Reference::parse(reference).unwrap().target("/b/c/d;p?q")
    }

    #[test]
    fn the_examples_of_rfc_3986_lead_where_it_says() {
        for (reference, to) in [
            ("https://x/y/../z", "/z"),
            ("https://x", "/"),
            ("https://x?y", "/?y"),
            ("g", "/b/c/g"),
            ("./g", "/b/c/g"),
            ("g/", "/b/c/g/"),
            ("/g", "/g"),
            ("//g", "/"),
            ("?y", "/b/c/d;p?y"),
            ("g?y", "/b/c/g?y"),
            ("#s", "/b/c/d;p?q"),
            ("g#s", "/b/c/g"),
            ("g?y#s", "/b/c/g?y"),
            (";x", "/b/c/;x"),
            ("g;x?y#s", "/b/c/g;x?y"),
            ("", "/b/c/d;p?q"),
            (".", "/b/c/"),
            ("./", "/b/c/"),
            ("..", "/b/"),
            ("../", "/b/"),
            ("../g", "/b/g"),
            ("../..", "/"),
            ("../../", "/"),
            ("../../g", "/g"),
            ("../../../g", "/g"),
            ("../../../../g", "/g"),
            ("/./g", "/g"),
            ("/../g", "/g"),
            ("g.", "/b/c/g."),
            (".g", "/b/c/.g"),
            ("g..", "/b/c/g.."),
            ("..g", "/b/c/..g"),
            ("./../g", "/b/g"),
            ("./g/.", "/b/c/g/"),
            ("g/./h", "/b/c/g/h"),
            ("g/../h", "/b/c/h"),
            ("g;x=1/./y", "/b/c/g;x=1/y"),
            ("g;x=1/../y", "/b/c/y"),
            ("g?y/./x", "/b/c/g?y/./x"),
            ("g?y/../x", "/b/c/g?y/../x"),
            ("g#s/../x", "/b/c/g"),
        ] {
            assert_eq!(target(reference), to, "{reference}");
        }
    }

    #[test]
    fn a_reference_is_taken_apart() {
        let parts = Reference::parse("HTTPS://u:p@[::1]:8448/a:b?c:d/?#e").unwrap();
        let authority = parts.authority.unwrap();
        assert_eq!((parts.scheme, parts.path, parts.query), (Some("HTTPS"), "/a:b", Some("c:d/?")));
        assert_eq!((authority.host, authority.port), ("[::1]", Some("8448")));
        assert!(authority.has_user);
        let authority = Reference::parse("//a.test:").unwrap().authority.unwrap();
        assert_eq!((authority.host, authority.port, authority.has_user), ("a.test", None, false));
        assert_eq!(Reference::parse("/a:b").unwrap().scheme, None);
        assert_eq!(Reference::parse("a/b:c").unwrap().scheme, None);
    }

    #[test]
    fn what_is_no_reference_is_none() {
        for text in [
            "https://a b/",
            "/a b",
            "/ä",
            "/\n",
            "/%",
            "/%4",
            "/%4g",
            "/a\\b",
            "/<a>",
            "/a?b|c",
            "/a#b#c",
            "1https://a/",
            ":a",
            "a b:c",
            "https://[::g]/",
            "https://[::1/",
            "https://a]/",
            "https://a:b/",
            "https://a@b@c/",
            "https://a:1:2/",
            "/[a]",
        ] {
            assert_eq!(Reference::parse(text), None, "{text}");
        }
    }
}

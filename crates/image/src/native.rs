//! Code in other languages than Rust that crates bring into the program: Cargo knows neither its names nor its licenses.
//! A crate that may bring some and is not listed here is refused by whoever takes stock.

/// A library that a crate compiles and links in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BuiltIn {
    /// Its name.
    pub name: &'static str,
    /// Where its version stands.
    pub version: Version,
    /// Its terms, as an SPDX expression or, where SPDX has none, a name.
    pub license: &'static str,
    /// Path of its license in the crate's sources, where the crate's own folder does not have it.
    pub text: Option<&'static str>,
}

/// Where the version of a library stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// Behind the `+` of the crate's version, after this word.
    OfCrate(&'static str),
    /// Nowhere but in the sources: that of the library which contains it.
    Unsaid,
}

/// What a crate brings beside Rust.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Native {
    /// It compiles these libraries into the program.
    Compiled(&'static [BuiltIn]),
    /// It links to a shared library of the machine, whose file name begins so.
    Shared(&'static [&'static str]),
    /// Nothing: the crate says that it links only so that there is one of it.
    Nothing,
}

const fn part(name: &'static str, license: &'static str) -> BuiltIn {
    BuiltIn { name, version: Version::Unsaid, license, text: None }
}

/// By `LICENSES.txt` of librdkafka 2.12.1, without wingetopt, which is for Windows.
const LIBRDKAFKA: &[BuiltIn] = &[
    BuiltIn {
        name: "librdkafka",
        version: Version::OfCrate(""),
        license: "BSD-2-Clause",
        text: Some("librdkafka/LICENSES.txt"),
    },
    part("cJSON", "MIT"),
    part("crc32c", "Zlib"),
    part("fnv1a", "public domain"),
    part("HdrHistogram", "MIT"),
    part("lz4", "BSD-2-Clause"),
    part("murmur2", "MIT"),
    part("nanopb", "Zlib"),
    part("opentelemetry-proto", "Apache-2.0"),
    part("pycrc", "MIT"),
    part("queue.h", "BSD-3-Clause"),
    part("minilibs regexp", "public domain"),
    part("snappy-c", "BSD-3-Clause"),
    part("tinycthread", "Zlib"),
];

const ZSTD: &[BuiltIn] = &[BuiltIn {
    name: "zstd",
    version: Version::OfCrate("zstd."),
    license: "BSD-3-Clause OR GPL-2.0-only",
    text: Some("zstd/LICENSE"),
}];

/// C and assembler of `BoringSSL`, with field arithmetic of fiat-crypto.
const RING: &[BuiltIn] = &[part("BoringSSL", "Apache-2.0 AND ISC"), part("fiat-crypto", "MIT")];

/// What the crate of this name brings; nothing known of one that is not listed.
#[must_use]
pub fn of_crate(name: &str) -> Option<Native> {
    Some(match name {
        "rdkafka-sys" => Native::Compiled(LIBRDKAFKA),
        "zstd-sys" => Native::Compiled(ZSTD),
        "ring" => Native::Compiled(RING),
        "openssl-sys" => Native::Shared(&["libssl.so", "libcrypto.so"]),
        "libz-sys" => Native::Shared(&["libz.so"]),
        // Assembler and C of their own, under their own license.
        "psm" | "stacker" => Native::Compiled(&[]),
        "k8s-openapi" => Native::Nothing,
        _ => return None,
    })
}

/// Terms of a shared library, by the beginning of its file name.
#[must_use]
pub fn license_of_shared(file: &str) -> Option<&'static str> {
    const KNOWN: &[(&str, &str)] = &[
        ("ld-linux", "LGPL-2.1-or-later"),
        ("libc.so", "LGPL-2.1-or-later"),
        ("libm.so", "LGPL-2.1-or-later"),
        ("libgcc_s.so", "GPL-3.0-or-later WITH GCC-exception-3.1"),
        ("libssl.so", "Apache-2.0"),
        ("libcrypto.so", "Apache-2.0"),
        ("libz.so", "Zlib"),
        // The libcrypto of newer releases of Debian needs it.
        ("libzstd.so", "BSD-3-Clause OR GPL-2.0-only"),
    ];
    KNOWN.iter().find(|(name, _)| file.starts_with(name)).map(|(_, license)| *license)
}

impl Version {
    /// The version, from that of the crate.
    #[must_use]
    pub fn from_crate(self, version: &str) -> Option<&str> {
        match self {
            Self::OfCrate(word) => version.split_once('+')?.1.strip_prefix(word),
            Self::Unsaid => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_librarys_version_stands_behind_the_crates() {
        let of = |word, version| Version::OfCrate(word).from_crate(version);
        assert_eq!(of("", "4.10.0+2.12.1"), Some("2.12.1"));
        assert_eq!(of("zstd.", "2.1.2+zstd.1.5.7"), Some("1.5.7"));
        assert_eq!(of("", "4.10.0"), None);
        assert_eq!(Version::Unsaid.from_crate("4.10.0+2.12.1"), None);
    }
}

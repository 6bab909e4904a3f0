//! Certificates and keys read as librdkafka will read them, before it sees them: it leaks what it refuses.
//! Keeps nothing and shows nothing of them.
#![allow(unsafe_code)]

use std::ffi::{c_char, c_int, c_void};
use std::ptr::{self, NonNull};

use openssl_sys as ssl;

use crate::security::{Authorities, Security};

/// Which part of the credentials is no good, by the Secret's key, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{key}` {problem}")]
pub(crate) struct BadPem {
    key: &'static str,
    problem: &'static str,
}

/// Checks that the certificates and keys can be used.
pub(crate) fn check(security: &Security) -> Result<(), BadPem> {
    let Some(tls) = security.tls() else { return Ok(()) };
    let bad = |key, problem| BadPem { key, problem };
    // librdkafka adds each certificate of the bundle, and refuses a bundle of which one is bad.
    if let Authorities::Pem(text) = &tls.authorities
        && certificates(text).is_none_or(|it| it.is_empty())
    {
        return Err(bad("ca.crt", "holds a certificate that can't be read"));
    }
    let Some(identity) = &tls.identity else { return Ok(()) };
    let chain = certificates(&identity.certificate_pem);
    let Some(own) = chain.as_deref().and_then(<[_]>::first) else {
        return Err(bad("tls.crt", "holds a certificate that can't be read"));
    };
    let Some(key) = Key::read(&identity.key_pem) else {
        return Err(bad("tls.key", "can't be read; a key under a passphrase is not supported"));
    };
    if own.belongs_to(&key) { Ok(()) } else { Err(bad("tls.key", "is not the key of `tls.crt`")) }
}

/// A certificate of OpenSSL.
struct Certificate(NonNull<ssl::X509>);

/// A private key of OpenSSL.
struct Key(NonNull<ssl::EVP_PKEY>);

/// Text for OpenSSL to read from.
struct Source<'a> {
    bio: NonNull<ssl::BIO>,
    /// OpenSSL reads it in place.
    _text: &'a str,
}

// Not among the bindings.
unsafe extern "C" {
    fn X509_check_private_key(certificate: *const ssl::X509, key: *const ssl::EVP_PKEY) -> c_int;
}

/// All certificates of a text; `None` if one of them can't be read.
fn certificates(pem: &str) -> Option<Vec<Certificate>> {
    let source = Source::new(pem)?;
    let mut found = Vec::new();
    loop {
        // SAFETY: the source is alive; nothing is written to. A certificate is owned from here on.
        let read = unsafe {
            ssl::PEM_read_bio_X509(
                source.bio.as_ptr(),
                ptr::null_mut(),
                Some(none),
                ptr::null_mut(),
            )
        };
        match NonNull::new(read) {
            Some(certificate) => found.push(Certificate(certificate)),
            None => return was_at_end().then_some(found),
        }
    }
}

impl Certificate {
    fn belongs_to(&self, key: &Key) -> bool {
        // SAFETY: both are alive.
        let fits = unsafe { X509_check_private_key(self.0.as_ptr(), key.0.as_ptr()) } == 1;
        forget_errors();
        fits
    }
}

impl Key {
    fn read(pem: &str) -> Option<Self> {
        let source = Source::new(pem)?;
        // SAFETY: the source is alive; nothing is written to. The key is owned from here on.
        let read = unsafe {
            ssl::PEM_read_bio_PrivateKey(
                source.bio.as_ptr(),
                ptr::null_mut(),
                Some(none),
                ptr::null_mut(),
            )
        };
        if read.is_null() {
            forget_errors();
        }
        NonNull::new(read).map(Self)
    }
}

impl<'a> Source<'a> {
    fn new(text: &'a str) -> Option<Self> {
        let length = c_int::try_from(text.len()).ok()?;
        // SAFETY: the text lives as long as the source and is only read.
        let bio = unsafe { ssl::BIO_new_mem_buf(text.as_ptr().cast::<c_void>(), length) };
        Some(Self { bio: NonNull::new(bio)?, _text: text })
    }
}

impl Drop for Source<'_> {
    fn drop(&mut self) {
        // SAFETY: owned here and freed once.
        unsafe { ssl::BIO_free_all(self.bio.as_ptr()) }
    }
}

impl Drop for Certificate {
    fn drop(&mut self) {
        // SAFETY: owned here and freed once.
        unsafe { ssl::X509_free(self.0.as_ptr()) }
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        // SAFETY: owned here and freed once.
        unsafe { ssl::EVP_PKEY_free(self.0.as_ptr()) }
    }
}

/// OpenSSL keeps the errors of a thread until somebody takes them: librdkafka would tell ours.
fn forget_errors() {
    // SAFETY: no precondition.
    unsafe { ssl::ERR_clear_error() }
}

/// Whether the last reading failed because nothing is left to be read.
fn was_at_end() -> bool {
    // SAFETY: no precondition.
    let error = unsafe { ssl::ERR_peek_last_error() };
    forget_errors();
    ssl::ERR_GET_LIB(error) == ssl::ERR_LIB_PEM
        && ssl::ERR_GET_REASON(error) == ssl::PEM_R_NO_START_LINE
}

/// The passphrase of a key: there is none, and nobody is asked at a terminal.
unsafe extern "C" fn none(_: *mut c_char, _: c_int, _: c_int, _: *mut c_void) -> c_int {
    -1
}

#[cfg(test)]
mod tests;

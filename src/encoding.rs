//! Base64 as the federation writes it (unpadded), and as it must be read.
//!
//! Readers take padding and non-zero trailing bits: the specification's own signing seed has
//! them. Signatures in the URL-safe alphabet are read too, because Synapse does, but the caller
//! is told.
//!
//! Spec: <https://spec.matrix.org/v1.19/appendices/#unpadded-base64>

use base64::alphabet;
use base64::engine::{DecodePaddingMode, Engine, GeneralPurpose, GeneralPurposeConfig};

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_encode_padding(false)
    .with_decode_allow_trailing_bits(true)
    .with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// Bytes read from base64.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded<const N: usize> {
    /// The bytes.
    pub bytes: [u8; N],
    /// They were written in the URL-safe alphabet.
    pub url_safe: bool,
}

/// Unpadded base64.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// URL-safe unpadded base64.
#[must_use]
pub fn encode_url_safe(bytes: &[u8]) -> String {
    URL_SAFE.encode(bytes)
}

/// Reads exactly `N` bytes; `None` when the text is no base64, or of other bytes than that.
#[must_use]
pub fn decode<const N: usize>(text: &str) -> Option<Decoded<N>> {
    let url_safe = text.bytes().any(|byte| matches!(byte, b'-' | b'_'));
    let engine = if url_safe { &URL_SAFE } else { &STANDARD };
    // One byte more than wanted, so that longer input is seen as such and not cut. The largest
    // text that can be right has padding: 4 characters for 3 bytes, rounded up.
    if text.len() > N.saturating_add(2).saturating_div(3).saturating_mul(4) {
        return None;
    }
    let decoded = zeroize::Zeroizing::new(engine.decode(text).ok()?);
    let bytes = decoded.as_slice().try_into().ok()?;
    Some(Decoded { bytes, url_safe })
}

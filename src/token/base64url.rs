//! The one spelling of base64url that a token may have.

use base64::Engine;

use crate::error::Refusal;

/// Decodes into the front of `buffer`: no padding, no other alphabet, no white space, unused bits
/// zero (RFC 7515, section 2), so that two spellings of one token never both pass.
///
/// # Errors
///
/// [`Refusal::Base64`], also if the buffer is too short.
pub(super) fn decode<'b>(text: &str, buffer: &'b mut [u8]) -> Result<&'b [u8], Refusal> {
    let length = ENGINE
        .decode_slice(text, buffer)
        .map_err(|_| Refusal::Base64)?;
    buffer.get(..length).ok_or(Refusal::Base64)
}

// By whatever instructions the machine has: asked once.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
static ENGINE: std::sync::LazyLock<base64::engine::simd::Simd> = std::sync::LazyLock::new(|| {
    base64::engine::simd::Simd::url_safe(base64::engine::general_purpose::NO_PAD)
});
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
static ENGINE: base64::engine::GeneralPurpose = base64::engine::general_purpose::URL_SAFE_NO_PAD;

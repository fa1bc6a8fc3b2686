//! Signatures: Standard Webhooks 1.0, and GitHub's for receivers that know only that.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::{digest, hmac};

use crate::secret::SigningKey;

/// Returns the value of `webhook-signature`: one `v1,…` for each key, so that a receiver can rotate to the new secret
/// at any time.
pub(crate) fn standard(keys: &[SigningKey], id: &str, timestamp: i64, body: &[u8]) -> String {
    let sign = |key: &SigningKey| {
        let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, &key.key()));
        context.update(format!("{id}.{timestamp}.").as_bytes());
        context.update(body);
        format!("v1,{}", STANDARD.encode(context.sign()))
    };
    keys.iter().map(sign).collect::<Vec<_>>().join(" ")
}

/// Returns the value of `X-Hub-Signature-256`. The key is the secret as it is written; there is no protection against
/// replay, as neither the id nor the time is signed.
pub(crate) fn github(key: &SigningKey, body: &[u8]) -> String {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key.written().as_bytes()), body);
    format!("sha256={}", hex(tag.as_ref()))
}

/// Returns a short digest of a text.
pub(crate) fn fingerprint(text: &str) -> String {
    hex(&digest::digest(&digest::SHA256, text.as_bytes()).as_ref()[..16])
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standards_own_example() {
        let key = SigningKey::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signature = standard(&[key], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn fingerprints_are_short_and_stable() {
        assert_eq!(fingerprint("abc"), "ba7816bf8f01cfea414140de5dae2223");
    }
}

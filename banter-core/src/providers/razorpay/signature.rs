//! What Razorpay signs: HMAC-SHA256 in lower-case hexadecimal, compared in constant time. The forms differ on purpose of
//! theirs: an order's checkout signs `order|payment`, a subscription's `payment|subscription`, a webhook its raw body with
//! a secret of its own.

use aws_lc_rs::hmac;

/// The checkout of an order, by the API key's secret.
pub fn is_of_order(secret: &str, order: &str, payment: &str, signature: &str) -> bool {
    is_of(secret, format!("{order}|{payment}").as_bytes(), signature)
}

/// The checkout of a subscription, by the API key's secret.
pub fn is_of_subscription(secret: &str, subscription: &str, payment: &str, signature: &str) -> bool {
    is_of(secret, format!("{payment}|{subscription}").as_bytes(), signature)
}

/// A webhook, by its own secret, over the bytes as they came.
pub fn is_of_webhook(secret: &str, body: &[u8], signature: &str) -> bool {
    is_of(secret, body, signature)
}

/// As Razorpay signs: what its stand-in answers.
pub fn sign(secret: &str, message: &[u8]) -> String {
    hex(hmac::sign(&key(secret), message).as_ref())
}

/// SHA-256, by which a body without a name is known again.
pub(crate) fn digest(body: &[u8]) -> String {
    hex(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, body).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn is_of(secret: &str, message: &[u8], signature: &str) -> bool {
    unhex(signature).is_some_and(|tag| hmac::verify(&key(secret), message, &tag).is_ok())
}

fn key(secret: &str) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes())
}

/// Lower case only: one signature has one form.
fn unhex(text: &str) -> Option<[u8; 32]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let text: &[u8; 64] = text.as_bytes().try_into().ok()?;
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `printf 'order_1|pay_1' | openssl dgst -sha256 -hmac secret`
    const ORDER: &str = "52115a0d3400de9e86aade1f1b6eba9e8974604f4e267a9e9a16633a4c8dd2cb";

    #[test]
    fn a_signature_is_of_one_message_and_one_secret() {
        assert_eq!(sign("secret", b"order_1|pay_1"), ORDER);
        assert!(is_of_order("secret", "order_1", "pay_1", ORDER));
        assert!(!is_of_order("secret", "order_1", "pay_2", ORDER));
        assert!(!is_of_order("secret", "order_2", "pay_1", ORDER));
        assert!(!is_of_order("Secret", "order_1", "pay_1", ORDER));
        assert!(!is_of_subscription("secret", "order_1", "pay_1", ORDER), "the other way round");
        assert!(is_of_subscription("secret", "pay_1", "order_1", ORDER));
        assert!(is_of_webhook("secret", b"order_1|pay_1", ORDER));
    }

    #[test]
    fn what_is_no_signature_is_none() {
        let (upper, short) = (ORDER.to_uppercase(), &ORDER[..62]);
        let (long, other) = (format!("{ORDER}00"), format!("{short}zz"));
        for forged in ["", "0", &upper, short, &long, &other, &"é".repeat(32)] {
            assert!(!is_of_order("secret", "order_1", "pay_1", forged), "{forged}");
        }
    }
}

//! Counters of what payments come to. Razorpay's words become labels only in a bounded form.

/// A purchase or a charge succeeded, by `card`, `upi`, ….
pub(crate) fn succeeded(method: &str) {
    let method = label(Some(method));
    metrics::counter!("banter_payments_total", "outcome" => "success", "method" => method, "reason" => "none").increment(1);
}

/// An attempt failed.
pub(crate) fn failed(method: Option<&str>, reason: Option<&str>) {
    let (method, reason) = (label(method), label(reason));
    metrics::counter!("banter_payments_total", "outcome" => "failed", "method" => method, "reason" => reason)
        .increment(1);
}

/// A proof or a webhook was not believed.
pub(crate) fn refused(what: &'static str, reason: &'static str) {
    metrics::counter!("banter_payments_refused_total", "what" => what, "reason" => reason).increment(1);
}

fn label(text: Option<&str>) -> String {
    let fits = |text: &&str| {
        (1..=40).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    };
    text.filter(fits).unwrap_or("other").to_owned()
}

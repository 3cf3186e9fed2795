//! A receipt on paper: one A4 page that needs nothing from anywhere else.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};

use super::Receipt;
use crate::clock::india;
use crate::money::Paise;
use crate::text::escape_html;

const STYLE: &str = include_str!("receipt.css");

impl Receipt {
    /// A whole HTML document, to show and to print.
    pub fn to_html(&self) -> String {
        let number = escape_html(&self.number);
        let mut page = format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>Receipt {number}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n"
        );
        self.head(&mut page, &number);
        self.parties(&mut page);
        self.items(&mut page);
        self.payment(&mut page);
        page.push_str(
            "<footer>Prices include tax. This receipt was made by a computer and needs no signature.</footer>\n\
             </main>\n</body>\n</html>\n",
        );
        page
    }

    fn head(&self, page: &mut String, number: &str) {
        let title = if self.seller.gstin.is_some() { "Tax invoice and receipt" } else { "Receipt" };
        put(
            page,
            format_args!(
                "<header>\n<div class=\"seller\"><strong>{}</strong>{}</div>\n\
                 <div class=\"number\"><h1>{title}</h1><span>{number}</span><span>{}</span></div>\n</header>\n",
                escape_html(&self.seller.name),
                lines(self.seller.address.as_deref()),
                date(self.issued_at),
            ),
        );
    }

    fn parties(&self, page: &mut String) {
        let gstin = self.seller.gstin.as_deref().map_or_else(String::new, |gstin| {
            format!("<div><dt>Seller's GSTIN</dt><dd>{}</dd></div>\n", escape_html(gstin))
        });
        put(
            page,
            format_args!(
                "<dl class=\"facts\">\n<div><dt>Billed to</dt><dd>{}</dd></div>\n\
                 <div><dt>Paid on</dt><dd>{}</dd></div>\n{gstin}</dl>\n",
                escape_html(&self.buyer),
                date(self.paid_at),
            ),
        );
    }

    fn items(&self, page: &mut String) {
        let period = match (self.item.period_start, self.item.period_end) {
            (Some(start), Some(end)) => format!("<small>{} to {}</small>", date(start), date(end)),
            _ => String::new(),
        };
        let half = percent(self.tax.rate, 2);
        put(
            page,
            format_args!(
                "<table>\n<thead><tr><th>Item</th><th>SAC</th><th>Amount</th></tr></thead>\n\
                 <tbody><tr><td>{}{period}</td><td>{}</td><td>{}</td></tr></tbody>\n<tfoot>\n",
                escape_html(&self.item.description),
                escape_html(&self.item.sac),
                self.taxable_value,
            ),
        );
        sum(page, "Taxable value", self.taxable_value, "");
        sum(page, &format!("CGST {half}"), self.tax.cgst, "");
        sum(page, &format!("SGST {half}"), self.tax.sgst, "");
        sum(page, &format!("GST {} in all", percent(self.tax.rate, 1)), self.tax.total, "quiet");
        sum(page, "Total paid", self.total, "total");
        for refund in &self.refunds {
            let state = if refund.status == "pending" { ", under way" } else { "" };
            let name = format!("Refund of {}{state}", date(refund.created_at));
            sum(page, &name, Paise(-refund.amount.0), "");
        }
        if !self.refunds.is_empty() {
            sum(page, "Remains paid", self.net, "total");
        }
        page.push_str("</tfoot>\n</table>\n");
    }

    fn payment(&self, page: &mut String) {
        page.push_str("<dl class=\"facts\">\n");
        let method = self.payment_method.as_deref().map(str::to_uppercase);
        let id = self.transaction_id.to_string();
        for (name, value) in [
            ("Payment method", method.as_deref()),
            ("Payment", self.razorpay_payment_id.as_deref()),
            ("Transaction", Some(id.as_str())),
        ] {
            if let Some(value) = value {
                put(page, format_args!("<div><dt>{name}</dt><dd>{}</dd></div>\n", escape_html(value)));
            }
        }
        page.push_str("</dl>\n");
    }
}

fn put(page: &mut String, what: std::fmt::Arguments<'_>) {
    page.write_fmt(what).expect("a String takes everything");
}

fn sum(page: &mut String, name: &str, amount: Paise, class: &str) {
    put(page, format_args!("<tr class=\"{class}\"><th colspan=\"2\">{name}</th><td>{amount}</td></tr>\n"));
}

/// An address, a line for each of its parts.
fn lines(text: Option<&str>) -> String {
    text.into_iter()
        .flat_map(str::lines)
        .map(|line| format!("<span>{}</span>", escape_html(line.trim())))
        .collect()
}

/// `22 November 2026`, in India.
fn date(at: DateTime<Utc>) -> String {
    at.with_timezone(&india()).format("%-d %B %Y").to_string()
}

/// A part of a rate in hundredths of a percent: `18%`, `2.5%`.
fn percent(rate: i32, parts: i32) -> String {
    format!("{}%", f64::from(rate) / 100.0 / f64::from(parts))
}

//! What was paid, receipts, and the ledger.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{Html, IntoResponse as _, Response};
use banter_core::Banter;
use banter_core::ids::TransactionId;
use banter_core::payments::history::{Balances, Entry, Transaction};
use banter_core::payments::receipts::Receipt;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::http::error::ApiError;
use crate::http::extract::{Caller, PageQuery, Path, Query};
use crate::http::openapi::Refusal;
use crate::http::{Answer, Outcome, answer};

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PaymentHistory {
    transactions: Vec<Transaction>,
    next_cursor: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct OneTransaction {
    transaction: Transaction,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Ledger {
    balances: Balances,
    /// Newest first.
    entries: Vec<Entry>,
    next_cursor: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ReceiptFormat {
    Json,
    Html,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ReceiptQuery {
    /// `html`: a page to print, as `Accept: text/html` asks for too.
    #[param(inline)]
    format: Option<ReceiptFormat>,
}

#[derive(Serialize, ToSchema)]
pub struct OneReceipt {
    receipt: Receipt,
}

/// My payments and refunds, newest first
#[utoipa::path(get, path = "/payments/history", operation_id = "listPayments", tag = "Payments", params(PageQuery), security(("bearer" = [])),
    responses((status = OK, body = Answer<PaymentHistory>), Refusal))]
pub async fn history(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    Query(page): Query<PageQuery>,
) -> Outcome<PaymentHistory> {
    let page = banter.payments().history(&caller, &page.page()?).await?;
    answer(PaymentHistory { transactions: page.items, next_cursor: page.next_cursor })
}

/// One of my payments or refunds
#[utoipa::path(get, path = "/payments/transactions/{id}", operation_id = "getPayment", tag = "Payments",
    params(("id" = TransactionId, Path, description = "A transaction of the caller's")), security(("bearer" = [])),
    responses((status = OK, body = Answer<OneTransaction>), Refusal))]
pub async fn transaction(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    Path(id): Path<TransactionId>,
) -> Outcome<OneTransaction> {
    answer(OneTransaction { transaction: banter.payments().transaction(&caller, id).await? })
}

/// The receipt of a payment of mine
///
/// It gets its number when it is first asked for. `?format=html` or `Accept: text/html` answers a page to print.
#[utoipa::path(get, path = "/payments/transactions/{id}/receipt", operation_id = "getReceipt", tag = "Payments",
    params(("id" = TransactionId, Path, description = "A payment of the caller's"), ReceiptQuery), security(("bearer" = [])),
    responses((status = OK, body = Answer<OneReceipt>), Refusal))]
pub async fn receipt(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    Path(id): Path<TransactionId>,
    Query(query): Query<ReceiptQuery>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let receipt = banter.payments().receipt(&caller, id).await?;
    let accepted = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    let format = query.format.unwrap_or(if accepted.contains("text/html") {
        ReceiptFormat::Html
    } else {
        ReceiptFormat::Json
    });
    Ok(match format {
        ReceiptFormat::Json => Json(Answer::new(OneReceipt { receipt })).into_response(),
        ReceiptFormat::Html => {
            let policy = "default-src 'none'; style-src 'unsafe-inline'";
            ([(header::CONTENT_SECURITY_POLICY, policy)], Html(receipt.to_html())).into_response()
        }
    })
}

/// Every entry of my coins, newest first, and what I have
#[utoipa::path(get, path = "/payments/ledger", operation_id = "listCoinEntries", tag = "Payments", params(PageQuery), security(("bearer" = [])),
    responses((status = OK, body = Answer<Ledger>), Refusal))]
pub async fn ledger(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    Query(page): Query<PageQuery>,
) -> Outcome<Ledger> {
    let (balances, page) = banter.payments().ledger(&caller, &page.page()?).await?;
    answer(Ledger { balances, entries: page.items, next_cursor: page.next_cursor })
}
